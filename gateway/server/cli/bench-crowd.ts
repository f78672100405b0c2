import type { Command } from "commander";
import {
  aboveOne,
  type DurabilityOption,
  durabilityOption,
  outputOptions,
  positive,
  progress,
  wholeFrom0,
  wholePositive,
} from "./bench-options.ts";
import { measured } from "./bench-output.ts";

const load = {
  crowd: () => import("../../../bench/crowd/crowd.ts"),
  server: () => import("../../../bench/server.ts"),
};

interface CrowdOptions {
  readers: number;
  flooders: number;
  limit: number;
  factor: number;
  rate: number;
  pairs: number;
  seconds: number;
  warmUp: number;
  durability: DurabilityOption;
  directory?: string;
  json: boolean;
}

/** `crossbook bench crowd`. */
export function registerCrowdBench(bench: Command): void {
  const command = bench
    .command("crowd")
    .description("one client's latency beside stuck readers and a flood, and without them")
    .option("--readers <number>", "that never read", wholePositive, 1_000)
    .option("--flooders <number>", "clients that send too much", wholeFrom0, 1)
    .option("--limit <number>", "messages a second that a session may send", wholePositive, 2_000)
    .option("--factor <number>", "how many times that a flooder sends", aboveOne, 10)
    .option("--rate <number>", "orders a second of the client that is measured", positive, 500)
    .option("--pairs <number>", "with and without, in turns", wholePositive, 5)
    .option("--seconds <number>", "measured, each time", positive, 20)
    .option("--warm-up <number>", "seconds for the readers to get stuck", positive, 20)
    .addOption(durabilityOption("of the server", "os"));
  outputOptions(command).action(async (options: CrowdOptions) => {
    const { formatCrowd, runCrowdBench } = await load.crowd();
    const { readers, flooders, pairs, seconds, durability } = options;
    const input = {
      ...{ readers, flooders, pairs, seconds, durability },
      sessionPerSecond: options.limit,
      floodFactor: options.factor,
      ratePerSecond: options.rate,
      warmUpSeconds: options.warmUp,
      parentDirectory: options.directory ?? (await load.server()).defaultParentDirectory(),
    };
    await measured(options.json, () => runCrowdBench(input, progress), formatCrowd);
  });
}
