// Whether memory stays where it is: the heap after a forced collection, early and late.
import v8 from "node:v8";
import vm from "node:vm";

/**
 * Collects garbage and returns the bytes that are left, without what the compiler has made: code comes
 * and goes with what happens to be hot. Works without --expose-gc too.
 */
export function heapAfterCollection(): number {
  collect();
  collect(); // what the first one has finalized
  return process.memoryUsage().heapUsed - compiledBytes();
}

/** Machine code and bytecode in the heap, and what belongs to them. */
export function compiledBytes(): number {
  const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } =
    v8.getHeapCodeStatistics();
  return code + bytecode;
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

/** A campaign looks this often; fifths of them are compared. */
export const LOOKS = 20;
const FIFTH = LOOKS / 5;

/**
 * Growth from the second fifth of the checkpoints to the last one, by their medians: in the first the
 * compiler is at work, and single looks differ by what code it has just made or thrown away.
 */
export function growth(heapBytes: readonly number[]): number {
  if (heapBytes.length < LOOKS) return 0;
  return median(heapBytes.slice(-FIFTH)) / median(heapBytes.slice(FIFTH, 2 * FIFTH)) - 1;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

export const MOST_GROWTH = 0.02;
