// Hot path: no allocation here.
import { TWO_32 } from "./generated/support.ts";

const LOW_SEED = 1;
const HIGH_SEED = 2;
const BEST_ROW_BYTES = 16;
const LEVEL_ROW_BYTES = 20;
const ORDER_ROW_BYTES = 32;

/** One 32-bit block of MurmurHash3 x86 32-bit (A. Appleby, public domain). */
function block(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number, bytes: number): number {
  let h = hash ^ bytes;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** What every row begins with. */
function start(seed: number, side: number, priceTicks: number, lots: number): number {
  return wide(block(block(seed, side), priceTicks), lots);
}

function wide(hash: number, value: number): number {
  return block(block(hash, value | 0), Math.floor(value / TWO_32));
}

/**
 * The hash of one row, 64 bits as two words: MurmurHash3 x86 32-bit of its bytes with seed 1 as the
 * low word and with seed 2 as the high word. All rows begin with 16 bytes, little endian: side as
 * int32 (1 buy, 2 sell), price in ticks as int32, quantity in lots as uint64. A row of l1 has no more;
 * one of l2 goes on with the number of orders as uint32, one of l3 with order id and priority, both
 * uint64.
 */
export class RowHash {
  low = 0;
  high = 0;

  /** Of no row. */
  none(): void {
    this.low = 0;
    this.high = 0;
  }

  ofBest(side: number, priceTicks: number, lots: number): void {
    this.low = finish(start(LOW_SEED, side, priceTicks, lots), BEST_ROW_BYTES);
    this.high = finish(start(HIGH_SEED, side, priceTicks, lots), BEST_ROW_BYTES);
  }

  ofLevel(side: number, priceTicks: number, lots: number, orders: number): void {
    const low = block(start(LOW_SEED, side, priceTicks, lots), orders);
    const high = block(start(HIGH_SEED, side, priceTicks, lots), orders);
    this.low = finish(low, LEVEL_ROW_BYTES);
    this.high = finish(high, LEVEL_ROW_BYTES);
  }

  ofOrder(side: number, priceTicks: number, lots: number, orderId: number, priority: number): void {
    const low = wide(wide(start(LOW_SEED, side, priceTicks, lots), orderId), priority);
    const high = wide(wide(start(HIGH_SEED, side, priceTicks, lots), orderId), priority);
    this.low = finish(low, ORDER_ROW_BYTES);
    this.high = finish(high, ORDER_ROW_BYTES);
  }
}

/**
 * The checksum of a book, or of the part of it that a channel shows: the hashes of its rows summed
 * mod 2^64, so that a change costs the rows that change, in any order. It tells a mistake from
 * agreement, not an attacker from a friend.
 */
export class BookChecksum {
  readonly #hash = new RowHash();
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

  /** A row of l1. One with no lots is no row. */
  add(side: number, priceTicks: number, lots: number): void {
    if (lots === 0) return;
    this.#hash.ofBest(side, priceTicks, lots);
    this.addHash(this.#hash.low, this.#hash.high);
  }

  remove(side: number, priceTicks: number, lots: number): void {
    if (lots === 0) return;
    this.#hash.ofBest(side, priceTicks, lots);
    this.removeHash(this.#hash.low, this.#hash.high);
  }

  /** Both words unsigned. */
  addHash(low: number, high: number): void {
    const sum = this.#low + low;
    this.#low = sum >>> 0;
    this.#high = (this.#high + high + (sum >= TWO_32 ? 1 : 0)) >>> 0;
  }

  removeHash(low: number, high: number): void {
    const rest = this.#low - low;
    this.#low = rest >>> 0;
    this.#high = (this.#high - high - (rest < 0 ? 1 : 0)) >>> 0;
  }

  /** 16 hexadecimal digits. Cold. */
  get hex(): string {
    return this.#high.toString(16).padStart(8, "0") + this.#low.toString(16).padStart(8, "0");
  }
}
