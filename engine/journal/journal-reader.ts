// Hot path of replay: no allocation per command.

import { Verdict } from "../../protocol/generated/enums.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import { SCHEMA_WORD } from "../../protocol/generated/support.ts";
import { getNumber, LogKind, MAX_BLOCK_BYTES } from "./block-format.ts";
import type { Disk } from "./disk.ts";
import { DamageError } from "./errors.ts";
import { LogCursor, type LogEnd, type LogPosition } from "./log-cursor.ts";
import { findSegment } from "./log-search.ts";
import type { SegmentHeader } from "./segment-format.ts";

const VERDICT_OFFSET = 44;
const MAX_COMMAND_TEMPLATE = 63;

export interface JournalReaderOptions {
  /** Commands before it are skipped; default: from the first. */
  readonly fromSeq?: number;
  /** A writer may be at work: the end is where it is now. */
  readonly live?: boolean;
  /** Sync each file before it is read: for recovery. */
  readonly sync?: boolean;
  /** Called with each block, marks too, before its commands are given out. */
  readonly onBlock?: (position: LogPosition) => void;
  /** Room for the records of one block; default: for the largest there may be. */
  readonly bufferBytes?: number;
}

/**
 * Reads the commands of a journal in order and checks every byte on the way: checksums, chain,
 * order, and that each record is a command. Throws a DamageError where something is not right.
 */
export class JournalReader {
  /** The block's records; `offset` and `length` say where the current one is. */
  readonly view: DataView;
  readonly bytes: Uint8Array;
  offset = 0;
  length = 0;
  seq = 0;

  readonly #cursor: LogCursor;
  readonly #fromSeq: number;
  readonly #onBlock: ((position: LogPosition) => void) | undefined;
  #bodyBytes = 0;

  /** `directory`: where the segments are. Throws a JournalError noJournal where there are none. */
  static open(disk: Disk, directory: string, options: JournalReaderOptions = {}): JournalReader {
    return new JournalReader(disk, directory, options);
  }

  private constructor(disk: Disk, directory: string, options: JournalReaderOptions) {
    this.bytes = new Uint8Array(options.bufferBytes ?? MAX_BLOCK_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.#fromSeq = options.fromSeq ?? 1;
    this.#onBlock = options.onBlock;
    const start =
      this.#fromSeq <= 1
        ? undefined
        : findSegment(disk, directory, LogKind.journal, this.#fromSeq, 0);
    this.#cursor = new LogCursor(disk, directory, LogKind.journal, {
      ...(start === undefined ? {} : { segment: start }),
      live: options.live ?? false,
      sync: options.sync ?? false,
    });
  }

  /** Moves on to the next command. False: the end; `end` says which. A later call looks again. */
  next(): boolean {
    for (;;) {
      this.offset += this.length;
      while (this.offset >= this.#bodyBytes) {
        this.length = 0;
        if (!this.#nextBlock()) return false;
      }
      this.#check();
      if (this.seq >= this.#fromSeq) return true;
    }
  }

  /** Set once `next` has returned false. */
  get end(): LogEnd | undefined {
    return this.#cursor.end;
  }

  /** The log after the current block: epoch, chain, last seq. */
  get position(): LogPosition {
    return this.#cursor.position;
  }

  get segment(): SegmentHeader | undefined {
    return this.#cursor.segment;
  }

  /** Path and offset of the current block. */
  get place(): { path: string; offset: number } {
    return { path: this.#cursor.path, offset: this.#cursor.blockOffset };
  }

  close(): void {
    this.#cursor.close();
  }

  #nextBlock(): boolean {
    this.offset = 0;
    this.#bodyBytes = 0;
    if (!this.#cursor.next()) return false;
    this.#bodyBytes = this.#cursor.copyBody(this.bytes);
    this.seq = this.#cursor.block.firstSeq - 1;
    this.#onBlock?.(this.#cursor.position);
    return true;
  }

  #check(): void {
    const view = this.view;
    const at = this.offset;
    const room = this.#bodyBytes - at;
    const length = room < 8 ? 0 : view.getUint16(at, true);
    const template = room < 8 ? 0 : view.getUint16(at + 2, true);
    const isCommand =
      template >= 1 &&
      template <= MAX_COMMAND_TEMPLATE &&
      BLOCK_LENGTHS[template] === length &&
      length <= room &&
      view.getInt32(at + 4, true) === SCHEMA_WORD;
    if (!isCommand) this.#damage("not a command");
    if (getNumber(view, at + 8) !== this.seq + 1) this.#damage("a command out of order");
    if (view.getUint8(at + VERDICT_OFFSET) === Verdict.pending) this.#damage("no verdict");
    this.length = length;
    this.seq++;
    const isLast = at + length === this.#bodyBytes;
    if (isLast !== (this.seq === this.#cursor.block.lastSeq)) this.#damage("a wrong record count");
  }

  #damage(what: string): never {
    const { path, blockOffset } = this.#cursor;
    throw new DamageError("record", path, blockOffset, this.seq, what);
  }
}
