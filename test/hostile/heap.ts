// Whether memory stays where it is: the heap after a forced collection, early and late.
import v8 from "node:v8";
import vm from "node:vm";

/** Collects garbage and returns the bytes that are left. Works without --expose-gc too. */
export function heapAfterCollection(): number {
  collect();
  collect(); // what the first one has finalized
  return process.memoryUsage().heapUsed;
}

let found: (() => void) | null = null;

function collect(): void {
  if (found === null) {
    v8.setFlagsFromString("--expose-gc");
    found = vm.runInNewContext("gc") as () => void;
  }
  found();
}

export interface Checkpoint {
  readonly done: number;
  readonly heapBytes: number;
}

/** Growth from the early checkpoint to the last one, as a share of the early one. */
export function growth(checkpoints: readonly Checkpoint[]): number {
  const [early, last] = [checkpoints[0], checkpoints.at(-1)];
  if (early === undefined || last === undefined) return 0;
  return last.heapBytes / early.heapBytes - 1;
}

export const MOST_GROWTH = 0.02;
