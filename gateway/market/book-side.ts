// Hot path: no allocation here, but for growing.
import { EMPTY, grownFloat64, grownInt32, grownUint32 } from "../views/columns.ts";

export const NO_LEVEL = -1;

/** Levels in one chunk of the order of prices. */
const CHUNK = 128;

/**
 * One side of a book: its price levels, a column a field, found by price and walked best first.
 *
 * The order of prices is kept in chunks of sorted keys, the best price last, where most changes
 * happen; an insertion moves at most the keys of one chunk and, when that is full, the list of
 * chunks, so that a book with prices all over the range costs little more than a narrow one.
 *
 * A level without orders stays until `free`: within a command it may be filled again.
 */
export class BookSide {
  readonly side: number;
  priceTicks = EMPTY.int32;
  /** What the orders show. */
  lots = EMPTY.float64;
  /** What they have left, hidden parts too. */
  leavesLots = EMPTY.float64;
  orders = EMPTY.int32;
  /** The queue: slots of orders, NO_ORDER at the ends. */
  first = EMPTY.int32;
  last = EMPTY.int32;
  /** Where it stands in the list of what the current command has changed, from 1; 0: nowhere. */
  touched = EMPTY.int32;
  /** Hash of its row as last told, and what that row said; only where the book is watched. */
  hashLow = EMPTY.uint32;
  hashHigh = EMPTY.uint32;
  readonly #isBuy: boolean;
  #count = 0;
  // Free levels are linked through `first`.
  #free = NO_LEVEL;
  // Chunks: keys and the levels that have them; `#order` lists the chunks in use by rising keys.
  #keys = EMPTY.int32;
  #levels = EMPTY.int32;
  #fill = EMPTY.int32;
  #order = EMPTY.int32;
  #chunks = 0;
  #freeChunks: number[] = [];
  // Where the walk stands.
  #walkChunk = 0;
  #walkPlace = 0;

  constructor(side: number, isBuy: boolean) {
    this.side = side;
    this.#isBuy = isBuy;
    this.#grow(16);
  }

  /** Levels, those without orders too. */
  get count(): number {
    return this.#count;
  }

  /** The best level, or NO_LEVEL; from there `following` gives the others. One walk at a time. */
  walk(): number {
    this.#walkChunk = this.#chunks - 1;
    if (this.#walkChunk < 0) return NO_LEVEL;
    const chunk = this.#order[this.#walkChunk] as number;
    this.#walkPlace = (this.#fill[chunk] as number) - 1;
    return this.#levels[chunk * CHUNK + this.#walkPlace] as number;
  }

  /** The next worse level of the walk, or NO_LEVEL. Nothing may be added or freed meanwhile. */
  following(): number {
    if (--this.#walkPlace < 0) {
      if (--this.#walkChunk < 0) return NO_LEVEL;
      this.#walkPlace = (this.#fill[this.#order[this.#walkChunk] as number] as number) - 1;
    }
    const chunk = this.#order[this.#walkChunk] as number;
    return this.#levels[chunk * CHUNK + this.#walkPlace] as number;
  }

  /** The level of this price, a new and empty one where there is none. */
  at(priceTicks: number): number {
    const key = this.#keyOf(priceTicks);
    if (this.#chunks === 0) this.#addChunk(0);
    const place = this.#chunkOf(key);
    const chunk = this.#order[place] as number;
    const at = this.#placeIn(chunk, key);
    if (at < (this.#fill[chunk] as number) && this.#keys[chunk * CHUNK + at] === key) {
      return this.#levels[chunk * CHUNK + at] as number;
    }
    const level = this.#claim(priceTicks);
    if (this.#fill[chunk] === CHUNK) this.#split(place);
    this.#insert(this.#chunkOf(key), key, level);
    this.#count++;
    return level;
  }

  /** A level whose orders are gone: its number may come again. */
  free(level: number): void {
    const key = this.#keyOf(this.priceTicks[level] as number);
    const place = this.#chunkOf(key);
    const chunk = this.#order[place] as number;
    const at = chunk * CHUNK + this.#placeIn(chunk, key);
    const end = chunk * CHUNK + (this.#fill[chunk] as number);
    this.#keys.copyWithin(at, at + 1, end);
    this.#levels.copyWithin(at, at + 1, end);
    this.#fill[chunk] = end - chunk * CHUNK - 1;
    if (this.#fill[chunk] === 0) this.#dropChunk(place);
    this.first[level] = this.#free;
    this.#free = level;
    this.#count--;
  }

  /** −1 − x: turns the order of all 32-bit integers round without leaving them. */
  #keyOf(priceTicks: number): number {
    return this.#isBuy ? priceTicks : ~priceTicks;
  }

  /** Place in `#order` of the chunk where a key is or belongs: the first whose last is not below. */
  #chunkOf(key: number): number {
    let low = 0;
    let high = this.#chunks - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#order[middle] as number;
      const last = this.#keys[chunk * CHUNK + (this.#fill[chunk] as number) - 1] as number;
      if (last >= key) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** First place in the chunk whose key is not below. */
  #placeIn(chunk: number, key: number): number {
    const start = chunk * CHUNK;
    let low = 0;
    let high = this.#fill[chunk] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[start + middle] as number) >= key) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #insert(place: number, key: number, level: number): void {
    const chunk = this.#order[place] as number;
    const start = chunk * CHUNK;
    const fill = this.#fill[chunk] as number;
    const at = start + this.#placeIn(chunk, key);
    this.#keys.copyWithin(at + 1, at, start + fill);
    this.#levels.copyWithin(at + 1, at, start + fill);
    this.#keys[at] = key;
    this.#levels[at] = level;
    this.#fill[chunk] = fill + 1;
  }

  /** The upper half of a full chunk becomes a chunk of its own, behind it. */
  #split(place: number): void {
    this.#addChunk(place + 1);
    const from = (this.#order[place] as number) * CHUNK;
    const to = (this.#order[place + 1] as number) * CHUNK;
    const half = CHUNK / 2;
    this.#keys.copyWithin(to, from + half, from + CHUNK);
    this.#levels.copyWithin(to, from + half, from + CHUNK);
    this.#fill[from / CHUNK] = half;
    this.#fill[to / CHUNK] = CHUNK - half;
  }

  #addChunk(place: number): void {
    if (this.#freeChunks.length === 0) this.#growChunks();
    this.#order.copyWithin(place + 1, place, this.#chunks++);
    const chunk = this.#freeChunks.pop() as number;
    this.#order[place] = chunk;
    this.#fill[chunk] = 0;
  }

  #dropChunk(place: number): void {
    this.#freeChunks.push(this.#order[place] as number);
    this.#order.copyWithin(place, place + 1, this.#chunks--);
  }

  #growChunks(): void {
    const before = this.#fill.length;
    const chunks = Math.max(1, before * 2);
    this.#keys = grownInt32(this.#keys, chunks * CHUNK);
    this.#levels = grownInt32(this.#levels, chunks * CHUNK);
    this.#fill = grownInt32(this.#fill, chunks);
    this.#order = grownInt32(this.#order, chunks);
    for (let chunk = chunks - 1; chunk >= before; chunk--) this.#freeChunks.push(chunk);
  }

  #claim(priceTicks: number): number {
    if (this.#free === NO_LEVEL) this.#grow(this.priceTicks.length * 2);
    const level = this.#free;
    this.#free = this.first[level] as number;
    this.priceTicks[level] = priceTicks;
    this.lots[level] = 0;
    this.leavesLots[level] = 0;
    this.orders[level] = 0;
    this.first[level] = NO_LEVEL;
    this.last[level] = NO_LEVEL;
    this.touched[level] = 0;
    this.hashLow[level] = 0;
    this.hashHigh[level] = 0;
    return level;
  }

  #grow(levels: number): void {
    const before = this.priceTicks.length;
    this.priceTicks = grownInt32(this.priceTicks, levels);
    this.lots = grownFloat64(this.lots, levels);
    this.leavesLots = grownFloat64(this.leavesLots, levels);
    this.orders = grownInt32(this.orders, levels);
    this.first = grownInt32(this.first, levels);
    this.last = grownInt32(this.last, levels);
    this.touched = grownInt32(this.touched, levels);
    this.hashLow = grownUint32(this.hashLow, levels);
    this.hashHigh = grownUint32(this.hashHigh, levels);
    for (let level = levels - 1; level >= before; level--) {
      this.first[level] = this.#free;
      this.#free = level;
    }
  }
}
