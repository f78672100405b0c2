import path from "node:path";
import { type Command, Option } from "commander";
import { registerAll } from "./bench-all.ts";
import { registerCostBench } from "./bench-cost.ts";
import { registerCrowdBench } from "./bench-crowd.ts";
import { registerJournalBenches } from "./bench-journal.ts";
import { registerLoadBenches } from "./bench-load.ts";
import { nonNegative, positive, progress, wholeNumbers, wholePositive } from "./bench-options.ts";
import { measured } from "./bench-output.ts";
import { registerPipelineBench } from "./bench-pipeline.ts";
import { registerRedisBench } from "./bench-redis.ts";
import { registerReports } from "./bench-report.ts";
import { EXIT_DATA } from "./exit-codes.ts";

/** The benches are loaded when they are asked for: a server does without them. */
const load = {
  engine: () => import("../../../bench/engine/engine-bench.ts"),
  fanout: () => import("../../../bench/fanout/fanout.ts"),
  books: () => import("../../../bench/books/books.ts"),
  garbage: () => import("../../../bench/engine/garbage.ts"),
  micro: () => import("../../../bench/micro/micro.ts"),
  server: () => import("../../../bench/server.ts"),
};

interface EngineOptions {
  workload?: string;
  inputFormat: "flash1" | "b32";
  drain: boolean;
  runs: number;
  warmUp: number;
  simulator?: string;
  commands: number;
  resting: number;
  peer: boolean;
  peerSeconds: number;
  json: boolean;
}

interface FanoutBenchOptions {
  subscribers: number[];
  channel: "l1" | "l2" | "l3";
  rate: number;
  durability: "fsync" | "os" | "none";
  seconds: number;
  warmUp: number;
  directory?: string;
  json: boolean;
}

/** `crossbook bench engine|pipeline|latency|throughput|…|all|report|compare`: what this machine makes of it. */
export function register(program: Command): void {
  const bench = program.command("bench").description("measure engine and server on this machine");
  registerEngine(bench);
  registerPipelineBench(bench);
  registerRedisBench(bench);
  registerLoadBenches(bench);
  registerFanout(bench);
  registerCostBench(bench);
  registerCrowdBench(bench);
  registerJournalBenches(bench);
  bench
    .command("books")
    .description("what an event costs in books of several sizes, and in books made to be slow")
    .option("--rounds <number>", "each book once in each; medians count", wholePositive, 3)
    .option("--json", "print the result as JSON", false)
    .action(async ({ rounds, json }: { rounds: number; json: boolean }) => {
      const { formatBooks, runBooksBench } = await load.books();
      await measured(json, () => runBooksBench(rounds, progress), formatBooks);
    });
  bench
    .command("garbage")
    .description("the engine's loop, watched for garbage collections")
    .option("--seconds <number>", "how long", positive, 60)
    .option("--json", "print the result as JSON", false)
    .action(async ({ seconds, json }: { seconds: number; json: boolean }) => {
      const { formatGarbage, runGarbageBench } = await load.garbage();
      await measured(json, () => runGarbageBench(seconds), formatGarbage);
    });
  bench
    .command("micro")
    .description("the small operations that every order is made of")
    .option("--milliseconds <number>", "for each operation", positive, 500)
    .option("--json", "print the result as JSON", false)
    .action(async ({ milliseconds, json }: { milliseconds: number; json: boolean }) => {
      const { formatMicro, runMicro } = await load.micro();
      await measured(json, () => runMicro(milliseconds), formatMicro);
    });
  registerAll(bench);
  registerReports(bench);
}

function registerEngine(bench: Command): void {
  bench
    .command("engine")
    .description("the engine alone: no journal, no risk checks, no network")
    .option("--workload <file>", "commands to match, gzip or not (default: generated ones)")
    .addOption(
      new Option("--input-format <format>", "format of the workload")
        .choices(["flash1", "b32"])
        .default("b32"),
    )
    .option("--drain", "hand every event to a second thread, and wait for the last", false)
    .option("--runs <number>", "each in a fresh process; the median counts", wholePositive, 5)
    .option("--warm-up <number>", "commands played before the clock starts", nonNegative, 500_000)
    .option("--simulator <file>", "for b32: a CommonJS module whose class Oracle is the bare book")
    .option("--commands <number>", "generated commands", wholePositive, 1_000_000)
    .option("--resting <number>", "orders that rest in the generated book", wholePositive, 10_000)
    .option("--peer", "the same b32 workload through nodejs-order-book too", false)
    .option("--peer-seconds <number>", "most time for it", positive, 30)
    .option("--json", "print the result as JSON", false)
    .action(async (options: EngineOptions) => {
      const { formatEngineBench, runEngineBench } = await load.engine();
      const { workload, inputFormat, drain, runs, commands, resting, peer } = options;
      const result = await measured(
        options.json,
        () =>
          runEngineBench(
            {
              workload: workload === undefined ? null : { file: workload, format: inputFormat },
              generated: { commands, resting, seed: 1 },
              drain,
              runs,
              warmUp: options.warmUp,
              simulator: options.simulator === undefined ? null : path.resolve(options.simulator),
              peerSeconds: peer ? options.peerSeconds : 0,
            },
            progress,
          ),
        formatEngineBench,
      );
      if (result.isRight === false) process.exitCode = EXIT_DATA;
    });
}

function registerFanout(bench: Command): void {
  bench
    .command("fanout")
    .description("market data to many readers, and what that does to orders")
    .option("--subscribers <numbers>", "readers in each run", wholeNumbers, [1, 10, 100, 1000])
    .addOption(
      new Option("--channel <channel>", "what they read").choices(["l1", "l2", "l3"]).default("l3"),
    )
    .option("--rate <number>", "orders a second", positive, 200)
    .addOption(
      new Option("--durability <mode>", "of the server")
        .choices(["fsync", "os", "none"])
        .default("os"),
    )
    .option("--seconds <number>", "measured, for each run", positive, 10)
    .option("--warm-up <number>", "seconds before", nonNegative, 3)
    .option("--directory <path>", "where the server's data goes for the time being")
    .option("--json", "print the result as JSON", false)
    .action(async (options: FanoutBenchOptions) => {
      const { formatFanout, runFanoutBench } = await load.fanout();
      await measured(
        options.json,
        async () =>
          runFanoutBench(
            {
              subscribers: options.subscribers,
              channel: options.channel,
              ratePerSecond: options.rate,
              seconds: options.seconds,
              warmUpSeconds: options.warmUp,
              durability: options.durability,
              parentDirectory: options.directory ?? (await load.server()).defaultParentDirectory(),
            },
            progress,
          ),
        formatFanout,
      );
    });
}
