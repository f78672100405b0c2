// The least that a book can do: an array of price levels, dense order ids, no events, no accounts, no
// checks. A bound to look up at, not an engine. What comes out of it is checked all the same.
import {
  B32_BYTES,
  B32_ORDER_ID_OFFSET,
  B32_PRICE_OFFSET,
  B32_QUANTITY_OFFSET,
  B32_SIDE_OFFSET,
  B32_SYMBOL_OFFSET,
  B32Type,
  differences,
  readB32,
} from "../workloads/b32.ts";

/** Prices are below this. */
const PRICES = 65_536;

/** What plays the commands of a b32 workload. side: 0 buy, 1 sell. */
export interface BareSimulator {
  apply(
    type: number,
    side: number,
    symbol: number,
    price: number,
    quantity: number,
    id: number,
  ): void;
  readonly trades: number;
  /** All lots that traded. */
  readonly volLo: number;
  readonly resting: number;
  readonly hash: number;
}

export type BareSimulatorClass = new (symbols: number, orders: number) => BareSimulator;

export interface BareRun {
  readonly commands: number;
  readonly seconds: number;
  readonly commandsPerSecond: number;
  /** Where the outcome is not the expected one. */
  readonly differences: readonly string[];
}

/** Queues by price point, in typed arrays; the next best price is found by looking at each. */
export class BareBook implements BareSimulator {
  trades = 0;
  volLo = 0;
  resting = 0;
  hash = 0x811c9dc5 | 0;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  /** Per symbol and side: the best price, and the orders there are. */
  readonly #best: Int32Array;
  readonly #count: Int32Array;
  readonly #price: Int32Array;
  readonly #open: Int32Array;
  readonly #next: Int32Array;
  readonly #prev: Int32Array;
  /** Of a live order: 1 + its symbol and side; 0: dead. */
  readonly #queue: Int32Array;

  constructor(symbols: number, orders: number) {
    this.#head = new Int32Array(symbols * 2 * PRICES);
    this.#tail = new Int32Array(symbols * 2 * PRICES);
    this.#best = new Int32Array(symbols * 2).fill(-1);
    this.#count = new Int32Array(symbols * 2);
    this.#price = new Int32Array(orders + 1);
    this.#open = new Int32Array(orders + 1);
    this.#next = new Int32Array(orders + 1);
    this.#prev = new Int32Array(orders + 1);
    this.#queue = new Int32Array(orders + 1);
  }

  apply(
    type: number,
    side: number,
    symbol: number,
    price: number,
    quantity: number,
    id: number,
  ): void {
    const side0 = symbol * 2;
    if (type === B32Type.limit) this.#enter(id, side0 + side, price, quantity);
    else if (type === B32Type.cancel) {
      if (this.#queue[id] !== 0) this.#unlink(id);
    } else if (type === B32Type.replace) {
      const queue = (this.#queue[id] as number) - 1;
      if (queue < 0) return;
      this.#unlink(id);
      this.#enter(id, queue, price, quantity);
    } else if (type === B32Type.market) {
      this.#match(id, side0 + side, side === 0 ? PRICES - 1 : 0, quantity);
    } else this.#match(id, side0 + side, price, quantity);
  }

  #enter(id: number, queue: number, price: number, quantity: number): void {
    const open = this.#match(id, queue, price, quantity);
    if (open === 0) return;
    const at = queue * PRICES + price;
    const tail = this.#tail[at] as number;
    this.#queue[id] = queue + 1;
    this.#price[id] = price;
    this.#open[id] = open;
    this.#prev[id] = tail;
    this.#next[id] = 0;
    if (tail === 0) this.#head[at] = id;
    else this.#next[tail] = id;
    this.#tail[at] = id;
    this.resting++;
    this.#count[queue] = (this.#count[queue] as number) + 1;
    const best = this.#best[queue] as number;
    if (best === -1 || ((queue & 1) === 0 ? price > best : price < best)) this.#best[queue] = price;
  }

  /** Returns the lots that are left. */
  #match(id: number, queue: number, limit: number, quantity: number): number {
    const other = queue ^ 1;
    let left = quantity;
    while (left > 0) {
      const best = this.#best[other] as number;
      if (best === -1 || ((queue & 1) === 0 ? best > limit : best < limit)) break;
      const maker = this.#head[other * PRICES + best] as number;
      const open = this.#open[maker] as number;
      const lots = Math.min(open, left);
      this.trades++;
      this.volLo += lots;
      let hash = Math.imul(this.hash ^ id, 0x01000193);
      hash = Math.imul(hash ^ maker, 0x01000193);
      hash = Math.imul(hash ^ best, 0x01000193);
      this.hash = Math.imul(hash ^ lots, 0x01000193);
      left -= lots;
      this.#open[maker] = open - lots;
      if (open === lots) this.#unlink(maker);
    }
    return left;
  }

  #unlink(id: number): void {
    const queue = (this.#queue[id] as number) - 1;
    const price = this.#price[id] as number;
    const at = queue * PRICES + price;
    const next = this.#next[id] as number;
    const prev = this.#prev[id] as number;
    if (prev === 0) this.#head[at] = next;
    else this.#next[prev] = next;
    if (next === 0) this.#tail[at] = prev;
    else this.#prev[next] = prev;
    this.#queue[id] = 0;
    this.resting--;
    const count = (this.#count[queue] as number) - 1;
    this.#count[queue] = count;
    if (this.#head[at] !== 0 || this.#best[queue] !== price) return;
    let best = count === 0 ? -1 : price;
    const step = (queue & 1) === 0 ? -1 : 1;
    while (best !== -1 && this.#head[queue * PRICES + best] === 0) best += step;
    this.#best[queue] = best;
  }
}

/**
 * Plays a b32 workload, as the engine bench does: the first `warmUp` commands on a book that is
 * thrown away, the prefill, then the clock.
 */
export function measureBareBook(
  file: string,
  warmUp: number,
  Simulator: BareSimulatorClass = BareBook,
): BareRun {
  const { view, count, prefill, expected } = readB32(file);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const words = new Int32Array(count * (B32_BYTES >> 2));
  for (let i = 0; i < words.length; i++) words[i] = view.getInt32(i * 4, true);
  let symbols = 0;
  let orders = 0;
  for (let i = 0; i < count; i++) {
    symbols = Math.max(symbols, 1 + view.getUint16(i * B32_BYTES + B32_SYMBOL_OFFSET, true));
    orders = Math.max(orders, view.getUint32(i * B32_BYTES + B32_ORDER_ID_OFFSET, true));
  }
  playAll(new Simulator(symbols, orders + 1), bytes, words, 0, Math.min(warmUp, count));
  const book = new Simulator(symbols, orders + 1);
  playAll(book, bytes, words, 0, prefill);
  const startMs = performance.now();
  playAll(book, bytes, words, prefill, count);
  const seconds = (performance.now() - startMs) / 1_000;
  const { trades, volLo: quantity, resting, hash } = book;
  const found = { trades, quantity, resting, hash: hash >>> 0 };
  return {
    commands: count - prefill,
    seconds,
    commandsPerSecond: Math.round((count - prefill) / seconds),
    differences: expected === null ? [] : differences(expected, found),
  };
}

function playAll(
  book: BareSimulator,
  bytes: Uint8Array,
  words: Int32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const at = i * B32_BYTES;
    const word = at >> 2;
    book.apply(
      bytes[at] as number,
      bytes[at + B32_SIDE_OFFSET] as number,
      (bytes[at + B32_SYMBOL_OFFSET] as number) |
        ((bytes[at + B32_SYMBOL_OFFSET + 1] as number) << 8),
      words[word + (B32_PRICE_OFFSET >> 2)] as number,
      words[word + (B32_QUANTITY_OFFSET >> 2)] as number,
      words[word + (B32_ORDER_ID_OFFSET >> 2)] as number,
    );
  }
}
