// Whether memory stays where it is: the heap after a forced collection, early and late.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import v8 from "node:v8";

/** What is in a heap, in bytes. */
export interface HeapParts {
  /** Objects, arrays, strings, numbers, closures: what a program can keep. */
  readonly objects: number;
  /** Code, what it was made from and depends on, shapes of objects: what the compiler makes and drops as it likes. */
  readonly compiler: number;
}

/** Node types of a heap snapshot that are V8's own. */
const COMPILER_TYPES: ReadonlySet<string> = new Set(["code", "hidden", "object shape"]);
/** Memory outside of the heap. */
const NATIVE_TYPE = "native";

/** Collects garbage, as a snapshot begins with it, and says what is left in this process. */
export function heapAfterCollection(): HeapParts {
  const file = path.join(os.tmpdir(), `crossbook-heap-${process.pid}.heapsnapshot`);
  v8.writeHeapSnapshot(file);
  try {
    return readHeapSnapshot(file);
  } finally {
    fs.rmSync(file);
  }
}

interface SnapshotFile {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  /** One number a field, node after node. */
  readonly nodes: readonly number[];
}

/** Of the file that v8.writeHeapSnapshot has written: Chrome's format, one JSON object. */
export function readHeapSnapshot(file: string): HeapParts {
  const { snapshot, nodes } = JSON.parse(fs.readFileSync(file, "utf8")) as SnapshotFile;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const typeAt = fields.indexOf("type");
  const sizeAt = fields.indexOf("self_size");
  let objects = 0;
  let compiler = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    const type = types[0][nodes[node + typeAt] as number] as string;
    const bytes = nodes[node + sizeAt] as number;
    if (type === NATIVE_TYPE) continue;
    if (COMPILER_TYPES.has(type)) compiler += bytes;
    else objects += bytes;
  }
  return { objects, compiler };
}

export interface Checkpoint {
  readonly done: number;
  readonly heapBytes: number;
}

/** Payloads: shorter runs are not looked at, since their tables have hardly filled. */
export const ENOUGH_FOR_HEAP = 1_000_000;
/** A campaign looks this often; fifths of them are compared. */
export const LOOKS = 20;
const FIFTH = LOOKS / 5;

/** Growth from the second fifth of the checkpoints to the last one, by their medians: in the first, tables fill. */
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
