// The open orders in a snapshot: 64 bytes each, and eight or sixteen more for what only some have.
// By instrument, then by queue (buys, sells, buy stops, sell stops), best price first, in the order
// of the queue: read in that order, every queue comes back as it was.
import { assert } from "../../protocol/assert.ts";
import { OrderType } from "../../protocol/generated/enums.ts";
import type { Book } from "../book/book.ts";
import { DETAIL, FLAG, INSTRUMENT, LEVEL, ORDER, SIDE, SIDE_WORDS, SUMS } from "../book/layout.ts";
import { type RowReader, type RowWriter, SectionId } from "./rows.ts";

const GTD = 3;
const ROW_BYTES = 64;

/** Offsets in a row. Numbers of eight bytes from `orderId` on. */
export const ORDER_ROW = {
  instrumentId: 0,
  /** 0 buys, 1 sells, 2 buy stops, 3 sell stops. */
  queue: 4,
  price: 8,
  flags: 12,
  account: 16,
  feeRest: 20,
  limit: 24,
  orderId: 32,
  clientOrderId: 40,
  open: 48,
  quantity: 56,
} as const;

/** Bytes of a row with these flags. */
export function orderRowBytes(flags: number): number {
  let bytes = ROW_BYTES;
  if ((flags & FLAG.iceberg) !== 0) bytes += 16;
  if ((flags & FLAG.minimum) !== 0) bytes += 8;
  if (timeInForce(flags) === GTD) bytes += 8;
  return bytes;
}

/** Of an iceberg's row: lots not shown yet; 0 for other orders. */
export function hiddenLots(reader: RowReader, at: number): number {
  const flags = reader.view.getInt32(at + ORDER_ROW.flags, true);
  return (flags & FLAG.iceberg) === 0 ? 0 : reader.number(at + ROW_BYTES + 8);
}

export function displayLots(reader: RowReader, at: number): number {
  const flags = reader.view.getInt32(at + ORDER_ROW.flags, true);
  return (flags & FLAG.iceberg) === 0 ? 0 : reader.number(at + ROW_BYTES);
}

export function expireTimeUs(reader: RowReader, at: number): number {
  const flags = reader.view.getInt32(at + ORDER_ROW.flags, true);
  return timeInForce(flags) === GTD ? reader.number(at + orderRowBytes(flags) - 8) : 0;
}

function timeInForce(flags: number): number {
  return (flags >> FLAG.timeInForceShift) & FLAG.timeInForceMask;
}

/** The offsets of all rows, in order. */
export function* orderRows(reader: RowReader): Generator<number> {
  const { start, end } = reader.section(SectionId.orders);
  let at = start;
  while (at < end) {
    const bytes = orderRowBytes(reader.view.getInt32(at + ORDER_ROW.flags, true));
    if (at + bytes > end) reader.damage(at, "half an order");
    yield at;
    at += bytes;
  }
}

export function saveOrders(book: Book, writer: RowWriter): void {
  const { arena, prices } = book;
  const m = arena.words;
  writer.begin(SectionId.orders);
  for (let id = 1; id <= arena.instrumentCount; id++) {
    for (let queue = 0; queue < 4; queue++) {
      const side = arena.instrument(id) + INSTRUMENT.sides + queue * SIDE_WORDS;
      let level = m[side + SIDE.best] as number;
      for (; level !== 0; level = prices.next(level)) {
        let order = m[level + LEVEL.head] as number;
        for (; order !== level; order = m[order + ORDER.next] as number) {
          saveOrder(book, writer, order, id, queue, m[level + LEVEL.price] as number);
        }
      }
    }
  }
}

function saveOrder(
  book: Book,
  writer: RowWriter,
  order: number,
  instrumentId: number,
  queue: number,
  price: number,
): void {
  const { words: m, doubles: f, detail, sums } = book.arena;
  const flags = m[order + ORDER.flags] as number;
  const rest = (order >> 2) + sums;
  const at = writer.row(orderRowBytes(flags));
  const { view } = writer;
  view.setUint32(at + ORDER_ROW.instrumentId, instrumentId, true);
  view.setUint8(at + ORDER_ROW.queue, queue);
  view.setInt32(at + ORDER_ROW.price, price, true);
  view.setInt32(at + ORDER_ROW.flags, flags, true);
  view.setInt32(at + ORDER_ROW.account, m[order + ORDER.account] as number, true);
  view.setInt32(at + ORDER_ROW.feeRest, m[rest + SUMS.feeRest] as number, true);
  const waits = (flags & FLAG.waiting) !== 0;
  view.setInt32(at + ORDER_ROW.limit, waits ? (m[rest + SUMS.limit] as number) : 0, true);
  view.setInt32(at + ORDER_ROW.orderId, m[order + ORDER.idLow] as number, true);
  view.setInt32(at + ORDER_ROW.orderId + 4, m[order + ORDER.idHigh] as number, true);
  view.setInt32(at + ORDER_ROW.clientOrderId, m[order + ORDER.clientLow] as number, true);
  view.setInt32(at + ORDER_ROW.clientOrderId + 4, m[order + ORDER.clientHigh] as number, true);
  writer.number(at + ORDER_ROW.open, f[(order + ORDER.open) >> 1] as number);
  writer.number(at + ORDER_ROW.quantity, f[(rest + SUMS.quantity) >> 1] as number);
  let more = at + ROW_BYTES;
  const wide = (field: number): void => {
    writer.number(more, f[(order + detail + field) >> 1] as number);
    more += 8;
  };
  if ((flags & FLAG.iceberg) !== 0) {
    wide(DETAIL.display);
    wide(DETAIL.hidden);
  }
  if ((flags & FLAG.minimum) !== 0) wide(DETAIL.minimum);
  if (timeInForce(flags) === GTD) wide(DETAIL.expire);
}

/** Instruments and accounts are there, and no order yet. */
export function restoreOrders(book: Book, reader: RowReader): void {
  const { rows } = reader.section(SectionId.orders);
  const ids = new Float64Array(rows);
  const orders = new Int32Array(rows);
  let count = 0;
  for (const at of orderRows(reader)) {
    if (count === rows) reader.damage(at, "more orders than counted");
    ids[count] = reader.number(at + ORDER_ROW.orderId);
    orders[count++] = restoreOrder(book, reader, at);
  }
  if (count !== rows) reader.damage(0, "fewer orders than counted");
  // An account's list is in the order of orderIds, and a queue need not be.
  for (const place of inOrder(ids)) {
    const order = orders[place] as number;
    book.remember(order, book.orders.clientHashOf(order));
  }
}

/**
 * Places in `ids`, which are safe integers and all different, by rising id. Id and place go into one
 * number each where there is room, since numbers alone are sorted ten times as fast as by a function.
 */
export function inOrder(ids: Float64Array): Uint32Array {
  const count = ids.length;
  const places = new Uint32Array(count);
  let [least, most] = [Number.MAX_SAFE_INTEGER, 0];
  for (let i = 0; i < count; i++) {
    least = Math.min(least, ids[i] as number);
    most = Math.max(most, ids[i] as number);
    places[i] = i;
  }
  if ((most - least + 1) * count > Number.MAX_SAFE_INTEGER) {
    return places.sort((a, b) => (ids[a] as number) - (ids[b] as number));
  }
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = ((ids[i] as number) - least) * count + i;
  keys.sort();
  for (let i = 0; i < count; i++) places[i] = (keys[i] as number) % count;
  return places;
}

/** Puts the order at the back of its queue; nothing finds it by its ids yet. */
function restoreOrder(book: Book, reader: RowReader, at: number): number {
  const { arena, pools } = book;
  const { words: m, doubles: f, detail, sums } = arena;
  const { view } = reader;
  const id = view.getUint32(at + ORDER_ROW.instrumentId, true);
  const queue = view.getUint8(at + ORDER_ROW.queue);
  const price = view.getInt32(at + ORDER_ROW.price, true);
  const flags = view.getInt32(at + ORDER_ROW.flags, true);
  if (id < 1 || id > arena.instrumentCount || queue > 3) reader.damage(at, "no such queue");
  assert(pools.hasOrder(), "what was open has room");
  const order = pools.claimOrder();
  const rest = (order >> 2) + sums;
  const account = view.getInt32(at + ORDER_ROW.account, true);
  m[order + ORDER.idLow] = view.getInt32(at + ORDER_ROW.orderId, true);
  m[order + ORDER.idHigh] = view.getInt32(at + ORDER_ROW.orderId + 4, true);
  m[order + ORDER.clientLow] = view.getInt32(at + ORDER_ROW.clientOrderId, true);
  m[order + ORDER.clientHigh] = view.getInt32(at + ORDER_ROW.clientOrderId + 4, true);
  m[order + ORDER.account] = account;
  m[order + ORDER.holder] = book.accounts.findOrAdd(account);
  m[order + ORDER.flags] = flags & ~FLAG.indexed;
  f[(rest + SUMS.quantity) >> 1] = reader.number(at + ORDER_ROW.quantity);
  m[rest + SUMS.feeRest] = view.getInt32(at + ORDER_ROW.feeRest, true);
  m[rest + SUMS.limit] = view.getInt32(at + ORDER_ROW.limit, true);
  let more = at + ROW_BYTES;
  const wide = (field: number): number => {
    const value = reader.number(more);
    f[(order + detail + field) >> 1] = value;
    more += 8;
    return value;
  };
  let hidden = 0;
  if ((flags & FLAG.iceberg) !== 0) {
    wide(DETAIL.display);
    hidden = wide(DETAIL.hidden);
  }
  if ((flags & FLAG.minimum) !== 0) wide(DETAIL.minimum);
  if (timeInForce(flags) === GTD) wide(DETAIL.expire);
  const open = reader.number(at + ORDER_ROW.open);
  // The totals of a queue count hidden lots, too.
  f[(order + ORDER.open) >> 1] = open + hidden;
  // Buys and sell stops: the highest price first.
  const rank = queue === 0 || queue === 3 ? ~price : price;
  book.append(order, arena.instrument(id) + INSTRUMENT.sides + queue * SIDE_WORDS, rank, price);
  f[(order + ORDER.open) >> 1] = open;
  const waits = (flags & FLAG.waiting) !== 0;
  const type = (flags >> FLAG.typeShift) & FLAG.typeMask;
  if (waits && type === OrderType.stopLimit) pools.promiseLevel();
  return order;
}
