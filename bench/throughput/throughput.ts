import { runLoadProcess } from "../latency/latency.ts";
import { formatUs, type LatencySummary } from "../latency.ts";
import type { LoadResult } from "../load/load.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";
import { climb, type Point } from "./knee.ts";

export interface ThroughputOptions {
  readonly firstRatePerSecond: number;
  /** Each rate is so many times the one before. */
  readonly factor: number;
  /** Then the place where the server falls behind is searched, to so many percent; 0: it is not. */
  readonly searchPercent: number;
  readonly secondsEach: number;
  readonly warmUpSeconds: number;
  /** A curve for each number of clients and each encoding. */
  readonly connections: readonly number[];
  readonly encodings: readonly LoadOptions["encoding"][];
  readonly pacing: LoadOptions["pacing"];
  readonly durability: "fsync" | "os" | "none";
  readonly parentDirectory: string;
  readonly serveFlags: readonly string[];
}

export interface ThroughputStep extends Point {
  readonly achievedPerSecond: number;
  readonly latency: LatencySummary;
  readonly sendDelay: LatencySummary;
  readonly lost: number;
  /** What the server said was wrong, and how often. */
  readonly complaints: LoadResult["complaints"];
  readonly serverCpuUsPerCommand: number;
  /** With `spin` it uses what it can get. */
  readonly generatorCpuUsPerCommand: number;
}

export interface ThroughputCurve {
  readonly connections: number;
  readonly encoding: LoadOptions["encoding"];
  /** By rate. */
  readonly steps: readonly ThroughputStep[];
  /** Highest rate that was sustained below the first that was not; 0: none. */
  readonly sustainedPerSecond: number;
}

export interface ThroughputResult {
  readonly bench: "throughput";
  readonly machine: Machine;
  readonly options: ThroughputOptions;
  readonly curves: readonly ThroughputCurve[];
}

/** A server that falls behind answers less than this part of what is asked. */
const SUSTAINED_SHARE = 0.98;
/** A stop of the machine can fill the ring for a moment: so many may be refused as `overloaded`. */
const REFUSED_SHARE = 0.001;
/** Where half of all orders wait this long, a queue stands, whatever the rate is. */
const QUEUE_P50_US = 50_000;

/** Raises the rate, open loop, until the server falls behind: the throughput–latency curve. */
export async function runThroughputBench(
  options: ThroughputOptions,
  onStep: (what: string) => void,
): Promise<ThroughputResult> {
  const curves: ThroughputCurve[] = [];
  for (const encoding of options.encodings) {
    for (const connections of options.connections) {
      const measure = (ratePerSecond: number) => {
        onStep(`${encoding}, ${connections} clients, ${ratePerSecond} orders/s`);
        return measureRate(options, { connections, encoding, ratePerSecond });
      };
      const { points, sustainedPerSecond } = await climb(measure, options);
      curves.push({ connections, encoding, steps: points, sustainedPerSecond });
    }
  }
  return { bench: "throughput", machine: describeMachine(), options, curves };
}

/** Each rate on a fresh server: what one leaves behind must not weigh on the next. */
async function measureRate(
  options: ThroughputOptions,
  point: Pick<LoadOptions, "connections" | "encoding" | "ratePerSecond">,
): Promise<ThroughputStep> {
  const server = await BenchServer.start({
    durability: options.durability,
    clients: point.connections,
    parentDirectory: options.parentDirectory,
    flags: options.serveFlags,
  });
  try {
    const load: LoadOptions = {
      ...DEFAULT_LOAD,
      ...point,
      url: server.url,
      keys: [...server.keys],
      seconds: options.secondsEach,
      warmUpSeconds: options.warmUpSeconds,
      pacing: options.pacing,
      mayBeCut: true, // of a server that cannot keep up
      flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
    };
    const cpuBefore = cpuSeconds(server.pid);
    const result = await runLoadProcess(load);
    const cpuS = cpuSeconds(server.pid) - cpuBefore;
    return {
      ratePerSecond: point.ratePerSecond,
      achievedPerSecond: result.achievedPerSecond,
      latency: result.latency,
      sendDelay: result.sendDelay,
      lost: result.lost,
      complaints: result.complaints,
      generatorCpuUsPerCommand: result.generatorCpuUsPerCommand,
      serverCpuUsPerCommand: (cpuS * 1e6) / result.answered,
      isSustained: isSustained(result, point.ratePerSecond),
    };
  } finally {
    await server.stop();
  }
}

/** The server kept up: it answered as fast as it was asked, and no queue stood. */
function isSustained(result: LoadResult, ratePerSecond: number): boolean {
  const refused = result.complaints.overloaded ?? 0;
  return (
    result.lost === 0 &&
    result.errors === refused &&
    refused <= result.answered * REFUSED_SHARE &&
    result.achievedPerSecond >= ratePerSecond * SUSTAINED_SHARE &&
    result.latency.p50Us < QUEUE_P50_US
  );
}

export function formatThroughput(result: ThroughputResult): string {
  const { machine, options, curves } = result;
  const search = options.searchPercent > 0 ? `, knee to ${options.searchPercent} %` : "";
  const lines = [
    `throughput, open loop, durability ${options.durability}, ${options.secondsEach} s each${search}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
  ];
  for (const { connections, encoding, steps, sustainedPerSecond } of curves) {
    lines.push(
      "",
      `${encoding}, ${connections === 1 ? "1 client" : `${connections} clients`}: ${sustainedPerSecond} orders/s sustained`,
      "   orders/s    answered/s     p50 µs     p99 µs   p99.9 µs   server CPU µs   generator",
      ...steps.map(rowOf),
    );
  }
  return `${lines.join("\n")}\n`;
}

function rowOf(step: ThroughputStep): string {
  const cells = [
    step.ratePerSecond.toString().padStart(11),
    step.achievedPerSecond.toString().padStart(13),
    formatUs(step.latency.p50Us).padStart(10),
    formatUs(step.latency.p99Us).padStart(10),
    formatUs(step.latency.p999Us).padStart(10),
    formatUs(step.serverCpuUsPerCommand).padStart(15),
    formatUs(step.generatorCpuUsPerCommand).padStart(11),
  ];
  const said = Object.entries(step.complaints).map(([what, count]) => `${count} × ${what}`);
  if (!step.isSustained) said.unshift("falls behind");
  return `${cells.join(" ")}${said.length === 0 ? "" : `  ${said.join(", ")}`}`;
}
