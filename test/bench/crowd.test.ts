import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { formatCrowd, runCrowdBench } from "../../bench/crowd/crowd.ts";

const parentDirectory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-bench-crowd-"));
afterAll(() => fs.rmSync(parentDirectory, { recursive: true, force: true }));

test("a client beside stuck readers and a flood gets every answer", async () => {
  const result = await runCrowdBench(
    {
      readers: 20,
      flooders: 1,
      sessionPerSecond: 200,
      floodFactor: 10,
      ratePerSecond: 50,
      pairs: 1,
      seconds: 1,
      warmUpSeconds: 1,
      durability: "none",
      parentDirectory,
    },
    () => {},
  );
  const [pair] = result.pairs;
  expect(pair).toMatchObject({ lost: 0, errors: 0 });
  expect(pair?.crowd).toMatchObject({ readersOpen: 20, readersCut: 0 });
  expect(pair?.crowd.floodSent).toBeGreaterThan(200);
  expect(pair?.alone.count).toBeGreaterThan(20);
  expect(pair?.aloneMb).toBeGreaterThan(50);
  expect(pair?.crowdedMb).toBeGreaterThan(50);
  expect(formatCrowd(result)).toContain("20 readers open");
}, 120_000);
