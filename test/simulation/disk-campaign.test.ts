import { expect, it } from "vitest";
import { emptyCounts, LIVES_UNTIL_POWER_LOSS, runSeries } from "./disk-campaign.ts";

const SERIES = 200;
const LIVES = 8;
const POWER_LOSSES = 20_000;

it("whatever a disk does to what was not synced, no acknowledged command is lost or found twice", () => {
  const counts = emptyCounts();
  for (let seed = 1; seed <= SERIES; seed++) runSeries(seed, LIVES, counts);
  // The misfortunes must have happened.
  expect(counts.lives).toBe(SERIES * LIVES);
  expect(counts.powerLosses).toBeGreaterThan(SERIES);
  expect(counts.lossesInRecovery).toBeGreaterThan(SERIES / 4);
  expect(counts.tornTails).toBeGreaterThan(SERIES / 10);
  expect(counts.faults).toBeGreaterThan(SERIES / 4);
  expect(counts.kills).toBeGreaterThan(SERIES);
  expect(counts.unacknowledgedFound).toBeGreaterThan(0);
});

it("nor in twenty thousand power losses, at work and in recovery", { timeout: 300_000 }, () => {
  const counts = emptyCounts();
  for (let seed = 1; counts.powerLosses < POWER_LOSSES; seed++) {
    runSeries(seed, LIVES_UNTIL_POWER_LOSS, counts, "power");
  }
  expect(counts.lossesInRecovery).toBeGreaterThan(POWER_LOSSES / 5);
  expect(counts.tornTails).toBeGreaterThan(POWER_LOSSES / 10);
  expect(counts.unacknowledgedFound).toBeGreaterThan(POWER_LOSSES / 20);
});
