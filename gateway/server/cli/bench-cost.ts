import type { Command } from "commander";
import {
  type DurabilityOption,
  durabilityOption,
  list,
  nonNegative,
  outputOptions,
  positive,
  progress,
  wholePositive,
} from "./bench-options.ts";
import { measured } from "./bench-output.ts";

const load = {
  cost: () => import("../../../bench/cost/cost.ts"),
  server: () => import("../../../bench/server.ts"),
};

interface CostOptions {
  rate: number;
  connections: number;
  rounds: number;
  seconds: number;
  warmUp: number;
  durability: DurabilityOption;
  serve: string[];
  directory?: string;
  json: boolean;
}

/** `crossbook bench cost`. */
export function registerCostBench(bench: Command): void {
  const command = bench
    .command("cost")
    .description("the server's CPU for an order, by what risk checks, beside a plain echo")
    .option("--rate <number>", "orders a second", positive, 20_000)
    .option("--connections <number>", "clients, each with its account", wholePositive, 10)
    .option("--rounds <number>", "each mode once in each; medians count", wholePositive, 5)
    .option("--seconds <number>", "measured, of each mode in each round", positive, 10)
    .option("--warm-up <number>", "seconds before", nonNegative, 5)
    .addOption(durabilityOption("of the server", "fsync"))
    .option(
      "--serve <flag>",
      "a further flag for `crossbook serve`, as --serve=--risk-workers=2",
      list,
      [],
    );
  outputOptions(command).action(async (options: CostOptions) => {
    const { formatCost, runCostBench } = await load.cost();
    const { connections, rounds, seconds, durability } = options;
    const input = {
      ...{ connections, rounds, seconds, durability },
      ratePerSecond: options.rate,
      warmUpSeconds: options.warmUp,
      parentDirectory: options.directory ?? (await load.server()).defaultParentDirectory(),
      serveFlags: options.serve,
    };
    await measured(options.json, () => runCostBench(input, progress), formatCost);
  });
}
