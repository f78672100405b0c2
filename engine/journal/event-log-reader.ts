// Reads the event log, also while it is being written by another thread or process.
import { getNumber, LogKind, MAX_BLOCK_BYTES } from "./block-format.ts";
import type { Disk } from "./disk.ts";
import { DamageError } from "./errors.ts";
import { EVENT_INDEX_OFFSET } from "./event-log-writer.ts";
import { LogCursor, type LogPosition, segmentNumbers } from "./log-cursor.ts";
import { findSegment } from "./log-search.ts";

/** A block that is being written looks damaged for a moment; longer than this it is. */
const GRACE_MS = 1000;

export interface EventLogReaderOptions {
  /** A writer may be at work (default): what looks damaged is looked at again for a second. */
  readonly live?: boolean;
  /** Room for the records of one block; default: for the largest there may be. */
  readonly bufferBytes?: number;
}

export class EventLogReader {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #live: boolean;
  readonly #body: Uint8Array;
  readonly #view: DataView;
  #cursor: LogCursor | undefined;
  #bodyBytes = 0;
  #at = 0;
  // Records before it are skipped.
  #fromSeq = 0;
  #fromIndex = 0;
  #troubleSinceMs = 0;

  /** `directory`: where the segments are; there need not be any yet. Starts at the first event. */
  constructor(disk: Disk, directory: string, options: EventLogReaderOptions = {}) {
    this.#disk = disk;
    this.#directory = directory;
    this.#live = options.live ?? true;
    this.#body = new Uint8Array(options.bufferBytes ?? MAX_BLOCK_BYTES);
    this.#view = new DataView(this.#body.buffer);
  }

  /**
   * The next `read` starts with the first event at or after (seq, index); with what comes later
   * where the log does not reach that far yet.
   */
  seek(seq: number, index: number): void {
    this.close();
    this.#fromSeq = seq;
    this.#fromIndex = index;
    this.#troubleSinceMs = 0;
  }

  /**
   * Copies whole records, one after the other, as many as fit and are there; returns their bytes,
   * 0 where there is nothing (yet). `into` holds at least the largest event (192 bytes). Throws a
   * DamageError.
   */
  read(into: Uint8Array): number {
    let done = 0;
    for (;;) {
      while (this.#at >= this.#bodyBytes) {
        if (!this.#nextBlock()) return done;
      }
      const length = this.#recordLength();
      if (this.#isWanted()) {
        if (done + length > into.length) return done;
        into.set(this.#body.subarray(this.#at, this.#at + length), done);
        done += length;
      }
      this.#at += length;
    }
  }

  /** The log after the block that was read last; undefined before any. */
  get position(): LogPosition | undefined {
    return this.#cursor?.position;
  }

  /** The last `read` met something that looks damaged, or is being written. */
  get isTroubled(): boolean {
    return this.#troubleSinceMs !== 0;
  }

  close(): void {
    this.#cursor?.close();
    this.#cursor = undefined;
    this.#bodyBytes = 0;
    this.#at = 0;
  }

  #nextBlock(): boolean {
    this.#cursor ??= this.#open();
    if (this.#cursor === undefined) return false;
    try {
      do {
        if (!this.#cursor.next()) {
          this.#troubleSinceMs = 0;
          return false;
        }
      } while (this.#isBefore(this.#cursor.block.lastSeq, this.#cursor.block.lastIndex));
    } catch (error) {
      this.#tolerate(error);
      return false;
    }
    this.#troubleSinceMs = 0;
    this.#bodyBytes = this.#cursor.copyBody(this.#body);
    this.#at = 0;
    return true;
  }

  #open(): LogCursor | undefined {
    if (segmentNumbers(this.#disk, this.#directory, LogKind.events).length === 0) return undefined;
    const seq = this.#fromSeq;
    const segment = findSegment(this.#disk, this.#directory, LogKind.events, seq, this.#fromIndex);
    return new LogCursor(this.#disk, this.#directory, LogKind.events, { segment });
  }

  #tolerate(error: unknown): void {
    if (!this.#live || !(error instanceof DamageError)) throw error;
    const now = Date.now();
    if (this.#troubleSinceMs === 0) this.#troubleSinceMs = now;
    else if (now - this.#troubleSinceMs > GRACE_MS) throw error;
  }

  #recordLength(): number {
    const room = this.#bodyBytes - this.#at;
    const length = room < 48 ? 0 : this.#view.getUint16(this.#at, true);
    if (length >= 48 && length <= room) return length;
    const cursor = this.#cursor as LogCursor;
    const { lastSeq } = cursor.position;
    throw new DamageError("record", cursor.path, cursor.blockOffset, lastSeq, "not an event");
  }

  #isWanted(): boolean {
    const index = this.#view.getUint32(this.#at + EVENT_INDEX_OFFSET, true);
    return !this.#isBefore(getNumber(this.#view, this.#at + 8), index);
  }

  #isBefore(seq: number, index: number): boolean {
    return seq < this.#fromSeq || (seq === this.#fromSeq && index < this.#fromIndex);
  }
}
