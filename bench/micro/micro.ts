import { Bench } from "tinybench";
import { describeMachine, type Machine } from "../machine.ts";
import { runProcess } from "../processes.ts";
import { benchOperations, codecOperations, type Operation, ringOperations } from "./operations.ts";

/** A call of a task costs tens of nanoseconds itself, so each runs its operation so many times. */
const TIMES = 1_000;

export interface MicroRow {
  readonly name: string;
  /** Nanoseconds for one operation: the median over all samples. */
  readonly medianNs: number;
  readonly p99Ns: number;
  /** Half width of the 95 % interval of the mean, in percent. */
  readonly marginPercent: number;
  readonly samples: number;
}

export interface MicroResult {
  readonly bench: "micro";
  readonly machine: Machine;
  readonly rows: readonly MicroRow[];
}

const SIZES = [1_000, 10_000, 100_000, 1_000_000];

/**
 * The small operations that every order is made of, one after the other on this thread; then the
 * parts of the engine and what clients do to books of several sizes, each in a process of its own.
 */
export async function runMicro(millisecondsEach: number): Promise<MicroResult> {
  const small = [...codecOperations(), ...ringOperations(), ...benchOperations()];
  const rows = await measure(small, millisecondsEach);
  for (const parts of [true, false]) {
    for (const resting of SIZES) {
      const input = { resting, parts, milliseconds: millisecondsEach };
      rows.push(...(await runProcess<MicroRow[]>("bench/micro/book.process.js", input)));
    }
  }
  return { bench: "micro", machine: describeMachine(), rows };
}

/** One row for each operation. */
export async function measure(
  operations: readonly Operation[],
  millisecondsEach: number,
): Promise<MicroRow[]> {
  const bench = new Bench({ time: millisecondsEach, warmupTime: millisecondsEach / 4 });
  for (const operation of operations) bench.add(operation.name, () => operation.run(TIMES));
  await bench.run();
  return bench.tasks.map((task) => {
    const { result } = task;
    if (!("latency" in result)) throw new Error(`${task.name} did not run`);
    const { latency } = result;
    return {
      name: task.name,
      medianNs: perOperationNs(latency.p50),
      p99Ns: perOperationNs(latency.p99),
      marginPercent: latency.rme,
      samples: latency.samplesCount,
    };
  });
}

function perOperationNs(ms: number): number {
  return (ms * 1e6) / TIMES;
}

export function formatMicro({ rows }: MicroResult): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  return rows
    .map(
      (row) =>
        `${row.name.padEnd(width)}  ${row.medianNs.toFixed(1).padStart(8)} ns  p99 ${row.p99Ns
          .toFixed(1)
          .padStart(8)} ns  ±${row.marginPercent.toFixed(1)} %\n`,
    )
    .join("");
}
