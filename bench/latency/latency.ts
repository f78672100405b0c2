import { NEW_ORDER_LENGTH } from "../../protocol/generated/commands.ts";
import { formatLatency, formatUs, type LatencySummary } from "../latency.ts";
import { type DayOptions, dayRate } from "../load/due-times.ts";
import type { LoadResult } from "../load/load.ts";
import { DEFAULT_LOAD, type LoadKey, type LoadOptions } from "../load/options.ts";
import type { ScheduleKind } from "../load/schedule.ts";
import { STAGES, type StageTime } from "../load/stage-times.ts";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";
import { type EchoResult, measureEcho } from "../yardsticks/echo.ts";
import type { WriteSyncResult } from "../yardsticks/write-sync.ts";

export interface LatencyBenchOptions {
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly schedule: ScheduleKind | "day";
  /** For the schedule `day`, which has its own rate. */
  readonly day: DayOptions | null;
  readonly encoding: LoadOptions["encoding"];
  /** Every so manieth order asks where its time went; 0: none does. */
  readonly receiptEvery: number;
  readonly pacing: LoadOptions["pacing"];
  readonly durability: "fsync" | "os" | "none";
  readonly seed: number;
  readonly parentDirectory: string;
  readonly serveFlags: readonly string[];
  /** Another server than one of our own; it must know `symbol`. */
  readonly server: {
    readonly url: string;
    readonly keys: readonly LoadKey[];
    readonly symbol: string;
  } | null;
}

/** One run of the load against a server, and the yardsticks of the same run. */
export interface LatencyBenchResult {
  readonly bench: "latency";
  readonly machine: Machine;
  readonly options: Omit<LatencyBenchOptions, "server"> & { readonly url: string | null };
  /** Order to acknowledgement over a WebSocket, open loop. */
  readonly server: LoadResult;
  /** CPU of the server's process for one command; null for a server that is not ours. */
  readonly serverCpuUsPerCommand: number | null;
  readonly echo: EchoResult;
  /** The echo of messages that go from thread to thread as orders do: hand-overs and wake-ups. */
  readonly threadedEcho: EchoResult;
  /** null with durability none. */
  readonly writeSync: WriteSyncResult | null;
  /** The server's percentiles over those of yardsticks. */
  readonly ratios: {
    /** Of its measured parts: echo with hand-overs, and write (and sync). */
    readonly parts: Ratios;
    /** Of the plain echo, and write (and sync). */
    readonly echoAndDisk: Ratios;
    /** Of write and sync alone; null but for durability fsync. */
    readonly disk: Ratios | null;
  };
}

export interface Ratios {
  readonly p50: number;
  readonly p99: number;
}

export async function runLatencyBench(
  asked: LatencyBenchOptions,
  onStep: (what: string) => void,
): Promise<LatencyBenchResult> {
  const options = { ...asked, ratePerSecond: rateOf(asked) };
  const load: LoadOptions = {
    ...DEFAULT_LOAD,
    url: "",
    connections: options.connections,
    ratePerSecond: options.ratePerSecond,
    schedule: options.schedule,
    day: options.day,
    encoding: options.encoding,
    receiptEvery: options.receiptEvery,
    seconds: options.seconds,
    warmUpSeconds: options.warmUpSeconds,
    pacing: options.pacing,
    seed: options.seed,
    flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
  };
  onStep("echo server");
  const echo = await measureEcho(load);
  onStep("echo through threads");
  const threadedEcho = await measureEcho(load, { threads: true });
  let writeSync: WriteSyncResult | null = null;
  if (options.durability !== "none") {
    onStep("write and sync");
    writeSync = await runProcess<WriteSyncResult>("bench/yardsticks/write-sync.process.js", {
      directory: options.parentDirectory,
      ratePerSecond: options.ratePerSecond,
      schedule: options.schedule,
      day: options.day,
      seconds: options.seconds,
      recordBytes: NEW_ORDER_LENGTH,
      seed: options.seed,
      sync: options.durability === "fsync",
    });
  }
  onStep("server");
  const measured = await measureServer(options, load);
  const over = (...yardsticks: readonly LatencySummary[]): Ratios => {
    const ratio = (percentile: "p50Us" | "p99Us") =>
      measured.server.latency[percentile] /
      yardsticks.reduce((sum, yardstick) => sum + yardstick[percentile], 0);
    return { p50: ratio("p50Us"), p99: ratio("p99Us") };
  };
  const disk = writeSync === null ? [] : [writeSync.latency];
  const { server: other, ...rest } = options;
  return {
    bench: "latency",
    machine: describeMachine(),
    options: { ...rest, url: other?.url ?? null },
    ...measured,
    echo,
    threadedEcho,
    writeSync,
    ratios: {
      parts: over(threadedEcho.load.latency, ...disk),
      echoAndDisk: over(echo.load.latency, ...disk),
      disk: options.durability === "fsync" ? over(...disk) : null,
    },
  };
}

/** A recorded day has its own. */
function rateOf({ day, ratePerSecond, seconds, warmUpSeconds }: LatencyBenchOptions): number {
  return day === null ? ratePerSecond : dayRate(day, warmUpSeconds + seconds);
}

async function measureServer(
  options: LatencyBenchOptions,
  load: LoadOptions,
): Promise<Pick<LatencyBenchResult, "server" | "serverCpuUsPerCommand">> {
  if (options.server !== null) {
    const { url, keys, symbol } = options.server;
    const flow = { ...load.flow, symbol, instrumentId: 0 };
    const server = await runLoadProcess({ ...load, url, keys: [...keys], flow });
    return { server, serverCpuUsPerCommand: null };
  }
  const own = await BenchServer.start({
    durability: options.durability,
    clients: options.connections,
    parentDirectory: options.parentDirectory,
    flags: options.serveFlags,
  });
  try {
    const cpuBefore = cpuSeconds(own.pid);
    const server = await runLoadProcess({ ...load, url: own.url, keys: [...own.keys] });
    const cpuS = cpuSeconds(own.pid) - cpuBefore;
    return { server, serverCpuUsPerCommand: (cpuS * 1e6) / server.answered };
  } finally {
    await own.stop();
  }
}

/**
 * The generator's own collections would count as the server's time, and their helper threads take its cores:
 * what it leaves behind in a run fits in 64 MiB, nearly.
 */
const LOAD_NODE_FLAGS = [
  "--single-threaded-gc",
  "--min-semi-space-size=64",
  "--max-semi-space-size=64",
  "--no-memory-reducer",
];

export function runLoadProcess(options: LoadOptions): Promise<LoadResult> {
  return runProcess<LoadResult>("bench/load/load.process.js", options, LOAD_NODE_FLAGS);
}

/** For reading: ratios first. */
export function formatLatencyBench(result: LatencyBenchResult): string {
  const { options, server, echo, threadedEcho, writeSync, machine } = result;
  const clients = options.connections === 1 ? "1 client" : `${options.connections} clients`;
  const lines = [
    `order to acknowledgement, open loop, ${options.schedule}, ${options.ratePerSecond}/s, ${clients}, ${options.encoding}, durability ${options.durability}`,
    `${options.seconds} s after ${options.warmUpSeconds} s of warm-up; generator in its own process (${options.pacing})`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    ...formatRatios(result),
    "",
    `server          ${formatLatency(server.latency)}`,
    `echo            ${formatLatency(echo.load.latency)}  (${echo.transport})`,
    `  with threads  ${formatLatency(threadedEcho.load.latency)}  (through two others and back)`,
  ];
  if (writeSync !== null) {
    const what = options.durability === "fsync" ? "write and sync " : "write          ";
    lines.push(`${what} ${formatLatency(writeSync.latency)}`);
  }
  lines.push(
    `sent late by    ${formatLatency(server.sendDelay)}  (the generator itself; included above)`,
  );
  lines.push(
    `answered ${server.answered} of ${server.sent}, ${server.rejected} rejected, ${server.errors} errors, ${server.lost} lost; ${server.achievedPerSecond}/s`,
  );
  if (result.serverCpuUsPerCommand !== null) {
    lines.push(
      `server CPU ${formatUs(result.serverCpuUsPerCommand)} µs a command, echo ${formatUs(echo.serverCpuUsPerMessage)} µs a message`,
    );
  }
  if (server.stages !== null) lines.push("", ...formatStages(server.stages));
  return `${lines.join("\n")}\n`;
}

function formatRatios({ ratios, options }: LatencyBenchResult): string[] {
  const line = ({ p50, p99 }: Ratios, what: string) =>
    `p50 ${p50.toFixed(2)} ×, p99 ${p99.toFixed(2)} × ${what}`;
  const write = { fsync: " + write and sync", os: " + write", none: "" }[options.durability];
  return [
    line(ratios.parts, `its parts: echo with hand-overs${write}`),
    line(ratios.echoAndDisk, `plain echo${write}`),
    ...(ratios.disk === null ? [] : [line(ratios.disk, "write and sync alone")]),
  ];
}

/** Where the time went, stage by stage. */
function formatStages(stages: readonly StageTime[]): string[] {
  const what = new Map<string, string>(STAGES);
  return [
    `where the time of ${stages[0]?.latency.count ?? 0} orders went, by their receipts:`,
    ...stages.map(
      ({ stage, latency }) =>
        `${stage.padEnd(15)} ${formatLatency(latency)}  (${what.get(stage) ?? ""})`,
    ),
  ];
}
