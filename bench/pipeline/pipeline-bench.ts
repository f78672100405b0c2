import { median } from "../engine/engine-bench.ts";
import { formatLatency, type LatencySummary, summarize, sumOf } from "../latency.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import type { WriteSyncResult } from "../yardsticks/write-sync.ts";
import type { PipelineOptions, PipelineRun } from "./pipeline.ts";

export interface PipelineBenchOptions
  extends Omit<PipelineOptions, "ratePerSecond" | "engine" | "keepsDirectory"> {
  /** Of the open-loop run; null: half of what full speed gave. */
  readonly ratePerSecond: number | null;
  /** Of each engine at full speed, in turns; then on the schedule, in turns with the bare loop. */
  readonly runs: number;
}

export interface PipelineBenchResult {
  readonly bench: "pipeline";
  readonly machine: Machine;
  readonly options: PipelineBenchOptions;
  /** As fast as commands go in: throughput, and latencies that are those of a full ring. */
  readonly fullSpeed: readonly PipelineRun[];
  /** The same with an engine that matches nothing, in turns with it. */
  readonly emptyEngine: readonly PipelineRun[];
  readonly medianPerSecond: number;
  /** Medians over the pairs: with matching ÷ without. */
  readonly throughputToEmpty: number;
  readonly cpuToEmpty: number;
  /** On a schedule, in turns with the bare loop. */
  readonly ratePerSecond: number;
  readonly openLoop: readonly PipelineRun[];
  /** A bare loop fed on the same schedule; none with durability none. */
  readonly writeSync: readonly WriteSyncResult[];
  /** Medians of the runs' own. */
  readonly openLoopUs: { readonly p50: number; readonly p99: number };
  readonly writeSyncUs: { readonly p50: number; readonly p99: number } | null;
  /** Medians over the pairs, and each pair's; null with durability none. */
  readonly ratios: {
    readonly p50: number;
    readonly p99: number;
    readonly each: readonly { readonly p50: number; readonly p99: number }[];
  } | null;
}

/** Who falls behind does less than this part of what is asked. */
const SUSTAINED_SHARE = 0.98;

/** The pipeline without network: what it sustains, and how long a command is under way. */
export async function runPipelineBench(
  options: PipelineBenchOptions,
  onStep: (what: string) => void,
): Promise<PipelineBenchResult> {
  const { runs, ratePerSecond: wanted, ...rest } = options;
  const run = (engine: "real" | "empty", ratePerSecond: number) =>
    runProcess<PipelineRun>("bench/pipeline/pipeline.process.js", {
      ...rest,
      engine,
      ratePerSecond,
      keepsDirectory: false,
    });
  const fullSpeed: PipelineRun[] = [];
  const emptyEngine: PipelineRun[] = [];
  for (let n = 1; n <= runs; n++) {
    onStep(`full speed, run ${n} of ${runs}`);
    fullSpeed.push(await run("real", 0));
    onStep(`empty engine, run ${n} of ${runs}`);
    emptyEngine.push(await run("empty", 0));
  }
  const medianPerSecond = median(fullSpeed.map((one) => one.commandsPerSecond));
  const ratePerSecond = wanted ?? Math.round(medianPerSecond / 2);
  const writeSync: WriteSyncResult[] = [];
  const openLoop: PipelineRun[] = [];
  for (let n = 1; n <= runs; n++) {
    if (options.durability !== "none") {
      onStep(`write and sync, run ${n} of ${runs}`);
      writeSync.push(
        await runProcess<WriteSyncResult>("bench/yardsticks/write-sync.process.js", {
          directory: options.parentDirectory,
          ratePerSecond,
          schedule: options.schedule,
          day: null,
          seconds: options.seconds,
          recordBytes: fullSpeed[0]?.meanRecordBytes ?? 1,
          seed: options.seed,
          sync: options.durability === "fsync",
        }),
      );
    }
    onStep(`${ratePerSecond} commands/s, run ${n} of ${runs}`);
    openLoop.push(await run("real", ratePerSecond));
  }
  const over = (value: (one: PipelineRun) => number) =>
    median(fullSpeed.map((one, i) => value(one) / value(emptyEngine[i] as PipelineRun)));
  return {
    bench: "pipeline",
    machine: describeMachine(),
    options,
    fullSpeed,
    emptyEngine,
    medianPerSecond,
    throughputToEmpty: over((one) => one.commandsPerSecond),
    cpuToEmpty: over(cpuUs),
    ratePerSecond,
    openLoop,
    writeSync,
    openLoopUs: medianUs(openLoop),
    writeSyncUs: writeSync.length === 0 ? null : medianUs(writeSync),
    ratios: ratiosOf(openLoop, writeSync),
  };
}

type Timed = readonly { readonly latency: LatencySummary }[];

function medianUs(runs: Timed): { p50: number; p99: number } {
  return {
    p50: median(runs.map(({ latency }) => latency.p50Us)),
    p99: median(runs.map(({ latency }) => latency.p99Us)),
  };
}

function ratiosOf(runs: Timed, bare: Timed): PipelineBenchResult["ratios"] {
  const each = bare.map(({ latency }, i) => {
    const run = (runs[i] as Timed[number]).latency;
    return { p50: run.p50Us / latency.p50Us, p99: run.p99Us / latency.p99Us };
  });
  if (each.length === 0) return null;
  return { p50: median(each.map(({ p50 }) => p50)), p99: median(each.map(({ p99 }) => p99)), each };
}

/** Of all threads, for one command. */
export function cpuUs(run: PipelineRun): number {
  return run.threads.reduce((sum, thread) => sum + thread.usPerCommand, 0);
}

/** For reading: ratios first. */
export function formatPipelineBench(result: PipelineBenchResult): string {
  const { machine, options, fullSpeed, openLoop, writeSync, ratios } = result;
  const done = Math.round(median(openLoop.map((run) => run.commandsPerSecond)));
  const rates = fullSpeed.map((run) => run.commandsPerSecond);
  const segments = options.segments === "recycled" ? "recycled" : "laid out meanwhile";
  const lines = [
    `pipeline without network: ring, risk (${options.riskWorkers} threads), engine (${options.threading}), journal (${options.durability}, segments ${segments}), events`,
    `${options.seconds} s each after ${options.warmUpSeconds} s of warm-up`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `full speed (not open loop), median of ${fullSpeed.length}: ${millions(result.medianPerSecond)} commands/s (${millions(Math.min(...rates))} to ${millions(Math.max(...rates))})`,
    `with matching ÷ with an empty engine: ${result.throughputToEmpty.toFixed(2)} of its commands/s, ${result.cpuToEmpty.toFixed(2)} × its CPU`,
    "",
    `open loop, ${options.schedule}, feeder ${options.pacing === "spin" ? "spins" : "sleeps"}, ${result.ratePerSecond} commands/s asked, ${done} done, published to durable and matched, ${openLoop.length} runs:`,
  ];
  if (ratios !== null) {
    const p99s = ratios.each.map(({ p99 }) => p99);
    const range = `${Math.min(...p99s).toFixed(2)} to ${Math.max(...p99s).toFixed(2)}`;
    lines.push(
      `p50 ${ratios.p50.toFixed(2)} ×, p99 ${ratios.p99.toFixed(2)} × (${range}) a bare loop on the same schedule, in turns with it`,
    );
  }
  const behind = openLoop.filter(
    (run) => run.commandsPerSecond < result.ratePerSecond * SUSTAINED_SHARE,
  );
  if (behind.length > 0) {
    lines.push(
      `it FALLS BEHIND in ${behind.length} of them: their latencies are those of a queue that grows`,
    );
  }
  lines.push("of all runs together:");
  lines.push(`pipeline        ${formatAll(openLoop)}`);
  if (writeSync.length > 0) {
    const what = options.durability === "fsync" ? "write and sync " : "write          ";
    lines.push(`${what} ${formatAll(writeSync)}`);
  }
  lines.push("", "CPU µs a command           full speed   open loop");
  for (const [i, { name, usPerCommand }] of (fullSpeed[0]?.threads ?? []).entries()) {
    const open = median(openLoop.map(({ threads }) => threads[i]?.usPerCommand ?? 0));
    lines.push(
      `${name.padEnd(26)} ${usPerCommand.toFixed(3).padStart(10)} ${open.toFixed(3).padStart(11)}`,
    );
  }
  lines.push("others: the journal's disk thread, and Node's own", "");
  return lines.join("\n");
}

/** Of all runs together. */
function formatAll(runs: readonly { readonly histogram: string }[]): string {
  return formatLatency(summarize(sumOf(runs.map(({ histogram }) => histogram))));
}

function millions(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(3)} M`;
}
