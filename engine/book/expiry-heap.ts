// Hot path (of gtd orders): no allocation here.
import type { Arena } from "./arena.ts";
import { DETAIL } from "./layout.ts";

const { expire: EXPIRE, heapPlace: PLACE } = DETAIL;

/** The open gtd orders, the one that expires first on top: a binary heap over the orders. */
export class ExpiryHeap {
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  readonly #detail: number;
  readonly #heap: number;
  #count = 0;

  constructor(arena: Arena) {
    this.#m = arena.words;
    this.#f = arena.doubles;
    this.#detail = arena.detail;
    this.#heap = arena.heap;
  }

  get count(): number {
    return this.#count;
  }

  /** The order that expires first, or 0. */
  first(): number {
    return this.#count === 0 ? 0 : (this.#m[this.#heap] as number);
  }

  /** Microseconds. */
  expireUs(order: number): number {
    return this.#f[(order + this.#detail + EXPIRE) >> 1] as number;
  }

  add(order: number): void {
    this.#rise(this.#count++, order);
  }

  remove(order: number): void {
    const m = this.#m;
    const place = m[order + this.#detail + PLACE] as number;
    const last = m[this.#heap + --this.#count] as number;
    if (last === order) return;
    // The last order takes the free place and moves to where it belongs: down or up, not both.
    this.#sink(place, last);
    if (m[this.#heap + place] === last) this.#rise(place, last);
  }

  #rise(from: number, order: number): void {
    const m = this.#m;
    const time = this.expireUs(order);
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = m[this.#heap + above] as number;
      if (this.expireUs(parent) <= time) break;
      this.#put(place, parent);
      place = above;
    }
    this.#put(place, order);
  }

  #sink(from: number, order: number): void {
    const m = this.#m;
    const time = this.expireUs(order);
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#count) break;
      let child = m[this.#heap + below] as number;
      if (below + 1 < this.#count) {
        const other = m[this.#heap + below + 1] as number;
        if (this.expireUs(other) < this.expireUs(child)) {
          child = other;
          below++;
        }
      }
      if (this.expireUs(child) >= time) break;
      this.#put(place, child);
      place = below;
    }
    this.#put(place, order);
  }

  #put(place: number, order: number): void {
    this.#m[this.#heap + place] = order;
    this.#m[order + this.#detail + PLACE] = place;
  }
}
