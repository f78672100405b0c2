import fs from "node:fs";
import path from "node:path";
import { median } from "../engine/engine-bench.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import type { ReplayRun, ReplayRunOptions } from "./replay.ts";

export interface ReplayBenchOptions {
  /** Where the data directory is made for the time being. */
  readonly parentDirectory: string;
  readonly commands: number;
  readonly resting: number;
  readonly runs: number;
}

const STEPS = ["read", "replay", "replayInOneThread", "verify"] as const;
type Step = (typeof STEPS)[number];

const MEANING: Readonly<Record<Step, string>> = {
  read: "read and check the journal: checksums, order, chain, records",
  replay: "replay: that, and match every command and hash every event",
  replayInOneThread: "  the same without a thread that reads ahead",
  verify: "replay --verify: and compare every event, give every verdict again",
};

export interface ReplayBenchResult {
  readonly bench: "replay";
  readonly machine: Machine;
  readonly options: ReplayBenchOptions;
  readonly journalBytes: number;
  readonly rows: readonly {
    readonly step: Step;
    readonly commandsPerSecond: number;
    /** Of each run, in a fresh process. */
    readonly seconds: readonly number[];
  }[];
}

/** How fast a journal is read, replayed and verified. */
export async function runReplayBench(
  options: ReplayBenchOptions,
  onStep: (what: string) => void,
): Promise<ReplayBenchResult> {
  const { commands, resting, runs } = options;
  const parent = fs.mkdtempSync(path.join(options.parentDirectory, "crossbook-replay-bench-"));
  const seconds = new Map<Step, number[]>(STEPS.map((step) => [step, []]));
  const run = (step: ReplayRunOptions["step"]) => {
    const input: ReplayRunOptions = { directory: parent, step, commands, resting };
    return runProcess<ReplayRun>("bench/journal/replay.process.js", input);
  };
  let journalBytes = 0;
  try {
    onStep("make");
    await run("make");
    for (let n = 1; n <= runs; n++) {
      for (const step of STEPS) {
        onStep(`${step}, ${n} of ${runs}`);
        const result = await run(step);
        if (result.commands !== commands) throw new Error(`${step} came to ${result.commands}`);
        if (step === "read") journalBytes = result.bytes;
        seconds.get(step)?.push(result.seconds);
      }
    }
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
  const rows = STEPS.map((step) => {
    const took = seconds.get(step) ?? [];
    return { step, seconds: took, commandsPerSecond: Math.round(commands / median(took)) };
  });
  return { bench: "replay", machine: describeMachine(), options, journalBytes, rows };
}

export function formatReplayBench(result: ReplayBenchResult): string {
  const { machine, options, rows, journalBytes } = result;
  const mib = (journalBytes / 2 ** 20).toFixed(0);
  return [
    `${options.commands} commands, a journal of ${mib} MiB in the page cache, median of ${options.runs}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    ...rows.map(
      ({ step, commandsPerSecond }) =>
        `${(commandsPerSecond / 1e6).toFixed(2).padStart(6)} M commands/s  ${MEANING[step]}`,
    ),
    "",
  ].join("\n");
}
