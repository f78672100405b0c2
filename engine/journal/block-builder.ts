// Hot path: no allocation here.
import { hash } from "node:crypto";
import { assert } from "../../protocol/assert.ts";
import {
  BLOCK_HEADER_WORDS,
  type BlockHeader,
  blockKey,
  bodyCapacity,
  SECTOR_BYTES,
  SECTOR_DATA_WORDS,
  SECTOR_WORDS,
  sectorChecksum,
  sectorsFor,
} from "./block-format.ts";

/** The one block that is being filled. */
export class BlockBuilder {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #alignment: number;
  readonly #capacityBytes: number;
  #at = BLOCK_HEADER_WORDS;
  #bodyBytes = 0;
  // The last source of records, seen as words: the rings are two buffers for the life of a writer.
  #source: ArrayBufferLike;
  #sourceWords: Int32Array;

  constructor(maxBlockBytes: number, alignment: number) {
    this.bytes = new Uint8Array(maxBlockBytes);
    this.#words = new Int32Array(this.bytes.buffer);
    this.#view = new DataView(this.bytes.buffer);
    this.#alignment = alignment;
    this.#capacityBytes = bodyCapacity(maxBlockBytes);
    this.#source = this.bytes.buffer;
    this.#sourceWords = this.#words;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  hasRoom(length: number): boolean {
    return this.#bodyBytes + length <= this.#capacityBytes;
  }

  /** Copies a record; `offset` and `length` are multiples of 4 and there must be room. */
  append(source: Uint8Array, offset: number, length: number): void {
    if (source.buffer !== this.#source) {
      this.#source = source.buffer;
      this.#sourceWords = new Int32Array(source.buffer, 0, source.buffer.byteLength >> 2);
    }
    const words = this.#words;
    const from = this.#sourceWords;
    let i = (source.byteOffset + offset) >> 2;
    const end = i + (length >> 2);
    let at = this.#at;
    while (i < end) {
      // As far as the sector has room, then over its checksum.
      const sectorEnd = (at | (SECTOR_WORDS - 1)) - at + i;
      const stop = Math.min(sectorEnd, end);
      while (i < stop) words[at++] = from[i++] as number;
      if ((at & (SECTOR_WORDS - 1)) === SECTOR_DATA_WORDS) at++;
    }
    this.#at = at;
    this.#bodyBytes += length;
  }

  /**
   * Completes the block: header, padding, checksums. Fills in the header's sectors and bodyBytes.
   * Returns the bytes to write, from the start of `bytes`.
   */
  seal(header: BlockHeader): number {
    header.bodyBytes = this.#bodyBytes;
    header.sectors = sectorsFor(this.#bodyBytes, this.#alignment);
    const total = header.sectors * SECTOR_BYTES;
    assert(total <= this.bytes.length, "a sealed block fits its buffer");
    header.encode(this.#view, 0);
    this.#words.fill(0, this.#at, total >> 2);
    const key = blockKey(header.directoryId, header.epoch, header.blockNumber);
    for (let sector = 0; sector < header.sectors; sector++) {
      const at = sector * SECTOR_WORDS;
      this.#words[at + SECTOR_DATA_WORDS] = sectorChecksum(this.#words, at, key, sector);
    }
    return total;
  }

  /** Starts the next block. */
  clear(): void {
    this.#at = BLOCK_HEADER_WORDS;
    this.#bodyBytes = 0;
  }
}

/** SHA-256 of a whole block, which holds the one before: the chain. */
export function chainOf(block: Uint8Array, into: Uint8Array): void {
  into.set(hash("sha256", block, "buffer"));
}
