import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, describeMachine, type Machine } from "../machine.ts";
import { BenchServer } from "../server.ts";
import { threadCpusNs } from "../thread-cpu.ts";

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
  /** Of it, the main thread's and that of each other one, most first; NaN where it cannot be known. */
  readonly mainPercent: number;
  readonly otherPercents: readonly number[];
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
    const threadsBefore = threadCpusNs(server.pid);
    await sleep(seconds * 1000);
    const used = cpuSeconds(server.pid) - before;
    const threads = threadCpusNs(server.pid);
    const lasted = (performance.now() - startMs) / 1000;
    const percentOf = (thread: number) =>
      ((threads.get(thread) ?? Number.NaN) - (threadsBefore.get(thread) ?? 0)) / 1e7 / lasted;
    const others = [...threads.keys()].filter((thread) => thread !== server.pid);
    return {
      bench: "idle",
      machine: describeMachine(),
      options,
      cpuSeconds: used,
      cpuPercent: (used / lasted) * 100,
      mainPercent: percentOf(server.pid),
      otherPercents: others
        .map(percentOf)
        .filter((percent) => percent >= SHOWN_PERCENT)
        .sort((a, b) => b - a),
    };
  } finally {
    await server.stop();
  }
}

/** Threads that use less are left out. */
const SHOWN_PERCENT = 0.005;

export function formatIdle(result: IdleResult): string {
  const { machine, options, cpuPercent, mainPercent, otherPercents } = result;
  const others = otherPercents.map((percent) => percent.toFixed(2)).join(", ");
  return [
    `a server without clients and orders, ${options.seconds} s, durability ${options.durability}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}`,
    "",
    `CPU ${cpuPercent.toFixed(2)} % of a core: main thread ${mainPercent.toFixed(2)}, others ${others}`,
    "",
  ].join("\n");
}
