import { runLoadProcess } from "../latency/latency.ts";
import { formatUs, type LatencySummary } from "../latency.ts";
import type { LoadResult } from "../load/load.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";

export interface ThroughputOptions {
  readonly firstRatePerSecond: number;
  /** Each rate is so many times the one before. */
  readonly factor: number;
  readonly secondsEach: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly durability: "fsync" | "os" | "none";
  readonly parentDirectory: string;
  readonly serveFlags: readonly string[];
}

export interface ThroughputStep {
  readonly ratePerSecond: number;
  readonly achievedPerSecond: number;
  readonly latency: LatencySummary;
  readonly sendDelay: LatencySummary;
  readonly lost: number;
  readonly serverCpuUsPerCommand: number;
  /** The server kept up: it answered as fast as it was asked. */
  readonly isSustained: boolean;
}

export interface ThroughputResult {
  readonly bench: "throughput";
  readonly machine: Machine;
  readonly options: ThroughputOptions;
  /** From the lowest rate up, the first that was not sustained included. */
  readonly steps: readonly ThroughputStep[];
  /** Highest rate that was sustained; 0: none. */
  readonly sustainedPerSecond: number;
}

/** A server that falls behind answers less than this part of what is asked. */
const SUSTAINED_SHARE = 0.98;
/** Where half of all orders wait this long, a queue stands, whatever the rate is. */
const QUEUE_P50_US = 50_000;

/** Raises the rate, open loop, until the server falls behind: the throughput–latency curve. */
export async function runThroughputBench(
  options: ThroughputOptions,
  onStep: (what: string) => void,
): Promise<ThroughputResult> {
  const steps: ThroughputStep[] = [];
  let rate = options.firstRatePerSecond;
  for (;;) {
    onStep(`${Math.round(rate)} orders/s`);
    const step = await measureRate(options, Math.round(rate));
    steps.push(step);
    if (!step.isSustained) break;
    rate *= options.factor;
  }
  const sustained = steps.filter((step) => step.isSustained);
  return {
    bench: "throughput",
    machine: describeMachine(),
    options,
    steps,
    sustainedPerSecond: sustained.at(-1)?.ratePerSecond ?? 0,
  };
}

/** Each rate on a fresh server: what one leaves behind must not weigh on the next. */
async function measureRate(
  options: ThroughputOptions,
  ratePerSecond: number,
): Promise<ThroughputStep> {
  const server = await BenchServer.start({
    durability: options.durability,
    clients: options.connections,
    parentDirectory: options.parentDirectory,
    flags: options.serveFlags,
  });
  try {
    const load: LoadOptions = {
      ...DEFAULT_LOAD,
      url: server.url,
      keys: [...server.keys],
      connections: options.connections,
      ratePerSecond,
      seconds: options.secondsEach,
      warmUpSeconds: options.warmUpSeconds,
      flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
    };
    const cpuBefore = cpuSeconds(server.pid);
    const result = await runLoadProcess(load);
    const cpuS = cpuSeconds(server.pid) - cpuBefore;
    return {
      ratePerSecond,
      achievedPerSecond: result.achievedPerSecond,
      latency: result.latency,
      sendDelay: result.sendDelay,
      lost: result.lost,
      serverCpuUsPerCommand: (cpuS * 1e6) / result.answered,
      isSustained: isSustained(result, ratePerSecond),
    };
  } finally {
    await server.stop();
  }
}

function isSustained(result: LoadResult, ratePerSecond: number): boolean {
  return (
    result.lost === 0 &&
    result.errors === 0 &&
    result.achievedPerSecond >= ratePerSecond * SUSTAINED_SHARE &&
    result.latency.p50Us < QUEUE_P50_US
  );
}

export function formatThroughput(result: ThroughputResult): string {
  const { machine, options, steps } = result;
  const lines = [
    `throughput, open loop, ${options.connections} clients, binary, durability ${options.durability}, ${options.secondsEach} s each`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    "   orders/s    answered/s     p50 µs     p99 µs   p99.9 µs   server CPU µs",
  ];
  for (const step of steps) {
    const cells = [
      step.ratePerSecond.toString().padStart(11),
      step.achievedPerSecond.toString().padStart(13),
      formatUs(step.latency.p50Us).padStart(10),
      formatUs(step.latency.p99Us).padStart(10),
      formatUs(step.latency.p999Us).padStart(10),
      formatUs(step.serverCpuUsPerCommand).padStart(15),
    ];
    lines.push(`${cells.join(" ")}${step.isSustained ? "" : "  falls behind"}`);
  }
  lines.push("", `sustained: ${result.sustainedPerSecond} orders/s`);
  return `${lines.join("\n")}\n`;
}
