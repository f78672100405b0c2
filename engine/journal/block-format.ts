// Hot path: no allocation here, except in the functions marked cold.
//
// A log is a chain of blocks. A block is whole sectors of 512 bytes; every sector ends in its own
// checksum, so that each one can be told right, empty or wrong by itself. The rest of the sectors,
// 508 bytes each, read one after the other, is the header and then the records:
//
//   sector 0                          sector 1                     …  last sector
//   | header 192 | records 316 | crc | records 508          | crc |     | records, zeros | crc |
//
// docs/journal-format.md describes every byte.
import { crc32c, crc32cPair, pairResult } from "./checksum.ts";

export const FORMAT_VERSION = 1;
export const SECTOR_BYTES = 512;
export const SECTOR_WORDS = SECTOR_BYTES / 4;
/** Words of a sector before its checksum. */
export const SECTOR_DATA_WORDS = SECTOR_WORDS - 1;
export const SECTOR_DATA_BYTES = SECTOR_DATA_WORDS * 4;
export const BLOCK_HEADER_BYTES = 192;
/** One write in flight is never larger. */
export const MAX_BLOCK_BYTES = 1 << 20;
/** The first block of a segment file starts here. */
export const SEGMENT_HEADER_BYTES = 4096;
export const CHAIN_BYTES = 32;
export const DIRECTORY_ID_BYTES = 16;

/** What a log holds, and the border its blocks start on. */
export const LogKind = { journal: 1, events: 2 } as const;
export type LogKind = (typeof LogKind)[keyof typeof LogKind];

/** The journal never rewrites a page that holds acknowledged bytes; the event log saves room. */
export function alignmentOf(kind: LogKind): number {
  return kind === LogKind.journal ? 4096 : SECTOR_BYTES;
}

export const BlockFlag = {
  /** Last block of a log that was closed on purpose: nothing may follow or be missing. */
  closed: 1,
} as const;

// "CROSSBLK" as two little-endian words.
const MAGIC_LOW = 0x534f5243;
const MAGIC_HIGH = 0x4b4c4253;
const TWO_32 = 4294967296;

/** The header of one block, decoded. One instance is filled again and again. */
export class BlockHeader {
  formatVersion = FORMAT_VERSION;
  kind: number = LogKind.journal;
  flags = 0;
  /** Of the whole block, its padding included. */
  sectors = 0;
  readonly directoryId = new Uint8Array(DIRECTORY_ID_BYTES);
  epoch = 0;
  /** From 1, over all segments. */
  blockNumber = 0;
  firstSeq = 0;
  /** firstSeq − 1 in a block without records. */
  lastSeq = 0;
  /** The last seq that was durable when the block was built. */
  durableSeq = 0;
  recordCount = 0;
  bodyBytes = 0;
  /** Events: `index` of the first and the last record. */
  firstIndex = 0;
  lastIndex = 0;
  lastTimestampUs = 0;
  /** Events: public events up to the end of the block, over the whole log. */
  eventCount = 0;
  /** Events: state of the running hash at the end of the block. */
  readonly hashState = new Int32Array(4);
  /** SHA-256 of the whole previous block; zeros before the first. */
  readonly previousChain = new Uint8Array(CHAIN_BYTES);
  /** SHA-256 of the list of commands that are taken out (see skips.ts); zeros: none. */
  readonly skipsHash = new Uint8Array(CHAIN_BYTES);

  get bytes(): number {
    return this.sectors * SECTOR_BYTES;
  }

  /** Writes the 192 bytes at `offset`. */
  encode(view: DataView, offset: number): void {
    view.setInt32(offset, MAGIC_LOW, true);
    view.setInt32(offset + 4, MAGIC_HIGH, true);
    view.setUint16(offset + 8, this.formatVersion, true);
    view.setUint8(offset + 10, this.kind);
    view.setUint8(offset + 11, this.flags);
    view.setUint32(offset + 12, this.sectors, true);
    setBytes(view, offset + 16, this.directoryId);
    setNumber(view, offset + 32, this.epoch);
    setNumber(view, offset + 40, this.blockNumber);
    setNumber(view, offset + 48, this.firstSeq);
    setNumber(view, offset + 56, this.lastSeq);
    setNumber(view, offset + 64, this.durableSeq);
    view.setUint32(offset + 72, this.recordCount, true);
    view.setUint32(offset + 76, this.bodyBytes, true);
    view.setUint32(offset + 80, this.firstIndex, true);
    view.setUint32(offset + 84, this.lastIndex, true);
    setNumber(view, offset + 88, this.lastTimestampUs);
    setNumber(view, offset + 96, this.eventCount);
    for (let i = 0; i < 4; i++) {
      view.setInt32(offset + 104 + i * 4, this.hashState[i] as number, true);
    }
    setNumber(view, offset + 120, 0); // reserved
    setBytes(view, offset + 128, this.previousChain);
    setBytes(view, offset + 160, this.skipsHash);
  }

  /** False: these bytes are no block header of a version that is known here. */
  decode(view: DataView, offset: number): boolean {
    if (view.getInt32(offset, true) !== MAGIC_LOW) return false;
    if (view.getInt32(offset + 4, true) !== MAGIC_HIGH) return false;
    this.formatVersion = view.getUint16(offset + 8, true);
    if (this.formatVersion !== FORMAT_VERSION) return false;
    this.kind = view.getUint8(offset + 10);
    this.flags = view.getUint8(offset + 11);
    this.sectors = view.getUint32(offset + 12, true);
    getBytes(view, offset + 16, this.directoryId);
    this.epoch = getNumber(view, offset + 32);
    this.blockNumber = getNumber(view, offset + 40);
    this.firstSeq = getNumber(view, offset + 48);
    this.lastSeq = getNumber(view, offset + 56);
    this.durableSeq = getNumber(view, offset + 64);
    this.recordCount = view.getUint32(offset + 72, true);
    this.bodyBytes = view.getUint32(offset + 76, true);
    this.firstIndex = view.getUint32(offset + 80, true);
    this.lastIndex = view.getUint32(offset + 84, true);
    this.lastTimestampUs = getNumber(view, offset + 88);
    this.eventCount = getNumber(view, offset + 96);
    for (let i = 0; i < 4; i++) this.hashState[i] = view.getInt32(offset + 104 + i * 4, true);
    getBytes(view, offset + 128, this.previousChain);
    getBytes(view, offset + 160, this.skipsHash);
    return true;
  }
}

/** Sectors of a block with `bodyBytes` bytes of records, rounded up to the log's border. */
export function sectorsFor(bodyBytes: number, alignment: number): number {
  const sectors = Math.ceil((BLOCK_HEADER_BYTES + bodyBytes) / SECTOR_DATA_BYTES);
  const step = alignment / SECTOR_BYTES;
  return Math.ceil(sectors / step) * step;
}

/** Bytes of records that fit into a block of `blockBytes`. */
export function bodyCapacity(blockBytes: number): number {
  return (blockBytes / SECTOR_BYTES) * SECTOR_DATA_BYTES - BLOCK_HEADER_BYTES;
}

const keyScratch = new DataView(new ArrayBuffer(32));
const keyWords = new Int32Array(keyScratch.buffer);

/**
 * Where a block belongs, as 32 bits: the checksums of its sectors start from it, so that a whole
 * sector of another block, epoch or directory is not right here.
 */
export function blockKey(directoryId: Uint8Array, epoch: number, blockNumber: number): number {
  setBytes(keyScratch, 0, directoryId);
  setNumber(keyScratch, 16, epoch);
  setNumber(keyScratch, 24, blockNumber);
  return crc32c(keyWords, 0, 8, 0);
}

/** The checksum that ends sector `index` of the block with that key. */
export function sectorChecksum(words: Int32Array, at: number, key: number, index: number): number {
  return crc32c(words, at, SECTOR_DATA_WORDS, (key + index) | 0);
}

export function isSectorRight(words: Int32Array, at: number, key: number, index: number): boolean {
  return words[at + SECTOR_DATA_WORDS] === sectorChecksum(words, at, key, index);
}

/** Puts the checksums at the ends of the sectors `from` to `end` of a block that starts at word 0. */
export function sealSectors(words: Int32Array, from: number, end: number, key: number): void {
  let sector = from;
  for (; sector + 2 <= end; sector += 2) {
    const at = sector * SECTOR_WORDS;
    const next = at + SECTOR_WORDS;
    crc32cPair(words, at, next, SECTOR_DATA_WORDS, (key + sector) | 0, (key + sector + 1) | 0);
    words[at + SECTOR_DATA_WORDS] = pairResult[0] as number;
    words[next + SECTOR_DATA_WORDS] = pairResult[1] as number;
  }
  if (sector === end) return;
  const at = sector * SECTOR_WORDS;
  words[at + SECTOR_DATA_WORDS] = sectorChecksum(words, at, key, sector);
}

/** Whether the sectors `index` and `index` + 1, side by side from word `at`, are both right. */
export function arePairRight(words: Int32Array, at: number, key: number, index: number): boolean {
  const next = at + SECTOR_WORDS;
  crc32cPair(words, at, next, SECTOR_DATA_WORDS, (key + index) | 0, (key + index + 1) | 0);
  return (
    words[at + SECTOR_DATA_WORDS] === pairResult[0] &&
    words[next + SECTOR_DATA_WORDS] === pairResult[1]
  );
}

/** All zeros, as allocated: no write has reached the sector. */
export function isEmpty(words: Int32Array, at: number, count: number): boolean {
  for (let i = at; i < at + count; i++) if (words[i] !== 0) return false;
  return true;
}

export function setNumber(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value, true);
  view.setUint32(offset + 4, value / TWO_32, true);
}

export function getNumber(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * TWO_32;
}

export function setBytes(view: DataView, offset: number, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) view.setUint8(offset + i, bytes[i] as number);
}

export function getBytes(view: DataView, offset: number, into: Uint8Array): void {
  for (let i = 0; i < into.length; i++) into[i] = view.getUint8(offset + i);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Cold. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
