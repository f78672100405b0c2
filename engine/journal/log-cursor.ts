// Walks a log block by block and checks everything that can be checked: each sector, the order of
// the blocks, the chain through blocks and files. At the end it says what kind of end it is, by the
// table in docs/journal-format.md.
import { chainOf } from "./block-builder.ts";
import {
  BlockFlag,
  type BlockHeader,
  CHAIN_BYTES,
  isEmpty,
  LogKind,
  SEGMENT_HEADER_BYTES,
  sameBytes,
} from "./block-format.ts";
import type { Disk } from "./disk.ts";
import { type DamageCode, DamageError, JournalError } from "./errors.ts";
import { type Finding, SegmentFile } from "./segment-file.ts";
import { checkSchema, type SegmentHeader, segmentName, segmentNumber } from "./segment-format.ts";
import { continuesSkips, encodeSkips, NO_SKIPS } from "./skips.ts";

/**
 * `open`: the log just ends, as after a crash between two writes. `torn`: a block was being written
 * and did not arrive whole, so it was never acknowledged. `closed`: closed on purpose.
 */
export type EndState = "open" | "torn" | "closed";

export interface LogEnd {
  readonly state: EndState;
  readonly path: string;
  readonly segment: number;
  /** Here the next block would start. */
  readonly offset: number;
  /** torn: everything from here on is empty. */
  readonly tornEnd: number;
}

/** The state of the log after the last block that was read. */
export class LogPosition {
  readonly directoryId = new Uint8Array(16);
  epoch = 0;
  blockNumber = 0;
  lastSeq = 0;
  lastIndex = 0;
  lastTimestampUs = 0;
  eventCount = 0;
  readonly hashState = new Int32Array(4);
  readonly chain = new Uint8Array(CHAIN_BYTES);

  copy(from: LogPosition): void {
    this.directoryId.set(from.directoryId);
    this.epoch = from.epoch;
    this.blockNumber = from.blockNumber;
    this.lastSeq = from.lastSeq;
    this.lastIndex = from.lastIndex;
    this.lastTimestampUs = from.lastTimestampUs;
    this.eventCount = from.eventCount;
    this.hashState.set(from.hashState);
    this.chain.set(from.chain);
  }
}

export interface CursorOptions {
  /** A writer may be at work: what looks wrong at the end is looked at again for a while. */
  readonly live?: boolean;
  /** The segment to start with; default: the first there is. */
  readonly segment?: number;
  /** Sync each file before it is read. */
  readonly sync?: boolean;
  /** It ends where this segment begins: the header of that one is checked, its blocks are not read. */
  readonly until?: number;
}

const LIVE_ATTEMPTS = 20;
const LIVE_PAUSE_MS = 5;
const pauseWord = new Int32Array(new SharedArrayBuffer(4));

export class LogCursor {
  readonly position = new LogPosition();
  /** Of the segment being read. */
  segment: SegmentHeader | undefined;
  /** Set when `next` has returned false. */
  end: LogEnd | undefined;

  readonly #disk: Disk;
  readonly #directory: string;
  readonly #kind: LogKind;
  readonly #live: boolean;
  readonly #sync: boolean;
  readonly #until: number;
  #file: SegmentFile | undefined;
  #number: number;
  #offset = SEGMENT_HEADER_BYTES;
  #blockOffset = 0;
  #closed = false;
  /** Of the last segment that had a block: what its header says is in the chain. */
  #chained: SegmentHeader | undefined;

  /** Opens nothing yet. Throws a JournalError noJournal where there is no segment. */
  constructor(disk: Disk, directory: string, kind: LogKind, options: CursorOptions = {}) {
    this.#disk = disk;
    this.#directory = directory;
    this.#kind = kind;
    this.#live = options.live ?? false;
    this.#sync = options.sync ?? false;
    this.#until = options.until ?? Number.POSITIVE_INFINITY;
    const first = options.segment ?? segmentNumbers(disk, directory, kind)[0];
    if (first === undefined) {
      throw new JournalError("noJournal", `${directory} holds no ${segmentName(kind, 1)}`);
    }
    this.#number = first;
  }

  get path(): string {
    return `${this.#directory}/${segmentName(this.#kind, this.#number)}`;
  }

  get segmentNumber(): number {
    return this.#number;
  }

  /** Offset of the current block in its file. */
  get blockOffset(): number {
    return this.#blockOffset;
  }

  /** Where the next block would start, in the file `path`; 0 before the first file was opened. */
  get nextOffset(): number {
    return this.segment === undefined ? 0 : this.#offset;
  }

  /** The last block read closes its segment. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** The current block's header. Valid until the next call of `next`. */
  get block(): BlockHeader {
    return (this.#file as SegmentFile).block;
  }

  /** Copies the current block's records; returns their bytes. */
  copyBody(into: Uint8Array): number {
    return (this.#file as SegmentFile).copyBody(this.#blockOffset, into);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /**
   * Moves on to the next block. False: no whole block there; `end` says why, and a later call looks
   * again. Throws a DamageError.
   */
  next(): boolean {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#next();
      } catch (error) {
        if (!this.#live || !(error instanceof DamageError) || attempt >= LIVE_ATTEMPTS) throw error;
        Atomics.wait(pauseWord, 0, 0, LIVE_PAUSE_MS);
      }
    }
  }

  #next(): boolean {
    this.#file ??= this.#openSegment();
    for (;;) {
      if (this.#number >= this.#until) {
        this.end = this.#end("open", this.#offset);
        return false;
      }
      let finding = this.#file.examine(this.#offset, this.position);
      if (finding.state !== "block") {
        const nextPath = `${this.#directory}/${segmentName(this.#kind, this.#number + 1)}`;
        const isLast = this.#disk.stat(nextPath) === undefined;
        // A writer goes on to the next file only after its last block here.
        if (!isLast) finding = this.#file.examine(this.#offset, this.position);
        if (finding.state !== "block") {
          if (isLast) {
            this.end = this.#classifyEnd(finding);
            return false;
          }
          this.#finishSegment(finding);
          continue;
        }
      }
      this.#accept();
      return true;
    }
  }

  #accept(): void {
    const file = this.#file as SegmentFile;
    const block = file.block;
    const position = this.position;
    if (this.#closed) this.#damage("afterClose", this.#offset, "a block after the closing one");
    if (!this.#isInOrder(block)) {
      this.#damage("blockOrder", this.#offset, `records from ${block.firstSeq}, not the next ones`);
    }
    chainOf(file.blockBytes(this.#offset), position.chain);
    this.#chained = this.segment;
    position.blockNumber = block.blockNumber;
    position.lastSeq = block.lastSeq;
    position.lastIndex = block.lastIndex;
    position.lastTimestampUs = block.lastTimestampUs;
    position.eventCount = block.eventCount;
    position.hashState.set(block.hashState);
    this.#closed = (block.flags & BlockFlag.closed) !== 0;
    this.#blockOffset = this.#offset;
    this.#offset += block.bytes;
    this.end = undefined;
  }

  #isInOrder(block: BlockHeader): boolean {
    const { lastSeq, lastIndex } = this.position;
    if (this.#kind === LogKind.journal) {
      return block.firstSeq === lastSeq + 1 && block.lastSeq === lastSeq + block.recordCount;
    }
    if (block.recordCount === 0) return block.lastSeq === lastSeq && block.lastIndex === lastIndex;
    const rises = block.firstSeq > lastSeq || block.firstIndex > lastIndex;
    return block.firstSeq >= lastSeq && rises && block.lastSeq >= block.firstSeq;
  }

  #openSegment(): SegmentFile {
    const file = new SegmentFile(this.#disk, this.path, this.#kind);
    try {
      if (this.#sync) file.sync();
      this.#checkHeader(file.header);
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  #checkHeader(header: SegmentHeader | undefined): void {
    const position = this.position;
    if (header === undefined) {
      this.#damage("segmentHeader", 0, "no segment header of a known version");
    }
    checkSchema(header, this.path);
    if (header.number !== this.#number || header.kind !== this.#kind) {
      this.#damage("segmentHeader", 0, `the header of segment ${header.number}`);
    }
    const isStart = this.segment === undefined;
    if (isStart) {
      position.directoryId.set(header.directoryId);
      position.blockNumber = header.firstBlock - 1;
      position.lastSeq = header.previousSeq;
      position.lastIndex = header.previousIndex;
      position.lastTimestampUs = header.previousTimestampUs;
      position.chain.set(header.previousChain);
      position.eventCount = header.eventCount;
      position.hashState.set(header.hashState);
      if (header.number === 1 && !isGenesis(header)) {
        this.#damage("segmentHeader", 0, "the first segment does not start at the beginning");
      }
    } else {
      this.#checkContinues(header);
    }
    position.epoch = header.epoch;
    this.segment = header;
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#closed = false;
  }

  #checkContinues(header: SegmentHeader): void {
    const position = this.position;
    if (!sameBytes(header.directoryId, position.directoryId)) {
      this.#damage("otherDirectory", 0, "a segment of another directory");
    }
    const fits =
      header.firstBlock === position.blockNumber + 1 &&
      header.epoch >= position.epoch &&
      header.previousSeq === position.lastSeq &&
      header.previousIndex === position.lastIndex;
    if (!fits) {
      this.#damage("blockOrder", 0, `continues block ${header.firstBlock - 1}, not the last one`);
    }
    if (!sameBytes(header.previousChain, position.chain)) {
      this.#damage("chain", 0, "the hash of the block before does not match");
    }
    const before = this.#chained?.skips ?? NO_SKIPS;
    if (!continuesSkips(encodeSkips(before), encodeSkips(header.skips))) {
      this.#damage("segmentHeader", 0, "not the commands that were taken out before");
    }
  }

  /** There is a later segment, so this one is whole or damaged. */
  #finishSegment(finding: Finding): void {
    const file = this.#file as SegmentFile;
    if (finding.state === "wrong") this.#damage(finding.code, finding.offset, finding.what);
    if (finding.state === "torn") {
      this.#damage("blockBody", this.#offset, "a block with empty sectors before the last segment");
    }
    const stray = file.firstFilledSector(this.#offset);
    if (stray !== undefined) this.#damage("strayData", stray, "bytes after the last block");
    const before = this.#number;
    this.#number++;
    let next: SegmentFile;
    try {
      next = this.#openSegment();
    } catch (error) {
      this.#number = before;
      throw error;
    }
    file.close();
    this.#file = next;
  }

  #classifyEnd(finding: Finding): LogEnd {
    const file = this.#file as SegmentFile;
    const header = this.segment as SegmentHeader;
    const offset = this.#offset;
    const size = file.bytes();
    if (finding.state === "wrong") this.#damage(finding.code, finding.offset, finding.what);
    const stray = file.firstFilledSector(
      finding.state === "torn" ? offset + file.block.bytes : offset,
    );
    if (this.#closed) {
      if (finding.state === "torn" || stray !== undefined) {
        this.#damage("afterClose", stray ?? offset, "bytes after the closing block");
      }
      if (size !== offset && size !== header.allocatedBytes) {
        this.#damage("fileSize", size, `${size} bytes, not ${offset}`);
      }
      return this.#end("closed", offset);
    }
    if (header.allocatedBytes !== 0 && size !== header.allocatedBytes) {
      this.#damage("fileSize", size, `${size} bytes, not the ${header.allocatedBytes} allocated`);
    }
    if (finding.state === "torn") {
      if (stray !== undefined) this.#damage("strayData", stray, "bytes after a torn block");
      return this.#end("torn", offset + file.block.bytes);
    }
    if (stray === undefined) return this.#end("open", offset);
    const limit = Math.min(size, offset + header.maxBlockBytes);
    const foreign =
      file.firstForeignSector(offset, limit, this.position) ?? file.firstFilledSector(limit);
    if (foreign !== undefined) {
      this.#damage("strayData", foreign, "bytes after the end that belong to no block begun there");
    }
    return this.#end("torn", limit);
  }

  #end(state: EndState, tornEnd: number): LogEnd {
    return { state, path: this.path, segment: this.#number, offset: this.#offset, tornEnd };
  }

  #damage(code: DamageCode, offset: number, what: string): never {
    throw new DamageError(code, this.path, offset, this.position.lastSeq, what);
  }
}

/** Of the first segment of a log. */
export function isGenesis(header: SegmentHeader): boolean {
  const chain = new Int32Array(header.previousChain.slice().buffer);
  return header.firstBlock === 1 && header.previousSeq === 0 && isEmpty(chain, 0, chain.length);
}

/** Numbers of the segments in a directory, from 1. Throws a DamageError where one is missing. */
export function segmentNumbers(disk: Disk, directory: string, kind: LogKind): number[] {
  if (disk.stat(directory) === undefined) return [];
  const numbers: number[] = [];
  for (const name of disk.list(directory)) {
    const number = segmentNumber(kind, name);
    if (number !== undefined) numbers.push(number);
  }
  numbers.sort((a, b) => a - b);
  const gap = numbers.findIndex((number, i) => number !== i + 1);
  if (gap !== -1) {
    const path = `${directory}/${segmentName(kind, gap + 1)}`;
    throw new DamageError("segmentMissing", path, 0, 0, "the file is not there");
  }
  return numbers;
}
