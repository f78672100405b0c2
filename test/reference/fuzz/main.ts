// `npm run fuzz:engine -- --commands N --seed S`: the engine against the reference, until N commands
// are done or a difference is found. `--run R` plays the one run with that seed again. Ends with 1 for
// a difference or a feature never reached.
import { parseArgs } from "node:util";
import { Engine } from "../../../engine/engine.ts";
import { campaign, loadProgress, missing, saveProgress } from "./campaign.ts";
import { formatCounts } from "./coverage.ts";
import type { ChallengerFactory } from "./duel.ts";
import { FailedRun, run } from "./run.ts";

const { values } = parseArgs({
  options: {
    commands: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    progress: { type: "string" },
    run: { type: "string" },
  },
});
const seed = Number(values.seed);
const commands = Number(values.commands);
const path = values.progress ?? `.fuzz/engine-${seed}.json`;
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(commands)) {
  process.stderr.write("--commands and --seed are integers\n");
  process.exit(64);
}

const create: ChallengerFactory = (capacity, events) => new Engine(capacity, events);
const SAVE_EVERY_MS = 5000;

function main(): number {
  if (values.run !== undefined) {
    const counts = run(create, Number(values.run));
    process.stdout.write(`${formatCounts(counts)}\n`);
    return 0;
  }
  const earlier = loadProgress(path, seed);
  if (earlier !== undefined) {
    process.stdout.write(`going on after ${earlier.runs} runs, ${earlier.commands} commands\n`);
  }
  let saved = performance.now();
  const done = campaign(
    create,
    {
      seed,
      commands,
      onRun(progress) {
        if (performance.now() - saved < SAVE_EVERY_MS) return;
        saved = performance.now();
        saveProgress(path, progress);
        process.stdout.write(`${progress.runs} runs, ${progress.commands} commands\n`);
      },
    },
    earlier,
  );
  saveProgress(path, done);
  process.stdout.write(`${formatCounts(done.counts)}\n`);
  const never = missing(done);
  for (const feature of never) process.stdout.write(`never reached: ${feature}\n`);
  process.stdout.write(`${done.runs} runs, ${done.commands} commands, seed ${seed}\n`);
  return never.length === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof FailedRun)) throw error;
  process.stdout.write(`${error.message}\n`);
  process.exitCode = 1;
}
