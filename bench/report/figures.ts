import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import type { BooksResult } from "../books/books.ts";
import type { CostResult } from "../cost/cost.ts";
import type { CrowdBenchResult } from "../crowd/crowd.ts";
import { type EngineBenchResult, median } from "../engine/engine-bench.ts";
import type { GarbageResult } from "../engine/garbage.ts";
import type { FanoutResult } from "../fanout/fanout.ts";
import type { IdleResult } from "../idle/idle.ts";
import type { JournalBenchResult } from "../journal/journal-bench.ts";
import type { ReplayBenchResult } from "../journal/replay-bench.ts";
import type { LatencyBenchResult } from "../latency/latency.ts";
import { sumOf } from "../latency.ts";
import type { MicroResult } from "../micro/micro.ts";
import { cpuUs, type PipelineBenchResult } from "../pipeline/pipeline-bench.ts";
import type { RedisBench } from "../redis/redis-bench.ts";
import type { RestartBench } from "../restart/restart-bench.ts";
import type { SnapshotBench, SnapshotBenchRun } from "../snapshot/snapshot-bench.ts";
import type { SoakResult } from "../soak/soak.ts";
import type { ThroughputResult } from "../throughput/throughput.ts";
import type { Curve, Distribution, Figure } from "./document.ts";

export type BenchResult =
  | BooksResult
  | CostResult
  | CrowdBenchResult
  | EngineBenchResult
  | FanoutResult
  | GarbageResult
  | IdleResult
  | JournalBenchResult
  | LatencyBenchResult
  | MicroResult
  | PipelineBenchResult
  | RedisBench
  | ReplayBenchResult
  | RestartBench
  | SnapshotBench
  | SoakResult
  | ThroughputResult;

function lower(name: string, unit: string, value: number): Figure {
  return { name, unit, value, better: "lower" };
}

function higher(name: string, unit: string, value: number): Figure {
  return { name, unit, value, better: "higher" };
}

/** The median of the runs. */
function longestWaitMs(runs: readonly SnapshotBenchRun[]): number {
  return median(runs.map(({ latency }) => latency.maxUs / 1000));
}

/** What a bench is run for, in a few numbers. */
export function figuresOf(result: BenchResult): Figure[] {
  switch (result.bench) {
    case "engine":
      return [
        higher("engine", "commands/s", result.medianPerSecond),
        ...(result.empty === null
          ? []
          : [lower("engine ÷ empty engine, time", "×", result.empty.medianTimeRatio)]),
        ...(result.bare === null
          ? []
          : [higher("engine ÷ bare book, speed", "×", result.bare.medianRatio)]),
      ];
    case "pipeline":
      return pipelineFigures(result);
    case "latency":
      return latencyFigures(result);
    case "throughput":
      return result.curves.map(({ encoding, connections, sustainedPerSecond }) =>
        higher(`sustained, ${encoding}, ${clientsOf(connections)}`, "orders/s", sustainedPerSecond),
      );
    case "fanout":
      return result.rows
        .filter(({ subscribers }) => subscribers > 0)
        .map((row) => lower(`CPU a message, ${row.subscribers} readers`, "µs", row.cpuUsPerFrame));
    case "journal":
      return result.rows.flatMap((row) => [
        higher(`journal, ${row.blockKib} KiB`, "MB/s", row.journalMbPerSecond),
        higher(`journal ÷ bare, ${row.blockKib} KiB`, "×", row.ratio),
      ]);
    case "replay":
      return result.rows.map((row) => higher(row.step, "commands/s", row.commandsPerSecond));
    case "redis":
      return redisFigures(result);
    case "restart":
      return [lower("first order after a restart", "s", median(result.seconds))];
    case "snapshot":
      return [
        ...result.checkpoints.map(({ openOrders, snapshotMaxUs }) =>
          lower(
            `longest snapshot command, ${openOrders} orders, the engine alone`,
            "µs",
            snapshotMaxUs,
          ),
        ),
        lower("longest wait, no snapshot", "ms", longestWaitMs(result.without)),
        lower("longest wait, a snapshot", "ms", longestWaitMs(result.with)),
      ];
    case "books":
      return result.rows.map((row) => lower(row.stream, "ns/event", row.nsPerEvent));
    case "micro":
      return result.rows.map((row) => lower(row.name, "ns", row.medianNs));
    case "garbage":
      return [lower("garbage collections", "", result.collections.length)];
    case "cost":
      return [
        ...Object.entries(result.overNone).map(([mode, ratio]) =>
          lower(`CPU an order, ${mode} ÷ none`, "×", ratio),
        ),
        ...result.rows.map(({ mode, cpuUsMedian }) =>
          lower(`CPU an order, ${mode}`, "µs", cpuUsMedian),
        ),
      ];
    case "crowd":
      return [
        lower("p50 beside a crowd ÷ alone", "×", result.p50Ratio),
        lower("p99 beside a crowd ÷ alone", "×", result.p99Ratio),
      ];
    case "idle":
      return [lower("CPU of a quiet server", "% of a core", result.cpuPercent)];
    case "soak":
      return [
        lower("memory growth", "MB/min", result.growthMbPerMinute),
        lower("longest garbage-collection pause", "ms", result.longestPauseMs),
      ];
    default:
      return result satisfies never;
  }
}

function redisFigures({ published, outage, pairs }: RedisBench): Figure[] {
  const perSecond = published.map((run) => run.events / run.seconds);
  return [
    higher("published", "events/s", median(perSecond)),
    ...(outage === null
      ? []
      : [lower("caught up after the outage in", "s", outage.catchUpSeconds)]),
    ...(pairs.length === 0
      ? []
      : [
          higher(
            "matched, Redis stopped ÷ well",
            "×",
            median(pairs.map(([well, off]) => off / well)),
          ),
        ]),
  ];
}

function pipelineFigures(result: PipelineBenchResult): Figure[] {
  const { openLoopUs, ratios, fullSpeed } = result;
  const [first] = fullSpeed;
  return [
    higher("pipeline, full speed", "commands/s", result.medianPerSecond),
    higher("with matching ÷ empty engine, speed", "×", result.throughputToEmpty),
    ...(first === undefined ? [] : [lower("CPU a command", "µs", cpuUs(first))]),
    lower("published to durable and matched, p50", "µs", openLoopUs.p50),
    lower("published to durable and matched, p99", "µs", openLoopUs.p99),
    ...(ratios === null
      ? []
      : [lower("p50 ÷ bare disk", "×", ratios.p50), lower("p99 ÷ bare disk", "×", ratios.p99)]),
  ];
}

function latencyFigures({ server, ratios, serverCpuUsPerCommand }: LatencyBenchResult): Figure[] {
  const { latency } = server;
  return [
    lower("order to acknowledgement, p50", "µs", latency.p50Us),
    lower("order to acknowledgement, p99", "µs", latency.p99Us),
    lower("order to acknowledgement, p99.9", "µs", latency.p999Us),
    lower("p50 ÷ its parts", "×", ratios.parts.p50),
    lower("p99 ÷ its parts", "×", ratios.parts.p99),
    lower("p50 ÷ echo and disk", "×", ratios.echoAndDisk.p50),
    lower("p99 ÷ echo and disk", "×", ratios.echoAndDisk.p99),
    ...(ratios.disk === null
      ? []
      : [
          lower("p50 ÷ bare disk", "×", ratios.disk.p50),
          lower("p99 ÷ bare disk", "×", ratios.disk.p99),
        ]),
    ...(serverCpuUsPerCommand === null
      ? []
      : [lower("server CPU an order", "µs", serverCpuUsPerCommand)]),
  ];
}

function allOf(runs: readonly { readonly histogram: string }[]): string {
  return encodeIntoCompressedBase64(sumOf(runs.map(({ histogram }) => histogram)));
}

/** Percentile curves and histograms. */
export function distributionsOf(result: BenchResult): Distribution[] {
  if (result.bench === "pipeline") {
    const group = "published to durable and matched";
    const { openLoop, writeSync } = result;
    return [
      { name: "pipeline", group, histogram: allOf(openLoop) },
      ...(writeSync.length === 0
        ? []
        : [{ name: "bare disk", group, histogram: allOf(writeSync) }]),
    ];
  }
  if (result.bench !== "latency") return [];
  const { server, echo, threadedEcho, writeSync } = result;
  const group = "order to acknowledgement";
  return [
    { name: "server", group, histogram: server.histogram },
    { name: "echo", group, histogram: echo.load.histogram },
    { name: "echo with hand-overs", group, histogram: threadedEcho.load.histogram },
    ...(writeSync === null ? [] : [{ name: "bare disk", group, histogram: writeSync.histogram }]),
    ...(server.stages ?? []).map(({ stage, histogram }) => ({
      name: stage,
      group: "stages",
      histogram,
    })),
  ];
}

export function curvesOf(result: BenchResult): Curve[] {
  if (result.bench !== "throughput") return [];
  return result.curves.map(({ encoding, connections, steps }) => ({
    name: `${encoding}, ${clientsOf(connections)}`,
    points: steps.map(({ ratePerSecond, achievedPerSecond, latency, isSustained }) => ({
      askedPerSecond: ratePerSecond,
      donePerSecond: achievedPerSecond,
      p50Us: latency.p50Us,
      p99Us: latency.p99Us,
      p999Us: latency.p999Us,
      isSustained,
    })),
  }));
}

function clientsOf(connections: number): string {
  return connections === 1 ? "1 client" : `${connections} clients`;
}
