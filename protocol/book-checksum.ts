// Hot path: no allocation here.
import { TWO_32 } from "./generated/support.ts";

const LOW_SEED = 1;
const HIGH_SEED = 2;
const ROW_BYTES = 16;

/** One 32-bit block of MurmurHash3 x86 32-bit (A. Appleby, public domain). */
function block(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = hash ^ ROW_BYTES;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function hashRow(seed: number, side: number, priceTicks: number, lots: number): number {
  let h = block(seed, side);
  h = block(h, priceTicks);
  h = block(h, lots | 0);
  h = block(h, Math.floor(lots / TWO_32));
  return finish(h);
}

/**
 * The checksum of a book, or of the part of it that a channel shows: a 64-bit hash of each row,
 * summed mod 2^64, so that a change costs the rows that change, in any order. A row is 16 bytes,
 * little endian: side as int32 (1 buy, 2 sell), price in ticks as int32, quantity in lots as uint64.
 * Its hash has MurmurHash3 x86 32-bit of these bytes with seed 1 as the low word and with seed 2 as
 * the high word. It tells a mistake from agreement, not an attacker from a friend.
 */
export class BookChecksum {
  #low = 0;
  #high = 0;

  get low(): number {
    return this.#low;
  }

  get high(): number {
    return this.#high;
  }

  clear(): void {
    this.#low = 0;
    this.#high = 0;
  }

  /** A row with no lots is no row. */
  add(side: number, priceTicks: number, lots: number): void {
    if (lots === 0) return;
    const low = this.#low + (hashRow(LOW_SEED, side, priceTicks, lots) >>> 0);
    const carry = low >= TWO_32 ? 1 : 0;
    this.#low = low >>> 0;
    this.#high = (this.#high + hashRow(HIGH_SEED, side, priceTicks, lots) + carry) >>> 0;
  }

  remove(side: number, priceTicks: number, lots: number): void {
    if (lots === 0) return;
    const low = this.#low - (hashRow(LOW_SEED, side, priceTicks, lots) >>> 0);
    const borrow = low < 0 ? 1 : 0;
    this.#low = low >>> 0;
    this.#high = (this.#high - hashRow(HIGH_SEED, side, priceTicks, lots) - borrow) >>> 0;
  }

  /** 16 hexadecimal digits. Cold. */
  get hex(): string {
    return this.#high.toString(16).padStart(8, "0") + this.#low.toString(16).padStart(8, "0");
  }
}
