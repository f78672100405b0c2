// How long trade stands still for a snapshot of a large book: the same load with one and without, in turn.
import { setTimeout as sleep } from "node:timers/promises";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { listSnapshots } from "../../engine/snapshot/snapshot-store.ts";
import type { ReplayRun, ReplayRunOptions } from "../journal/replay.ts";
import { runLoadProcess } from "../latency/latency.ts";
import { formatLatency, type LatencySummary } from "../latency.ts";
import { LoadConnection } from "../load/connection.ts";
import { DEFAULT_LOAD, type LoadOptions } from "../load/options.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import { makeSnapshot } from "../restart/restart-bench.ts";
import { BenchServer } from "../server.ts";
import type { CheckpointOptions, CheckpointRun } from "./checkpoint.ts";

/** What generated workloads trade. */
const WORKLOAD_SYMBOL = "BENCH";
const WARM_UP_SECONDS = 1;
/** From the start of the generator until it has warmed up, and a little more. */
const LEAD_MS = 2500;
const TIMEOUT_MS = 120_000;
const POLL_MS = 20;

/** Of the commands alone, in one process each. */
const SNAPSHOT_COMMANDS = 200;
/** About as many as a checkpoint with a state hash may have: the most work there is in one. */
const MOST_HASHED = 1_000;

export interface SnapshotBenchOptions {
  readonly parentDirectory: string;
  readonly resting: number;
  readonly ratePerSecond: number;
  /** Of each run; a snapshot is asked for after some two seconds. */
  readonly seconds: number;
  /** One run without and one with a snapshot each. */
  readonly pairs: number;
  readonly durability: "fsync" | "os";
  readonly pacing: LoadOptions["pacing"];
}

export interface SnapshotBenchRun {
  readonly latency: LatencySummary;
  readonly sendDelay: LatencySummary;
  readonly lost: number;
  /** From the command to the file; null: none was asked for. */
  readonly snapshotSeconds: number | null;
}

export interface SnapshotBench {
  readonly bench: "snapshot";
  readonly machine: Machine;
  readonly options: Omit<SnapshotBenchOptions, "parentDirectory">;
  /** What the snapshot command costs the engine alone: a book with a state hash, and the large one. */
  readonly checkpoints: readonly CheckpointRun[];
  readonly without: readonly SnapshotBenchRun[];
  readonly with: readonly SnapshotBenchRun[];
}

/** Progress is told in words. The directory is removed in the end. */
export async function runSnapshotBench(
  options: SnapshotBenchOptions,
  progress: (what: string) => void,
): Promise<SnapshotBench> {
  const { parentDirectory, resting, durability, pairs } = options;
  const checkpoints: CheckpointRun[] = [];
  for (const size of [MOST_HASHED, resting]) {
    progress(`snapshot commands amid ${size} orders`);
    const wanted: CheckpointOptions = { resting: size, snapshots: SNAPSHOT_COMMANDS };
    checkpoints.push(
      await runProcess<CheckpointRun>("bench/snapshot/checkpoint.process.js", wanted),
    );
  }
  progress("filling a book");
  const server = await BenchServer.start({
    durability,
    clients: 1,
    firstAccount: 101, // not one of those in the journal
    parentDirectory,
    flags: ["--snapshot-interval-ms", "0", "--redis", "off"],
    fill: async (directory) => {
      // Of ten commands nine are orders: after so many as many rest as shall.
      const commands = Math.ceil(resting * 1.4);
      const make: ReplayRunOptions = { directory, step: "make", commands, resting };
      await runProcess<ReplayRun>("bench/journal/replay.process.js", make);
      makeSnapshot(directory, commands - 1);
    },
  });
  try {
    const runs: { without: SnapshotBenchRun[]; with: SnapshotBenchRun[] } = {
      without: [],
      with: [],
    };
    for (let pair = 1; pair <= pairs; pair++) {
      progress(`pair ${pair} of ${pairs}`);
      runs.without.push(await run(server, options, pair, false));
      runs.with.push(await run(server, options, pair, true));
    }
    const { parentDirectory: _, ...rest } = options;
    return { bench: "snapshot", machine: describeMachine(), options: rest, checkpoints, ...runs };
  } finally {
    await server.stop();
  }
}

async function run(
  server: BenchServer,
  options: SnapshotBenchOptions,
  seed: number,
  isTaken: boolean,
): Promise<SnapshotBenchRun> {
  const load = runLoadProcess({
    ...DEFAULT_LOAD,
    url: server.url,
    keys: [...server.keys],
    ratePerSecond: options.ratePerSecond,
    seconds: options.seconds,
    warmUpSeconds: WARM_UP_SECONDS,
    pacing: options.pacing,
    seed,
    flow: { ...DEFAULT_LOAD.flow, symbol: WORKLOAD_SYMBOL },
  });
  const taking = isTaken ? takeSnapshot(server) : null;
  const { latency, sendDelay, lost } = await load;
  return { latency, sendDelay, lost, snapshotSeconds: await taking };
}

/** Resolves when the file has its name; the time in seconds. */
async function takeSnapshot(server: BenchServer): Promise<number> {
  const newest = () => listSnapshots(new NodeDisk(), server.directory)[0] ?? 0;
  await sleep(LEAD_MS);
  const before = newest();
  const connection = await LoadConnection.open(server.url);
  const startMs = performance.now();
  try {
    await connection.logOn(server.admin);
    connection.sendText(JSON.stringify({ type: "snapshot" }));
    while (newest() === before) {
      if (performance.now() - startMs > TIMEOUT_MS) throw new Error("no snapshot was made");
      await sleep(POLL_MS);
    }
  } finally {
    connection.close();
  }
  return (performance.now() - startMs) / 1000;
}

export function formatSnapshotBench(result: SnapshotBench): string {
  const { options } = result;
  const lines = [
    `${options.resting} orders resting, ${options.ratePerSecond}/s, open loop, durability ${options.durability}, ${options.seconds} s each, in turn`,
  ];
  for (const run of result.checkpoints) {
    const { openOrders, snapshotP50Us, snapshotMaxUs, orderP50Us, orderMaxUs } = run;
    lines.push(
      `the engine alone, ${openOrders} orders: a snapshot command takes ${snapshotP50Us.toFixed(1)} µs, at most ${snapshotMaxUs.toFixed(0)}; another one ${orderP50Us.toFixed(1)}, at most ${orderMaxUs.toFixed(0)}`,
    );
  }
  for (const [i, plain] of result.without.entries()) {
    const taken = result.with[i] as SnapshotBenchRun;
    lines.push(`without   ${formatLatency(plain.latency)}`);
    lines.push(
      `with      ${formatLatency(taken.latency)}  (file after ${taken.snapshotSeconds?.toFixed(1)} s)`,
    );
  }
  const worst = (runs: readonly SnapshotBenchRun[]) =>
    runs.map(({ latency }) => latency.maxUs / 1000).sort((a, b) => a - b);
  const median = (sorted: readonly number[]) => (sorted[sorted.length >> 1] as number).toFixed(2);
  const late = worst(
    [...result.without, ...result.with].map((r) => ({ ...r, latency: r.sendDelay })),
  );
  lines.push(
    `longest wait of an order, median: ${median(worst(result.without))} ms without, ${median(worst(result.with))} ms with; generator late by ${median(late)} ms`,
    "",
  );
  return lines.join("\n");
}
