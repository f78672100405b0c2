// Reads and checks a journal from one end to the other, some blocks ahead of whoever uses it.
import { workerData } from "node:worker_threads";
import { LogKind } from "../journal/block-format.ts";
import { DamageError, DiskError, JournalError } from "../journal/errors.ts";
import { LogCursor } from "../journal/log-cursor.ts";
import { NodeDisk } from "../journal/node-disk.ts";
import {
  BATCH_BLOCKS,
  BATCH_BYTES,
  BATCHES,
  BLOCK_INFO_BYTES,
  BlockField,
  CHAIN_AT,
  DIRECTORY_ID_AT,
  type LastWord,
  type ReadAheadMemory,
  ReadAheadWord,
} from "./read-ahead-words.ts";

export interface ReadAheadWorkerData {
  readonly memory: ReadAheadMemory;
  /** Where the segments are. */
  readonly directory: string;
  /** To start with; undefined: the first. */
  readonly segment: number | undefined;
  readonly live: boolean;
  readonly sync: boolean;
}

const WAIT_MS = 100;

const { memory, directory, segment, live, sync } = workerData as ReadAheadWorkerData;
const words = new Int32Array(memory.words);
const counts = new Int32Array(memory.counts);
const infos = new DataView(memory.infos);
const infoBytes = new Uint8Array(memory.infos);
const bodies = new Uint8Array(memory.bodies);

process.on("exit", () => {
  Atomics.store(words, ReadAheadWord.ended, 1);
  Atomics.notify(words, ReadAheadWord.produced);
});

let produced = 0;
let batch = 0; // place in the ring of the batch that is being filled
let blocks = 0;
let bytes = 0;

try {
  const options = { live, sync, ...(segment === undefined ? {} : { segment }) };
  const cursor = new LogCursor(new NodeDisk(), directory, LogKind.journal, options);
  if (waitForRoom()) {
    while (cursor.next()) if (!take(cursor)) break;
  }
  cursor.close();
  say({ end: cursor.end ?? {} });
} catch (error) {
  say({ error: describe(error) });
}

/** False: nothing more is wanted. */
function take(cursor: LogCursor): boolean {
  const { block, position } = cursor;
  if (blocks === BATCH_BLOCKS || bytes + block.bodyBytes > BATCH_BYTES) {
    publish();
    if (!waitForRoom()) return false;
  }
  const start = batch * BATCH_BYTES + bytes;
  const length = cursor.copyBody(bodies.subarray(start, start + block.bodyBytes));
  const info = (batch * BATCH_BLOCKS + blocks) * BLOCK_INFO_BYTES;
  const set = (field: number, value: number) => infos.setFloat64(info + field * 8, value, true);
  set(BlockField.epoch, position.epoch);
  set(BlockField.blockNumber, position.blockNumber);
  set(BlockField.firstSeq, block.firstSeq);
  set(BlockField.lastSeq, position.lastSeq);
  set(BlockField.lastTimestampUs, position.lastTimestampUs);
  set(BlockField.bodyBytes, length);
  set(BlockField.segment, cursor.segmentNumber);
  set(BlockField.offset, cursor.blockOffset);
  infoBytes.set(position.chain, info + CHAIN_AT);
  infoBytes.set(position.directoryId, info + DIRECTORY_ID_AT);
  bytes += length;
  blocks++;
  return true;
}

function publish(): void {
  counts[batch] = blocks;
  produced++;
  batch = produced % BATCHES;
  blocks = 0;
  bytes = 0;
  Atomics.store(words, ReadAheadWord.produced, produced); // release
  Atomics.notify(words, ReadAheadWord.produced);
}

/** Until the next batch may be filled. False: nothing more is wanted. */
function waitForRoom(): boolean {
  for (;;) {
    if (Atomics.load(words, ReadAheadWord.stop) === 1) return false;
    const consumed = Atomics.load(words, ReadAheadWord.consumed); // acquire
    if (produced - consumed < BATCHES) return true;
    Atomics.wait(words, ReadAheadWord.consumed, consumed, WAIT_MS);
  }
}

/** What was read goes first; an empty batch, which is the last one, stands for the word itself. */
function say(last: LastWord): void {
  if (blocks > 0) publish();
  if (!waitForRoom()) return;
  const text = new TextEncoder().encode(JSON.stringify(last)).subarray(0, memory.last.byteLength);
  new Uint8Array(memory.last).set(text);
  Atomics.store(words, ReadAheadWord.lastBytes, text.length);
  publish();
}

function describe(error: unknown): Extract<LastWord, { error: unknown }>["error"] {
  const { message } = error as Error;
  const none = { code: "", file: "", offset: 0, seq: 0, operation: "" };
  if (error instanceof DamageError) {
    const { code, file, offset, seq, what } = error;
    return { ...none, kind: "damage", code, message: what, file, offset, seq };
  }
  if (error instanceof JournalError) return { ...none, kind: "journal", code: error.code, message };
  if (error instanceof DiskError) {
    const { code, path, operation, cause } = error;
    const reason = cause instanceof Error ? cause.message : message;
    return { ...none, kind: "disk", code, message: reason, file: path, operation };
  }
  return { ...none, kind: "other", message };
}
