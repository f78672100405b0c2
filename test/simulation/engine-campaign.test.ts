import { expect, it } from "vitest";
import { emptyEngineCounts, runEngineSeries } from "./engine-campaign.ts";

const POWER_LOSSES = 1000;
const LIVES = 20;

it("over power losses every event that was given out comes again, and the state is a clean run's", {
  timeout: 120_000,
}, () => {
  const counts = emptyEngineCounts();
  for (let seed = 1; counts.powerLosses < POWER_LOSSES; seed++) {
    runEngineSeries(seed, LIVES, counts);
  }
  expect(counts.lossesInRecovery).toBeGreaterThan(POWER_LOSSES / 5);
  expect(counts.eventsAgain).toBeGreaterThan(POWER_LOSSES * 10);
  expect(counts.trades).toBeGreaterThan(POWER_LOSSES);
});
