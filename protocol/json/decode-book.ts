// The channels l2 and l3: a head and its rows to one JSON object.
import { formatUnits } from "../decimal.ts";
import { CHANNEL_NAMES, Channel, Side } from "../generated/enums.ts";
import {
  BOOK_LEVEL_LENGTH,
  BOOK_ORDER_LENGTH,
  BOOK_UPDATE_LENGTH,
  BookLevel,
  BookOrder,
  BookUpdate,
} from "../generated/session.ts";
import type { InstrumentDirectory } from "../instrument-directory.ts";

type Json = Record<string, unknown>;

const head = new BookUpdate();
const level = new BookLevel();
const order = new BookOrder();

/** Bytes of a head and its rows; 0 where not all of them are before `end`. */
export function bookLength(view: DataView, offset: number, end: number): number {
  head.wrap(view, offset);
  const row = head.channel === Channel.l3 ? BOOK_ORDER_LENGTH : BOOK_LEVEL_LENGTH;
  const length = BOOK_UPDATE_LENGTH + head.rowCount * row;
  return length <= end - offset ? length : 0;
}

/**
 * Of l2 a row is [price, quantity, orders], of l3 [orderId, price, quantity, priority], of bids or of
 * asks. What is gone has the quantity "0".
 */
export function decodeBook(view: DataView, offset: number, directory: InstrumentDirectory): Json {
  head.wrap(view, offset);
  const { channel, rowCount, parts } = head;
  const terms = directory.get(head.instrumentId);
  const json: Json = {
    type: CHANNEL_NAMES[channel],
    symbol: terms?.symbol,
    snapshot: head.snapshot,
    prevSeq: head.prevSeq,
    seq: head.seq,
    timestamp: head.timestampUs,
  };
  if (parts !== 1) {
    json.part = head.part;
    json.parts = parts;
  }
  const tick = terms?.tickSize ?? { value: 1, scale: 0 };
  const lot = terms?.lotSize ?? { value: 1, scale: 0 };
  const bids: unknown[] = [];
  const asks: unknown[] = [];
  let at = offset + BOOK_UPDATE_LENGTH;
  for (let i = 0; i < rowCount; i++) {
    if (channel === Channel.l3) {
      order.wrap(view, at);
      at += BOOK_ORDER_LENGTH;
      const price = formatUnits(order.priceTicks, tick.value, tick.scale);
      const quantity = formatUnits(order.quantityLots, lot.value, lot.scale);
      const row = [order.orderId, price, quantity, order.priority];
      (order.side === Side.buy ? bids : asks).push(row);
    } else {
      level.wrap(view, at);
      at += BOOK_LEVEL_LENGTH;
      const price = formatUnits(level.priceTicks, tick.value, tick.scale);
      const quantity = formatUnits(level.quantityLots, lot.value, lot.scale);
      (level.side === Side.buy ? bids : asks).push([price, quantity, level.orderCount]);
    }
  }
  json.bids = bids;
  json.asks = asks;
  json.checksum = checksumText(head.checksumHigh, head.checksumLow);
  return json;
}

/** 16 hexadecimal digits. */
export function checksumText(high: number, low: number): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
