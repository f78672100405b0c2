// What a thousand readers that never read, and clients that send ten times what they may, do to another
// client: the same quiet load with them and without, in pairs.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { runLoadProcess } from "../latency/latency.ts";
import { formatLatency, type LatencySummary } from "../latency.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";
import { pairedRatio, type RatioInterval } from "../statistics/ratio-interval.ts";
import type { CrowdResult as CrowdCounts, CrowdOptions as CrowdSetup } from "./crowd.process.ts";

export interface CrowdBenchOptions {
  readonly readers: number;
  readonly flooders: number;
  /** Messages that a session may send in a second. */
  readonly sessionPerSecond: number;
  /** A flooder sends so many times as much. */
  readonly floodFactor: number;
  /** Orders a second of the quiet client. */
  readonly ratePerSecond: number;
  readonly pairs: number;
  readonly seconds: number;
  /** Before each measurement: the readers are stuck by then. */
  readonly warmUpSeconds: number;
  readonly durability: "fsync" | "os" | "none";
  readonly parentDirectory: string;
}

export interface CrowdPair {
  readonly alone: LatencySummary;
  readonly crowded: LatencySummary;
  readonly lost: number;
  readonly errors: number;
  readonly crowd: CrowdCounts;
  /** Readers of market data with too much unread, by the server's own count, when the crowded load ended. */
  readonly behind: number;
  /** Resident memory of the server when the load ended. */
  readonly aloneMb: number;
  readonly crowdedMb: number;
}

export interface CrowdBenchResult {
  readonly bench: "crowd";
  readonly machine: Machine;
  readonly options: CrowdBenchOptions;
  /** Crowded over alone: the medians of the pairs' own. */
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  /** The same, estimated with an interval; null: no pairs. */
  readonly p50Interval: RatioInterval | null;
  readonly p99Interval: RatioInterval | null;
  readonly pairs: readonly CrowdPair[];
}

export async function runCrowdBench(
  options: CrowdBenchOptions,
  onStep: (what: string) => void,
): Promise<CrowdBenchResult> {
  const pairs: CrowdPair[] = [];
  for (let i = 0; i < options.pairs; i++) {
    onStep(`pair ${i + 1} of ${options.pairs}`);
    // In turns, so that neither always comes first.
    const first = await measure(options, i % 2 === 1);
    const second = await measure(options, i % 2 === 0);
    const [alone, crowded] = i % 2 === 0 ? [first, second] : [second, first];
    pairs.push({
      alone: alone.load.latency,
      crowded: crowded.load.latency,
      lost: alone.load.lost + crowded.load.lost,
      errors: alone.load.errors + crowded.load.errors,
      crowd: crowded.crowd as CrowdCounts,
      behind: crowded.server.behind,
      aloneMb: alone.server.residentMb,
      crowdedMb: crowded.server.residentMb,
    });
  }
  const ratio = (percentile: "p50Us" | "p99Us") =>
    median(pairs.map(({ alone, crowded }) => crowded[percentile] / alone[percentile]));
  const interval = (percentile: "p50Us" | "p99Us") =>
    pairedRatio(
      pairs.map(({ alone }) => alone[percentile]),
      pairs.map(({ crowded }) => crowded[percentile]),
    );
  return {
    bench: "crowd",
    machine: describeMachine(),
    options,
    p50Ratio: ratio("p50Us"),
    p99Ratio: ratio("p99Us"),
    p50Interval: interval("p50Us"),
    p99Interval: interval("p99Us"),
    pairs,
  };
}

async function measure(options: CrowdBenchOptions, isCrowded: boolean) {
  const most = String(options.readers + options.flooders + 100);
  const server = await BenchServer.start({
    durability: options.durability,
    clients: 1 + options.flooders,
    parentDirectory: options.parentDirectory,
    flags: [
      ...["--redis", "off", "--max-connections", most, "--max-connections-per-address", most],
      ...["--session-rate-per-second", String(options.sessionPerSecond)],
    ],
  });
  const load: LoadOptions = {
    ...DEFAULT_LOAD,
    url: server.url,
    keys: server.keys.slice(0, 1),
    ratePerSecond: options.ratePerSecond,
    seconds: options.seconds,
    // Without a flood it is these orders that fill the readers' buffers.
    warmUpSeconds: options.flooders === 0 ? options.warmUpSeconds : 1,
    // The crowd needs the core that a spinning generator would take.
    pacing: "sleep",
    flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
  };
  try {
    const crowd = isCrowded
      ? await Crowd.start({
          tradeUrl: server.url,
          readers: options.readers,
          keys: server.keys.slice(1),
          floodPerSecond: options.sessionPerSecond * options.floodFactor,
          symbol: BENCH_SYMBOL,
          instrumentId: BENCH_INSTRUMENT_ID,
        })
      : null;
    try {
      if (options.flooders > 0) await sleep(options.warmUpSeconds * 1000);
      const result = await runLoadProcess(load);
      const told = await serverSays(server.url);
      return { load: result, server: told, crowd: crowd === null ? null : await crowd.counts() };
    } finally {
      crowd?.kill();
    }
  } finally {
    await server.stop();
  }
}

async function serverSays(tradeUrl: string): Promise<{ behind: number; residentMb: number }> {
  const url = tradeUrl.replace(/^ws/, "http").replace("/v1/trade", "/metrics");
  const text = await (await fetch(url)).text();
  const value = (name: string) =>
    Number(new RegExp(`^crossbook_${name} ([0-9.e+]+)$`, "m").exec(text)?.[1]);
  return {
    behind: value("market_connections_behind"),
    residentMb: value("process_resident_memory_bytes") / 1e6,
  };
}

class Crowd {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(setup: CrowdSetup): Promise<Crowd> {
    const file = fileURLToPath(compiledFile("bench/crowd/crowd.process.js"));
    const child = spawn(process.execPath, [file, JSON.stringify(setup)], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    const ready = once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data");
    const ended = once(child, "exit").then(() => {
      throw new Error("the crowd ended before it was there");
    });
    ended.catch(() => undefined);
    await Promise.race([ready, ended]);
    return new Crowd(child);
  }

  /** Ends it. */
  async counts(): Promise<CrowdCounts> {
    const answer = once(this.#child, "message") as Promise<[CrowdCounts]>;
    this.#child.send("stop");
    const [counts] = await answer;
    return counts;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

function formatInterval(interval: RatioInterval | null): string {
  if (interval === null) return "no interval";
  const { ratio, low, high, confidence } = interval;
  return `${ratio.toFixed(2)} × (${low.toFixed(2)} to ${high.toFixed(2)}, ${(confidence * 100).toFixed(0)} %)`;
}

/** For reading: ratios first. */
export function formatCrowd(result: CrowdBenchResult) {
  const { options, machine, p50Ratio, p99Ratio, p50Interval, p99Interval, pairs } = result;
  const { readers, flooders, sessionPerSecond, floodFactor } = options;
  const lines = [
    `order to acknowledgement of one client at ${options.ratePerSecond}/s beside ${readers} readers that never read and ${flooders} flooders at ${floodFactor} × ${sessionPerSecond}/s, durability ${options.durability}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `p50 ${p50Ratio.toFixed(2)} ×, p99 ${p99Ratio.toFixed(2)} × what it is alone (medians of ${pairs.length} pairs)`,
    `p50 ${formatInterval(p50Interval)}, p99 ${formatInterval(p99Interval)}`,
    "",
  ];
  for (const { alone, crowded, lost, errors, crowd, behind, aloneMb, crowdedMb } of pairs) {
    const memory = `the server's memory ${crowdedMb.toFixed(0)} MB, alone ${aloneMb.toFixed(0)}`;
    lines.push(
      `alone    ${formatLatency(alone)}`,
      `crowded  ${formatLatency(crowded)}`,
      `  ${crowd.readersOpen} readers open, ${behind} of them stuck, ${crowd.readersCut} cut, ${crowd.floodSent} messages of the flood, ${crowd.floodReturns} returns; lost ${lost}, errors ${errors}; ${memory}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
