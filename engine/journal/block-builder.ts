// Hot path: no allocation here.
import { hash } from "node:crypto";
import { assert } from "../../protocol/assert.ts";
import {
  BLOCK_HEADER_BYTES,
  type BlockHeader,
  blockKey,
  bodyCapacity,
  SECTOR_BYTES,
  SECTOR_DATA_BYTES,
  sealSectors,
  sectorsFor,
} from "./block-format.ts";

const CHECKSUM_BYTES = SECTOR_BYTES - SECTOR_DATA_BYTES;

/** The one block that is being filled. */
export class BlockBuilder {
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #alignment: number;
  readonly #capacityBytes: number;
  #at = BLOCK_HEADER_BYTES;
  #bodyBytes = 0;
  #sealedSectors = 1; // from the second one on

  /** bytes: where the block is built, and how large it may become; a whole buffer. */
  constructor(bytes: Uint8Array, alignment: number) {
    this.bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
    this.#view = new DataView(bytes.buffer);
    this.#alignment = alignment;
    this.#capacityBytes = bodyCapacity(bytes.length);
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  hasRoom(length: number): boolean {
    return this.#bodyBytes + length <= this.#capacityBytes;
  }

  /** Copies a record; `offset` and `length` are multiples of 8 and there must be room. */
  append(source: DataView, offset: number, length: number): void {
    let at = this.#at;
    let from = offset;
    let end = offset + length;
    const beyond = length - (SECTOR_DATA_BYTES - (at & (SECTOR_BYTES - 1)));
    if (beyond > 0) {
      // Over the end of the sector and its checksum: an odd number of words, since 508 / 4 is odd.
      end -= beyond;
      at = copyWords(this.#view, at, source, from, end) + CHECKSUM_BYTES;
      from = end;
      end += beyond;
    }
    at = copyWords(this.#view, at, source, from, end);
    if ((at & (SECTOR_BYTES - 1)) === SECTOR_DATA_BYTES) at += CHECKSUM_BYTES;
    this.#at = at;
    this.#bodyBytes += length;
  }

  /**
   * Checksums of the sectors that are full but for the first, which waits for the header. Whoever
   * has time before the block is due spares `seal` that work.
   */
  sealAhead(directoryId: Uint8Array, epoch: number, blockNumber: number): void {
    const full = Math.floor(this.#at / SECTOR_BYTES);
    if (full <= this.#sealedSectors) return;
    const key = blockKey(directoryId, epoch, blockNumber);
    sealSectors(this.#words, this.#sealedSectors, full, key);
    this.#sealedSectors = full;
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
    this.#words.fill(0, this.#at >> 2, total >> 2);
    const key = blockKey(header.directoryId, header.epoch, header.blockNumber);
    sealSectors(this.#words, 0, 1, key);
    sealSectors(this.#words, this.#sealedSectors, header.sectors, key);
    return total;
  }

  /** Starts the next block. */
  clear(): void {
    this.#at = BLOCK_HEADER_BYTES;
    this.#bodyBytes = 0;
    this.#sealedSectors = 1;
  }
}

/**
 * Two words at a time through views: twice as fast here as through typed arrays, and a call of set()
 * costs more than a whole record. Returns the end in the target.
 */
function copyWords(
  target: DataView,
  start: number,
  source: DataView,
  offset: number,
  end: number,
): number {
  let at = start;
  let from = offset;
  for (; from + 8 <= end; from += 8, at += 8) {
    target.setInt32(at, source.getInt32(from, true), true);
    target.setInt32(at + 4, source.getInt32(from + 4, true), true);
  }
  if (from < end) {
    target.setInt32(at, source.getInt32(from, true), true);
    at += 4;
  }
  return at;
}

/** SHA-256 of a whole block, which holds the one before: the chain. */
export function chainOf(block: Uint8Array, into: Uint8Array): void {
  into.set(hash("sha256", block, "buffer"));
}
