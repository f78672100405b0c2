import fc from "fast-check";
import { expect, test } from "vitest";
import { Engine } from "../../engine/engine.ts";
import { COMMANDS_FOR_FULL_COVERAGE } from "../reference/fuzz/campaign.ts";
import {
  addCounts,
  type Counts,
  commandsIn,
  formatCounts,
  neverReached,
} from "../reference/fuzz/coverage.ts";
import type { ChallengerFactory } from "../reference/fuzz/duel.ts";
import { run } from "../reference/fuzz/run.ts";

// Commands in all, the same ones each time; `npm run fuzz:engine` is for longer campaigns and new seeds.
const COMMANDS = Number(process.env.CROSSBOOK_FUZZ_COMMANDS ?? 1_000_000);
const SEED = Number(process.env.CROSSBOOK_FUZZ_SEED ?? -1_977_713_070);
const COMMANDS_PER_RUN = 780;
const TEN_MINUTES_MS = 600_000;

const create: ChallengerFactory = (capacity, events) => new Engine(capacity, events);

test("the engine's events are those of the reference, byte by byte", {
  timeout: TEN_MINUTES_MS,
}, () => {
  const counts: Counts = {};
  fc.assert(
    fc.property(fc.maxSafeNat(), (seed) => addCounts(counts, run(create, seed))),
    {
      numRuns: Math.ceil(COMMANDS / COMMANDS_PER_RUN),
      // A run shrinks its own commands, and its seed is a name that does not shrink.
      endOnFailure: true,
      seed: SEED,
    },
  );
  const commands = commandsIn(counts);
  console.info(`${formatCounts(counts)}\n${commands} commands`);
  if (commands >= COMMANDS_FOR_FULL_COVERAGE) expect(neverReached(counts)).toEqual([]);
});
