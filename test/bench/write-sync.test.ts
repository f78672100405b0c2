import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { measureWriteSync } from "../../bench/yardsticks/write-sync.ts";

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-write-sync-"));
const common = {
  directory,
  schedule: "poisson",
  day: null,
  seed: 1,
  recordBytes: 120,
  sync: true,
} as const;

test("open loop: every record is counted, and those that waited share a write", () => {
  const result = measureWriteSync({ ...common, ratePerSecond: 50_000, seconds: 0.3 });
  expect(result.latency.count).toBe(15_000);
  expect(result.isClosedLoop).toBe(false);
  expect(result.writes).toBeLessThan(15_000);
});

test("closed loop: one record a write, and no file is left behind", () => {
  const result = measureWriteSync({ ...common, ratePerSecond: 0, seconds: 0.2 });
  expect(result.writes).toBe(result.latency.count);
  expect(result.isClosedLoop).toBe(true);
  expect(fs.readdirSync(directory)).toEqual([]);
  fs.rmSync(directory, { recursive: true });
});
