import { expect, test } from "vitest";
import { runCampaign } from "./campaign.ts";

test("clients that join, leave, pause and come back at random have the engine's books at every step", () => {
  const tally = runCampaign(3000, 1);
  expect(tally.states).toBeGreaterThan(5000);
  expect(tally.snapshots).toBeGreaterThan(500);
  expect(tally.resumed).toBeGreaterThan(20);
  expect(tally.indications).toBeGreaterThan(5);
  expect(tally.midCommand).toBeGreaterThan(50);
});
