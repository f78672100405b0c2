// The first 4096 bytes of a segment file: what the blocks in it continue. Cold.

import { SCHEMA_VERSION } from "../../protocol/generated/support.ts";
import {
  alignmentOf,
  BLOCK_HEADER_BYTES,
  CHAIN_BYTES,
  DIRECTORY_ID_BYTES,
  FORMAT_VERSION,
  getBytes,
  getNumber,
  isEmpty,
  LogKind,
  MAX_BLOCK_BYTES,
  SECTOR_BYTES,
  SECTOR_DATA_WORDS,
  SEGMENT_HEADER_BYTES,
  sameBytes,
  setBytes,
  setNumber,
} from "./block-format.ts";
import { crc32c } from "./checksum.ts";
import { JournalError } from "./errors.ts";
import { decodeSkips, encodeSkips, hashOfSkips, SKIP_BYTES, type Skip } from "./skips.ts";

/** How far a command must have come before it is acknowledged. */
export type Durability = "fsync" | "os" | "none";
const DURABILITY_CODES: readonly Durability[] = ["none", "os", "fsync"];

// "CROSSSEG" as two little-endian words.
const MAGIC_LOW = 0x534f5243;
const MAGIC_HIGH = 0x47455353;

export interface SegmentHeader {
  readonly kind: LogKind;
  readonly durability: Durability;
  readonly rulesVersion: number;
  readonly schemaVersion: number;
  readonly directoryId: Uint8Array;
  /** Rises each time a writer opens the directory. */
  readonly epoch: number;
  /** From 1, without gaps; the file is named after it. */
  readonly number: number;
  /** The last record before the segment; 0 where it is the first. */
  readonly previousSeq: number;
  /** Events: `index` of that record. */
  readonly previousIndex: number;
  /** Its timestamp. */
  readonly previousTimestampUs: number;
  readonly firstBlock: number;
  /** Size of the file as allocated; 0: it grows with every block. */
  readonly allocatedBytes: number;
  /** No block of the segment is larger: what a torn write can have touched. */
  readonly maxBlockBytes: number;
  readonly createdUs: number;
  /** SHA-256 of the last block before the segment; zeros before the first. */
  readonly previousChain: Uint8Array;
  /** Events: count and running hash before the segment. */
  readonly eventCount: number;
  readonly hashState: Int32Array;
  /** Journal: the commands that are taken out, in the order in which that was done. */
  readonly skips: readonly Skip[];
  /** The SHA-256 that stands for them; zeros: none. */
  readonly skipsHash: Uint8Array;
}

const SKIPS_OFFSET = SECTOR_BYTES;
/** More commands than a header has room for cannot be taken out. */
export const MAX_SKIPS = Math.floor((SEGMENT_HEADER_BYTES - SKIPS_OFFSET) / SKIP_BYTES);

export function encodeSegmentHeader(header: Omit<SegmentHeader, "skipsHash">): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, MAGIC_LOW, true);
  view.setInt32(4, MAGIC_HIGH, true);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint8(10, header.kind);
  view.setUint8(11, DURABILITY_CODES.indexOf(header.durability));
  view.setUint16(12, header.rulesVersion, true);
  view.setUint16(14, header.schemaVersion, true);
  setBytes(view, 16, header.directoryId);
  setNumber(view, 32, header.epoch);
  setNumber(view, 40, header.number);
  setNumber(view, 48, header.previousSeq);
  view.setUint32(56, header.previousIndex, true);
  view.setUint32(60, header.maxBlockBytes, true);
  setNumber(view, 64, header.firstBlock);
  setNumber(view, 72, header.allocatedBytes);
  setNumber(view, 80, header.createdUs);
  setNumber(view, 88, header.eventCount);
  for (let i = 0; i < 4; i++) view.setInt32(96 + i * 4, header.hashState[i] as number, true);
  setNumber(view, 112, header.previousTimestampUs);
  const skips = encodeSkips(header.skips);
  view.setUint32(120, header.skips.length, true);
  setBytes(view, 128, header.previousChain);
  setBytes(view, 160, hashOfSkips(skips));
  setBytes(view, SKIPS_OFFSET, skips);
  const words = new Int32Array(bytes.buffer);
  words[SECTOR_DATA_WORDS] = crc32c(words, 0, SECTOR_DATA_WORDS, 0);
  return bytes;
}

/**
 * Records of another layout would be taken for damaged ones, so their version is asked for first.
 * Throws a JournalError otherSchema.
 */
export function checkSchema(header: SegmentHeader, path: string): void {
  if (header.schemaVersion === SCHEMA_VERSION) return;
  const found = `${path} holds records of schema version ${header.schemaVersion}`;
  const message = `${found}; this program reads version ${SCHEMA_VERSION} only`;
  throw new JournalError("otherSchema", message);
}

/** undefined: not the header of a segment that this version can read. `bytes`: all 4096. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  const copy = bytes.slice(0, SEGMENT_HEADER_BYTES);
  const words = new Int32Array(copy.buffer);
  if (words[SECTOR_DATA_WORDS] !== crc32c(words, 0, SECTOR_DATA_WORDS, 0)) return undefined;
  const view = new DataView(copy.buffer);
  const skipCount = view.getUint32(120, true);
  if (skipCount > MAX_SKIPS) return undefined;
  const skips = copy.subarray(SKIPS_OFFSET, SKIPS_OFFSET + skipCount * SKIP_BYTES);
  const skipsHash = copy.slice(160, 160 + CHAIN_BYTES);
  if (!sameBytes(skipsHash, hashOfSkips(skips))) return undefined;
  const rest = (SKIPS_OFFSET + skips.length) >> 2;
  if (!isEmpty(words, rest, words.length - rest)) return undefined;
  if (view.getInt32(0, true) !== MAGIC_LOW || view.getInt32(4, true) !== MAGIC_HIGH) {
    return undefined;
  }
  if (view.getUint16(8, true) !== FORMAT_VERSION) return undefined;
  const kind = view.getUint8(10);
  if (kind !== LogKind.journal && kind !== LogKind.events) return undefined;
  const durability = DURABILITY_CODES[view.getUint8(11)];
  if (durability === undefined) return undefined;
  const directoryId = new Uint8Array(DIRECTORY_ID_BYTES);
  getBytes(view, 16, directoryId);
  const previousChain = new Uint8Array(CHAIN_BYTES);
  getBytes(view, 128, previousChain);
  const hashState = new Int32Array(4);
  for (let i = 0; i < 4; i++) hashState[i] = view.getInt32(96 + i * 4, true);
  const header: SegmentHeader = {
    kind,
    durability,
    rulesVersion: view.getUint16(12, true),
    schemaVersion: view.getUint16(14, true),
    directoryId,
    epoch: getNumber(view, 32),
    number: getNumber(view, 40),
    previousSeq: getNumber(view, 48),
    previousIndex: view.getUint32(56, true),
    maxBlockBytes: view.getUint32(60, true),
    firstBlock: getNumber(view, 64),
    allocatedBytes: getNumber(view, 72),
    createdUs: getNumber(view, 80),
    eventCount: getNumber(view, 88),
    previousTimestampUs: getNumber(view, 112),
    previousChain,
    hashState,
    skips: decodeSkips(skips),
    skipsHash,
  };
  return isBlockSize(header.maxBlockBytes, kind) ? header : undefined;
}

/** Sizes a log may use for its largest block. */
export function isBlockSize(bytes: number, kind: LogKind): boolean {
  return (
    bytes >= BLOCK_HEADER_BYTES + SECTOR_BYTES &&
    bytes <= MAX_BLOCK_BYTES &&
    bytes % alignmentOf(kind) === 0
  );
}

const NAME = /^(\d{8})\.(journal|events)$/;

/** "00000001.journal". */
export function segmentName(kind: LogKind, number: number): string {
  const ending = kind === LogKind.journal ? "journal" : "events";
  return `${String(number).padStart(8, "0")}.${ending}`;
}

/** The number in a segment's name; undefined: not a segment of that kind. */
export function segmentNumber(kind: LogKind, name: string): number | undefined {
  const match = NAME.exec(name);
  if (match === null || segmentName(kind, Number(match[1])) !== name) return undefined;
  return Number(match[1]);
}
