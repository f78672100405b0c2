// Writes and syncs blocks for the journal thread, fills the next segment with zeros in between, and
// syncs the file that is being written where its commits do not.
// It waits without blocking, so that both can be under way at once: while the disk syncs a block its
// SHA-256 is computed here, and a slice of zeros never stands before a block.
import fs from "node:fs";
import { workerData } from "node:worker_threads";
import { chainOf } from "../journal/block-builder.ts";
import { type DiskMemory, DiskOutcome, DiskWord, SLICE_BYTES } from "./disk-words.ts";

export interface DiskWorkerData {
  readonly memory: DiskMemory;
  readonly sparePath: string;
}

const { memory, sparePath } = workerData as DiskWorkerData;
const words = new Int32Array(memory.words);
const chain = new Uint8Array(memory.chain);
const buffers = memory.buffers.map((buffer) => new Uint8Array(buffer));
const zeros = new Uint8Array(SLICE_BYTES);
const BELL_MS = 1000;

process.on("exit", () => announce(DiskWord.ended, 1));
// Nothing that is waited for below keeps a thread alive.
const alive = setInterval(() => undefined, 2 ** 30);

let spare: number | undefined;
let spareSlices = 0;
// The disk may be full, and the current segment still has room: not tried again for this file.
let hasGivenUp = false;
let isFilling = false;
let ended: Promise<void> = Promise.resolve();
let isSyncing = false;
let synced: Promise<void> = Promise.resolve();

for (;;) {
  const seen = Atomics.load(words, DiskWord.bell);
  if (Atomics.load(words, DiskWord.stop) === 1) break;
  const submitted = Atomics.load(words, DiskWord.submitted);
  if (submitted !== Atomics.load(words, DiskWord.done)) {
    await put(submitted);
    continue;
  }
  if (!isSyncing && hasToSync()) synced = syncAside();
  if (!isFilling && (hasToFill() || hasToRelease())) ended = fillSpare();
  const { async: isAsleep, value } = Atomics.waitAsync(words, DiskWord.bell, seen, BELL_MS);
  if (isAsleep) await value;
}
await Promise.all([ended, synced]);
if (spare !== undefined) fs.closeSync(spare);
clearInterval(alive);

/** One block: written, then synced while its hash is made. */
async function put(submitted: number): Promise<void> {
  const file = words[DiskWord.file] as number;
  const length = words[DiskWord.length] as number;
  const block = buffers[words[DiskWord.buffer] as number] as Uint8Array;
  let outcome: number = DiskOutcome.fine;
  let errorNumber = 0;
  try {
    const count = fs.writeSync(file, block, 0, length, words[DiskWord.position] as number);
    // A full disk shows as a short count first; writing the rest would only fail a little later.
    if (count !== length) outcome = DiskOutcome.shortWrite;
  } catch (error) {
    outcome = DiskOutcome.writeFailed;
    errorNumber = (error as NodeJS.ErrnoException).errno ?? 0;
  }
  if (outcome === DiskOutcome.fine) {
    const synced = words[DiskWord.sync] === 1 ? sync(file) : undefined;
    chainOf(block.subarray(0, length), chain);
    errorNumber = (await synced) ?? 0;
    if (errorNumber !== 0) outcome = DiskOutcome.syncFailed;
  }
  words[DiskWord.outcome] = outcome;
  words[DiskWord.errorNumber] = errorNumber;
  announce(DiskWord.done, submitted); // release: outcome and chain
}

/** Resolves with 0, or the system's error number. */
function sync(file: number): Promise<number> {
  return new Promise((resolve) => fs.fdatasync(file, (error) => resolve(error?.errno ?? 0)));
}

function hasToSync(): boolean {
  return Atomics.load(words, DiskWord.syncsAsked) !== Atomics.load(words, DiskWord.syncsDone);
}

/** Beside blocks and slices, which do not wait for it. */
async function syncAside(): Promise<void> {
  isSyncing = true;
  const asked = Atomics.load(words, DiskWord.syncsAsked); // acquire: the file
  words[DiskWord.syncError] = await sync(words[DiskWord.syncFile] as number);
  isSyncing = false; // before the next one can be asked for
  announce(DiskWord.syncsDone, asked); // release: the outcome
}

function hasToFill(): boolean {
  return !hasGivenUp && spareSlices < Atomics.load(words, DiskWord.wantedSlices);
}

function hasToRelease(): boolean {
  return Atomics.load(words, DiskWord.releases) !== Atomics.load(words, DiskWord.released);
}

async function fillSpare(): Promise<void> {
  isFilling = true;
  while (hasToFill() && !hasToRelease()) {
    const startMs = performance.now();
    hasGivenUp = !(await fillSlice());
    // As long a pause as the slice took: commits have the disk for half of the time at least.
    const pauseMs = performance.now() - startMs;
    if (Atomics.load(words, DiskWord.isUrgent) === 0) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  if (hasToRelease()) release();
  isFilling = false; // in the same turn as the last look: no request falls in between
}

function release(): void {
  if (spare !== undefined) fs.closeSync(spare);
  spare = undefined;
  spareSlices = 0;
  hasGivenUp = false;
  announce(DiskWord.released, Atomics.load(words, DiskWord.releases));
}

/** False: it failed, and what the file holds beyond the slices before is unknown. */
async function fillSlice(): Promise<boolean> {
  try {
    spare ??= fs.openSync(sparePath, "w+", 0o640);
    const file = spare;
    const count = await new Promise<number>((resolve) => {
      const position = spareSlices * SLICE_BYTES;
      fs.write(file, zeros, 0, SLICE_BYTES, position, (error, written) =>
        resolve(error === null ? written : -1),
      );
    });
    if (count !== SLICE_BYTES || (await sync(file)) !== 0) return false;
  } catch {
    return false;
  }
  spareSlices++;
  announce(DiskWord.filledSlices, Atomics.load(words, DiskWord.filledSlices) + 1); // release
  return true;
}

function announce(word: number, value: number): void {
  Atomics.store(words, word, value);
  Atomics.notify(words, word);
}
