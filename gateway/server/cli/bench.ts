import fs from "node:fs";
import path from "node:path";
import { type Command, Option } from "commander";
import { registerJournalBenches } from "./bench-journal.ts";
import {
  aboveOne,
  list,
  nonNegative,
  positive,
  progress,
  wholeNumbers,
  wholePositive,
} from "./bench-options.ts";
import { registerPipelineBench } from "./bench-pipeline.ts";
import { registerRedisBench } from "./bench-redis.ts";
import { EXIT_DATA } from "./exit-codes.ts";

/** The benches are loaded when they are asked for: a server does without them. */
const load = {
  engine: () => import("../../../bench/engine/engine-bench.ts"),
  latency: () => import("../../../bench/latency/latency.ts"),
  throughput: () => import("../../../bench/throughput/throughput.ts"),
  fanout: () => import("../../../bench/fanout/fanout.ts"),
  books: () => import("../../../bench/books/books.ts"),
  garbage: () => import("../../../bench/engine/garbage.ts"),
  micro: () => import("../../../bench/micro/micro.ts"),
  server: () => import("../../../bench/server.ts"),
  options: () => import("../../../bench/load/options.ts"),
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

interface ServerOptions {
  durability: "fsync" | "os" | "none";
  seconds: number;
  warmUp: number;
  connections: number;
  directory?: string;
  serve: string[];
  json: boolean;
}

interface LatencyOptions extends ServerOptions {
  rate: number;
  schedule: "constant" | "poisson" | "bursts";
  pacing: "spin" | "sleep";
  seed: number;
  url?: string;
  key: string[];
  symbol: string;
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

interface ThroughputOptions extends ServerOptions {
  rate: number;
  factor: number;
}

/** `crossbook bench engine|pipeline|latency|throughput|fanout|journal|replay|micro|all`: what this machine makes of it. */
export function register(program: Command): void {
  const bench = program.command("bench").description("measure engine and server on this machine");
  registerEngine(bench);
  registerPipelineBench(bench);
  registerRedisBench(bench);
  registerLatency(bench);
  registerThroughput(bench);
  registerFanout(bench);
  registerJournalBenches(bench);
  bench
    .command("books")
    .description("what an event costs in books of several sizes, and in books made to be slow")
    .option("--rounds <number>", "each book once in each; medians count", wholePositive, 3)
    .option("--json", "print the result as JSON", false)
    .action(async ({ rounds, json }: { rounds: number; json: boolean }) => {
      const { formatBooks, runBooksBench } = await load.books();
      const result = await runBooksBench(rounds, progress);
      print(json, result, () => formatBooks(result));
    });
  bench
    .command("garbage")
    .description("the engine's loop, watched for garbage collections")
    .option("--seconds <number>", "how long", positive, 60)
    .option("--json", "print the result as JSON", false)
    .action(async ({ seconds, json }: { seconds: number; json: boolean }) => {
      const { formatGarbage, runGarbageBench } = await load.garbage();
      const result = await runGarbageBench(seconds);
      print(json, result, () => formatGarbage(result));
    });
  bench
    .command("micro")
    .description("the small operations that every order is made of")
    .option("--milliseconds <number>", "for each operation", positive, 500)
    .option("--json", "print the result as JSON", false)
    .action(async ({ milliseconds, json }: { milliseconds: number; json: boolean }) => {
      const { formatMicro, runMicro } = await load.micro();
      const rows = await runMicro(milliseconds);
      print(json, { bench: "micro", rows }, () => formatMicro(rows));
    });
  bench
    .command("all")
    .description("engine, micro, latency and throughput, one after the other, in short")
    .option("--seconds <number>", "measured, for each rate", positive, 10)
    .option("--json", "print the results as JSON, one a line", false)
    .action(async ({ seconds, json }: { seconds: number; json: boolean }) => {
      const flags = ["--seconds", String(seconds), ...(json ? ["--json"] : [])];
      const jsonFlag = json ? ["--json"] : [];
      for (const args of [
        ["micro", ...jsonFlag],
        ["engine", ...jsonFlag],
        ["latency", "--durability", "os", ...flags],
        ["latency", "--durability", "fsync", ...flags],
        ["throughput", "--connections", "10", ...flags],
      ]) {
        await bench.parseAsync(args, { from: "user" });
        if (!json) process.stdout.write("\n");
      }
    });
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
      const result = await runEngineBench(
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
      );
      print(options.json, result, () => formatEngineBench(result));
      if (result.isRight === false) process.exitCode = EXIT_DATA;
    });
}

function registerLatency(bench: Command): void {
  serverOptions(
    bench
      .command("latency")
      .description("order to acknowledgement over a WebSocket, open loop")
      .option("--rate <number>", "orders a second, of all clients together", positive, 5_000)
      .addOption(
        new Option("--schedule <kind>", "when orders are due")
          .choices(["constant", "poisson", "bursts"])
          .default("poisson"),
      )
      .addOption(
        new Option("--pacing <kind>", "whether the generator spins, or sleeps in between")
          .choices(["spin", "sleep"])
          .default("spin"),
      )
      .option("--seed <number>", "of the schedule and the orders", nonNegative, 1)
      .option("--url <url>", "another server than one of our own (ws://host:port/v1/trade)")
      .option(
        "--key <file>",
        "with --url: a key for each client, as `keys create` prints it",
        list,
        [],
      )
      .option("--symbol <symbol>", "with --url: the instrument", "BENCH-USD"),
    1,
    20,
  ).action(async (options: LatencyOptions) => {
    const { formatLatencyBench, runLatencyBench } = await load.latency();
    const { keySchema } = await load.options();
    const keys = options.key.map((file) =>
      keySchema.parse(JSON.parse(fs.readFileSync(file, "utf8"))),
    );
    const server =
      options.url === undefined ? null : { url: options.url, keys, symbol: options.symbol };
    const result = await runLatencyBench(
      {
        ratePerSecond: options.rate,
        seconds: options.seconds,
        warmUpSeconds: options.warmUp,
        connections: options.connections,
        schedule: options.schedule,
        pacing: options.pacing,
        durability: options.durability,
        seed: options.seed,
        parentDirectory: await directoryOf(options),
        serveFlags: options.serve,
        server,
      },
      progress,
    );
    print(options.json, result, () => formatLatencyBench(result));
  });
}

function registerThroughput(bench: Command): void {
  serverOptions(
    bench
      .command("throughput")
      .description("raise the rate, open loop, until the server falls behind")
      .option("--rate <number>", "orders a second at the start", positive, 10_000)
      .option("--factor <number>", "from one rate to the next", aboveOne, 1.5),
    10,
    10,
  ).action(async (options: ThroughputOptions) => {
    const { formatThroughput, runThroughputBench } = await load.throughput();
    const result = await runThroughputBench(
      {
        firstRatePerSecond: options.rate,
        factor: options.factor,
        secondsEach: options.seconds,
        warmUpSeconds: options.warmUp,
        connections: options.connections,
        durability: options.durability,
        parentDirectory: await directoryOf(options),
        serveFlags: options.serve,
      },
      progress,
    );
    print(options.json, result, () => formatThroughput(result));
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
      const result = await runFanoutBench(
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
      );
      print(options.json, result, () => formatFanout(result));
    });
}

function serverOptions(command: Command, connections: number, seconds: number): Command {
  return command
    .addOption(
      new Option("--durability <mode>", "of the server")
        .choices(["fsync", "os", "none"])
        .default("fsync"),
    )
    .option("--seconds <number>", "measured", positive, seconds)
    .option("--warm-up <number>", "seconds before", nonNegative, 3)
    .option(
      "--connections <number>",
      "clients, each with an account of its own",
      wholePositive,
      connections,
    )
    .option("--directory <path>", "where the server's data goes for the time being")
    .option(
      "--serve <flag>",
      "a further flag for `crossbook serve`, as --serve=--redis=off",
      list,
      [],
    )
    .option("--json", "print the result as JSON", false);
}

async function directoryOf({ directory }: ServerOptions): Promise<string> {
  return directory ?? (await load.server()).defaultParentDirectory();
}

function print(json: boolean, result: object, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : text());
}
