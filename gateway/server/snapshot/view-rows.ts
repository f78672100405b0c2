// What a snapshot holds for the main thread: what the views know of orders beyond the engine's rows,
// the last requests of each key, open sessions, and the last word of the public channels.
import { FLAG } from "../../../engine/book/layout.ts";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { restoreLedger } from "../../../engine/snapshot/ledger-rows.ts";
import {
  displayLots,
  expireTimeUs,
  hiddenLots,
  inOrder,
  ORDER_ROW,
  orderRows,
} from "../../../engine/snapshot/order-rows.ts";
import { type RowReader, type RowWriter, SectionId } from "../../../engine/snapshot/rows.ts";
import type { Snapshot } from "../../../engine/snapshot/snapshot-format.ts";
import { SESSION_START_LENGTH } from "../../../protocol/generated/commands.ts";
import {
  ACCOUNT_LENGTH,
  ASSET_LENGTH,
  INSTRUMENT_LENGTH,
} from "../../../protocol/generated/events.ts";
import {
  AUCTION_INDICATION_LENGTH,
  INSTRUMENT_STATUS_LENGTH,
  PUBLIC_TRADE_LENGTH,
  TOP_OF_BOOK_LENGTH,
} from "../../../protocol/generated/session.ts";
import type { InstrumentFeed } from "../../market/instrument-feed.ts";
import { MarketBooks } from "../../market/market-books.ts";
import { MarketData } from "../../market/market-data.ts";
import { RequestLedger, WINDOW } from "../../trade/request-ledger.ts";
import { NO_ORDER } from "../../views/order-table.ts";
import { Views } from "../../views/views.ts";
import { OpenSessions } from "./open-sessions.ts";

const VIEW_BYTES = 8;
const REQUEST_BYTES = 32 + WINDOW * 16;
const FEED_HEADER_BYTES = 24;
const FEED_BYTES =
  FEED_HEADER_BYTES +
  INSTRUMENT_STATUS_LENGTH +
  PUBLIC_TRADE_LENGTH +
  TOP_OF_BOOK_LENGTH +
  AUCTION_INDICATION_LENGTH;

/** What the main thread keeps of history. */
export interface GatewayState {
  readonly views: Views;
  /** The views' holdings. */
  readonly ledger: Ledger;
  readonly data: MarketData;
  readonly requests: RequestLedger;
  readonly sessions: OpenSessions;
}

/** Of a server that has seen nothing. */
export function emptyGatewayState(): GatewayState {
  const books = new MarketBooks();
  const ledger = new Ledger();
  const views = new Views(books, ledger);
  const data = new MarketData(views.directory, books);
  return { views, ledger, data, requests: new RequestLedger(), sessions: new OpenSessions() };
}

/** reader: the same snapshot's rows of the engine. */
export function saveGateway(state: GatewayState, writer: RowWriter, engine: RowReader): void {
  saveOrderViews(state, writer, engine);
  writer.begin(SectionId.requests);
  for (const [key, { last, lastSeq, count, recent }] of state.requests.all()) {
    const at = writer.row(REQUEST_BYTES);
    for (const [i, value] of [key, last, lastSeq, count].entries()) {
      writer.number(at + i * 8, value);
    }
    for (let i = 0; i < recent.length; i++) writer.number(at + 32 + i * 8, recent[i] as number);
  }
  writer.begin(SectionId.sessions);
  for (const record of state.sessions.records()) {
    const at = writer.row(SESSION_START_LENGTH);
    writer.bytes.set(record, at);
  }
  writer.begin(SectionId.feeds);
  for (const feed of state.data.feeds) {
    const start = writer.row(FEED_BYTES);
    writer.view.setUint32(start, feed.instrumentId, true);
    writer.number(start + 8, feed.lastSeq);
    writer.number(start + 16, feed.lastUs);
    let at = start + FEED_HEADER_BYTES;
    for (const { view } of recordsOf(feed)) {
      writer.bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), at);
      at += view.byteLength;
    }
  }
}

function recordsOf({ status, lastTrade, top, indication }: InstrumentFeed) {
  return [status, lastTrade, top, indication];
}

/** What a view knows of an order beyond the engine's row. */
export interface OrderView {
  readonly stopPriceTicks: number;
  /** OrderField bits. */
  readonly present: number;
}

/** One row for each of the engine's, in the same order. viewOf: of the order whose row is there. */
export function saveViews(
  writer: RowWriter,
  engine: RowReader,
  viewOf: (orderId: number, rowAt: number) => OrderView,
): void {
  writer.begin(SectionId.orderViews);
  for (const from of orderRows(engine)) {
    const { stopPriceTicks, present } = viewOf(engine.number(from + ORDER_ROW.orderId), from);
    const at = writer.row(VIEW_BYTES);
    writer.view.setInt32(at, stopPriceTicks, true);
    writer.view.setUint8(at + 4, present);
  }
}

/** Of all open orders of a snapshot. */
export function* savedViews(rows: RowReader): Generator<OrderView & { readonly orderId: number }> {
  const { view } = rows;
  const viewRows = rows.rows(SectionId.orderViews, VIEW_BYTES);
  for (const at of orderRows(rows)) {
    const more = viewRows.next();
    if (more.done === true) rows.damage(at, "not one view for each order");
    const stopPriceTicks = view.getInt32(more.value, true);
    const present = view.getUint8(more.value + 4);
    yield { orderId: rows.number(at + ORDER_ROW.orderId), stopPriceTicks, present };
  }
}

function saveOrderViews({ views }: GatewayState, writer: RowWriter, engine: RowReader): void {
  const { table } = views.orders;
  saveViews(writer, engine, (orderId) => {
    const slot = table.find(orderId);
    if (slot === NO_ORDER) throw new Error("snapshot: an open order that no event has told of");
    const [stopPriceTicks, present] = [table.stopPriceTicks[slot], table.present[slot]];
    return { stopPriceTicks: stopPriceTicks as number, present: present as number };
  });
}

/** For a state that has seen nothing. Throws a DamageError where the rows make no sense. */
export function restoreGateway(state: GatewayState, snapshot: Snapshot): void {
  restoreFacts(state, snapshot);
  restoreBooks(state, snapshot);
  restoreFeeds(state, snapshot.rows);
}

/** Everything but open orders and the books they make. For a state that has seen nothing. */
export function restoreFacts(state: GatewayState, { rows, place }: Snapshot): void {
  const { views, ledger, data, requests, sessions } = state;
  const { view } = rows;
  for (const at of rows.rows(SectionId.assets, ASSET_LENGTH)) views.onEvent(view, at);
  for (const at of rows.rows(SectionId.instruments, INSTRUMENT_LENGTH)) {
    views.onEvent(view, at);
    data.onEvent(view, at);
  }
  for (const at of rows.rows(SectionId.settings, ACCOUNT_LENGTH)) views.onEvent(view, at);
  restoreLedger(ledger, rows);
  data.onCommandsComplete(place.seq); // makes the feeds
  restoreFeeds(state, rows);
  for (const at of rows.rows(SectionId.requests, REQUEST_BYTES)) {
    const recent = new Float64Array(WINDOW * 2);
    for (let i = 0; i < recent.length; i++) recent[i] = rows.number(at + 32 + i * 8);
    const [last, lastSeq, count] = [8, 16, 24].map((field) => rows.number(at + field));
    requests.restore(rows.number(at), {
      last: last as number,
      lastSeq: lastSeq as number,
      count: count as number,
      recent,
    });
  }
  for (const at of rows.rows(SectionId.sessions, SESSION_START_LENGTH)) {
    sessions.onCommand(view, at);
  }
}

/** What has been told of all that was told before: it goes on from there. */
function restoreFeeds({ data }: GatewayState, rows: RowReader): void {
  const { view } = rows;
  const feeds = new Map(data.feeds.map((feed) => [feed.instrumentId, feed]));
  for (const start of rows.rows(SectionId.feeds, FEED_BYTES)) {
    const feed = feeds.get(view.getUint32(start, true));
    if (feed === undefined) throw rows.damaged(start, "the feed of an unknown instrument");
    feed.lastSeq = rows.number(start + 8);
    feed.lastUs = rows.number(start + 16);
    let at = start + FEED_HEADER_BYTES;
    for (const { view: target } of recordsOf(feed)) {
      for (let i = 0; i < target.byteLength; i++) target.setUint8(i, view.getUint8(at + i));
      at += target.byteLength;
    }
  }
}

/** Open orders and the books they make, as they stand at `place`; the facts are known. */
export function restoreBooks({ views, data }: GatewayState, { rows, place }: Snapshot): void {
  restoreOrderViews(views, rows);
  views.onCommandsComplete();
  data.lookAgain(place.seq, place.timestampUs);
}

function restoreOrderViews(views: Views, rows: RowReader): void {
  const { view } = rows;
  const { rows: count } = rows.section(SectionId.orders);
  const viewRows = rows.section(SectionId.orderViews);
  const engineRows = new Float64Array(count);
  const ids = new Float64Array(count);
  let found = 0;
  for (const at of orderRows(rows)) {
    if (found === count) rows.damage(at, "more orders than counted");
    engineRows[found] = at;
    ids[found++] = rows.number(at + ORDER_ROW.orderId);
  }
  const hasViews = viewRows.rows === found && viewRows.end - viewRows.start === found * VIEW_BYTES;
  if (!hasViews) rows.damage(0, "not one view for each order");
  const { table } = views.orders;
  table.reserve(found);
  const slots = new Int32Array(found);
  // An account's orders are listed in the order in which they came.
  const places = inOrder(ids.subarray(0, found));
  for (let i = 0; i < found; i++) {
    const place = places[i] as number;
    const at = engineRows[place] as number;
    const flags = view.getInt32(at + ORDER_ROW.flags, true);
    const waits = (flags & FLAG.waiting) !== 0;
    const slot = table.add(ids[place] as number, view.getUint32(at + ORDER_ROW.account, true));
    slots[place] = slot;
    table.clientOrderId[slot] = rows.number(at + ORDER_ROW.clientOrderId);
    table.quantityLots[slot] = rows.number(at + ORDER_ROW.quantity);
    const open = rows.number(at + ORDER_ROW.open);
    table.leavesLots[slot] = open + hiddenLots(rows, at);
    table.displayLots[slot] = displayLots(rows, at);
    table.shownLots[slot] = waits ? 0 : open;
    table.expireTimeUs[slot] = expireTimeUs(rows, at);
    table.instrumentId[slot] = view.getUint32(at + ORDER_ROW.instrumentId, true);
    table.priceTicks[slot] = view.getInt32(at + (waits ? ORDER_ROW.limit : ORDER_ROW.price), true);
    const more = viewRows.start + place * VIEW_BYTES;
    table.stopPriceTicks[slot] = view.getInt32(more, true);
    table.side[slot] = flags & FLAG.sideMask;
    table.orderType[slot] = (flags >> FLAG.typeShift) & FLAG.typeMask;
    table.timeInForce[slot] = (flags >> FLAG.timeInForceShift) & FLAG.timeInForceMask;
    table.present[slot] = view.getUint8(more + 4);
    table.place[slot] = 0;
  }
  for (let i = 0; i < found; i++) {
    const flags = view.getInt32((engineRows[i] as number) + ORDER_ROW.flags, true);
    if ((flags & FLAG.waiting) === 0) views.orders.restoreRest(slots[i] as number);
  }
}
