import { Bench } from "tinybench";
import { benchOperations, codecOperations, ringOperations } from "./operations.ts";

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

/** The small operations that every order is made of, one after the other on this thread. */
export async function runMicro(millisecondsEach: number): Promise<MicroRow[]> {
  const bench = new Bench({ time: millisecondsEach, warmupTime: millisecondsEach / 4 });
  for (const operation of [...codecOperations(), ...ringOperations(), ...benchOperations()]) {
    bench.add(operation.name, () => operation.run(TIMES));
  }
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

export function formatMicro(rows: readonly MicroRow[]): string {
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
