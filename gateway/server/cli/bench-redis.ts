import type { Command } from "commander";
import { nonNegative, outputOptions, positive, progress, wholePositive } from "./bench-options.ts";
import { measured } from "./bench-output.ts";

interface RedisOptions {
  commands: number;
  runs: number;
  batchBytes: number;
  rate: number;
  outage: number;
  pairs: number;
  window: number;
  flood: number;
  directory?: string;
  json: boolean;
}

/** `crossbook bench redis`. */
export function registerRedisBench(bench: Command): void {
  const command = bench
    .command("redis")
    .description("publishing to Redis: rate, catching up after an outage, cost of a dead Redis")
    .option("--commands <number>", "in the event log that is published", wholePositive, 2_000_000)
    .option("--runs <number>", "each to an empty Redis; the median counts", wholePositive, 3)
    .option("--batch-bytes <number>", "most event bytes of a batch", wholePositive, 131_072)
    .option("--rate <number>", "orders a second around the outage", positive, 10_000)
    .option("--outage <seconds>", "how long Redis stands still; 0: leave it out", nonNegative, 30)
    .option(
      "--pairs <number>",
      "floods with Redis well and stopped, in turns; 0: none",
      nonNegative,
      10,
    )
    .option("--window <seconds>", "how long orders are offered in each", positive, 3)
    .option(
      "--flood <number>",
      "orders a second offered in them, more than can be matched",
      positive,
      80_000,
    );
  outputOptions(command).action(async (options: RedisOptions) => {
    const { formatRedisBench, runRedisBench } = await import("../../../bench/redis/redis-bench.ts");
    const { defaultParentDirectory } = await import("../../../bench/server.ts");
    await measured(
      options.json,
      () =>
        runRedisBench(
          {
            parentDirectory: options.directory ?? defaultParentDirectory(),
            commands: options.commands,
            runs: options.runs,
            batchBytes: options.batchBytes,
            ratePerSecond: options.rate,
            outageSeconds: options.outage,
            pairs: options.pairs,
            windowSeconds: options.window,
            floodPerSecond: options.flood,
          },
          progress,
        ),
      formatRedisBench,
    );
  });
}
