import { expect, test } from "vitest";
import type { PlainEvent } from "../records.ts";
import { campaign } from "./campaign.ts";
import type { ChallengerFactory } from "./duel.ts";
import { ReferenceChallenger } from "./reference-challenger.ts";
import { FailedRun } from "./run.ts";

const COMMANDS = 20_000;

function failure(spoil: (event: PlainEvent) => PlainEvent | null): FailedRun {
  const create: ChallengerFactory = (capacity, events) =>
    new ReferenceChallenger(capacity, events, spoil);
  try {
    campaign(create, { seed: 1, commands: COMMANDS });
  } catch (error) {
    if (error instanceof FailedRun) return error;
    throw error;
  }
  throw new Error("the comparison found nothing");
}

test("an engine without faults passes", () => {
  const create: ChallengerFactory = (capacity, events) => new ReferenceChallenger(capacity, events);
  const progress = campaign(create, { seed: 1, commands: COMMANDS });
  expect(progress.commands).toBeGreaterThanOrEqual(COMMANDS);
});

test("a wrong price is found, and shrunk to the few commands that it needs", () => {
  const found = failure((event) =>
    event.type === "Trade" ? { ...event, priceTicks: event.priceTicks + 1 } : event,
  );
  expect(found.message).toMatch(/differs/);
  expect(found.commands.length).toBeLessThanOrEqual(8);
});

test("an event left out is found", () => {
  const found = failure((event) => (event.type === "Triggered" ? null : event));
  expect(found.commands.length).toBeLessThanOrEqual(8);
});

test("dirt in a header field is found", () => {
  const found = failure((event) => ({
    ...event,
    keyTag: event.type === "Reduced" ? 1 : event.keyTag,
  }));
  expect(found.commands.length).toBeLessThanOrEqual(8);
});
