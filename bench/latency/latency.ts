import { NEW_ORDER_LENGTH } from "../../protocol/generated/commands.ts";
import { formatLatency, formatUs } from "../latency.ts";
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
  /** null with durability none. */
  readonly writeSync: WriteSyncResult | null;
  /** The server's percentiles over the sum of both yardsticks'. */
  readonly ratios: { readonly p50: number; readonly p99: number };
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
  const floor = (percentile: "p50Us" | "p99Us") =>
    echo.load.latency[percentile] + (writeSync?.latency[percentile] ?? 0);
  const { server: other, ...rest } = options;
  return {
    bench: "latency",
    machine: describeMachine(),
    options: { ...rest, url: other?.url ?? null },
    ...measured,
    echo,
    writeSync,
    ratios: {
      p50: measured.server.latency.p50Us / floor("p50Us"),
      p99: measured.server.latency.p99Us / floor("p99Us"),
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

export function runLoadProcess(options: LoadOptions): Promise<LoadResult> {
  return runProcess<LoadResult>("bench/load/load.process.js", options);
}

/** For reading: ratios first. */
export function formatLatencyBench(result: LatencyBenchResult): string {
  const { options, server, echo, writeSync, ratios, machine } = result;
  const clients = options.connections === 1 ? "1 client" : `${options.connections} clients`;
  const lines = [
    `order to acknowledgement, open loop, ${options.schedule}, ${options.ratePerSecond}/s, ${clients}, ${options.encoding}, durability ${options.durability}`,
    `${options.seconds} s after ${options.warmUpSeconds} s of warm-up; generator in its own process (${options.pacing})`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `p50 ${ratios.p50.toFixed(2)} ×, p99 ${ratios.p99.toFixed(2)} × echo${writeSync === null ? "" : " + write and sync"}`,
    "",
    `server          ${formatLatency(server.latency)}`,
    `echo            ${formatLatency(echo.load.latency)}  (${echo.transport})`,
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
