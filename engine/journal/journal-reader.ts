// Hot path of replay: no allocation per command.

import { hash } from "node:crypto";
import {
  ADVANCE_TIME_LENGTH,
  ADVANCE_TIME_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { RejectReason, Verdict } from "../../protocol/generated/enums.ts";
import {
  COMMAND_HEADER_LENGTH,
  COMMAND_HEADER_REASON_OFFSET,
  COMMAND_HEADER_REQUEST_ID_OFFSET,
} from "../../protocol/generated/headers.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import { SCHEMA_WORD } from "../../protocol/generated/support.ts";
import { checkRecord } from "../../protocol/record-check.ts";
import type { BlockCursor } from "./block-cursor.ts";
import { getNumber, LogKind, MAX_BLOCK_BYTES, sameBytes } from "./block-format.ts";
import type { Disk } from "./disk.ts";
import { DamageError } from "./errors.ts";
import { LogCursor, type LogEnd, type LogPosition } from "./log-cursor.ts";
import { findSegment, findSkips } from "./log-search.ts";
import type { SegmentHeader } from "./segment-format.ts";
import type { Skip } from "./skips.ts";

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
  /** Gives the blocks, from that segment on (undefined: the first). Default: read here, as needed. */
  readonly openBlocks?: (segment: number | undefined) => BlockCursor;
  /** Room for the records of one block; default: for the largest there may be. */
  readonly bufferBytes?: number;
  /** Commands to take out, rising; default: those that the journal says are taken out. */
  readonly skips?: readonly Pick<Skip, "seq">[];
}

/**
 * Reads the commands of a journal in order and checks every byte on the way: checksums, chain,
 * order, and that each record is a command. Throws a DamageError where something is not right. In the
 * place of a command that was taken out (see skips.ts) it gives one that is refused, reason `skipped`.
 */
export class JournalReader {
  /** The block's records; `offset` and `length` say where the current one is. */
  readonly view: DataView;
  readonly bytes: Uint8Array;
  offset = 0;
  length = 0;
  seq = 0;
  /** The record as journaled, where the current command is taken out. */
  takenOut: Uint8Array | undefined;

  readonly #cursor: BlockCursor;
  readonly #fromSeq: number;
  readonly #onBlock: ((position: LogPosition) => void) | undefined;
  readonly #skips: readonly Pick<Skip, "seq">[];
  readonly #recorded: readonly Skip[];
  #bodyBytes = 0;
  /** Bytes to the next record: `length` but where a command is taken out. */
  #step = 0;
  #nextSkip = 0; // place in #skips

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
    this.#recorded = findSkips(disk, directory);
    this.#skips = options.skips ?? this.#recorded.toSorted((a, b) => a.seq - b.seq);
    const openHere = (segment: number | undefined) =>
      new LogCursor(disk, directory, LogKind.journal, {
        ...(segment === undefined ? {} : { segment }),
        live: options.live ?? false,
        sync: options.sync ?? false,
      });
    this.#cursor = (options.openBlocks ?? openHere)(start);
  }

  /** Moves on to the next command. False: the end; `end` says which. A later call looks again. */
  next(): boolean {
    for (;;) {
      this.offset += this.#step;
      while (this.offset >= this.#bodyBytes) {
        this.#step = 0;
        this.length = 0;
        if (!this.#nextBlock()) return false;
      }
      if (this.#nextSkip < this.#skips.length && this.#isSkipped()) this.#takeOut();
      else this.#check();
      if (this.seq >= this.#fromSeq) return true;
    }
  }

  /** Commands that the journal says are taken out. */
  get skips(): readonly Skip[] {
    return this.#recorded;
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
    if (!this.#isCommand()) this.#damage("not a command");
    if (getNumber(view, at + 8) !== this.seq + 1) this.#damage("a command out of order");
    if (view.getUint8(at + VERDICT_OFFSET) === Verdict.pending) this.#damage("no verdict");
    this.#pass(view.getUint16(at, true));
    this.length = this.#step;
  }

  #isCommand(): boolean {
    const view = this.view;
    const at = this.offset;
    const room = this.#bodyBytes - at;
    const length = room < 8 ? 0 : view.getUint16(at, true);
    const template = room < 8 ? 0 : view.getUint16(at + 2, true);
    return (
      template >= 1 &&
      template <= MAX_COMMAND_TEMPLATE &&
      BLOCK_LENGTHS[template] === length &&
      length <= room &&
      view.getInt32(at + 4, true) === SCHEMA_WORD
    );
  }

  /** The record of `bytes` bytes is taken. */
  #pass(bytes: number): void {
    this.#step = bytes;
    this.seq++;
    this.takenOut = undefined;
    const isLast = this.offset + bytes === this.#bodyBytes;
    if (isLast !== (this.seq === this.#cursor.block.lastSeq)) this.#damage("a wrong record count");
  }

  /** Moves on in the list: a reader may have begun behind some of it. */
  #isSkipped(): boolean {
    const seq = this.seq + 1;
    while ((this.#skips[this.#nextSkip]?.seq ?? seq) < seq) this.#nextSkip++;
    return this.#skips[this.#nextSkip]?.seq === seq;
  }

  /**
   * Puts a command that is refused in the place of the one that is taken out: the same one where it is
   * well formed, else one that says nothing but who it stands for. Cold.
   */
  #takeOut(): void {
    const view = this.view;
    const at = this.offset;
    const room = this.#bodyBytes - at;
    const bytes = room < COMMAND_HEADER_LENGTH ? 0 : view.getUint16(at, true);
    if (bytes < COMMAND_HEADER_LENGTH || bytes > room) this.#damage("no record");
    if (getNumber(view, at + 8) !== this.seq + 1) this.#damage("a command out of order");
    const original = this.bytes.slice(at, at + bytes);
    const skip = this.#recorded.find(({ seq }) => seq === this.seq + 1);
    if (skip !== undefined && !sameBytes(hash("sha256", original, "buffer"), skip.record)) {
      this.#damage("not the command that was taken out");
    }
    const isWellFormed = this.#isCommand() && checkRecord(view, at) === null;
    this.#pass(bytes);
    this.takenOut = original;
    this.length = bytes;
    if (!isWellFormed) {
      this.length = ADVANCE_TIME_LENGTH;
      view.setUint16(at, ADVANCE_TIME_LENGTH, true);
      view.setUint16(at + 2, ADVANCE_TIME_TEMPLATE_ID, true);
      view.setInt32(at + 4, SCHEMA_WORD, true);
      for (let i = COMMAND_HEADER_REQUEST_ID_OFFSET; i < ADVANCE_TIME_LENGTH; i++) {
        view.setUint8(at + i, 0);
      }
    }
    view.setUint8(at + VERDICT_OFFSET, Verdict.refusedAtEntry);
    view.setUint8(at + COMMAND_HEADER_REASON_OFFSET, RejectReason.skipped);
  }

  #damage(what: string): never {
    const { path, blockOffset } = this.#cursor;
    throw new DamageError("record", path, blockOffset, this.seq, what);
  }
}
