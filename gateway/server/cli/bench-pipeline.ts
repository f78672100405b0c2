import os from "node:os";
import { type Command, Option } from "commander";
import {
  type DurabilityOption,
  durabilityOption,
  nonNegative,
  outputOptions,
  positive,
  progress,
  wholePositive,
} from "./bench-options.ts";
import { measured } from "./bench-output.ts";

const load = {
  pipeline: () => import("../../../bench/pipeline/pipeline-bench.ts"),
  server: () => import("../../../bench/server.ts"),
};

/** With fewer cores the server's engine has no thread of its own either. */
const CORES_FOR_ENGINE = 4;
const COMMAND_SLOTS = 1 << 14;
const EVENT_SLOTS = 1 << 16;

interface PipelineOptions {
  rate?: number;
  runs: number;
  schedule: "constant" | "poisson" | "bursts";
  pacing: "sleep" | "spin";
  durability: DurabilityOption;
  segments: "recycled" | "fresh";
  threading: "shared" | "dedicated";
  risk: number;
  commandSlots: number;
  eventSlots: number;
  clients: number;
  resting: number;
  seconds: number;
  warmUp: number;
  seed: number;
  directory?: string;
  json: boolean;
}

/** `crossbook bench pipeline`. */
export function registerPipelineBench(bench: Command): void {
  const command = bench
    .command("pipeline")
    .description("everything but the network: ring, risk, engine, journal, events")
    .option("--rate <number>", "open loop (default: half of what full speed gives)", positive)
    .option(
      "--runs <number>",
      "of each: with matching and without in turns, then with the bare loop in turns",
      wholePositive,
      3,
    )
    .addOption(
      new Option("--schedule <kind>", "when commands are due")
        .choices(["constant", "poisson", "bursts"])
        .default("poisson"),
    )
    .addOption(
      new Option("--pacing <how>", "how the feeder waits in the open loop: spin takes a core")
        .choices(["sleep", "spin"])
        .default(os.availableParallelism() < CORES_FOR_ENGINE ? "sleep" : "spin"),
    )
    .addOption(durabilityOption("of the journal", "fsync"))
    .addOption(
      new Option("--segments <kind>", "used again, or laid out meanwhile as the server does it")
        .choices(["recycled", "fresh"])
        .default("recycled"),
    )
    .addOption(
      new Option("--threading <mode>", "whether the engine has a thread of its own")
        .choices(["shared", "dedicated"])
        .default(os.availableParallelism() < CORES_FOR_ENGINE ? "shared" : "dedicated"),
    )
    .option("--risk <number>", "risk workers", wholePositive, 1)
    .option("--command-slots <number>", "of the command ring", wholePositive, COMMAND_SLOTS)
    .option("--event-slots <number>", "of the event ring", wholePositive, EVENT_SLOTS)
    .option("--clients <number>", "accounts that the commands belong to", wholePositive, 10)
    .option("--resting <number>", "orders that rest in the book", wholePositive, 1_000)
    .option("--seconds <number>", "measured, for each run", positive, 10)
    .option("--warm-up <number>", "seconds before", nonNegative, 3)
    .option("--seed <number>", "of the schedule", nonNegative, 1);
  outputOptions(command).action(async (options: PipelineOptions) => {
    const { formatPipelineBench, runPipelineBench } = await load.pipeline();
    const { schedule, pacing, durability, segments, threading, clients, resting, seed } = options;
    await measured(
      options.json,
      async () =>
        runPipelineBench(
          {
            ...{ schedule, pacing, durability, segments, threading, clients, resting, seed },
            ratePerSecond: options.rate ?? null,
            runs: options.runs,
            seconds: options.seconds,
            warmUpSeconds: options.warmUp,
            riskWorkers: options.risk,
            commandSlots: options.commandSlots,
            eventSlots: options.eventSlots,
            parentDirectory: options.directory ?? (await load.server()).defaultParentDirectory(),
          },
          progress,
        ),
      formatPipelineBench,
    );
  });
}
