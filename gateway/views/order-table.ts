// Hot path: no allocation here, but for growing.
import { EMPTY, grownFloat64, grownInt32, grownUint8, grownUint32 } from "./columns.ts";

export const NO_ORDER = -1;

/** Where an order is. Active: its command is still being worked on. */
export const OrderPlace = { waiting: 0, active: 1, resting: 2 } as const;

/**
 * All open orders as the events tell them: one column a field, found by order id, listed by account.
 * Columns are public: the tracker beside it writes those of the order, the book those of its queue.
 */
export class OrderTable {
  orderId = EMPTY.float64;
  clientOrderId = EMPTY.float64;
  quantityLots = EMPTY.float64;
  leavesLots = EMPTY.float64;
  /** 0: not an iceberg. */
  displayLots = EMPTY.float64;
  /** What the book shows of a resting order. */
  shownLots = EMPTY.float64;
  expireTimeUs = EMPTY.float64;
  account = EMPTY.uint32;
  instrumentId = EMPTY.uint32;
  priceTicks = EMPTY.int32;
  stopPriceTicks = EMPTY.int32;
  side = EMPTY.uint8;
  orderType = EMPTY.uint8;
  timeInForce = EMPTY.uint8;
  present = EMPTY.uint8;
  place = EMPTY.uint8;
  // Of a resting order: its level, its neighbours in the queue there, and its number in that queue.
  level = EMPTY.int32;
  ahead = EMPTY.int32;
  behind = EMPTY.int32;
  priority = EMPTY.float64;
  /** Where it stands in the list of what the current command has changed, from 1; 0: nowhere. */
  touched = EMPTY.int32;
  /** Hash of its row as last told; only where the book is watched. */
  hashLow = EMPTY.uint32;
  hashHigh = EMPTY.uint32;
  // Doubly linked list of an account's orders, newest first; `next` links free slots too.
  #next = EMPTY.int32;
  #previous = EMPTY.int32;
  #free = NO_ORDER;
  readonly #firstOfAccount = new Map<number, number>();
  // Open addressing with linear probing: slot + 1, 0 where empty. At most half full.
  #buckets = EMPTY.int32;
  #bucketMask = 0;
  #count = 0;

  constructor(initialSlots = 1024) {
    this.#grow(initialSlots);
  }

  /** Room for so many orders in all. */
  reserve(orders: number): void {
    let slots = this.orderId.length;
    while (slots < orders) slots *= 2;
    if (slots > this.orderId.length) this.#grow(slots);
  }

  get count(): number {
    return this.#count;
  }

  /** NO_ORDER where there is no such open order. */
  find(orderId: number): number {
    let bucket = this.#bucketOf(orderId);
    for (;;) {
      const slot = (this.#buckets[bucket] as number) - 1;
      if (slot < 0) return NO_ORDER;
      if (this.orderId[slot] === orderId) return slot;
      bucket = (bucket + 1) & this.#bucketMask;
    }
  }

  /** The slot's other columns are the caller's to set. */
  add(orderId: number, account: number): number {
    if (this.#free === NO_ORDER) this.#grow(this.orderId.length * 2);
    const slot = this.#free;
    this.#free = this.#next[slot] as number;
    this.orderId[slot] = orderId;
    this.account[slot] = account;
    this.hashLow[slot] = 0;
    this.hashHigh[slot] = 0;
    const first = this.#firstOfAccount.get(account) ?? NO_ORDER;
    this.#next[slot] = first;
    this.#previous[slot] = NO_ORDER;
    if (first !== NO_ORDER) this.#previous[first] = slot;
    this.#firstOfAccount.set(account, slot);
    this.#insert(slot);
    this.#count++;
    return slot;
  }

  remove(slot: number): void {
    this.#delete(slot);
    const next = this.#next[slot] as number;
    const previous = this.#previous[slot] as number;
    if (next !== NO_ORDER) this.#previous[next] = previous;
    if (previous !== NO_ORDER) this.#next[previous] = next;
    else if (next !== NO_ORDER) this.#firstOfAccount.set(this.account[slot] as number, next);
    else this.#firstOfAccount.delete(this.account[slot] as number);
    this.orderId[slot] = 0;
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.#count--;
  }

  /** First of the account's orders, then `nextOfAccount`; NO_ORDER ends. */
  firstOfAccount(account: number): number {
    return this.#firstOfAccount.get(account) ?? NO_ORDER;
  }

  nextOfAccount(slot: number): number {
    return this.#next[slot] as number;
  }

  accounts(): Iterable<number> {
    return this.#firstOfAccount.keys();
  }

  #bucketOf(orderId: number): number {
    const hash =
      Math.imul(orderId | 0, 0x9e3779b1) ^ Math.imul((orderId / 4294967296) | 0, 0x85ebca6b);
    return (hash ^ (hash >>> 15)) & this.#bucketMask;
  }

  #insert(slot: number): void {
    let bucket = this.#bucketOf(this.orderId[slot] as number);
    while (this.#buckets[bucket] !== 0) bucket = (bucket + 1) & this.#bucketMask;
    this.#buckets[bucket] = slot + 1;
  }

  #delete(slot: number): void {
    let hole = this.#bucketOf(this.orderId[slot] as number);
    while (this.#buckets[hole] !== slot + 1) hole = (hole + 1) & this.#bucketMask;
    // Moves back whatever could not stand where it belongs because of the one that goes.
    for (let at = (hole + 1) & this.#bucketMask; ; at = (at + 1) & this.#bucketMask) {
      const other = (this.#buckets[at] as number) - 1;
      if (other < 0) break;
      const home = this.#bucketOf(this.orderId[other] as number);
      const fromHome = (at - home) & this.#bucketMask;
      const fromHole = (at - hole) & this.#bucketMask;
      if (fromHome < fromHole) continue;
      this.#buckets[hole] = other + 1;
      hole = at;
    }
    this.#buckets[hole] = 0;
  }

  #grow(slots: number): void {
    const before = this.orderId.length;
    this.orderId = grownFloat64(this.orderId, slots);
    this.clientOrderId = grownFloat64(this.clientOrderId, slots);
    this.quantityLots = grownFloat64(this.quantityLots, slots);
    this.leavesLots = grownFloat64(this.leavesLots, slots);
    this.displayLots = grownFloat64(this.displayLots, slots);
    this.shownLots = grownFloat64(this.shownLots, slots);
    this.expireTimeUs = grownFloat64(this.expireTimeUs, slots);
    this.account = grownUint32(this.account, slots);
    this.instrumentId = grownUint32(this.instrumentId, slots);
    this.priceTicks = grownInt32(this.priceTicks, slots);
    this.stopPriceTicks = grownInt32(this.stopPriceTicks, slots);
    this.side = grownUint8(this.side, slots);
    this.orderType = grownUint8(this.orderType, slots);
    this.timeInForce = grownUint8(this.timeInForce, slots);
    this.present = grownUint8(this.present, slots);
    this.place = grownUint8(this.place, slots);
    this.level = grownInt32(this.level, slots);
    this.ahead = grownInt32(this.ahead, slots);
    this.behind = grownInt32(this.behind, slots);
    this.priority = grownFloat64(this.priority, slots);
    this.touched = grownInt32(this.touched, slots);
    this.hashLow = grownUint32(this.hashLow, slots);
    this.hashHigh = grownUint32(this.hashHigh, slots);
    this.#next = grownInt32(this.#next, slots);
    this.#previous = grownInt32(this.#previous, slots);
    for (let slot = slots - 1; slot >= before; slot--) {
      this.#next[slot] = this.#free;
      this.#free = slot;
    }
    let buckets = 16;
    while (buckets < slots * 2) buckets *= 2;
    this.#buckets = new Int32Array(buckets);
    this.#bucketMask = buckets - 1;
    for (let slot = 0; slot < before; slot++) this.#insert(slot);
  }
}
