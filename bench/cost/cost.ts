// What the server's CPU does for one order, by what is checked of it, beside a plain echo: all of it in
// turns in one run, so that a machine that gets slower gets slower for all.

import { runLoadProcess } from "../latency/latency.ts";
import { formatUs } from "../latency.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { BENCH_INSTRUMENT_ID, BENCH_SYMBOL, BenchServer } from "../server.ts";
import { measureEcho } from "../yardsticks/echo.ts";

/** What is checked of an order; each has everything else of a server. */
export const COST_MODES = ["none", "limits", "collar", "spot"] as const;
export type CostMode = (typeof COST_MODES)[number];

export interface CostOptions {
  readonly ratePerSecond: number;
  readonly connections: number;
  /** Each mode once in each; medians count. */
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly durability: "fsync" | "os" | "none";
  readonly parentDirectory: string;
  readonly serveFlags: readonly string[];
}

export interface CostRow {
  readonly mode: CostMode | "echo";
  /** Microseconds of CPU for a command (echo: a message), by round. */
  readonly cpuUs: readonly number[];
  readonly cpuUsMedian: number;
  readonly p50UsMedian: number;
  readonly p99UsMedian: number;
  /** Of all rounds: commands that were not answered, which spoil a figure. */
  readonly lost: number;
  /** Refused by risk, engine or gateway; a cancel of an order that has traded is one. */
  readonly rejectedShare: number;
}

export interface CostResult {
  readonly bench: "cost";
  readonly machine: Machine;
  readonly options: CostOptions;
  /** CPU of a mode over that of mode none: the median of the rounds' own ratios. */
  readonly overNone: Readonly<Record<Exclude<CostMode, "none">, number>>;
  /** CPU of a mode over that of an echoed message. */
  readonly overEcho: Readonly<Record<CostMode, number>>;
  readonly rows: readonly CostRow[];
}

interface Measured {
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly lost: number;
  readonly rejected: number;
  readonly answered: number;
}

const LIMITS = {
  maxOrderQuantity: "1000000",
  maxOrderNotional: "1000000000",
  maxOpenOrders: 100_000,
  maxPosition: "1000000",
  maxGrossNotional: "1000000000",
  orderRate: { perSecond: 1_000_000, burst: 1_000_000 },
};
/** Limits of the gateway, which are never met: what counts is that they are looked at. */
const RATE_FLAGS = ["session", "key", "address"].flatMap((of) => [
  `--${of}-rate-per-second`,
  "5000000",
]);

function setUp(mode: CostMode, account: number): object[] {
  const set = { type: "setAccount", account };
  switch (mode) {
    case "none":
      return [{ ...set, mode: "none" }];
    case "limits":
      return [{ ...set, mode: "credit", ...LIMITS }];
    case "collar":
      return [{ ...set, mode: "credit", ...LIMITS, priceCollarTicks: 1_000_000 }];
    default:
      return [
        { ...set, mode: "spot", ...LIMITS },
        ...["BENCH", "USD"].map((asset) => ({
          type: "adjustBalance",
          account,
          asset,
          amount: "1000000000",
        })),
      ];
  }
}

export async function runCostBench(
  options: CostOptions,
  onStep: (what: string) => void,
): Promise<CostResult> {
  const rounds: Map<CostMode | "echo", Measured>[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const measured = new Map<CostMode | "echo", Measured>();
    const order = [...COST_MODES, "echo" as const];
    // There and back, so that nobody always comes last.
    if (round % 2 === 1) order.reverse();
    for (const mode of order) {
      onStep(`round ${round + 1} of ${options.rounds}, ${mode}`);
      const once = mode === "echo" ? measureBareEcho(options) : measureMode(options, mode);
      measured.set(mode, await once);
    }
    rounds.push(measured);
  }
  const of = (mode: CostMode | "echo") => rounds.map((round) => round.get(mode) as Measured);
  const ratio = (mode: CostMode, base: "none" | "echo") =>
    median(
      rounds.map(
        (round) => (round.get(mode) as Measured).cpuUs / (round.get(base) as Measured).cpuUs,
      ),
    );
  return {
    bench: "cost",
    machine: describeMachine(),
    options,
    overNone: {
      limits: ratio("limits", "none"),
      collar: ratio("collar", "none"),
      spot: ratio("spot", "none"),
    },
    overEcho: {
      none: ratio("none", "echo"),
      limits: ratio("limits", "echo"),
      collar: ratio("collar", "echo"),
      spot: ratio("spot", "echo"),
    },
    rows: [...COST_MODES, "echo" as const].map((mode) => rowOf(mode, of(mode))),
  };
}

function rowOf(mode: CostMode | "echo", measured: readonly Measured[]): CostRow {
  const sum = (value: (one: Measured) => number) =>
    measured.reduce((total, one) => total + value(one), 0);
  return {
    mode,
    cpuUs: measured.map(({ cpuUs }) => Math.round(cpuUs * 100) / 100),
    cpuUsMedian: median(measured.map(({ cpuUs }) => cpuUs)),
    p50UsMedian: median(measured.map(({ p50Us }) => p50Us)),
    p99UsMedian: median(measured.map(({ p99Us }) => p99Us)),
    lost: sum(({ lost }) => lost),
    rejectedShare: sum(({ rejected }) => rejected) / sum(({ answered }) => answered),
  };
}

function loadOf(options: CostOptions): LoadOptions {
  return {
    ...DEFAULT_LOAD,
    url: "",
    connections: options.connections,
    ratePerSecond: options.ratePerSecond,
    seconds: options.seconds,
    warmUpSeconds: 0,
    pacing: "sleep",
    flow: { ...DEFAULT_LOAD.flow, symbol: BENCH_SYMBOL, instrumentId: BENCH_INSTRUMENT_ID },
  };
}

async function measureMode(options: CostOptions, mode: CostMode): Promise<Measured> {
  const server = await BenchServer.start({
    durability: options.durability,
    clients: options.connections,
    parentDirectory: options.parentDirectory,
    flags: [...RATE_FLAGS, ...options.serveFlags],
    setUp: (account) => setUp(mode, account),
  });
  try {
    const load = { ...loadOf(options), url: server.url, keys: [...server.keys] };
    // A load of its own, so that no CPU of the warm-up counts.
    if (options.warmUpSeconds > 0) {
      await runLoadProcess({ ...load, seconds: options.warmUpSeconds, seed: 2 });
    }
    const cpuBefore = cpuSeconds(server.pid);
    const result = await runLoadProcess(load);
    const cpuS = cpuSeconds(server.pid) - cpuBefore;
    const { latency, answered, rejected, errors, lost } = result;
    return {
      cpuUs: (cpuS * 1e6) / answered,
      p50Us: latency.p50Us,
      p99Us: latency.p99Us,
      lost: lost + errors,
      rejected,
      answered,
    };
  } finally {
    await server.stop();
  }
}

async function measureBareEcho(options: CostOptions): Promise<Measured> {
  const { load, serverCpuUsPerMessage } = await measureEcho(loadOf(options), {
    warmUpSeconds: options.warmUpSeconds,
  });
  const { latency, answered, lost } = load;
  return {
    cpuUs: serverCpuUsPerMessage,
    p50Us: latency.p50Us,
    p99Us: latency.p99Us,
    lost,
    rejected: 0,
    answered,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/** For reading: ratios first. */
export function formatCost(result: CostResult): string {
  const { options, machine, overNone, overEcho, rows } = result;
  const times = (value: number) => `${value.toFixed(2)} ×`;
  const lines = [
    `server CPU for an order, ${options.ratePerSecond}/s, ${options.connections} clients, binary, durability ${options.durability}, ${options.rounds} rounds of ${options.seconds} s in turns`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `over mode none  limits ${times(overNone.limits)}, with a collar ${times(overNone.collar)}, spot ${times(overNone.spot)}`,
    `over an echo    none ${times(overEcho.none)}, limits ${times(overEcho.limits)}, with a collar ${times(overEcho.collar)}, spot ${times(overEcho.spot)}`,
    "",
    "  mode      CPU µs    p50 µs    p99 µs   rejected   lost",
  ];
  for (const { mode, cpuUsMedian, p50UsMedian, p99UsMedian, rejectedShare, lost } of rows) {
    const cells = [
      `  ${mode.padEnd(7)}`,
      formatUs(cpuUsMedian).padStart(8),
      formatUs(p50UsMedian).padStart(9),
      formatUs(p99UsMedian).padStart(9),
      `${(rejectedShare * 100).toFixed(1)} %`.padStart(10),
      String(lost).padStart(6),
    ];
    lines.push(cells.join(" "));
  }
  return `${lines.join("\n")}\n`;
}
