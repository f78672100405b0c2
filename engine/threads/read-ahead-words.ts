// The memory between the thread that reads a journal ahead and the one that uses it: a ring of
// batches. A batch holds whole blocks: what is known of each, and their records, side by side.
import { CHAIN_BYTES, DIRECTORY_ID_BYTES, MAX_BLOCK_BYTES } from "../journal/block-format.ts";

export const ReadAheadWord = {
  /** Reading thread: batches given out; notified. */
  produced: 0,
  /** Using thread: batches done with; notified. */
  consumed: 1,
  /** Using thread: 1: nothing more is wanted. */
  stop: 2,
  /** Reading thread: bytes of its last word, before the empty batch that ends the reading. */
  lastBytes: 3,
  /** Reading thread: 1: it has ended, whatever the reason. */
  ended: 4,
} as const;

export const BATCHES = 4;
export const BATCH_BLOCKS = 512;
export const BATCH_BYTES = MAX_BLOCK_BYTES;

/** What is known of a block: 64-bit floats, then bytes. */
export const BlockField = {
  epoch: 0,
  blockNumber: 1,
  firstSeq: 2,
  lastSeq: 3,
  lastTimestampUs: 4,
  bodyBytes: 5,
  segment: 6,
  offset: 7,
} as const;
const FIELDS = 8;
export const CHAIN_AT = FIELDS * 8;
export const DIRECTORY_ID_AT = CHAIN_AT + CHAIN_BYTES;
export const BLOCK_INFO_BYTES = DIRECTORY_ID_AT + DIRECTORY_ID_BYTES;

export interface ReadAheadMemory {
  readonly words: SharedArrayBuffer;
  /** Blocks in each batch. */
  readonly counts: SharedArrayBuffer;
  readonly infos: SharedArrayBuffer;
  readonly bodies: SharedArrayBuffer;
  /** JSON: how the journal ends, or the error that stopped the reading. */
  readonly last: SharedArrayBuffer;
}

const LAST_BYTES = 16 * 1024;

export function createReadAheadMemory(): ReadAheadMemory {
  return {
    words: new SharedArrayBuffer(Object.keys(ReadAheadWord).length * 4),
    counts: new SharedArrayBuffer(BATCHES * 4),
    infos: new SharedArrayBuffer(BATCHES * BATCH_BLOCKS * BLOCK_INFO_BYTES),
    bodies: new SharedArrayBuffer(BATCHES * BATCH_BYTES),
    last: new SharedArrayBuffer(LAST_BYTES),
  };
}

/** The last word of the reading thread. */
export type LastWord =
  | { readonly end: object }
  | {
      readonly error: {
        readonly kind: "damage" | "journal" | "disk" | "other";
        readonly code: string;
        readonly message: string;
        readonly file: string;
        readonly offset: number;
        readonly seq: number;
        readonly operation: string;
      };
    };
