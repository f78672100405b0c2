// One segment file, opened for reading: finds out what stands at a position. Decides nothing about
// the log as a whole; log-cursor.ts does.
import {
  alignmentOf,
  arePairRight,
  BLOCK_HEADER_BYTES,
  BlockHeader,
  blockKey,
  isEmpty,
  isSectorRight,
  type LogKind,
  SECTOR_BYTES,
  SECTOR_DATA_BYTES,
  SECTOR_WORDS,
  SEGMENT_HEADER_BYTES,
  sameBytes,
  sectorsFor,
} from "./block-format.ts";
import type { Disk, FileHandle } from "./disk.ts";
import type { DamageCode } from "./errors.ts";
import { decodeSegmentHeader, type SegmentHeader } from "./segment-format.ts";

const LARGEST_WINDOW_BYTES = 2 << 20;
const SECTORS_OFFSET = 12;

/** What the next block must continue. */
export interface Continuation {
  readonly directoryId: Uint8Array;
  readonly epoch: number;
  readonly blockNumber: number;
  readonly lastSeq: number;
  readonly chain: Uint8Array;
}

/**
 * `block`: whole and in its place. `nothing`: the first sector is empty, or the file ends.
 * `torn`: the first sector is right, others are empty, none is wrong. `wrong`: anything else.
 */
export type Finding =
  | { readonly state: "block" | "nothing" | "torn" }
  | {
      readonly state: "wrong";
      readonly code: DamageCode;
      readonly offset: number;
      readonly what: string;
    };

const BLOCK: Finding = { state: "block" };
const NOTHING: Finding = { state: "nothing" };
const TORN: Finding = { state: "torn" };

export class SegmentFile {
  readonly path: string;
  readonly #disk: Disk;
  readonly #file: FileHandle;
  readonly #kind: LogKind;
  /** The block found last; valid until the next `examine`. */
  readonly block = new BlockHeader();
  /** undefined: the first 4096 bytes are no segment header. */
  readonly header: SegmentHeader | undefined;

  // A stretch of the file. Reading ahead makes one system call of many small blocks.
  #window: Uint8Array;
  #words: Int32Array;
  #view: DataView;
  #windowStart = 0;
  #windowBytes = 0;

  constructor(disk: Disk, path: string, kind: LogKind) {
    this.path = path;
    this.#disk = disk;
    this.#kind = kind;
    this.#file = disk.open(path, "read");
    this.#window = new Uint8Array(SEGMENT_HEADER_BYTES);
    this.#words = new Int32Array(this.#window.buffer);
    this.#view = new DataView(this.#window.buffer);
    this.#fill(0);
    this.header = decodeSegmentHeader(this.#window.subarray(0, this.#windowBytes));
    const largest = Math.max(this.header?.maxBlockBytes ?? 0, this.bytes());
    this.#resize(Math.min(LARGEST_WINDOW_BYTES, Math.ceil(largest / 4096) * 4096));
  }

  /** Size of the file now. */
  bytes(): number {
    return this.#disk.bytesOf(this.#file);
  }

  /** So that what is read is also what is on the disk. */
  sync(): void {
    this.#disk.sync(this.#file);
  }

  close(): void {
    this.#disk.close(this.#file);
  }

  /** The bytes of the block found last, its checksums included. Valid until the next `examine`. */
  blockBytes(offset: number): Uint8Array {
    const at = offset - this.#windowStart;
    return this.#window.subarray(at, at + this.block.bytes);
  }

  /** Copies the records of the block found last, without checksums between; returns their bytes. */
  copyBody(offset: number, into: Uint8Array): number {
    let from = offset - this.#windowStart + BLOCK_HEADER_BYTES;
    let sectorEnd = offset - this.#windowStart + SECTOR_DATA_BYTES;
    let done = 0;
    while (done < this.block.bodyBytes) {
      const count = Math.min(sectorEnd - from, this.block.bodyBytes - done);
      into.set(this.#window.subarray(from, from + count), done);
      done += count;
      from = sectorEnd + 4;
      sectorEnd += SECTOR_BYTES;
    }
    return done;
  }

  /**
   * What stands at `offset`. What was read ahead is believed only where it holds a whole block:
   * anything else is read again, since a writer may have been at work in between.
   */
  examine(offset: number, before: Continuation): Finding {
    if (this.#holds(offset, SECTOR_BYTES) && this.#holds(offset, this.#claimedBytes(offset))) {
      const finding = this.#look(offset, before);
      if (finding.state === "block") return finding;
    }
    this.#fill(offset);
    return this.#look(offset, before);
  }

  /** What a block there says of its size. Not to be believed: it only saves looking at half of one. */
  #claimedBytes(offset: number): number {
    return this.#view.getUint32(offset - this.#windowStart + SECTORS_OFFSET, true) * SECTOR_BYTES;
  }

  #look(offset: number, before: Continuation): Finding {
    const at = (offset - this.#windowStart) >> 2;
    if (!this.#holds(offset, SECTOR_BYTES)) {
      if (this.#windowBytes === offset - this.#windowStart) return NOTHING;
      return wrong("fileSize", offset, "the file ends within a sector");
    }
    if (isEmpty(this.#words, at, SECTOR_WORDS)) return NOTHING;
    const key = blockKey(before.directoryId, before.epoch, before.blockNumber + 1);
    if (!isSectorRight(this.#words, at, key, 0)) {
      return wrong("blockHeader", offset, "no block that continues the one before");
    }
    const block = this.block;
    if (!block.decode(this.#view, at << 2)) {
      return wrong("blockHeader", offset, "not a block header of a known version");
    }
    const problem = this.#mismatch(block, before);
    if (problem !== undefined) return wrong(problem.code, offset, problem.what);
    return this.#sectorsOf(offset, block, key);
  }

  /** The header's checksum is right; what it says must also continue the block before. */
  #mismatch(
    block: BlockHeader,
    before: Continuation,
  ): { code: DamageCode; what: string } | undefined {
    if (!sameBytes(block.directoryId, before.directoryId)) {
      return { code: "otherDirectory", what: "a block of another directory" };
    }
    if (block.epoch !== before.epoch || block.blockNumber !== before.blockNumber + 1) {
      return { code: "blockOrder", what: `block ${block.blockNumber} of epoch ${block.epoch}` };
    }
    if (!sameBytes(block.previousChain, before.chain)) {
      return { code: "chain", what: "the hash of the block before does not match" };
    }
    const fits =
      block.kind === this.#kind &&
      this.header !== undefined &&
      sameBytes(block.skipsHash, this.header.skipsHash) &&
      block.bytes <= this.header.maxBlockBytes &&
      block.sectors === sectorsFor(block.bodyBytes, alignmentOf(this.#kind)) &&
      block.durableSeq <= before.lastSeq;
    if (!fits) return { code: "blockHeader", what: "impossible values in a block header" };
    return undefined;
  }

  #sectorsOf(offset: number, block: BlockHeader, key: number): Finding {
    const at = (offset - this.#windowStart) >> 2;
    let missing = false;
    let first = 1;
    // By pairs as long as all is well; whatever is not right is looked at once more below.
    const whole = this.#holds(offset, block.bytes) ? block.sectors : 1;
    while (first + 2 <= whole) {
      if (!arePairRight(this.#words, at + first * SECTOR_WORDS, key, first)) break;
      first += 2;
    }
    for (let sector = first; sector < block.sectors; sector++) {
      const start = offset + sector * SECTOR_BYTES;
      if (!this.#holds(start, SECTOR_BYTES)) {
        missing = true;
        break;
      }
      const word = at + sector * SECTOR_WORDS;
      if (isSectorRight(this.#words, word, key, sector)) continue;
      if (!isEmpty(this.#words, word, SECTOR_WORDS)) {
        return wrong("blockBody", start, "a sector is neither right nor empty");
      }
      missing = true;
    }
    return missing ? TORN : BLOCK;
  }

  /**
   * From `offset` to the end of the file: offset of the first sector that is not empty, or
   * undefined. A last piece smaller than a sector counts as a sector.
   */
  firstFilledSector(offset: number): number | undefined {
    let at = offset;
    for (;;) {
      this.#fill(at);
      if (this.#windowBytes === 0) return undefined;
      for (let sector = 0; sector < this.#windowBytes; sector += SECTOR_BYTES) {
        const bytes = Math.min(SECTOR_BYTES, this.#windowBytes - sector);
        if (bytes < SECTOR_BYTES) return at + sector;
        if (!isEmpty(this.#words, sector >> 2, SECTOR_WORDS)) return at + sector;
      }
      at += this.#windowBytes;
    }
  }

  /**
   * A block was being written at `offset` and its first sector did not arrive: is each other sector
   * up to `limit` empty, or right as part of that block? Returns the offset of the first that is
   * neither, or undefined.
   */
  firstForeignSector(offset: number, limit: number, before: Continuation): number | undefined {
    const key = blockKey(before.directoryId, before.epoch, before.blockNumber + 1);
    this.#fill(offset);
    for (let start = offset; start < limit; start += SECTOR_BYTES) {
      if (!this.#holds(start, SECTOR_BYTES)) {
        return this.#holds(start, 1) ? start : undefined;
      }
      const word = (start - this.#windowStart) >> 2;
      if (isEmpty(this.#words, word, SECTOR_WORDS)) continue;
      if (!isSectorRight(this.#words, word, key, (start - offset) / SECTOR_BYTES)) return start;
    }
    return undefined;
  }

  #holds(offset: number, length: number): boolean {
    return offset >= this.#windowStart && offset + length <= this.#windowStart + this.#windowBytes;
  }

  #fill(offset: number): void {
    this.#windowStart = offset;
    this.#windowBytes = this.#disk.readAt(this.#file, this.#window, 0, this.#window.length, offset);
  }

  #resize(bytes: number): void {
    this.#window = new Uint8Array(bytes);
    this.#words = new Int32Array(this.#window.buffer);
    this.#view = new DataView(this.#window.buffer);
    this.#windowBytes = 0;
  }
}

function wrong(code: DamageCode, offset: number, what: string): Finding {
  return { state: "wrong", code, offset, what };
}
