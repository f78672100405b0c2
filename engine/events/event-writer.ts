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
import type { Arena } from "../book/arena.ts";
import { DETAIL, FLAG, ORDER, SUMS } from "../book/layout.ts";

const {
  clientLow: CLIENT_LOW,
  clientHigh: CLIENT_HIGH,
  idLow: ID_LOW,
  idHigh: ID_HIGH,
  account: ACCOUNT,
  flags: FLAGS,
  open: OPEN,
} = ORDER;
const { hidden: HIDDEN, display: DISPLAY } = DETAIL;
const { quantity: QUANTITY } = SUMS;
const { sideMask: SIDE_MASK, iceberg: ICEBERG, typeShift: TYPE_SHIFT, typeMask: TYPE_MASK } = FLAG;
const SCHEMA_WORD = SCHEMA;
const ACCEPTED = ACCEPTED_LENGTH | (ACCEPTED_TEMPLATE_ID << 16);
const REJECTED = REJECTED_LENGTH | (REJECTED_TEMPLATE_ID << 16);
const TRADE = TRADE_LENGTH | (TRADE_TEMPLATE_ID << 16);
const CANCELED = CANCELED_LENGTH | (CANCELED_TEMPLATE_ID << 16);
const REDUCED = REDUCED_LENGTH | (REDUCED_TEMPLATE_ID << 16);
const REPLACED = REPLACED_LENGTH | (REPLACED_TEMPLATE_ID << 16);
const TRIGGERED = TRIGGERED_LENGTH | (TRIGGERED_TEMPLATE_ID << 16);
const AUCTION = AUCTION_LENGTH | (AUCTION_TEMPLATE_ID << 16);
const STATE = MARKET_STATE_CHANGED_LENGTH | (MARKET_STATE_CHANGED_TEMPLATE_ID << 16);
const HIGH = 1 / 4294967296;

const NEW_ORDER = NEW_ORDER_TEMPLATE_ID;
const REPLACE_ORDER = REPLACE_ORDER_TEMPLATE_ID;

/** Words of a trade and of a replaced that their caller writes. */
export const TRADE_QUANTITY = 14;
export const TRADE_FEES = 28;
export const REPLACED_LEAVES = 18;
export const REPLACED_PREVIOUS = 22;

// The last word of accepted: type, time in force, self-trade prevention, presence bits.
const PRICE_PRESENT = OrderField.price << 24;
const STOP_PRESENT = OrderField.stopPrice << 24;
const DISPLAY_PRESENT = OrderField.displayQuantity << 24;
const MINIMUM_PRESENT = OrderField.minQuantity << 24;
const EXPIRE_PRESENT = OrderField.expireTime << 24;

// Words of a command's header, and of an event's.
const SEQ = 2;
const INDEX = 8;
const INSTRUMENT = 9;
const EVENT_ACCOUNT = 10;
const SIDES = 11;

export type EventWriter = ReturnType<typeof createEventWriter>;

/**
 * Writes the events of one command at a time into the event ring: seq, time and request id come
 * from the command, the index counts.
 */
export function createEventWriter(ring: EventRingWriter, arena: Arena) {
  const { words: m, doubles: f, detail, sums } = arena;
  const { view } = ring;
  /** The ring's memory as words. */
  const e = new Int32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
  // The command: words, and where it starts in them.
  let c = e;
  let from = 0;
  let index = 0;

  /** From now on events are those of the command that starts at word `at` of `command`. */
  function begin(command: Int32Array, at: number): void {
    c = command;
    from = at;
    index = 0;
  }

  /** Events of this command so far. */
  function count(): number {
    return index;
  }

  /** Claims the next event's place and writes the header that all events start with. */
  function start(message: number, instrumentId: number, account: number, sides: number): number {
    const at = ring.claim() >> 2;
    ring.commit();
    e[at] = message;
    e[at + 1] = SCHEMA_WORD;
    e[at + 2] = c[from + SEQ] as number;
    e[at + 3] = c[from + SEQ + 1] as number;
    e[at + 4] = c[from + SEQ + 2] as number;
    e[at + 5] = c[from + SEQ + 3] as number;
    e[at + 6] = c[from + SEQ + 4] as number;
    e[at + 7] = c[from + SEQ + 5] as number;
    e[at + INDEX] = index++;
    e[at + INSTRUMENT] = instrumentId;
    e[at + EVENT_ACCOUNT] = account;
    e[at + SIDES] = sides;
    return at;
  }

  /** For events that are written through a flyweight: zeroed but for the header. Cold. */
  function cold(message: number, instrumentId: number, account: number): number {
    const at = start(message, instrumentId, account, 0);
    e.fill(0, at + SIDES + 1, at + (RECORD_BYTES >> 2));
    return at << 2;
  }

  /**
   * The newOrder that is being handled is in the engine. terms: order type, time in force,
   * self-trade prevention and presence bits as the last word of the record has them.
   */
  function accepted(instrumentId: number, side: number, terms: number): void {
    const at = start(ACCEPTED, instrumentId, c[from + 8] as number, side << 8);
    e[at + 12] = c[from + 12] as number;
    e[at + 13] = c[from + 13] as number;
    e[at + 14] = c[from + SEQ] as number;
    e[at + 15] = c[from + SEQ + 1] as number;
    e[at + 16] = c[from + 14] as number;
    e[at + 17] = c[from + 15] as number;
    // An absent field is zero, whatever the command has there.
    const display = (terms & DISPLAY_PRESENT) !== 0 ? -1 : 0;
    const minimum = (terms & MINIMUM_PRESENT) !== 0 ? -1 : 0;
    const expire = (terms & EXPIRE_PRESENT) !== 0 ? -1 : 0;
    e[at + 18] = (c[from + 16] as number) & display;
    e[at + 19] = (c[from + 17] as number) & display;
    e[at + 20] = (c[from + 18] as number) & minimum;
    e[at + 21] = (c[from + 19] as number) & minimum;
    e[at + 22] = (c[from + 20] as number) & expire;
    e[at + 23] = (c[from + 21] as number) & expire;
    e[at + 24] = (c[from + 22] as number) & ((terms & PRICE_PRESENT) !== 0 ? -1 : 0);
    e[at + 25] = (c[from + 23] as number) & ((terms & STOP_PRESENT) !== 0 ? -1 : 0);
    e[at + 26] = terms;
    e[at + 27] = 0;
  }

  /**
   * The command is refused. template: its own. The ids that it names are echoed, and so is its symbol
   * as written where the instrument is not known (instrumentId 0).
   */
  function rejected(instrumentId: number, side: number, template: number, reason: number): void {
    const at = start(REJECTED, instrumentId, c[from + 8] as number, side << 8);
    const named = template <= REPLACE_ORDER;
    const byId = named && template !== NEW_ORDER;
    e[at + 12] = named ? (c[from + 12] as number) : 0;
    e[at + 13] = named ? (c[from + 13] as number) : 0;
    e[at + 14] = byId ? (c[from + 14] as number) : 0;
    e[at + 15] = byId ? (c[from + 15] as number) : 0;
    e[at + 16] = 0;
    e[at + 17] = 0;
    e[at + 18] = 0;
    e[at + 19] = 0;
    e[at + 20] = template | (reason << 8);
    e[at + 21] = 0;
    const symbol = instrumentId === 0 ? symbolOffset(template) : 0;
    if (symbol === 0) return;
    for (let i = 0; i < 16; i++) {
      const byte = from * 4 + symbol + i;
      const character = ((c[byte >> 2] as number) >>> ((byte & 3) << 3)) & 255;
      const word = at + 16 + (i >> 2);
      e[word] = (e[word] as number) | (character << ((i & 3) << 3));
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
    e[at + 12] = tradeIdLow;
    e[at + 13] = tradeIdHigh;
    e[at + 16] = m[taker + ID_LOW] as number;
    e[at + 17] = m[taker + ID_HIGH] as number;
    e[at + 18] = m[maker + ID_LOW] as number;
    e[at + 19] = m[maker + ID_HIGH] as number;
    e[at + 20] = m[taker + CLIENT_LOW] as number;
    e[at + 21] = m[taker + CLIENT_HIGH] as number;
    e[at + 22] = m[maker + CLIENT_LOW] as number;
    e[at + 23] = m[maker + CLIENT_HIGH] as number;
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
    e[at + 28] = 0;
    e[at + 29] = 0;
    e[at + 30] = 0;
    e[at + 31] = 0;
    e[at + 32] = price;
    e[at + 33] = m[maker + ACCOUNT] as number;
    return at;
  }

  /** All that is left of an order is taken off. It must still have it, in no queue. */
  function canceled(instrumentId: number, order: number, price: number, reason: number): void {
    const flags = m[order + FLAGS] as number;
    const at = start(
      CANCELED,
      instrumentId,
      m[order + ACCOUNT] as number,
      (flags & SIDE_MASK) << 8,
    );
    e[at + 12] = m[order + CLIENT_LOW] as number;
    e[at + 13] = m[order + CLIENT_HIGH] as number;
    e[at + 14] = m[order + ID_LOW] as number;
    e[at + 15] = m[order + ID_HIGH] as number;
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
    e[at + 12] = m[order + CLIENT_LOW] as number;
    e[at + 13] = m[order + CLIENT_HIGH] as number;
    e[at + 14] = m[order + ID_LOW] as number;
    e[at + 15] = m[order + ID_HIGH] as number;
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
    e[at + 12] = m[order + CLIENT_LOW] as number;
    e[at + 13] = m[order + CLIENT_HIGH] as number;
    e[at + 14] = m[order + ID_LOW] as number;
    e[at + 15] = m[order + ID_HIGH] as number;
    const terms = (order + detail) >> 1;
    const quantity = f[((order >> 2) + sums + QUANTITY) >> 1] as number;
    e[at + 16] = quantity | 0;
    e[at + 17] = (quantity * HIGH) | 0;
    const display = (flags & ICEBERG) === 0 ? 0 : (f[terms + (DISPLAY >> 1)] as number);
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
    e[at + 12] = m[order + CLIENT_LOW] as number;
    e[at + 13] = m[order + CLIENT_HIGH] as number;
    e[at + 14] = m[order + ID_LOW] as number;
    e[at + 15] = m[order + ID_HIGH] as number;
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
    begin,
    count,
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
