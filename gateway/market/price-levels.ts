// Hot path: no allocation here, but for growing.
import { grownFloat64, grownInt32 } from "../views/columns.ts";

/**
 * One side of a book as price levels in order: the best price stands last, where most changes
 * happen. Prices are kept as keys that rise towards the best (see keyOf).
 */
export class PriceLevels {
  readonly #isBuy: boolean;
  #keys = new Int32Array(64);
  #lots = new Float64Array(64);
  #orders = new Int32Array(64);
  #count = 0;

  constructor(isBuy: boolean) {
    this.#isBuy = isBuy;
  }

  get count(): number {
    return this.#count;
  }

  /** rank 0: the best. */
  priceTicks(rank: number): number {
    return this.#keyOf(this.#keys[this.#count - 1 - rank] as number);
  }

  lots(rank: number): number {
    return this.#lots[this.#count - 1 - rank] as number;
  }

  orders(rank: number): number {
    return this.#orders[this.#count - 1 - rank] as number;
  }

  /** lots, orders: by how much more or fewer. A level without orders is gone. */
  change(priceTicks: number, lots: number, orders: number): void {
    const key = this.#keyOf(priceTicks);
    const at = this.#search(key);
    if (at === this.#count || this.#keys[at] !== key) {
      this.#insert(at, key, lots, orders);
      return;
    }
    const left = (this.#orders[at] as number) + orders;
    if (left === 0) {
      this.#remove(at);
      return;
    }
    this.#orders[at] = left;
    this.#lots[at] = (this.#lots[at] as number) + lots;
  }

  /** −1 − x: turns the order of all 32-bit integers round without leaving them. */
  #keyOf(priceTicks: number): number {
    return this.#isBuy ? priceTicks : ~priceTicks;
  }

  /** First place whose key is not below `key`; near the best it takes a step or two. */
  #search(key: number): number {
    let high = this.#count;
    let step = 1;
    let low = high - 1;
    while (low >= 0 && (this.#keys[low] as number) >= key) {
      high = low;
      low -= step;
      step *= 2;
    }
    low = low < 0 ? 0 : low + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as number) >= key) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #insert(at: number, key: number, lots: number, orders: number): void {
    if (this.#count === this.#keys.length) {
      this.#keys = grownInt32(this.#keys, this.#count * 2);
      this.#lots = grownFloat64(this.#lots, this.#count * 2);
      this.#orders = grownInt32(this.#orders, this.#count * 2);
    }
    this.#keys.copyWithin(at + 1, at, this.#count);
    this.#lots.copyWithin(at + 1, at, this.#count);
    this.#orders.copyWithin(at + 1, at, this.#count);
    this.#keys[at] = key;
    this.#lots[at] = lots;
    this.#orders[at] = orders;
    this.#count++;
  }

  #remove(at: number): void {
    this.#keys.copyWithin(at, at + 1, this.#count);
    this.#lots.copyWithin(at, at + 1, this.#count);
    this.#orders.copyWithin(at, at + 1, this.#count);
    this.#count--;
  }
}
