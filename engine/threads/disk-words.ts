// The memory that the journal thread and its disk thread share. Int32 words; each has one writer.

export const DiskWord = {
  /** Journal thread: raised and notified for every request. */
  bell: 0,
  /** Journal thread: number of the last block handed over. */
  submitted: 1,
  /** Disk thread: number of the last block done; notified. */
  done: 2,
  /** Disk thread, before `done`: how that block went, and the system's error number. */
  outcome: 3,
  errorNumber: 4,
  /** Journal thread, before `submitted`: which buffer goes where. */
  buffer: 5,
  file: 6,
  length: 7,
  position: 8,
  sync: 9,
  /** Journal thread: fill the spare file so far, 0: leave it alone. In slices. */
  wantedSlices: 10,
  /** Journal thread: 1: without pauses. */
  isUrgent: 11,
  /** Disk thread: slices filled and synced, over all files; notified. */
  filledSlices: 12,
  /** Journal thread: raised to make the disk thread close the spare file. */
  releases: 13,
  /** Disk thread: releases done; notified. */
  released: 14,
  /** Journal thread: 1: end. */
  stop: 15,
  /** Disk thread: 1: it has ended, whatever the reason. Notified. */
  ended: 16,
  /** Journal thread, before `syncsAsked`: the file to sync in the background. */
  syncFile: 17,
  /** Journal thread: number of the last background sync asked for. */
  syncsAsked: 18,
  /** Disk thread: number of the last one done; notified. */
  syncsDone: 19,
  /** Disk thread, before `syncsDone`: 0, or the system's error number. */
  syncError: 20,
} as const;

const WORDS = 32;

export const DiskOutcome = { fine: 0, writeFailed: 1, shortWrite: 2, syncFailed: 3 } as const;

/** One step of filling the spare file. */
export const SLICE_BYTES = 256 * 1024;

export interface DiskMemory {
  readonly words: SharedArrayBuffer;
  /** The chain value of the block done last. */
  readonly chain: SharedArrayBuffer;
  readonly buffers: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

export function createDiskMemory(maxBlockBytes: number): DiskMemory {
  return {
    words: new SharedArrayBuffer(WORDS * 4),
    chain: new SharedArrayBuffer(32),
    buffers: [new SharedArrayBuffer(maxBlockBytes), new SharedArrayBuffer(maxBlockBytes)],
  };
}
