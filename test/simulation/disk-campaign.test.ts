import { expect, it } from "vitest";
import { emptyCounts, runSeries } from "./disk-campaign.ts";

// `npm run campaign:disk -- --count N --seed S` sets these.
const SERIES = Number(process.env.CROSSBOOK_CAMPAIGN_COUNT ?? 200);
const SEED = Number(process.env.CROSSBOOK_CAMPAIGN_SEED ?? 1);
const LIVES = 8;

it("whatever a disk does to what was not synced, no acknowledged command is lost or found twice", {
  timeout: 24 * 3600 * 1000,
}, () => {
  const counts = emptyCounts();
  for (let series = 0; series < SERIES; series++) runSeries(SEED + series, LIVES, counts);
  // The misfortunes must have happened.
  expect(counts.lives).toBe(SERIES * LIVES);
  if (SERIES < 100) return;
  expect(counts.powerLosses).toBeGreaterThan(SERIES);
  expect(counts.lossesInRecovery).toBeGreaterThan(SERIES / 4);
  expect(counts.tornTails).toBeGreaterThan(SERIES / 10);
  expect(counts.faults).toBeGreaterThan(SERIES / 4);
  expect(counts.unacknowledgedFound).toBeGreaterThan(0);
  if (process.env.CROSSBOOK_CAMPAIGN_COUNT !== undefined) {
    process.stdout.write(`${JSON.stringify({ seed: SEED, series: SERIES, ...counts })}\n`);
  }
});
