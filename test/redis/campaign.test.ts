import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FAULT_KINDS, runCampaign } from "./campaign.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-redis-faults-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

/** The quick ones of each sort; `npm run campaign:redis` has them all. */
const SHORT = [
  "kill -9, append-only file (everysec)",
  "kill -9, the tail is lost",
  "kill -9, everything is lost",
  "pause, shorter than the time limit",
  "connection cut between write and reply",
  "READONLY, a replica",
  "out of memory, noeviction",
  "replica promoted with a lost tail",
  "FLUSHALL",
  "a foreign higher id in events",
];

test("after faults of Redis under load every event is published once, or there is a halt with its reason", async () => {
  const kinds = FAULT_KINDS.filter(({ name }) => SHORT.includes(name));
  expect(kinds).toHaveLength(SHORT.length);
  const seed = Number(process.env.CROSSBOOK_TEST_SEED ?? Date.now() % 1e9);
  const report = await runCampaign({ faults: SHORT.length, seed, directory, kinds });
  expect({ seed, findings: report.findings }).toEqual({ seed, findings: [] });
  expect([...report.happened.keys()].sort()).toEqual([...SHORT].sort());
  expect(report.halts).toEqual(new Map([["foreignEntry", 1]]));
  expect(report.eventsReplayed).toBeGreaterThan(1_000);
}, 120_000);
