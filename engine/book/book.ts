// Hot path: no allocation after the start.
import { createAccountTable } from "./account-table.ts";
import type { Arena } from "./arena.ts";
import { createExpiryHeap } from "./expiry-heap.ts";
import { DETAIL, FLAG, INSTRUMENT, LEVEL, ORDER, SIDE, SIDE_WORDS } from "./layout.ts";
import { createOrderIndex } from "./order-index.ts";
import { createPools } from "./pools.ts";
import { createPriceIndex } from "./price-index.ts";

const { next: NEXT, prev: PREV, level: LEVEL_OF, flags: FLAGS, open: OPEN } = ORDER;
const { display: DISPLAY, hidden: HIDDEN } = DETAIL;
const {
  tail: TAIL,
  total: TOTAL,
  side: LEVEL_SIDE,
  count: COUNT,
  instrumentId: LEVEL_INSTRUMENT,
} = LEVEL;
const { total: SIDE_TOTAL } = SIDE;
const { sides: SIDES } = INSTRUMENT;
const {
  sideMask: SIDE_MASK,
  iceberg: ICEBERG,
  waiting: WAITING,
  indexed: INDEXED,
  timeInForceShift: TIF_SHIFT,
  timeInForceMask: TIF_MASK,
} = FLAG;
const SIDE_STRIDE = SIDE_WORDS;
const STOPS = INSTRUMENT.sides + 2 * SIDE_WORDS;
const GTD = 3;

export type Book = ReturnType<typeof createBook>;

/**
 * Orders in their queues. An order is the aggressor (in no queue, its `open` is all it has), resting
 * or a waiting stop (in the queue of a level). The totals of levels and sides count what stands in
 * queues.
 */
export function createBook(arena: Arena, seed: number) {
  const { words: m, doubles: f, detail } = arena;
  const pools = createPools(arena);
  const prices = createPriceIndex(arena, pools);
  const orders = createOrderIndex(arena, seed);
  const accounts = createAccountTable(arena);
  const expiry = createExpiryHeap(arena);
  const { findOrAdd: findOrAddLevel, remove: removeLevel } = prices;
  const { add: addToIndex, remove: removeFromIndex } = orders;
  const { addOrder: addToAccount, removeOrder: removeFromAccount } = accounts;
  const { add: addToExpiry, remove: removeFromExpiry } = expiry;
  const { releaseOrder } = pools;

  /** All lots that are open, hidden ones too. */
  function leaves(order: number): number {
    const open = f[(order + OPEN) >> 1] as number;
    if (((m[order + FLAGS] as number) & ICEBERG) === 0) return open;
    return open + (f[(order + detail + HIDDEN) >> 1] as number);
  }

  /** Of an order in a queue. */
  function instrumentId(order: number): number {
    return m[(m[order + LEVEL_OF] as number) + LEVEL_INSTRUMENT] as number;
  }

  /** Side.buy or Side.sell. */
  function side(order: number): number {
    return (m[order + FLAGS] as number) & SIDE_MASK;
  }

  /** Puts the aggressor at the back of the queue of its price. */
  function rest(order: number, instrument: number, price: number): void {
    const flags = m[order + FLAGS] as number;
    const sells = (flags & SIDE_MASK) >> 1;
    // ~price for a buy, without a branch: sides come in no order that a processor could learn.
    append(order, instrument + SIDES + sells * SIDE_STRIDE, price ^ (sells - 1), price);
    if ((flags & ICEBERG) !== 0) hide(order);
  }

  /** An iceberg shows its first part. */
  function hide(order: number): void {
    const at = (order + detail) >> 1;
    const leaves = f[(order + OPEN) >> 1] as number;
    const shown = Math.min(leaves, f[at + (DISPLAY >> 1)] as number);
    f[(order + OPEN) >> 1] = shown;
    f[at + (HIDDEN >> 1)] = leaves - shown;
  }

  /** Puts a stop at the back of the queue of its stop price. */
  function wait(order: number, instrument: number, stopPrice: number): void {
    const flags = m[order + FLAGS] as number;
    const sells = (flags & SIDE_MASK) >> 1;
    m[order + FLAGS] = flags | WAITING;
    append(order, instrument + STOPS + sells * SIDE_STRIDE, stopPrice ^ -sells, stopPrice);
  }

  function append(order: number, side: number, rank: number, price: number): void {
    const level = findOrAddLevel(side, rank, price);
    const open = f[(order + OPEN) >> 1] as number;
    const tail = m[level + TAIL] as number;
    m[order + LEVEL_OF] = level;
    m[order + NEXT] = level;
    m[order + PREV] = tail;
    m[tail + NEXT] = order;
    m[level + TAIL] = order;
    m[level + COUNT] = (m[level + COUNT] as number) + 1;
    f[(level + TOTAL) >> 1] = (f[(level + TOTAL) >> 1] as number) + open;
    f[(side + SIDE_TOTAL) >> 1] = (f[(side + SIDE_TOTAL) >> 1] as number) + open;
  }

  /** Takes an order out of its queue; an iceberg's hidden part joins `open` again. */
  function unlink(order: number): void {
    let open = f[(order + OPEN) >> 1] as number;
    if (((m[order + FLAGS] as number) & ICEBERG) !== 0) {
      const hidden = (order + detail + HIDDEN) >> 1;
      open += f[hidden] as number;
      f[(order + OPEN) >> 1] = open;
      f[hidden] = 0;
    }
    const level = m[order + LEVEL_OF] as number;
    const side = m[level + LEVEL_SIDE] as number;
    f[(side + SIDE_TOTAL) >> 1] = (f[(side + SIDE_TOTAL) >> 1] as number) - open;
    f[(level + TOTAL) >> 1] = (f[(level + TOTAL) >> 1] as number) - open;
    takeOut(order, level);
  }

  /** Takes an order whose lots are all gone out of its queue. */
  function unlinkFilled(order: number): void {
    takeOut(order, m[order + LEVEL_OF] as number);
  }

  function takeOut(order: number, level: number): void {
    const prev = m[order + PREV] as number;
    const next = m[order + NEXT] as number;
    const count = (m[level + COUNT] as number) - 1;
    m[order + LEVEL_OF] = 0;
    m[prev + NEXT] = next;
    m[next + PREV] = prev;
    m[level + COUNT] = count;
    if (count === 0) removeLevel(level);
  }

  /** Takes lots off an order that stays in its place: hidden ones first. lots: less than it has. */
  function reduce(order: number, lots: number): void {
    let shown = lots;
    if (((m[order + FLAGS] as number) & ICEBERG) !== 0) {
      const hidden = (order + detail + HIDDEN) >> 1;
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
  function refill(order: number): void {
    const at = (order + detail) >> 1;
    const hidden = f[at + (HIDDEN >> 1)] as number;
    const shown = Math.min(hidden, f[at + (DISPLAY >> 1)] as number);
    f[(order + OPEN) >> 1] = shown;
    f[at + (HIDDEN >> 1)] = hidden - shown;
    moveToBack(order);
  }

  function moveToBack(order: number): void {
    const level = m[order + LEVEL_OF] as number;
    const prev = m[order + PREV] as number;
    const next = m[order + NEXT] as number;
    m[prev + NEXT] = next;
    m[next + PREV] = prev;
    const tail = m[level + TAIL] as number;
    m[tail + NEXT] = order;
    m[order + PREV] = tail;
    m[order + NEXT] = level;
    m[level + TAIL] = order;
  }

  /** An order that stays: from now on it is found by its ids and belongs to its account's list.
   *  hash: the clientHash of its client id. */
  function remember(order: number, hash: number): void {
    const flags = m[order + FLAGS] as number;
    m[order + FLAGS] = flags | INDEXED;
    addToIndex(order, hash);
    addToAccount(order);
    if (((flags >> TIF_SHIFT) & TIF_MASK) === GTD) addToExpiry(order);
  }

  /** An order that is dead (and in no queue): its record goes back to the pool. */
  function forget(order: number): void {
    const flags = m[order + FLAGS] as number;
    if ((flags & INDEXED) !== 0) {
      removeFromIndex(order);
      removeFromAccount(order);
      if (((flags >> TIF_SHIFT) & TIF_MASK) === GTD) removeFromExpiry(order);
    }
    releaseOrder(order);
  }

  return {
    arena,
    pools,
    prices,
    orders,
    accounts,
    expiry,
    leaves,
    instrumentId,
    side,
    append,
    rest,
    wait,
    unlink,
    unlinkFilled,
    reduce,
    refill,
    moveToBack,
    remember,
    forget,
  };
}
