// Hot path: no allocation here. Every word of an event is written: the ring's slots are used again,
// and the hash over all events takes whole records.
import {
  DEFINE_INSTRUMENT_SYMBOL_OFFSET,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  MASS_CANCEL_SYMBOL_OFFSET,
  MASS_CANCEL_TEMPLATE_ID,
  NEW_ORDER_SYMBOL_OFFSET,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
  SET_ACCOUNT_SYMBOL_OFFSET,
  SET_ACCOUNT_TEMPLATE_ID,
  SET_MARKET_STATE_SYMBOL_OFFSET,
  SET_MARKET_STATE_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { OrderField } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_LENGTH,
  ACCEPTED_TEMPLATE_ID,
  AUCTION_LENGTH,
  AUCTION_TEMPLATE_ID,
  CANCELED_LENGTH,
  CANCELED_TEMPLATE_ID,
  MARKET_STATE_CHANGED_LENGTH,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
  REDUCED_LENGTH,
  REDUCED_TEMPLATE_ID,
  REJECTED_LENGTH,
  REJECTED_TEMPLATE_ID,
  REPLACED_LENGTH,
  REPLACED_TEMPLATE_ID,
  TRADE_LENGTH,
  TRADE_TEMPLATE_ID,
  TRIGGERED_LENGTH,
  TRIGGERED_TEMPLATE_ID,
} from "../../protocol/generated/events.ts";
import { SCHEMA_WORD as SCHEMA } from "../../protocol/generated/support.ts";
import type { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import { type Arena, COMMAND_BASE, HEADER } from "../book/arena.ts";
import { COMMAND, DETAIL, FLAG, ORDER, SUMS } from "../book/layout.ts";

const { clientLow: CLIENT, idLow: ID, account: ACCOUNT, flags: FLAGS, open: OPEN } = ORDER;
const { hidden: HIDDEN, display: DISPLAY } = DETAIL;
const { quantity: QUANTITY } = SUMS;
const { sideMask: SIDE_MASK, iceberg: ICEBERG, typeShift: TYPE_SHIFT, typeMask: TYPE_MASK } = FLAG;
const SCHEMA_WORD = SCHEMA;
const HIGH = 1 / 4294967296;

/**
 * The first two words of an event, as the double that has their bits. Fields of 64 bits are copied
 * as doubles all over this file: half the stores. All of them are below 2^53, so none is a NaN, whose
 * bits would not be safe.
 */
function head(length: number, template: number): number {
  const words = new Int32Array([length | (template << 16), SCHEMA_WORD]);
  return new Float64Array(words.buffer)[0] as number;
}

const ACCEPTED = head(ACCEPTED_LENGTH, ACCEPTED_TEMPLATE_ID);
const REJECTED = head(REJECTED_LENGTH, REJECTED_TEMPLATE_ID);
const TRADE = head(TRADE_LENGTH, TRADE_TEMPLATE_ID);
const CANCELED = head(CANCELED_LENGTH, CANCELED_TEMPLATE_ID);
const REDUCED = head(REDUCED_LENGTH, REDUCED_TEMPLATE_ID);
const REPLACED = head(REPLACED_LENGTH, REPLACED_TEMPLATE_ID);
const TRIGGERED = head(TRIGGERED_LENGTH, TRIGGERED_TEMPLATE_ID);
const AUCTION = head(AUCTION_LENGTH, AUCTION_TEMPLATE_ID);
const STATE = head(MARKET_STATE_CHANGED_LENGTH, MARKET_STATE_CHANGED_TEMPLATE_ID);

const NEW_ORDER = NEW_ORDER_TEMPLATE_ID;
const REPLACE_ORDER = REPLACE_ORDER_TEMPLATE_ID;

/** Words of a trade and of a replaced that their caller writes. */
export const TRADE_QUANTITY = 14;
export const TRADE_FEES = 28;
export const REPLACED_LEAVES = 18;
export const REPLACED_PREVIOUS = 22;

// The last word of accepted: type, time in force, self-trade prevention, presence bits.
const STOP_PRESENT = OrderField.stopPrice << 24;
const DISPLAY_PRESENT = OrderField.displayQuantity << 24;
const MINIMUM_PRESENT = OrderField.minQuantity << 24;
const EXPIRE_PRESENT = OrderField.expireTime << 24;
const RARELY_PRESENT = STOP_PRESENT | DISPLAY_PRESENT | MINIMUM_PRESENT | EXPIRE_PRESENT;

// Words of the command under way, and the doubles among them at half their words.
const COMMAND_SEQ = (COMMAND_BASE + COMMAND.seq) >> 1;
const COMMAND_TIMESTAMP = (COMMAND_BASE + COMMAND.timestamp) >> 1;
const COMMAND_REQUEST_ID = (COMMAND_BASE + COMMAND.requestId) >> 1;
const COMMAND_CLIENT_ID = (COMMAND_BASE + COMMAND.clientOrderId) >> 1;
const COMMAND_ORDER_ID = (COMMAND_BASE + COMMAND.orderId) >> 1;
const COMMAND_QUANTITY = (COMMAND_BASE + COMMAND.quantity) >> 1;
const COMMAND_ACCOUNT = COMMAND_BASE + COMMAND.account;
const COMMAND_KEY = COMMAND_BASE + COMMAND.keyNumber;
const COMMAND_DISPLAY = COMMAND_BASE + COMMAND.display;
const COMMAND_MINIMUM = COMMAND_BASE + COMMAND.minimum;
const COMMAND_EXPIRE = COMMAND_BASE + COMMAND.expire;
const COMMAND_STOP_PRICE = COMMAND_BASE + COMMAND.stopPrice;
const { eventIndex: EVENT_INDEX } = HEADER;

// Words of an event.
const INDEX = 8;
const INSTRUMENT = 9;
const EVENT_ACCOUNT = 10;
const SIDES = 11; // and the key's tag in the upper half

export type EventWriter = ReturnType<typeof createEventWriter>;

/**
 * Writes events into the ring: seq, time, request id and key tag are those of the command under way,
 * the index counts.
 */
export function createEventWriter(ring: EventRingWriter, arena: Arena) {
  const { words: m, doubles: f, detail, sums } = arena;
  const { view } = ring;
  // The ring's memory as words and as doubles.
  const e = new Int32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
  const e64 = new Float64Array(view.buffer, view.byteOffset, view.byteLength >> 3);
  // Where the command under way stands, for its text.
  let source = view;
  let sourceOffset = 0;

  /** Commands are at that place now, until told otherwise. */
  function readFrom(commands: DataView): void {
    source = commands;
  }

  /** The next command begins, at that byte of its view. */
  function begin(offset: number): void {
    sourceOffset = offset;
    m[EVENT_INDEX] = 0;
  }

  /** Claims the next event's place and writes the header that all events start with. */
  function start(message: number, instrumentId: number, account: number, sides: number): number {
    const byte = ring.claim();
    ring.commit();
    const at = byte >> 2;
    const at64 = byte >> 3;
    const index = m[EVENT_INDEX] as number;
    m[EVENT_INDEX] = index + 1;
    e64[at64] = message;
    e64[at64 + 1] = f[COMMAND_SEQ] as number;
    e64[at64 + 2] = f[COMMAND_TIMESTAMP] as number;
    e64[at64 + 3] = f[COMMAND_REQUEST_ID] as number;
    e[at + INDEX] = index;
    e[at + INSTRUMENT] = instrumentId;
    e[at + EVENT_ACCOUNT] = account;
    e[at + SIDES] = sides | ((m[COMMAND_KEY] as number) << 16);
    return at;
  }

  /** The ids of an order: fields that most events about one have right behind the header. */
  function ids(at: number, order: number): void {
    e64[(at >> 1) + 6] = f[(order + CLIENT) >> 1] as number;
    e64[(at >> 1) + 7] = f[(order + ID) >> 1] as number;
  }

  /**
   * For events that are written through a flyweight: zeroed but for the header. Returns a byte
   * offset. Cold.
   */
  function cold(length: number, template: number, instrumentId: number, account: number): number {
    const at = start(head(length, template), instrumentId, account, 0);
    e.fill(0, at + SIDES + 1, at + (RECORD_BYTES >> 2));
    return at << 2;
  }

  /**
   * The newOrder under way is in the engine. price: 0 where it has none. terms: order type, time in
   * force, self-trade prevention and presence bits as the last word of the record has them.
   */
  function accepted(instrumentId: number, side: number, price: number, terms: number): void {
    const at = start(ACCEPTED, instrumentId, m[COMMAND_ACCOUNT] as number, side << 8);
    const at64 = at >> 1;
    e64[at64 + 6] = f[COMMAND_CLIENT_ID] as number;
    e64[at64 + 7] = f[COMMAND_SEQ] as number; // the orderId
    e64[at64 + 8] = f[COMMAND_QUANTITY] as number;
    e64[at64 + 9] = 0;
    e64[at64 + 10] = 0;
    e64[at64 + 11] = 0;
    e[at + 24] = price;
    e[at + 25] = 0;
    e[at + 26] = terms;
    e[at + 27] = 0;
    if ((terms & RARELY_PRESENT) !== 0) acceptedTerms(at, terms);
  }

  function acceptedTerms(at: number, terms: number): void {
    if ((terms & DISPLAY_PRESENT) !== 0) {
      e[at + 18] = m[COMMAND_DISPLAY] as number;
      e[at + 19] = m[COMMAND_DISPLAY + 1] as number;
    }
    if ((terms & MINIMUM_PRESENT) !== 0) {
      e[at + 20] = m[COMMAND_MINIMUM] as number;
      e[at + 21] = m[COMMAND_MINIMUM + 1] as number;
    }
    if ((terms & EXPIRE_PRESENT) !== 0) {
      e[at + 22] = m[COMMAND_EXPIRE] as number;
      e[at + 23] = m[COMMAND_EXPIRE + 1] as number;
    }
    if ((terms & STOP_PRESENT) !== 0) e[at + 25] = m[COMMAND_STOP_PRICE] as number;
  }

  /**
   * The command is refused. template: its own. The ids that it names are echoed, and so is its symbol
   * as written where the instrument is not known (instrumentId 0).
   */
  function rejected(instrumentId: number, side: number, template: number, reason: number): void {
    const at = start(REJECTED, instrumentId, m[COMMAND_ACCOUNT] as number, side << 8);
    const at64 = at >> 1;
    e64[at64 + 6] = template <= REPLACE_ORDER ? (f[COMMAND_CLIENT_ID] as number) : 0;
    const byId = template <= REPLACE_ORDER && template !== NEW_ORDER;
    e64[at64 + 7] = byId ? (f[COMMAND_ORDER_ID] as number) : 0;
    e64[at64 + 8] = 0;
    e64[at64 + 9] = 0;
    e[at + 20] = template | (reason << 8);
    e[at + 21] = 0;
    const symbol = instrumentId === 0 ? symbolOffset(template) : 0;
    if (symbol === 0) return;
    for (let i = 0; i < 16; i++) {
      view.setUint8((at + 16) * 4 + i, source.getUint8(sourceOffset + symbol + i));
    }
  }

  /**
   * A fill, without its quantity and fees: the caller writes those (at words TRADE_QUANTITY and
   * TRADE_FEES of the returned place), since a number above 2^31 would be boxed as an argument. Both
   * orders must already have what is left of them.
   */
  function trade(
    instrumentId: number,
    aggressorSide: number,
    taker: number,
    maker: number,
    price: number,
    tradeIdLow: number,
    tradeIdHigh: number,
  ): number {
    const at = start(TRADE, instrumentId, m[taker + ACCOUNT] as number, aggressorSide);
    const at64 = at >> 1;
    e[at + 12] = tradeIdLow;
    e[at + 13] = tradeIdHigh;
    e64[at64 + 8] = f[(taker + ID) >> 1] as number;
    e64[at64 + 9] = f[(maker + ID) >> 1] as number;
    e64[at64 + 10] = f[(taker + CLIENT) >> 1] as number;
    e64[at64 + 11] = f[(maker + CLIENT) >> 1] as number;
    let leaves = f[(taker + OPEN) >> 1] as number;
    if (((m[taker + FLAGS] as number) & ICEBERG) !== 0) {
      leaves += f[(taker + detail + HIDDEN) >> 1] as number;
    }
    e[at + 24] = leaves | 0;
    e[at + 25] = (leaves * HIGH) | 0;
    leaves = f[(maker + OPEN) >> 1] as number;
    if (((m[maker + FLAGS] as number) & ICEBERG) !== 0) {
      leaves += f[(maker + detail + HIDDEN) >> 1] as number;
    }
    e[at + 26] = leaves | 0;
    e[at + 27] = (leaves * HIGH) | 0;
    e64[at64 + 14] = 0;
    e64[at64 + 15] = 0;
    e[at + 32] = price;
    e[at + 33] = m[maker + ACCOUNT] as number;
    return at;
  }

  /** All that is left of an order is taken off. It must still have it, in no queue. */
  function canceled(instrumentId: number, order: number, price: number, reason: number): void {
    const flags = m[order + FLAGS] as number;
    const sides = (flags & SIDE_MASK) << 8;
    const at = start(CANCELED, instrumentId, m[order + ACCOUNT] as number, sides);
    ids(at, order);
    const leaves = f[(order + OPEN) >> 1] as number;
    e[at + 16] = leaves | 0;
    e[at + 17] = (leaves * HIGH) | 0;
    e[at + 18] = price;
    e[at + 19] = reason | (((flags >> TYPE_SHIFT) & TYPE_MASK) << 8);
  }

  /** lots: taken off by self-trade prevention; leaves: what the order keeps. */
  function reduced(
    instrumentId: number,
    order: number,
    price: number,
    lots: number,
    leaves: number,
  ): void {
    const side = (m[order + FLAGS] as number) & SIDE_MASK;
    const at = start(REDUCED, instrumentId, m[order + ACCOUNT] as number, side << 8);
    ids(at, order);
    e[at + 16] = lots | 0;
    e[at + 17] = (lots * HIGH) | 0;
    e[at + 18] = leaves | 0;
    e[at + 19] = (leaves * HIGH) | 0;
    e[at + 20] = price;
    e[at + 21] = 0;
  }

  /**
   * An order as it now stands, before it trades at its new terms. present: OrderField bits of price,
   * stopPrice and displayQuantity. The caller writes the earlier and the new leaves (words
   * REPLACED_LEAVES and REPLACED_PREVIOUS), for the reason given at `trade`.
   */
  function replaced(
    instrumentId: number,
    order: number,
    price: number,
    stopPrice: number,
    previousPrice: number,
    present: number,
    priorityKept: number,
  ): number {
    const flags = m[order + FLAGS] as number;
    const at = start(
      REPLACED,
      instrumentId,
      m[order + ACCOUNT] as number,
      (flags & SIDE_MASK) << 8,
    );
    ids(at, order);
    const quantity = f[((order >> 2) + sums + QUANTITY) >> 1] as number;
    e[at + 16] = quantity | 0;
    e[at + 17] = (quantity * HIGH) | 0;
    const display = (flags & ICEBERG) === 0 ? 0 : (f[(order + detail + DISPLAY) >> 1] as number);
    e[at + 20] = display | 0;
    e[at + 21] = (display * HIGH) | 0;
    e[at + 24] = price;
    e[at + 25] = stopPrice;
    e[at + 26] = previousPrice;
    e[at + 27] = present | (((flags >> TYPE_SHIFT) & TYPE_MASK) << 8) | (priorityKept << 16);
    return at;
  }

  /** type: the order's type while it waited. Its lots must be in `open`. */
  function triggered(
    instrumentId: number,
    order: number,
    type: number,
    stopPrice: number,
    lastPrice: number,
    price: number,
  ): void {
    const side = (m[order + FLAGS] as number) & SIDE_MASK;
    const at = start(TRIGGERED, instrumentId, m[order + ACCOUNT] as number, side << 8);
    ids(at, order);
    const leaves = f[(order + OPEN) >> 1] as number;
    e[at + 16] = leaves | 0;
    e[at + 17] = (leaves * HIGH) | 0;
    e[at + 18] = stopPrice;
    e[at + 19] = lastPrice;
    e[at + 20] = price;
    e[at + 21] = type;
  }

  function auction(
    instrumentId: number,
    lots: number,
    imbalance: number,
    imbalanceSide: number,
    price: number,
    present: number,
  ): void {
    const at = start(AUCTION, instrumentId, 0, 0);
    e[at + 12] = lots | 0;
    e[at + 13] = (lots * HIGH) | 0;
    e[at + 14] = imbalance | 0;
    e[at + 15] = (imbalance * HIGH) | 0;
    e[at + 16] = price;
    e[at + 17] = imbalanceSide | (present << 8);
  }

  function marketState(instrumentId: number, state: number, previous: number): void {
    const at = start(STATE, instrumentId, 0, 0);
    e[at + 12] = state | (previous << 8);
    e[at + 13] = 0;
  }

  return {
    e,
    view,
    readFrom,
    begin,
    cold,
    accepted,
    rejected,
    trade,
    canceled,
    reduced,
    replaced,
    triggered,
    auction,
    marketState,
  };
}

/** Where a command has the symbol as written; 0 where it has none. */
function symbolOffset(template: number): number {
  switch (template) {
    case NEW_ORDER_TEMPLATE_ID:
      return NEW_ORDER_SYMBOL_OFFSET;
    case MASS_CANCEL_TEMPLATE_ID:
      return MASS_CANCEL_SYMBOL_OFFSET;
    case DEFINE_INSTRUMENT_TEMPLATE_ID:
      return DEFINE_INSTRUMENT_SYMBOL_OFFSET;
    case SET_MARKET_STATE_TEMPLATE_ID:
      return SET_MARKET_STATE_SYMBOL_OFFSET;
    case SET_ACCOUNT_TEMPLATE_ID:
      return SET_ACCOUNT_SYMBOL_OFFSET;
    default:
      return 0;
  }
}
