import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { BenchServer } from "../server.ts";

export interface IdleOptions {
  readonly seconds: number;
  /** Before the measured time: the compiler and the first snapshot are done then. */
  readonly warmUpSeconds: number;
  readonly durability: "fsync" | "os" | "none";
  readonly parentDirectory: string;
  readonly serveFlags: readonly string[];
}

export interface IdleResult {
  readonly bench: "idle";
  readonly machine: Machine;
  readonly options: IdleOptions;
  readonly cpuSeconds: number;
  /** Of one core, all threads of the server's process. */
  readonly cpuPercent: number;
}

/** What a server costs that has nothing to do: no client, no order. */
export async function runIdleBench(
  options: IdleOptions,
  onStep: (what: string) => void,
): Promise<IdleResult> {
  const { seconds, warmUpSeconds } = options;
  const server = await BenchServer.start({
    durability: options.durability,
    clients: 1,
    parentDirectory: options.parentDirectory,
    flags: options.serveFlags,
  });
  try {
    onStep(`${warmUpSeconds} s to settle, then ${seconds} s`);
    await sleep(warmUpSeconds * 1000);
    const startMs = performance.now();
    const before = cpuSeconds(server.pid);
    await sleep(seconds * 1000);
    const used = cpuSeconds(server.pid) - before;
    const lasted = (performance.now() - startMs) / 1000;
    return {
      bench: "idle",
      machine: describeMachine(),
      options,
      cpuSeconds: used,
      cpuPercent: (used / lasted) * 100,
    };
  } finally {
    await server.stop();
  }
}

export function formatIdle({ machine, options, cpuPercent }: IdleResult): string {
  return [
    `a server without clients and orders, ${options.seconds} s, durability ${options.durability}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `CPU ${cpuPercent.toFixed(2)} % of a core`,
    "",
  ].join("\n");
}
