// A snapshot file: header, sections, SHA-256. docs/snapshot-format.md describes every byte. Cold.
import { hash } from "node:crypto";
import { SCHEMA_VERSION } from "../../protocol/generated/support.ts";
import { RULES_VERSION } from "../../protocol/terms.ts";
import {
  CHAIN_BYTES,
  DIRECTORY_ID_BYTES,
  getBytes,
  getNumber,
  sameBytes,
  setBytes,
  setNumber,
} from "../journal/block-format.ts";
import { crc32c } from "../journal/checksum.ts";
import { DamageError } from "../journal/errors.ts";
import type { EnginePlace } from "./engine-rows.ts";
import { RowReader, RowWriter } from "./rows.ts";

export const SNAPSHOT_VERSION = 1;
export const SNAPSHOT_HEADER_BYTES = 256;
const HASH_BYTES = 32;
// "CROSSNAP" as two little-endian words.
const MAGIC_LOW = 0x534f5243;
const MAGIC_HIGH = 0x50414e53;
const CRC_WORD = SNAPSHOT_HEADER_BYTES / 4 - 1;

/** Where in history a snapshot stands, and what must be the same there. */
export interface SnapshotPlace extends EnginePlace {
  readonly directoryId: Uint8Array;
  readonly epoch: number;
  /** The journal block that holds the command, and the chain value after it. */
  readonly blockNumber: number;
  readonly chain: Uint8Array;
  /** State of the running hash over the public events. */
  readonly eventHash: Int32Array;
  readonly stateHash: Uint32Array;
  /** Commands up to here that were taken out of the journal. */
  readonly skips: number;
}

export interface Snapshot {
  readonly place: SnapshotPlace;
  readonly rows: RowReader;
  /** The whole file. */
  readonly bytes: Uint8Array;
}

/** Filled with rows, then sealed. */
export function newSnapshot(): RowWriter {
  return new RowWriter(SNAPSHOT_HEADER_BYTES);
}

/** Header and hash; returns the whole file. isFile: else it stays in memory, and is not hashed. */
export function sealSnapshot(writer: RowWriter, place: SnapshotPlace, isFile = true): Uint8Array {
  writer.end();
  const end = writer.length;
  writer.row(HASH_BYTES);
  const { view, bytes } = writer;
  view.setInt32(0, MAGIC_LOW, true);
  view.setInt32(4, MAGIC_HIGH, true);
  view.setUint16(8, SNAPSHOT_VERSION, true);
  view.setUint16(10, RULES_VERSION, true);
  view.setUint16(12, SCHEMA_VERSION, true);
  setBytes(view, 16, place.directoryId);
  setNumber(view, 32, place.epoch);
  setNumber(view, 40, place.seq);
  setNumber(view, 48, place.timestampUs);
  setNumber(view, 56, place.blockNumber);
  setNumber(view, 64, place.eventCount);
  setNumber(view, 72, place.tradeCount);
  for (let i = 0; i < 4; i++) {
    view.setInt32(80 + i * 4, place.eventHash[i] as number, true);
    view.setUint32(96 + i * 4, place.stateHash[i] as number, true);
  }
  setNumber(view, 112, place.skips);
  view.setUint32(120, writer.sections, true);
  setNumber(view, 128, writer.length);
  setBytes(view, 160, place.chain);
  const words = new Int32Array(bytes.buffer, 0, SNAPSHOT_HEADER_BYTES >> 2);
  words[CRC_WORD] = crc32c(words, 0, CRC_WORD, 0);
  if (isFile) bytes.set(hash("sha256", bytes.subarray(0, end), "buffer"), end);
  return bytes.subarray(0, writer.length);
}

/** The rows so far, for whoever adds to them. */
export function unsealedRows(writer: RowWriter): RowReader {
  writer.end();
  const rows = writer.bytes.subarray(0, writer.length);
  return new RowReader(rows, SNAPSHOT_HEADER_BYTES, writer.length, "snapshot", true);
}

/** Checks everything there is to check in the file alone. Throws a DamageError. */
export function openSnapshot(bytes: Uint8Array, path: string): Snapshot {
  const place = readPlace(bytes, path);
  const end = bytes.length - HASH_BYTES;
  const digest = hash("sha256", bytes.subarray(0, end), "buffer");
  if (!sameBytes(digest, bytes.subarray(end))) {
    throw new DamageError("snapshot", path, end, 0, "the SHA-256 does not match");
  }
  return openRows(bytes, place, path, false);
}

/** As a file in memory that all threads see. */
export function inSharedMemory(bytes: Uint8Array): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return shared;
}

/** A file that another thread has opened and checked. */
export function sharedSnapshot(memory: SharedArrayBuffer | undefined): Snapshot | undefined {
  if (memory === undefined) return undefined;
  const bytes = new Uint8Array(memory);
  return openRows(bytes, readPlace(bytes, "snapshot"), "snapshot", true);
}

function openRows(
  bytes: Uint8Array,
  place: SnapshotPlace,
  path: string,
  isTrusted: boolean,
): Snapshot {
  const end = bytes.length - HASH_BYTES;
  const rows = new RowReader(bytes, SNAPSHOT_HEADER_BYTES, end, path, isTrusted);
  return { place, rows, bytes };
}

function readPlace(bytes: Uint8Array, path: string): SnapshotPlace {
  const damage = (what: string): never => {
    throw new DamageError("snapshot", path, 0, 0, what);
  };
  if (bytes.length < SNAPSHOT_HEADER_BYTES + HASH_BYTES || (bytes.length & 7) !== 0) {
    damage("too short for a snapshot");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, SNAPSHOT_HEADER_BYTES >> 2);
  const isOurs = view.getInt32(0, true) === MAGIC_LOW && view.getInt32(4, true) === MAGIC_HIGH;
  if (!isOurs || words[CRC_WORD] !== crc32c(words, 0, CRC_WORD, 0)) damage("no snapshot header");
  if (view.getUint16(8, true) !== SNAPSHOT_VERSION) damage("a snapshot of another version");
  const isCurrent =
    view.getUint16(10, true) === RULES_VERSION && view.getUint16(12, true) === SCHEMA_VERSION;
  if (!isCurrent) damage("a snapshot of other rules or another schema");
  if (getNumber(view, 128) !== bytes.length) damage("a snapshot of another size");
  const directoryId = new Uint8Array(DIRECTORY_ID_BYTES);
  getBytes(view, 16, directoryId);
  const chain = new Uint8Array(CHAIN_BYTES);
  getBytes(view, 160, chain);
  const eventHash = new Int32Array(4);
  const stateHash = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    eventHash[i] = view.getInt32(80 + i * 4, true);
    stateHash[i] = view.getUint32(96 + i * 4, true);
  }
  return {
    directoryId,
    epoch: getNumber(view, 32),
    seq: getNumber(view, 40),
    timestampUs: getNumber(view, 48),
    blockNumber: getNumber(view, 56),
    eventCount: getNumber(view, 64),
    tradeCount: getNumber(view, 72),
    eventHash,
    stateHash,
    skips: getNumber(view, 112),
    chain,
  };
}
