import { setTimeout as sleep } from "node:timers/promises";
import { runLoadProcess } from "../latency/latency.ts";
import { formatLatency, type LatencySummary } from "../latency.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";
import { medianSlope } from "../statistics/median-slope.ts";

export interface SoakOptions {
  readonly minutes: number;
  readonly ratePerSecond: number;
  readonly connections: number;
  readonly durability: "fsync" | "os" | "none";
  readonly parentDirectory: string;
  readonly serveFlags: readonly string[];
}

/** What the server says of itself at one moment. */
export interface SoakSample {
  readonly seconds: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly longestPauseMs: number;
}

export interface SoakResult {
  readonly bench: "soak";
  readonly machine: Machine;
  readonly options: SoakOptions;
  readonly samples: readonly SoakSample[];
  /** Of the resident memory over the second half: the median of the slopes between any two samples. */
  readonly growthMbPerMinute: number;
  /** The longest garbage collection on the server's main thread. */
  readonly longestPauseMs: number;
  /** Of each piece of the load, in order. */
  readonly latencies: readonly LatencySummary[];
  readonly lost: number;
}

/** The load comes in pieces: a generator keeps the times of all its orders. */
const PIECE_SECONDS = 60;
const SAMPLE_MS = 2_000;

/** A server under a steady load for a long time: does its memory stay, and how long does it pause? */
export async function runSoakBench(
  options: SoakOptions,
  onStep: (what: string) => void,
): Promise<SoakResult> {
  const server = await BenchServer.start({
    durability: options.durability,
    clients: options.connections,
    parentDirectory: options.parentDirectory,
    flags: options.serveFlags,
  });
  const samples: SoakSample[] = [];
  const startMs = performance.now();
  let isLoaded = true;
  const watching = (async () => {
    while (isLoaded) {
      await sleep(SAMPLE_MS);
      samples.push(await sample(server.url, (performance.now() - startMs) / 1000));
    }
  })();
  try {
    const latencies: LatencySummary[] = [];
    let lost = 0;
    const total = options.minutes * 60;
    for (let done = 0; done < total; done += PIECE_SECONDS) {
      onStep(`${Math.round(done / 60)} of ${options.minutes} minutes`);
      const result = await runLoadProcess({
        ...loadOf(server, options),
        seconds: Math.min(PIECE_SECONDS, total - done),
      });
      latencies.push(result.latency);
      lost += result.lost;
    }
    isLoaded = false;
    await watching;
    const half = samples.slice(samples.length >> 1);
    return {
      bench: "soak",
      machine: describeMachine(),
      options,
      samples,
      growthMbPerMinute: medianSlope(half.map(({ seconds, rssMb }) => [seconds / 60, rssMb])),
      longestPauseMs: Math.max(0, ...samples.map((one) => one.longestPauseMs)),
      latencies,
      lost,
    };
  } finally {
    isLoaded = false;
    await watching.catch(() => undefined);
    await server.stop();
  }
}

function loadOf(server: BenchServer, options: SoakOptions): LoadOptions {
  return {
    ...DEFAULT_LOAD,
    url: server.url,
    keys: [...server.keys],
    connections: options.connections,
    ratePerSecond: options.ratePerSecond,
    warmUpSeconds: 0,
    pacing: "sleep",
    flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
  };
}

async function sample(tradeUrl: string, seconds: number): Promise<SoakSample> {
  const url = tradeUrl.replace(/^ws/, "http").replace("/v1/trade", "/metrics");
  const text = await (await fetch(url)).text();
  const value = (name: string) =>
    Number(new RegExp(`^crossbook_${name} (\\S+)$`, "m").exec(text)?.[1]);
  return {
    seconds: Math.round(seconds * 10) / 10,
    rssMb: value("process_resident_memory_bytes") / 1e6,
    heapMb: value("nodejs_heap_size_used_bytes") / 1e6,
    externalMb: value("nodejs_external_memory_bytes") / 1e6,
    longestPauseMs: value("gc_longest_seconds") * 1e3,
  };
}

export function formatSoak(result: SoakResult): string {
  const { machine, options, samples, latencies } = result;
  const row = ({ seconds, rssMb, heapMb, externalMb }: SoakSample) =>
    `${(seconds / 60).toFixed(1).padStart(8)} ${rssMb.toFixed(1).padStart(12)} ${heapMb.toFixed(1).padStart(10)} ${externalMb.toFixed(1).padStart(12)}`;
  const every = Math.max(1, Math.floor(samples.length / 12));
  return [
    `${options.ratePerSecond} orders/s of ${options.connections} clients for ${options.minutes} minutes, durability ${options.durability}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `resident memory grows by ${result.growthMbPerMinute.toFixed(2)} MB a minute in the second half`,
    `longest garbage collection of the main thread: ${result.longestPauseMs.toFixed(2)} ms; ${result.lost} orders lost`,
    "",
    "  minute  resident MB    heap MB  external MB",
    ...samples.filter((_, i) => i % every === 0).map(row),
    "",
    ...latencies.map((latency, i) => `minute ${i + 1}: ${formatLatency(latency)}`),
    "",
  ].join("\n");
}
