// Hot path: no allocation here.
import type { AccountTable } from "./account-table.ts";
import type { Arena } from "./arena.ts";
import type { ExpiryHeap } from "./expiry-heap.ts";
import { DETAIL, FLAG, INSTRUMENT, LEVEL, ORDER, SIDE, SIDE_WORDS } from "./layout.ts";
import type { OrderIndex } from "./order-index.ts";
import type { PriceIndex } from "./price-index.ts";

const { next: NEXT, prev: PREV, level: LEVEL_OF, flags: FLAGS, open: OPEN } = ORDER;
const { display: DISPLAY, hidden: HIDDEN } = DETAIL;
const {
  price: PRICE,
  head: HEAD,
  tail: TAIL,
  total: TOTAL,
  side: LEVEL_SIDE,
  count: COUNT,
  instrumentId: LEVEL_INSTRUMENT,
  own: OWN,
} = LEVEL;
const { total: SIDE_TOTAL, instrument: SIDE_INSTRUMENT } = SIDE;
const { sides: SIDES, id: INSTRUMENT_ID } = INSTRUMENT;
const {
  sideMask: SIDE_MASK,
  iceberg: ICEBERG,
  waiting: WAITING,
  indexed: INDEXED,
  timeInForceShift: TIF_SHIFT,
  timeInForceMask: TIF_MASK,
} = FLAG;
const BUY = 1;
const GTD = 3;

/**
 * Orders in their queues. An order is the aggressor (in no queue, its `open` is all it has), resting
 * or a waiting stop (in the queue of a level). The totals of levels and sides count what stands in
 * queues.
 */
export class Book {
  readonly arena: Arena;
  readonly prices: PriceIndex;
  readonly orders: OrderIndex;
  readonly accounts: AccountTable;
  readonly expiry: ExpiryHeap;
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  readonly #detail: number;

  constructor(
    arena: Arena,
    prices: PriceIndex,
    orders: OrderIndex,
    accounts: AccountTable,
    expiry: ExpiryHeap,
  ) {
    this.arena = arena;
    this.prices = prices;
    this.orders = orders;
    this.accounts = accounts;
    this.expiry = expiry;
    this.#m = arena.words;
    this.#f = arena.doubles;
    this.#detail = arena.detail;
  }

  /** All lots that are open, hidden ones too. */
  leaves(order: number): number {
    const open = this.#f[(order + OPEN) >> 1] as number;
    if (((this.#m[order + FLAGS] as number) & ICEBERG) === 0) return open;
    return open + (this.#f[(order + this.#detail + HIDDEN) >> 1] as number);
  }

  /** Of an order in a queue. */
  instrumentId(order: number): number {
    return this.#m[(this.#m[order + LEVEL_OF] as number) + LEVEL_INSTRUMENT] as number;
  }

  /** Side.buy or Side.sell. */
  side(order: number): number {
    return (this.#m[order + FLAGS] as number) & SIDE_MASK;
  }

  /** Puts the aggressor at the back of the queue of its price. */
  rest(order: number, instrument: number, price: number): void {
    const m = this.#m;
    const f = this.#f;
    const buys = ((m[order + FLAGS] as number) & SIDE_MASK) === BUY;
    const side = instrument + SIDES + (buys ? 0 : SIDE_WORDS);
    this.#append(order, side, buys ? ~price : price, price);
    if (((m[order + FLAGS] as number) & ICEBERG) !== 0) {
      const detail = (order + this.#detail) >> 1;
      const leaves = f[(order + OPEN) >> 1] as number;
      const shown = Math.min(leaves, f[detail + (DISPLAY >> 1)] as number);
      f[(order + OPEN) >> 1] = shown;
      f[detail + (HIDDEN >> 1)] = leaves - shown;
    }
  }

  /** Puts a stop at the back of the queue of its stop price. */
  wait(order: number, instrument: number, stopPrice: number): void {
    const m = this.#m;
    const flags = m[order + FLAGS] as number;
    const buys = (flags & SIDE_MASK) === BUY;
    const side = instrument + SIDES + (buys ? 2 * SIDE_WORDS : 3 * SIDE_WORDS);
    m[order + FLAGS] = flags | WAITING;
    this.#append(order, side, buys ? stopPrice : ~stopPrice, stopPrice);
  }

  #append(order: number, side: number, rank: number, price: number): void {
    const m = this.#m;
    const f = this.#f;
    const level = this.prices.findOrAdd(side, rank);
    const open = f[(order + OPEN) >> 1] as number;
    m[order + LEVEL_OF] = level;
    m[order + NEXT] = 0;
    f[(side + SIDE_TOTAL) >> 1] = (f[(side + SIDE_TOTAL) >> 1] as number) + open;
    const head = m[level + HEAD] as number;
    if (head === 0) {
      m[order + PREV] = 0;
      m[level + PRICE] = price;
      m[level + HEAD] = order;
      m[level + TAIL] = order;
      f[(level + TOTAL) >> 1] = open;
      m[level + COUNT] = 1;
      f[(level + OWN) >> 1] = 0;
      m[level + LEVEL_INSTRUMENT] = m[
        (m[side + SIDE_INSTRUMENT] as number) + INSTRUMENT_ID
      ] as number;
    } else {
      const tail = m[level + TAIL] as number;
      m[order + PREV] = tail;
      m[tail + NEXT] = order;
      m[level + TAIL] = order;
      f[(level + TOTAL) >> 1] = (f[(level + TOTAL) >> 1] as number) + open;
      m[level + COUNT] = (m[level + COUNT] as number) + 1;
    }
  }

  /** Takes an order out of its queue; an iceberg's hidden part joins `open` again. */
  unlink(order: number): void {
    const m = this.#m;
    const f = this.#f;
    let open = f[(order + OPEN) >> 1] as number;
    if (((m[order + FLAGS] as number) & ICEBERG) !== 0) {
      const hidden = (order + this.#detail + HIDDEN) >> 1;
      open += f[hidden] as number;
      f[(order + OPEN) >> 1] = open;
      f[hidden] = 0;
    }
    const level = m[order + LEVEL_OF] as number;
    const side = m[level + LEVEL_SIDE] as number;
    f[(side + SIDE_TOTAL) >> 1] = (f[(side + SIDE_TOTAL) >> 1] as number) - open;
    f[(level + TOTAL) >> 1] = (f[(level + TOTAL) >> 1] as number) - open;
    this.#takeOut(order, level);
  }

  /** Takes an order whose lots are all gone out of its queue. */
  unlinkFilled(order: number): void {
    this.#takeOut(order, this.#m[order + LEVEL_OF] as number);
  }

  #takeOut(order: number, level: number): void {
    const m = this.#m;
    const prev = m[order + PREV] as number;
    const next = m[order + NEXT] as number;
    m[order + LEVEL_OF] = 0;
    if (prev === 0) m[level + HEAD] = next;
    else m[prev + NEXT] = next;
    if (next === 0) m[level + TAIL] = prev;
    else m[next + PREV] = prev;
    if ((prev | next) === 0) this.prices.remove(level);
    else m[level + COUNT] = (m[level + COUNT] as number) - 1;
  }

  /** Takes lots off an order that stays in its place: hidden ones first. lots: less than it has. */
  reduce(order: number, lots: number): void {
    const m = this.#m;
    const f = this.#f;
    let shown = lots;
    if (((m[order + FLAGS] as number) & ICEBERG) !== 0) {
      const hidden = (order + this.#detail + HIDDEN) >> 1;
      const fromHidden = Math.min(lots, f[hidden] as number);
      f[hidden] = (f[hidden] as number) - fromHidden;
      shown -= fromHidden;
    }
    f[(order + OPEN) >> 1] = (f[(order + OPEN) >> 1] as number) - shown;
    const level = m[order + LEVEL_OF] as number;
    const side = m[level + LEVEL_SIDE] as number;
    f[(side + SIDE_TOTAL) >> 1] = (f[(side + SIDE_TOTAL) >> 1] as number) - lots;
    f[(level + TOTAL) >> 1] = (f[(level + TOTAL) >> 1] as number) - lots;
  }

  /** An iceberg whose shown part is used up shows its next part at the back of the queue. */
  refill(order: number): void {
    const f = this.#f;
    const detail = (order + this.#detail) >> 1;
    const hidden = f[detail + (HIDDEN >> 1)] as number;
    const shown = Math.min(hidden, f[detail + (DISPLAY >> 1)] as number);
    f[(order + OPEN) >> 1] = shown;
    f[detail + (HIDDEN >> 1)] = hidden - shown;
    this.moveToBack(order);
  }

  /** Only the head of a queue moves. */
  moveToBack(order: number): void {
    const m = this.#m;
    const level = m[order + LEVEL_OF] as number;
    const next = m[order + NEXT] as number;
    if (next === 0) return;
    const tail = m[level + TAIL] as number;
    m[level + HEAD] = next;
    m[next + PREV] = 0;
    m[tail + NEXT] = order;
    m[order + PREV] = tail;
    m[order + NEXT] = 0;
    m[level + TAIL] = order;
  }

  /** An order that stays: from now on it is found by its ids and belongs to its account's list. */
  remember(order: number): void {
    const m = this.#m;
    const flags = m[order + FLAGS] as number;
    m[order + FLAGS] = flags | INDEXED;
    this.orders.add(order);
    this.accounts.addOrder(order);
    if (((flags >> TIF_SHIFT) & TIF_MASK) === GTD) this.expiry.add(order);
  }

  /** An order that is dead (and in no queue): its record goes back to the pool. */
  forget(order: number): void {
    const flags = this.#m[order + FLAGS] as number;
    if ((flags & INDEXED) !== 0) {
      this.orders.remove(order);
      this.accounts.removeOrder(order);
      if (((flags >> TIF_SHIFT) & TIF_MASK) === GTD) this.expiry.remove(order);
    }
    this.arena.releaseOrder(order);
  }
}
