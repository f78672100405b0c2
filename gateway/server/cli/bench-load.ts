import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Command, Option } from "commander";
import {
  aboveOne,
  type DurabilityOption,
  durabilityOption,
  list,
  nonNegative,
  outputOptions,
  positive,
  progress,
  wholeNumbers,
  wholePositive,
} from "./bench-options.ts";
import { measured } from "./bench-output.ts";
import { EXIT_USAGE } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";

const load = {
  idle: () => import("../../../bench/idle/idle.ts"),
  latency: () => import("../../../bench/latency/latency.ts"),
  options: () => import("../../../bench/load/options.ts"),
  server: () => import("../../../bench/server.ts"),
  soak: () => import("../../../bench/soak/soak.ts"),
  throughput: () => import("../../../bench/throughput/throughput.ts"),
};

/** With fewer, a generator that spins takes a core that the server needs at its limit. */
const CORES_TO_SPARE = 4;

type Encoding = "binary" | "json";

interface ServerOptions {
  durability: DurabilityOption;
  directory?: string;
  serve: string[];
  json: boolean;
}

interface LatencyOptions extends ServerOptions {
  rate: number;
  seconds: number;
  warmUp: number;
  connections: number;
  encoding: Encoding;
  schedule: "constant" | "poisson" | "bursts" | "day";
  day?: string;
  speed: number;
  pacing: "spin" | "sleep";
  receipts: number;
  seed: number;
  url?: string;
  key: string[];
  symbol: string;
}

interface ThroughputOptions extends ServerOptions {
  rate: number;
  factor: number;
  search: boolean;
  searchPercent: number;
  seconds: number;
  warmUp: number;
  connections: number[];
  encoding: Encoding[];
  pacing: "spin" | "sleep";
}

interface IdleOptions extends ServerOptions {
  seconds: number;
  warmUp: number;
}

interface SoakOptions extends ServerOptions {
  minutes: number;
  rate: number;
  connections: number;
}

/** `crossbook bench latency|throughput|idle|soak`: a whole server. */
export function registerLoadBenches(bench: Command): void {
  registerLatency(bench);
  registerThroughput(bench);
  registerIdle(bench);
  registerSoak(bench);
}

function registerLatency(bench: Command): void {
  const command = bench
    .command("latency")
    .description("order to acknowledgement over a WebSocket, open loop")
    .option("--rate <number>", "orders a second, of all clients together", positive, 5_000)
    .option("--seconds <number>", "measured", positive, 20)
    .option("--warm-up <number>", "seconds before", nonNegative, 3)
    .option("--connections <number>", "clients, each with an account of its own", wholePositive, 1)
    .addOption(encodingOption().default("binary"))
    .addOption(
      new Option("--schedule <kind>", "when orders are due; day: as in a recorded day")
        .choices(["constant", "poisson", "bursts", "day"])
        .default("poisson"),
    )
    .option("--day <file>", "for the schedule day: a LOBSTER zip or message file")
    .option("--speed <number>", "for the schedule day: so many times its own pace", positive, 1)
    .addOption(pacingOption("spin"))
    .option("--receipts <number>", "every so manieth order asks for one; 0: none", nonNegative, 16)
    .option("--seed <number>", "of the schedule and the orders", nonNegative, 1)
    .option("--url <url>", "another server than one of our own (ws://host:port/v1/trade)")
    .option("--key <file>", "with --url: a client's key, as `keys create` prints it", list, [])
    .option("--symbol <symbol>", "with --url: the instrument", "BENCH-USD");
  serverOptions(command).action(async (options: LatencyOptions) => {
    const { formatLatencyBench, runLatencyBench } = await load.latency();
    const { schedule, encoding, pacing, durability, seed, connections, seconds } = options;
    const input = {
      ...{ schedule, encoding, pacing, durability, seed, connections, seconds },
      ratePerSecond: options.rate,
      warmUpSeconds: options.warmUp,
      day: dayOf(options),
      receiptEvery: Math.floor(options.receipts),
      parentDirectory: await directoryOf(options),
      serveFlags: options.serve,
      server: await otherServer(options),
    };
    await measured(options.json, () => runLatencyBench(input, progress), formatLatencyBench);
  });
}

function pacingOption(normal: LatencyOptions["pacing"]): Option {
  return new Option("--pacing <kind>", "whether the generator spins, or sleeps in between")
    .choices(["spin", "sleep"])
    .default(normal);
}

function dayOf({ schedule, day, speed }: LatencyOptions) {
  if (schedule !== "day") return null;
  if (day === undefined) throw new ExitError(EXIT_USAGE, "--schedule day needs --day FILE");
  if (!fs.existsSync(day)) throw new ExitError(EXIT_USAGE, `--day ${day}: there is no such file`);
  return { file: path.resolve(day), speed };
}

async function otherServer({ url, key, symbol }: LatencyOptions) {
  if (url === undefined) return null;
  const { keySchema } = await load.options();
  const keys = key.map((file) => keySchema.parse(JSON.parse(fs.readFileSync(file, "utf8"))));
  return { url, keys, symbol };
}

function registerThroughput(bench: Command): void {
  const command = bench
    .command("throughput")
    .description("raise the rate, open loop, until the server falls behind")
    .option("--rate <number>", "orders a second at the start", positive, 10_000)
    .option("--factor <number>", "from one rate to the next", aboveOne, 1.5)
    .option("--search", "then search the place where it falls behind", false)
    .option("--search-percent <number>", "how closely", positive, 5)
    .option("--seconds <number>", "measured, for each rate", positive, 10)
    .option("--warm-up <number>", "seconds before", nonNegative, 3)
    .option("--connections <numbers>", "clients of each curve, as 1,10,100", wholeNumbers, [10])
    .option("--encoding <names>", "of each curve: binary, json, or binary,json", encodings, [
      "binary",
    ])
    .addOption(pacingOption(os.availableParallelism() < CORES_TO_SPARE ? "sleep" : "spin"));
  serverOptions(command).action(async (options: ThroughputOptions) => {
    const { formatThroughput, runThroughputBench } = await load.throughput();
    const input = {
      firstRatePerSecond: options.rate,
      factor: options.factor,
      searchPercent: options.search ? options.searchPercent : 0,
      secondsEach: options.seconds,
      warmUpSeconds: options.warmUp,
      connections: options.connections,
      encodings: options.encoding,
      pacing: options.pacing,
      durability: options.durability,
      parentDirectory: await directoryOf(options),
      serveFlags: options.serve,
    };
    await measured(options.json, () => runThroughputBench(input, progress), formatThroughput);
  });
}

function registerIdle(bench: Command): void {
  const command = bench
    .command("idle")
    .description("what a server costs that has nothing to do")
    .option("--seconds <number>", "measured", positive, 30)
    .option("--warm-up <number>", "seconds before, to settle", nonNegative, 30);
  serverOptions(command).action(async (options: IdleOptions) => {
    const { formatIdle, runIdleBench } = await load.idle();
    const input = {
      seconds: options.seconds,
      warmUpSeconds: options.warmUp,
      durability: options.durability,
      parentDirectory: await directoryOf(options),
      serveFlags: options.serve,
    };
    await measured(options.json, () => runIdleBench(input, progress), formatIdle);
  });
}

function registerSoak(bench: Command): void {
  const command = bench
    .command("soak")
    .description("memory and pauses of a server under a steady load")
    .option("--minutes <number>", "how long", positive, 30)
    .option("--rate <number>", "orders a second, of all clients together", positive, 5_000)
    .option("--connections <number>", "clients", wholePositive, 10);
  serverOptions(command).action(async (options: SoakOptions) => {
    const { formatSoak, runSoakBench } = await load.soak();
    const input = {
      minutes: options.minutes,
      ratePerSecond: options.rate,
      connections: options.connections,
      durability: options.durability,
      parentDirectory: await directoryOf(options),
      serveFlags: options.serve,
    };
    await measured(options.json, () => runSoakBench(input, progress), formatSoak);
  });
}

function encodingOption(): Option {
  return new Option("--encoding <name>", "what clients speak").choices(["binary", "json"]);
}

function encodings(text: string): Encoding[] {
  return text.split(",").map((name) => {
    if (name === "binary" || name === "json") return name;
    throw new ExitError(EXIT_USAGE, `--encoding ${name}: allowed are binary and json`);
  });
}

function serverOptions(command: Command): Command {
  return outputOptions(
    command
      .addOption(durabilityOption("of the server", "fsync"))
      .option(
        "--serve <flag>",
        "a further flag for `crossbook serve`, as --serve=--redis=off",
        list,
        [],
      ),
  );
}

async function directoryOf({ directory }: ServerOptions): Promise<string> {
  return directory ?? (await load.server()).defaultParentDirectory();
}
