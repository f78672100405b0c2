import { median } from "../engine/engine-bench.ts";
import { describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import type { AppendOptions, AppendPair, AppendSlice } from "./append.ts";

export const DEFAULT_BLOCK_KIB = [4, 16, 64, 256, 1024] as const;

export interface JournalBenchRow {
  readonly blockKib: number;
  /** Medians over the pairs. */
  readonly journalMbPerSecond: number;
  readonly bareMbPerSecond: number;
  /** Median of journal ÷ bare, pair by pair. */
  readonly ratio: number;
  readonly commandsPerSecond: number;
  readonly journalP50Us: number;
  readonly journalP99Us: number;
  readonly bareP50Us: number;
  readonly bareP99Us: number;
}

export interface JournalBenchResult {
  readonly bench: "journal";
  readonly machine: Machine;
  readonly options: AppendOptions;
  readonly rows: readonly JournalBenchRow[];
  readonly pairs: readonly AppendPair[];
}

/** Appending to the journal, beside a bare loop of write and fdatasync. */
export async function runJournalBench(options: AppendOptions): Promise<JournalBenchResult> {
  const pairs = await runProcess<AppendPair[]>("bench/journal/append.process.js", options);
  const rows = options.blockKib.map((blockKib) =>
    rowOf(
      blockKib,
      pairs.filter((pair) => pair.blockKib === blockKib),
    ),
  );
  return { bench: "journal", machine: describeMachine(), options, rows, pairs };
}

function rowOf(blockKib: number, pairs: readonly AppendPair[]): JournalBenchRow {
  const over = (value: (pair: AppendPair) => number) => median(pairs.map(value));
  return {
    blockKib,
    journalMbPerSecond: over((pair) => mbPerSecond(pair.journal)),
    bareMbPerSecond: over((pair) => mbPerSecond(pair.bare)),
    ratio: over((pair) => mbPerSecond(pair.journal) / mbPerSecond(pair.bare)),
    commandsPerSecond: over((pair) => pair.journal.commands / pair.journal.seconds),
    journalP50Us: over((pair) => pair.journal.p50Us),
    journalP99Us: over((pair) => pair.journal.p99Us),
    bareP50Us: over((pair) => pair.bare.p50Us),
    bareP99Us: over((pair) => pair.bare.p99Us),
  };
}

function mbPerSecond(slice: AppendSlice): number {
  return slice.bytes / slice.seconds / 1e6;
}

export function formatJournalBench(result: JournalBenchResult): string {
  const { machine, options, rows } = result;
  const cells = rows.map((row) => [
    `${row.blockKib} KiB`,
    row.journalMbPerSecond.toFixed(0),
    row.bareMbPerSecond.toFixed(0),
    row.ratio.toFixed(2),
    `${(row.commandsPerSecond / 1e6).toFixed(2)} M`,
    `${row.journalP50Us.toFixed(0)} / ${row.bareP50Us.toFixed(0)}`,
    `${row.journalP99Us.toFixed(0)} / ${row.bareP99Us.toFixed(0)}`,
  ]);
  const head = ["block", "journal MB/s", "bare MB/s", "ratio", "commands/s", "p50 µs", "p99 µs"];
  return [
    `appending to the journal beside a bare write and fdatasync, ${options.pairs} pairs for each size, medians`,
    options.laysOut
      ? "both lay out file after file, synced, while they write"
      : "both into files that were laid out before",
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    ...[head, ...cells].map((row) => row.map((cell) => cell.padStart(14)).join("")),
    "",
  ].join("\n");
}
