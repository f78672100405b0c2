// How the journal writer hands work to another thread. The interfaces stand here so that the writer
// knows no threads: tests and tools run it without, and then it does everything itself.
import type { FileHandle } from "./disk.ts";

export interface OutgoingBlock {
  /** Which of the buffers holds it, from its start. */
  readonly buffer: 0 | 1;
  readonly length: number;
  readonly file: FileHandle;
  /** Of the file, for errors. */
  readonly path: string;
  readonly position: number;
  readonly sync: boolean;
}

/** Puts sealed blocks on the disk, one at a time, while the next one is being built. */
export interface BlockOutput {
  /** Where blocks are built. Two, since one is filled while the other is on its way. */
  readonly buffers: readonly [Uint8Array, Uint8Array];
  /** Begins to write it, and to sync then. None is under way; the buffer is left alone meanwhile. */
  start(block: OutgoingBlock): void;
  /**
   * Waits for the end and puts the block's chain value into `chain`. Throws a DiskError; a failed
   * sync is final.
   */
  finish(chain: Uint8Array): void;
}

/** Syncs a file while others write to it. */
export interface BackgroundSync {
  /** One is under way. */
  readonly isSyncing: boolean;
  /** Begins to sync what has been written to `file`. None is under way; `path` is for errors. */
  beginSync(file: FileHandle, path: string): void;
  /**
   * Waits for the one under way, if any: the file may be closed then. Throws a DiskError where it has
   * failed, which is final.
   */
  finishSync(): void;
}

/** Fills a file with zeros while others work, a slice at a time, each slice synced. */
export interface ZeroFiller {
  /**
   * Fills the file at `path` up to `bytes`; the first call after `release` makes it anew. May be
   * called again with more. `urgent`: without pauses.
   */
  fill(path: string, bytes: number, urgent: boolean): void;
  /** Bytes that are filled and synced. */
  readonly filledBytes: number;
  /** Stops after the slice under way and closes the file. Returns the bytes filled and synced. */
  release(): number;
}
