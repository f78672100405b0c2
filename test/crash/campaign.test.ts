// The long run is `npm run campaign:kill -- --count 200 --seed N`; this one is for every change.
import fs from "node:fs";
import os from "node:os";
import { expect, test } from "vitest";
import { makeDirectory, runCampaign } from "./campaign.ts";
import { formatReport } from "./report.ts";

const SEED = Number(process.env.CAMPAIGN_SEED ?? 1);

test("ten kills under load, in recovery, in shutdown and in a snapshot lose, double and change nothing", async () => {
  const directory = makeDirectory(os.tmpdir());
  const report = await runCampaign({ count: 10, seed: SEED, directory });
  expect(report.findings, `kept: ${directory}\n${formatReport(report)}`).toEqual([]);
  // What proves that it was a campaign: faults that hit, answers to lose, requests sent again.
  expect(report.hits.get("live")).toBeGreaterThanOrEqual(2);
  expect(report.hits.get("recovering")).toBeGreaterThanOrEqual(1);
  expect(report.hits.get("stopping")).toBeGreaterThanOrEqual(1);
  expect(report.hits.get("snapshotting")).toBeGreaterThanOrEqual(1);
  const { byOlder, byJournal } = report.unfinished;
  expect(byOlder + byJournal).toBeGreaterThanOrEqual(1);
  expect(report.answered).toBeGreaterThan(200);
  expect(report.resent).toBeGreaterThan(0);
  expect(report.comparedAgain).toBeGreaterThan(100);
  expect(report.audit.trades).toBeGreaterThan(50);
  expect(report.anchors.logged).toBeGreaterThan(5);
  expect(report.anchors.published).toBeGreaterThan(1);
  fs.rmSync(directory, { recursive: true });
}, 120_000);
