// What a recording has shown of the book so far. Recordings of the best level alone leave gaps: an
// order that was at the best price, fell behind and was canceled there is never heard of again.

export const BUY = 1;
export const SELL = -1;
export type Direction = typeof BUY | typeof SELL;

export interface KnownOrder {
  readonly id: number;
  readonly direction: Direction;
  readonly price: number;
  /** As a replaceOrder names it: filled and open together. */
  total: number;
  leaves: number;
}

/** The known open orders, in price and time. */
export class KnownOrders {
  readonly #byId = new Map<number, KnownOrder>();
  readonly #bids = new KnownSide(BUY);
  readonly #asks = new KnownSide(SELL);

  get size(): number {
    return this.#byId.size;
  }

  get(id: number): KnownOrder | undefined {
    return this.#byId.get(id);
  }

  add(order: KnownOrder): void {
    this.#byId.set(order.id, order);
    this.#side(order.direction).add(order);
  }

  remove(order: KnownOrder): void {
    this.#byId.delete(order.id);
    this.#side(order.direction).remove(order);
  }

  /** The order that trades before `order` does, if there is one. */
  ahead(order: KnownOrder): KnownOrder | undefined {
    const first = this.#side(order.direction).first();
    return first === order ? undefined : first;
  }

  /** The first order of the side whose price is better than `price` (or also equal to it). */
  better(direction: Direction, price: number, orEqual: boolean): KnownOrder | undefined {
    const first = this.#side(direction).first();
    if (first === undefined) return undefined;
    const gain = (first.price - price) * direction;
    return gain > 0 || (orEqual && gain === 0) ? first : undefined;
  }

  #side(direction: Direction): KnownSide {
    return direction === BUY ? this.#bids : this.#asks;
  }
}

class KnownSide {
  readonly #direction: Direction;
  /** The best price last. */
  readonly #prices: number[] = [];
  readonly #queues = new Map<number, KnownOrder[]>();

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  first(): KnownOrder | undefined {
    const price = this.#prices.at(-1);
    return price === undefined ? undefined : this.#queues.get(price)?.[0];
  }

  add(order: KnownOrder): void {
    const queue = this.#queues.get(order.price);
    if (queue !== undefined) {
      queue.push(order);
      return;
    }
    this.#queues.set(order.price, [order]);
    this.#prices.splice(this.#placeOf(order.price), 0, order.price);
  }

  remove(order: KnownOrder): void {
    const queue = this.#queues.get(order.price) ?? [];
    queue.splice(queue.indexOf(order), 1);
    if (queue.length > 0) return;
    this.#queues.delete(order.price);
    this.#prices.splice(this.#placeOf(order.price), 1);
  }

  /** Index of the price, or where it belongs. */
  #placeOf(price: number): number {
    let low = 0;
    let high = this.#prices.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.#prices[middle] as number) - price) * this.#direction < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
