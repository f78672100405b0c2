import { getSystemErrorName } from "node:util";
import { Worker } from "node:worker_threads";
import { assert } from "../../protocol/assert.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { MAX_BLOCK_BYTES } from "../journal/block-format.ts";
import type {
  BackgroundSync,
  BlockOutput,
  OutgoingBlock,
  ZeroFiller,
} from "../journal/block-output.ts";
import type { FileHandle } from "../journal/disk.ts";
import { DiskError } from "../journal/errors.ts";
import type { DiskWorkerData } from "./disk.worker.ts";
import { createDiskMemory, DiskOutcome, DiskWord, SLICE_BYTES } from "./disk-words.ts";

/** Bounds what a wake-up that got lost could cost; nothing rests on it. */
const WAIT_MS = 100;

/**
 * The journal thread's hand at the disk: writes and syncs large blocks while the journal thread
 * builds the next one, lays out the next segment, and syncs in the background. Files are those of
 * the process, so a handle of NodeDisk holds in both threads.
 */
export class DiskThread implements BlockOutput, ZeroFiller, BackgroundSync {
  readonly buffers: readonly [Uint8Array, Uint8Array];
  readonly #words: Int32Array;
  readonly #chain: Uint8Array;
  readonly #worker: Worker;
  readonly #sparePath: string;
  #blockPath = "";
  #syncPath = "";
  #slicesBefore = 0; // filled for the files before

  /** sparePath: the only file that `fill` will name. */
  constructor(sparePath: string, maxBlockBytes: number = MAX_BLOCK_BYTES) {
    const memory = createDiskMemory(maxBlockBytes);
    this.#words = new Int32Array(memory.words);
    this.#chain = new Uint8Array(memory.chain);
    this.buffers = [new Uint8Array(memory.buffers[0]), new Uint8Array(memory.buffers[1])];
    this.#sparePath = sparePath;
    const workerData: DiskWorkerData = { memory, sparePath };
    this.#worker = new Worker(compiledFile("engine/threads/disk.worker.js"), {
      workerData,
      name: "disk",
    });
    // Its end shows in its words, which the journal thread reads: that thread hears no events.
    this.#worker.on("error", () => undefined);
    this.#worker.unref();
  }

  start(block: OutgoingBlock): void {
    const words = this.#words;
    const { buffer, file, length, position, sync } = block;
    this.#blockPath = block.path;
    assert(position < 2 ** 31, "a segment is smaller than 2 GiB");
    words[DiskWord.buffer] = buffer;
    words[DiskWord.file] = file;
    words[DiskWord.length] = length;
    words[DiskWord.position] = position;
    words[DiskWord.sync] = sync ? 1 : 0;
    Atomics.add(words, DiskWord.submitted, 1); // release: publishes the plain words and the buffer
    this.#ring();
  }

  finish(chain: Uint8Array): void {
    const words = this.#words;
    this.#waitUntil(DiskWord.done, Atomics.load(words, DiskWord.submitted));
    const outcome = words[DiskWord.outcome];
    if (outcome === DiskOutcome.fine) {
      chain.set(this.#chain);
      return;
    }
    const place = this.#blockPath;
    if (outcome === DiskOutcome.shortWrite) throw new DiskError("shortWrite", "write", place);
    const errorNumber = words[DiskWord.errorNumber] as number;
    if (outcome === DiskOutcome.syncFailed) throw syncFailure(place, errorNumber);
    const name = getSystemErrorName(errorNumber);
    const cause = new Error(name);
    const isFull = name === "ENOSPC" || name === "EDQUOT";
    throw new DiskError(isFull ? "diskFull" : "inputOutput", "write", place, cause);
  }

  get isSyncing(): boolean {
    const words = this.#words;
    return Atomics.load(words, DiskWord.syncsDone) !== Atomics.load(words, DiskWord.syncsAsked);
  }

  beginSync(file: FileHandle, path: string): void {
    assert(!this.isSyncing, "one background sync is under way at a time");
    this.#syncPath = path;
    this.#words[DiskWord.syncFile] = file;
    Atomics.add(this.#words, DiskWord.syncsAsked, 1); // release: publishes the file
    this.#ring();
  }

  finishSync(): void {
    const words = this.#words;
    this.#waitUntil(DiskWord.syncsDone, Atomics.load(words, DiskWord.syncsAsked));
    const errorNumber = words[DiskWord.syncError] as number;
    if (errorNumber !== 0) throw syncFailure(this.#syncPath, errorNumber);
  }

  fill(path: string, bytes: number, urgent: boolean): void {
    assert(path === this.#sparePath, "one file is filled ahead");
    const words = this.#words;
    const slices = Math.ceil(bytes / SLICE_BYTES);
    const isUrgent = urgent ? 1 : 0;
    const isKnown = words[DiskWord.wantedSlices] === slices;
    if (isKnown && words[DiskWord.isUrgent] === isUrgent) return;
    Atomics.store(words, DiskWord.isUrgent, isUrgent);
    Atomics.store(words, DiskWord.wantedSlices, slices);
    this.#ring();
  }

  get filledBytes(): number {
    // Acquire.
    const slices = Atomics.load(this.#words, DiskWord.filledSlices) - this.#slicesBefore;
    return slices * SLICE_BYTES;
  }

  release(): number {
    Atomics.store(this.#words, DiskWord.wantedSlices, 0);
    const release = Atomics.add(this.#words, DiskWord.releases, 1) + 1;
    this.#ring();
    this.#waitUntil(DiskWord.released, release);
    const bytes = this.filledBytes;
    this.#slicesBefore = Atomics.load(this.#words, DiskWord.filledSlices);
    return bytes;
  }

  /** Ends the thread. Nothing may be under way. */
  stop(): void {
    Atomics.store(this.#words, DiskWord.stop, 1);
    this.#ring();
    this.#waitUntil(DiskWord.ended, 1);
  }

  #ring(): void {
    Atomics.add(this.#words, DiskWord.bell, 1);
    Atomics.notify(this.#words, DiskWord.bell);
  }

  #waitUntil(word: number, value: number): void {
    for (;;) {
      const found = Atomics.load(this.#words, word); // acquire
      if (found === value) return;
      if (Atomics.load(this.#words, DiskWord.ended) === 1 && word !== DiskWord.ended) {
        // Once more: its last words come before its end.
        if (Atomics.load(this.#words, word) === value) return;
        throw new DiskError("inputOutput", "write", "the disk thread has ended");
      }
      Atomics.wait(this.#words, word, found, WAIT_MS);
    }
  }
}

function syncFailure(path: string, errorNumber: number): DiskError {
  return new DiskError("syncFailed", "sync", path, new Error(getSystemErrorName(errorNumber)));
}
