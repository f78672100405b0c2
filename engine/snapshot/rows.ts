// The body of a snapshot as it is filled and read: sections, each of them rows one after the other.
// Cold, but for millions of rows.
import { assert } from "../../protocol/assert.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import { crc32c } from "../journal/checksum.ts";
import { DamageError } from "../journal/errors.ts";

/** docs/snapshot-format.md says what is in each. */
export const SectionId = {
  assets: 1,
  instruments: 2,
  lastPrices: 3,
  accounts: 4,
  settings: 5,
  orders: 6,
  exposures: 7,
  tokens: 8,
  orderViews: 9,
  holdings: 10,
  requests: 11,
  sessions: 12,
  feeds: 13,
  holds: 14,
} as const;
export type SectionId = (typeof SectionId)[keyof typeof SectionId];

export const SECTION_HEADER_BYTES = 32;
const FIRST_BYTES = 1 << 20;

/** A growing piece of memory. Offsets stay right when it grows, `view` does not. */
export class RowWriter {
  bytes = new Uint8Array(FIRST_BYTES);
  view = new DataView(this.bytes.buffer);
  /** Bytes that are filled. */
  length: number;
  sections = 0;
  #section = -1;

  /** reserved: bytes left free at the start. */
  constructor(reserved: number) {
    this.length = reserved;
  }

  /** Rows that follow are of this section. */
  begin(id: SectionId): void {
    this.end();
    this.#section = this.row(SECTION_HEADER_BYTES);
    this.view.setUint32(this.#section, id, true);
    this.sections++;
  }

  /** Room for one row of zeros, in the section that was begun last; returns its offset. */
  row(bytes: number): number {
    const at = this.length;
    this.length += bytes;
    if (this.length > this.bytes.length) this.#grow();
    if (this.#section >= 0) {
      const rows = this.view.getUint32(this.#section + 16, true);
      this.view.setUint32(this.#section + 16, rows + 1, true);
    }
    return at;
  }

  /** Completes the last section. Rows are multiples of 8 bytes, so everything is. */
  end(): void {
    const at = this.#section;
    this.#section = -1;
    if (at < 0) return;
    const start = at + SECTION_HEADER_BYTES;
    assert((this.length & 7) === 0, "rows are multiples of eight bytes");
    this.number(at + 8, this.length - start);
    const words = new Int32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
    this.view.setInt32(at + 4, crc32c(words, start >> 2, (this.length - start) >> 2, 0), true);
  }

  /** A safe integer, signed, in eight bytes. */
  number(at: number, value: number): void {
    this.view.setInt32(at, value | 0, true);
    this.view.setInt32(at + 4, Math.floor(value / TWO_32), true);
  }

  #grow(): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Where the rows of a section are. */
export interface Section {
  readonly start: number;
  readonly end: number;
  readonly rows: number;
}

const NO_SECTION: Section = { start: 0, end: 0, rows: 0 };

/** The sections of a snapshot whose checksums hold. */
export class RowReader {
  readonly view: DataView;
  readonly #sections = new Map<number, Section>();
  readonly #path: string;

  /**
   * bytes[start, end): section after section. isTrusted: nobody could have changed them since they were
   * checked, or made. Throws a DamageError.
   */
  constructor(bytes: Uint8Array, start: number, end: number, path: string, isTrusted = false) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#path = path;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
    let at = start;
    while (at < end) {
      const body = at + SECTION_HEADER_BYTES;
      const length = body <= end ? this.number(at + 8) : -1;
      if (length < 0 || (length & 7) !== 0 || body + length > end) this.damage(at, "no section");
      const checksum = this.view.getInt32(at + 4, true);
      if (!isTrusted && checksum !== crc32c(words, body >> 2, length >> 2, 0)) {
        this.damage(at, "a section whose checksum is wrong");
      }
      const rows = this.view.getUint32(at + 16, true);
      const id = this.view.getUint32(at, true);
      this.#sections.set(id, { start: body, end: body + length, rows });
      at = body + length;
    }
  }

  section(id: SectionId): Section {
    return this.#sections.get(id) ?? NO_SECTION;
  }

  /** The offsets of rows of one size. */
  *rows(id: SectionId, bytes: number): Generator<number> {
    const { start, end, rows } = this.section(id);
    if (end - start !== rows * bytes) this.damage(start, "rows of another size");
    for (let at = start; at < end; at += bytes) yield at;
  }

  number(at: number): number {
    return this.view.getUint32(at, true) + this.view.getInt32(at + 4, true) * TWO_32;
  }

  damage(at: number, what: string): never {
    throw this.damaged(at, what);
  }

  damaged(at: number, what: string): DamageError {
    return new DamageError("snapshot", this.#path, at, 0, what);
  }
}
