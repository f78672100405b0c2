import { type Command, InvalidArgumentError, Option } from "commander";
import { positive, progress, wholePositive } from "./bench-options.ts";
import { measured } from "./bench-output.ts";

const load = {
  journal: () => import("../../../bench/journal/journal-bench.ts"),
  replay: () => import("../../../bench/journal/replay-bench.ts"),
  restart: () => import("../../../bench/restart/restart-bench.ts"),
  snapshot: () => import("../../../bench/snapshot/snapshot-bench.ts"),
  server: () => import("../../../bench/server.ts"),
};

const MAX_BLOCK_KIB = 1024;

interface JournalOptions {
  block: number[];
  seconds: number;
  pairs: number;
  layOut: boolean;
  directory?: string;
  json: boolean;
}

interface ReplayOptions {
  commands: number;
  resting: number;
  runs: number;
  directory?: string;
  json: boolean;
}

/** `crossbook bench journal|replay|restart|snapshot`: the disk side alone, and the way back. */
export function registerJournalBenches(bench: Command): void {
  registerReplay(bench);
  registerRestart(bench);
  registerSnapshot(bench);
  bench
    .command("journal")
    .description("append to the journal, beside a bare loop of write and fdatasync")
    .option("--block <KiB>", "size of a block; may be repeated (default: 4 to 1024)", blockSize, [])
    .option("--seconds <number>", "measured, over all sizes and both sides", positive, 20)
    .option("--pairs <number>", "slices of each side for each size", wholePositive, 9)
    .option("--lay-out", "fill file after file with zeros meanwhile, on both sides", false)
    .option("--directory <path>", "on the disk to measure")
    .option("--json", "print the result as JSON", false)
    .action(async (options: JournalOptions) => {
      const { DEFAULT_BLOCK_KIB, formatJournalBench, runJournalBench } = await load.journal();
      const blockKib = options.block.length > 0 ? options.block : [...DEFAULT_BLOCK_KIB];
      await measured(
        options.json,
        async () =>
          runJournalBench({
            directory: options.directory ?? (await load.server()).defaultParentDirectory(),
            blockKib,
            pairs: options.pairs,
            laysOut: options.layOut,
            sliceSeconds: options.seconds / (2 * options.pairs * blockKib.length),
          }),
        formatJournalBench,
      );
    });
}

function registerReplay(bench: Command): void {
  bench
    .command("replay")
    .description("read, replay and verify a journal of generated commands")
    .option("--commands <number>", "commands in it", wholePositive, 2_000_000)
    .option("--resting <number>", "orders that rest in its book", wholePositive, 10_000)
    .option("--runs <number>", "of each kind, each in a fresh process", wholePositive, 3)
    .option("--directory <path>", "where its files go for the time being")
    .option("--json", "print the result as JSON", false)
    .action(async (options: ReplayOptions) => {
      const { formatReplayBench, runReplayBench } = await load.replay();
      const { commands, resting, runs } = options;
      const parentDirectory = options.directory ?? (await load.server()).defaultParentDirectory();
      await measured(
        options.json,
        () => runReplayBench({ parentDirectory, commands, resting, runs }, progress),
        formatReplayBench,
      );
    });
}

function registerRestart(bench: Command): void {
  bench
    .command("restart")
    .description("from the start of a server to its first order: a snapshot and a tail")
    .option("--commands <number>", "commands behind the snapshot", wholePositive, 1_000_000)
    .option("--resting <number>", "orders that rest in its book", wholePositive, 10_000)
    .option("--runs <number>", "starts", wholePositive, 3)
    .option("--directory <path>", "where its files go for the time being")
    .option("--json", "print the result as JSON", false)
    .action(async (options: ReplayOptions) => {
      const { formatRestartBench, runRestartBench } = await load.restart();
      const { commands, resting, runs } = options;
      const parentDirectory = options.directory ?? (await load.server()).defaultParentDirectory();
      await measured(
        options.json,
        () => runRestartBench({ parentDirectory, commands, resting, runs }, progress),
        formatRestartBench,
      );
    });
}

interface SnapshotOptions {
  resting: number;
  rate: number;
  seconds: number;
  pairs: number;
  durability: "fsync" | "os";
  pacing: "spin" | "sleep";
  directory?: string;
  json: boolean;
}

function registerSnapshot(bench: Command): void {
  bench
    .command("snapshot")
    .description("how long orders wait while a snapshot of a large book is made, and while none is")
    .option("--resting <number>", "orders that rest in the book", wholePositive, 1_000_000)
    .option("--rate <number>", "orders a second", positive, 2000)
    .option("--seconds <number>", "each run", positive, 10)
    .option("--pairs <number>", "runs without and with, in turn", wholePositive, 5)
    .addOption(
      new Option("--durability <level>", "of the server").choices(["fsync", "os"]).default("os"),
    )
    .addOption(
      new Option("--pacing <how>", "of the generator").choices(["spin", "sleep"]).default("sleep"),
    )
    .option("--directory <path>", "where its files go for the time being")
    .option("--json", "print the result as JSON", false)
    .action(async ({ rate, json, directory, ...options }: SnapshotOptions) => {
      const { formatSnapshotBench, runSnapshotBench } = await load.snapshot();
      const parentDirectory = directory ?? (await load.server()).defaultParentDirectory();
      const wanted = { ...options, parentDirectory, ratePerSecond: rate };
      await measured(json, () => runSnapshotBench(wanted, progress), formatSnapshotBench);
    });
}

function blockSize(text: string, before: number[]): number[] {
  const value = wholePositive(text);
  if (value % 4 === 0 && value <= MAX_BLOCK_KIB) return [...before, value];
  throw new InvalidArgumentError(`Allowed: a multiple of 4 up to ${MAX_BLOCK_KIB}.`);
}
