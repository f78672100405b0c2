// The table of docs/journal-format.md, "Recovery", once more and from its words alone: what has to
// come out for a journal whose bytes are these. Shares no code with the engine, on purpose: checksum,
// layout and rules are written down a second time. Unlike recovery it may know the bytes before they
// were spoiled, and looks again only at sectors that were touched.
import { createHash } from "node:crypto";

const SECTOR = 512;
const DATA = 508;
const SEGMENT_HEADER = 4096;
const JOURNAL = 1;
const CLOSED = 1;

export interface JournalFile {
  /** The number in its name. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Bytes `from` to `to` of file `number` are not those that the table was made with. */
export interface Touched {
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

export type Expected =
  | {
      readonly outcome: "closed" | "open" | "torn";
      readonly number: number;
      readonly lastSeq: number;
      /** Where the next block would start. */
      readonly offset: number;
    }
  | {
      readonly outcome: "damage";
      /** The file to be named. */
      readonly number: number;
      /** The last seq that is whole before it. */
      readonly lastSeq: number;
      /** What is wrong lies here or behind it. */
      readonly offset: number;
    };

/** Commands that are taken out: where the list stands in a segment's header, and one entry's size. */
const TAKEN_OUT = 512;
const TAKEN_OUT_BYTES = 48;

interface State {
  directoryId: Uint8Array;
  epoch: number;
  block: number;
  lastSeq: number;
  chain: Uint8Array;
  /** The list of the last segment that had a block: later ones begin with it. */
  takenOut: Uint8Array;
}

interface Segment {
  readonly epoch: number;
  readonly maxBlockBytes: number;
  readonly allocatedBytes: number;
  readonly takenOut: Uint8Array;
  readonly takenOutHash: Uint8Array;
}

/** What is known of a file as it was: the key and place that each sector is right for. */
interface Memory {
  readonly bytes: Uint8Array;
  readonly keys: Int32Array;
  readonly places: Int32Array;
  readonly empty: Uint8Array;
  readonly chains: Map<number, Uint8Array>;
}

const NOT_KNOWN = -1;

export class RecoveryTable {
  readonly #memories = new Map<number, Memory>();
  #touched: readonly Touched[] = [];

  /** `files`: the journal before it is spoiled. A copy is kept. */
  constructor(files: readonly JournalFile[]) {
    for (const { number, bytes } of files) {
      const sectors = Math.floor(bytes.length / SECTOR);
      const empty = new Uint8Array(sectors);
      for (let i = 0; i < sectors; i++) {
        empty[i] = isZero(bytes, i * SECTOR, (i + 1) * SECTOR) ? 1 : 0;
      }
      this.#memories.set(number, {
        bytes: bytes.slice(),
        keys: new Int32Array(sectors),
        places: new Int32Array(sectors).fill(NOT_KNOWN),
        empty,
        chains: new Map(),
      });
    }
  }

  /** `touched` names every byte that differs from the files that the table was made with. */
  judge(files: readonly JournalFile[], touched: readonly Touched[]): Expected {
    this.#touched = touched;
    const state: State = {
      directoryId: new Uint8Array(16),
      epoch: 0,
      block: 0,
      lastSeq: 0,
      chain: new Uint8Array(32),
      takenOut: new Uint8Array(0),
    };
    for (const [i, file] of files.entries()) {
      const segment = this.#header(file, state, i === 0);
      if (segment === undefined) return damage(file, state, 0);
      const isLast = i === files.length - 1;
      const end = this.#blocks(file, segment, state, isLast);
      if (end !== undefined) return end;
    }
    throw new Error("a journal has at least one file");
  }

  /** Row 1. */
  #header(file: JournalFile, state: State, isFirst: boolean): Segment | undefined {
    const { bytes } = file;
    if (bytes.length < SEGMENT_HEADER) return undefined;
    const view = viewOf(bytes);
    if (!this.#isSectorRight(file, 0, 0, 0)) return undefined;
    const listEnd = TAKEN_OUT + view.getUint32(120, true) * TAKEN_OUT_BYTES;
    if (listEnd > SEGMENT_HEADER || !isZero(bytes, listEnd, SEGMENT_HEADER)) return undefined;
    const takenOut = bytes.slice(TAKEN_OUT, listEnd);
    const takenOutHash = bytes.slice(160, 192);
    const listHash = createHash("sha256").update(takenOut).digest();
    if (!isSame(takenOutHash, 0, takenOut.length === 0 ? new Uint8Array(32) : listHash)) {
      return undefined;
    }
    if (text(bytes, 0, 8) !== "CROSSSEG" || view.getUint16(8, true) !== 1) return undefined;
    if (view.getUint8(10) !== JOURNAL || u64(view, 40) !== file.number) return undefined;
    const epoch = u64(view, 32);
    if (isFirst) state.directoryId = bytes.slice(16, 32);
    const continues =
      isSame(bytes, 16, state.directoryId) &&
      epoch >= state.epoch &&
      u64(view, 48) === state.lastSeq &&
      u64(view, 64) === state.block + 1 &&
      isSame(takenOut, 0, state.takenOut) &&
      isSame(bytes, 128, state.chain);
    if (!continues) return undefined;
    state.epoch = epoch;
    const maxBlockBytes = view.getUint32(60, true);
    return { epoch, maxBlockBytes, allocatedBytes: u64(view, 72), takenOut, takenOutHash };
  }

  /** undefined: on to the next segment. */
  #blocks(file: JournalFile, segment: Segment, state: State, isLast: boolean) {
    const { bytes } = file;
    const view = viewOf(bytes);
    let at = SEGMENT_HEADER;
    let closed = false;
    for (;;) {
      const key = this.#keyOf(state);
      const sectors = this.#isSectorRight(file, at, key, 0)
        ? blockThatContinues(bytes, view, at, segment, state)
        : 0;
      const isWhole =
        !closed &&
        sectors > 0 &&
        at + sectors * SECTOR <= bytes.length &&
        this.#all(file, at, sectors, key);
      if (!isWhole) return this.#end(file, segment, state, isLast, { at, key, sectors, closed });
      state.chain = this.#chain(file, at, sectors * SECTOR);
      state.takenOut = segment.takenOut;
      state.block++;
      state.lastSeq = u64(view, at + 56);
      closed = (view.getUint8(at + 11) & CLOSED) !== 0;
      at += sectors * SECTOR;
    }
  }

  /** The rows after the first, from top to bottom. */
  #end(
    file: JournalFile,
    segment: Segment,
    state: State,
    isLast: boolean,
    found: { at: number; key: number; sectors: number; closed: boolean },
  ): Expected | undefined {
    const { at, key, sectors, closed } = found;
    const { length } = file.bytes;
    const bad = damage(file, state, at);
    if (closed && !this.#isEmptyFrom(file, at)) return bad;
    const isSizeRight = length === segment.allocatedBytes || (closed && length === at);
    if (isLast && !isSizeRight) return bad;
    const good = (outcome: "closed" | "open" | "torn"): Expected => ({
      outcome,
      number: file.number,
      lastSeq: state.lastSeq,
      offset: at,
    });
    if (this.#isEmptyFrom(file, at)) {
      if (!isLast) return undefined;
      return good(closed ? "closed" : "open");
    }
    const isFirstEmpty = at + SECTOR <= length && this.#isSectorEmpty(file, at);
    if (!isFirstEmpty && sectors === 0) return bad;
    const limit = Math.min(length, at + (isFirstEmpty ? segment.maxBlockBytes : sectors * SECTOR));
    for (let i = 0; at + i * SECTOR < limit; i++) {
      const sector = at + i * SECTOR;
      if (sector + SECTOR > length) return bad;
      if (!this.#isSectorEmpty(file, sector) && !this.#isSectorRight(file, sector, key, i))
        return bad;
    }
    if (!this.#isEmptyFrom(file, limit)) return bad;
    return isLast ? good("torn") : bad;
  }

  #all(file: JournalFile, at: number, sectors: number, key: number): boolean {
    for (let i = 0; i < sectors; i++) {
      if (!this.#isSectorRight(file, at + i * SECTOR, key, i)) return false;
    }
    return true;
  }

  /** A piece of a sector at the end of the file counts as one that is neither right nor empty. */
  #isEmptyFrom(file: JournalFile, from: number): boolean {
    const { length } = file.bytes;
    for (let at = from; at < length; at += SECTOR) {
      if (at + SECTOR > length || !this.#isSectorEmpty(file, at)) return false;
    }
    return true;
  }

  #isSectorEmpty(file: JournalFile, at: number): boolean {
    const memory = this.#memoryOf(file, at, SECTOR);
    if (memory !== undefined) return memory.empty[at / SECTOR] === 1;
    return isZero(file.bytes, at, at + SECTOR);
  }

  #isSectorRight(file: JournalFile, at: number, key: number, place: number): boolean {
    if (at + SECTOR > file.bytes.length) return false;
    const memory = this.#memoryOf(file, at, SECTOR);
    const sector = at / SECTOR;
    if (memory !== undefined && memory.keys[sector] === key && memory.places[sector] === place) {
      return true;
    }
    const stored = viewOf(file.bytes).getInt32(at + DATA, true);
    const isRight = stored === checksum(file.bytes, at, at + DATA, (key + place) | 0);
    if (isRight && memory !== undefined) {
      memory.keys[sector] = key;
      memory.places[sector] = place;
    }
    return isRight;
  }

  #chain(file: JournalFile, at: number, length: number): Uint8Array {
    const memory = this.#memoryOf(file, at, length);
    const known = memory?.chains.get(at);
    if (known !== undefined) return known;
    const chain = createHash("sha256")
      .update(file.bytes.subarray(at, at + length))
      .digest();
    memory?.chains.set(at, chain);
    return chain;
  }

  #keyOf(state: State): number {
    const place = new Uint8Array(32);
    place.set(state.directoryId);
    const view = viewOf(place);
    view.setBigUint64(16, BigInt(state.epoch), true);
    view.setBigUint64(24, BigInt(state.block + 1), true);
    return checksum(place, 0, 32, 0);
  }

  /** What is known of these bytes; undefined: they may have been touched. */
  #memoryOf(file: JournalFile, at: number, length: number): Memory | undefined {
    for (const { number, from, to } of this.#touched) {
      if (number === file.number && at < to && at + length > from) return undefined;
    }
    const memory = this.#memories.get(file.number);
    return memory !== undefined && at + length <= memory.bytes.length ? memory : undefined;
  }
}

/** Sectors of the block whose first sector, known to be right, is at `at`; 0: not the next one. */
function blockThatContinues(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  segment: Segment,
  state: State,
): number {
  const sectors = view.getUint32(at + 12, true);
  const records = view.getUint32(at + 72, true);
  const fits =
    text(bytes, at, 8) === "CROSSBLK" &&
    view.getUint16(at + 8, true) === 1 &&
    view.getUint8(at + 10) === JOURNAL &&
    sectors * SECTOR <= segment.maxBlockBytes &&
    isSame(bytes, at + 16, state.directoryId) &&
    u64(view, at + 32) === segment.epoch &&
    u64(view, at + 40) === state.block + 1 &&
    u64(view, at + 48) === state.lastSeq + 1 &&
    u64(view, at + 56) === state.lastSeq + records &&
    u64(view, at + 64) <= state.lastSeq &&
    isSame(bytes, at + 128, state.chain) &&
    isSame(bytes, at + 160, segment.takenOutHash);
  return fits ? sectors : 0;
}

function damage(file: JournalFile, state: State, offset: number): Expected {
  return { outcome: "damage", number: file.number, lastSeq: state.lastSeq, offset };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function u64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

function isSame(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  return expected.every((byte, i) => bytes[at + i] === byte);
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}

const CRC_BYTES = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** CRC-32C, byte by byte, continued from `start`. */
export function checksum(bytes: Uint8Array, from: number, to: number, start: number): number {
  let crc = ~start;
  for (let at = from; at < to; at++) {
    crc = (crc >>> 8) ^ (CRC_BYTES[(crc ^ (bytes[at] as number)) & 255] as number);
  }
  return ~crc;
}
