// Hot path: no allocation here.

import { assert } from "../../protocol/assert.ts";
import { NEW_ORDER_TEMPLATE_ID } from "../../protocol/generated/commands.ts";
import {
  AccountMode,
  MarketState,
  OrderField,
  OrderType,
  RejectReason,
  SelfTradePrevention,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import type { Book } from "../book/book.ts";
import {
  ACCOUNT,
  DETAIL,
  FLAG,
  HAS,
  INSTRUMENT,
  INSTRUMENT_WORDS,
  LEVEL,
  ORDER,
  SIDE,
  SIDE_WORDS,
} from "../book/layout.ts";
import type { EventWriter } from "../events/event-writer.ts";
import type { Matcher } from "./matcher.ts";
import type { Stops } from "./stops.ts";
import { allowedFields, MAX_ICEBERG_PARTS, requiredFields } from "./terms.ts";

const {
  clientLow: CLIENT_LOW,
  clientHigh: CLIENT_HIGH,
  idLow: ID_LOW,
  idHigh: ID_HIGH,
  account: ORDER_ACCOUNT,
  holder: HOLDER,
  level: LEVEL_OF,
  flags: FLAGS,
  open: OPEN,
} = ORDER;
const {
  quantity: QUANTITY,
  display: DISPLAY,
  hidden: HIDDEN,
  expire: EXPIRE,
  minimum: MINIMUM,
  limit: LIMIT,
  feeRest: FEE_REST,
} = DETAIL;
const { rank: RANK } = LEVEL;
const { best: BEST, total: SIDE_TOTAL } = SIDE;
const {
  state: STATE,
  flags: INSTRUMENT_FLAGS,
  lastPrice: LAST_PRICE,
  referencePrice: REFERENCE_PRICE,
  priceBand: PRICE_BAND,
  minLots: MIN_LOTS,
  maxLots: MAX_LOTS,
  notionalBound: NOTIONAL_BOUND,
  maxNotional: MAX_NOTIONAL,
  sides: SIDES,
} = INSTRUMENT;
const INSTRUMENT_STRIDE = INSTRUMENT_WORDS;
const SIDE_STRIDE = SIDE_WORDS;
const { selfTradePrevention: ACCOUNT_PREVENTION, mode: MODE } = ACCOUNT;
const { lastPrice: HAS_LAST, referencePrice: HAS_REFERENCE, priceBand: HAS_BAND } = HAS;
const {
  typeShift: TYPE_SHIFT,
  timeInForceShift: TIF_SHIFT,
  selfTradeShift: STP_SHIFT,
  postOnly: POST_ONLY,
  iceberg: ICEBERG,
  minimum: HAS_MINIMUM,
} = FLAG;
const NEW_ORDER = NEW_ORDER_TEMPLATE_ID;
const BUY = 1;
const LIMIT_ORDER = OrderType.limit;
const MARKET = OrderType.market;
const STOP_LIMIT = OrderType.stopLimit;
const GTC = TimeInForce.gtc;
const GTD = TimeInForce.gtd;
const IOC = TimeInForce.ioc;
const CONTINUOUS = MarketState.continuous;
const AUCTION = MarketState.auction;
const SPOT = AccountMode.spot;
const NO_PREVENTION = SelfTradePrevention.none;
const PRICE_FIELD = OrderField.price;
const DISPLAY_FIELD = OrderField.displayQuantity;
const MINIMUM_FIELD = OrderField.minQuantity;
const POST_ONLY_FIELD = OrderField.postOnly;
const CLIENT_ID_FIELD = OrderField.clientOrderId;
const QUANTITY_FIELD = OrderField.quantity;
/** The fields of a newOrder that stand or fall with its type; the others are always looked at. */
const TERMS =
  PRICE_FIELD |
  OrderField.stopPrice |
  DISPLAY_FIELD |
  MINIMUM_FIELD |
  OrderField.expireTime |
  POST_ONLY_FIELD;
const NONE = RejectReason.none;
const TWO_32 = 4294967296;
const MAX_HIGH = 0x1fffff;

// Words of the command.
const SEQ = 2;
const TIMESTAMP = 4;
const COMMAND_ACCOUNT = 8;
const COMMAND_INSTRUMENT = 9;
const CLIENT_ID = 12;
const COMMAND_QUANTITY = 14;
const COMMAND_DISPLAY = 16;
const COMMAND_MINIMUM = 18;
const COMMAND_EXPIRE = 20;
const PRICE = 22;
const STOP_PRICE = 23;
const KINDS = 24; // side, type, time in force, self-trade prevention
const PRESENT = 25; // its low byte

/** newOrder: checks it, takes it in, lets it trade. docs/matching-rules.md has the order of checks. */
export class NewOrders {
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #matcher: Matcher;
  readonly #stops: Stops;
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  readonly #detail: number;
  readonly #instruments: number;
  // The account's record: found by the checks, used when the order is taken in.
  #holder = 0;

  constructor(book: Book, events: EventWriter, matcher: Matcher, stops: Stops) {
    this.#book = book;
    this.#events = events;
    this.#matcher = matcher;
    this.#stops = stops;
    this.#m = book.arena.words;
    this.#f = book.arena.doubles;
    this.#detail = book.arena.detail;
    this.#instruments = book.arena.instruments;
  }

  /** The command starts at word `at` of `c`. */
  apply(c: Int32Array, at: number): void {
    const id = c[at + COMMAND_INSTRUMENT] as number;
    const kinds = c[at + KINDS] as number;
    const side = kinds & 255;
    if (id < 1 || id > this.#book.arena.instrumentCount) {
      this.#events.rejected(id, side, NEW_ORDER, RejectReason.unknownSymbol);
      return;
    }
    const instrument = this.#instruments + (id - 1) * INSTRUMENT_STRIDE;
    const reason = this.#check(c, at, instrument);
    if (reason !== NONE) {
      this.#events.rejected(id, side, NEW_ORDER, reason);
      return;
    }
    const m = this.#m;
    const f = this.#f;
    const type = (kinds >> 8) & 255;
    let timeInForce = (kinds >> 16) & 255;
    if (timeInForce === 0) timeInForce = type === MARKET ? IOC : GTC;
    let prevention = kinds >>> 24;
    if (prevention === 0) prevention = m[this.#holder + ACCOUNT_PREVENTION] as number;
    if (prevention === 0) prevention = NO_PREVENTION;
    const present = (c[at + PRESENT] as number) & TERMS;
    const clientLow = c[at + CLIENT_ID] as number;
    const clientHigh = c[at + CLIENT_ID + 1] as number;
    const named = (clientLow | clientHigh) === 0 ? 0 : CLIENT_ID_FIELD;
    this.#events.accepted(
      id,
      side,
      type | (timeInForce << 8) | (prevention << 16) | ((present | QUANTITY_FIELD | named) << 24),
    );

    const order = this.#book.arena.claimOrder();
    assert(order !== 0, "a checked order has its record");
    const lots =
      ((c[at + COMMAND_QUANTITY] as number) >>> 0) +
      (c[at + COMMAND_QUANTITY + 1] as number) * TWO_32;
    let flags =
      side | (type << TYPE_SHIFT) | (timeInForce << TIF_SHIFT) | (prevention << STP_SHIFT);
    m[order + CLIENT_LOW] = clientLow;
    m[order + CLIENT_HIGH] = clientHigh;
    m[order + ID_LOW] = c[at + SEQ] as number;
    m[order + ID_HIGH] = c[at + SEQ + 1] as number;
    m[order + ORDER_ACCOUNT] = c[at + COMMAND_ACCOUNT] as number;
    m[order + HOLDER] = this.#holder;
    m[order + LEVEL_OF] = 0;
    f[(order + OPEN) >> 1] = lots;
    const detail = order + this.#detail;
    f[(detail + QUANTITY) >> 1] = lots;
    m[detail + FEE_REST] = 0;
    if ((present & ~PRICE_FIELD) !== 0)
      flags |= this.#takeTerms(c, at, detail, present, timeInForce);
    m[order + FLAGS] = flags;

    if (type > MARKET) {
      m[detail + LIMIT] = type === STOP_LIMIT ? (c[at + PRICE] as number) : 0;
      this.#book.wait(order, instrument, c[at + STOP_PRICE] as number);
      this.#book.remember(order);
      if (type === STOP_LIMIT) this.#book.arena.promiseLevel();
      this.#stops.run(instrument);
      return;
    }
    const price = type === MARKET ? 0 : (c[at + PRICE] as number);
    if (m[instrument + STATE] !== CONTINUOUS) {
      this.#book.rest(order, instrument, price);
      this.#book.remember(order);
      return;
    }
    if (timeInForce < IOC && !this.crosses(instrument, side, price)) {
      this.#book.rest(order, instrument, price);
      this.#book.remember(order);
      return;
    }
    const minimum = (flags & HAS_MINIMUM) === 0 ? 0 : (f[(detail + MINIMUM) >> 1] as number);
    const spot = m[this.#holder + MODE] === SPOT;
    this.#matcher.enter(order, instrument, price, minimum, spot, Infinity);
    this.#stops.run(instrument);
  }

  /** The terms that most orders do not have. Returns their flags. */
  #takeTerms(
    c: Int32Array,
    at: number,
    detail: number,
    present: number,
    timeInForce: number,
  ): number {
    const f = this.#f;
    let flags = 0;
    if ((present & POST_ONLY_FIELD) !== 0) flags |= POST_ONLY;
    if ((present & DISPLAY_FIELD) !== 0) {
      flags |= ICEBERG;
      f[(detail + DISPLAY) >> 1] = wide(c, at + COMMAND_DISPLAY);
      f[(detail + HIDDEN) >> 1] = 0;
    }
    if ((present & MINIMUM_FIELD) !== 0) {
      flags |= HAS_MINIMUM;
      f[(detail + MINIMUM) >> 1] = wide(c, at + COMMAND_MINIMUM);
    }
    if (timeInForce === GTD) f[(detail + EXPIRE) >> 1] = wide(c, at + COMMAND_EXPIRE);
    return flags;
  }

  crosses(instrument: number, side: number, price: number): boolean {
    const m = this.#m;
    const best = m[instrument + SIDES + (side === BUY ? SIDE_STRIDE : 0) + BEST] as number;
    return best !== 0 && (m[best + RANK] as number) <= (side === BUY ? price : ~price);
  }

  /** Why the order cannot be taken, or NONE. Finds the account's record. */
  #check(c: Int32Array, at: number, instrument: number): number {
    const m = this.#m;
    const kinds = c[at + KINDS] as number;
    const present = (c[at + PRESENT] as number) & 255;
    const side = kinds & 255;
    const type = (kinds >> 8) & 255;
    let timeInForce = (kinds >> 16) & 255;
    if (timeInForce === 0) timeInForce = type === MARKET ? IOC : GTC;
    const allowed = allowedFields(type, timeInForce);
    if (
      (side - 1) >>> 0 > 1 ||
      kinds >>> 24 > SelfTradePrevention.decrement ||
      (present & TERMS & ~allowed) !== 0 ||
      (~present & requiredFields(type, timeInForce)) !== 0 ||
      (timeInForce === GTD && !expiresLater(c, at))
    ) {
      return RejectReason.invalidCombination;
    }

    const high = c[at + COMMAND_QUANTITY + 1] as number;
    if (high >>> 0 > MAX_HIGH) return RejectReason.quantityTooLarge;
    const lots = ((c[at + COMMAND_QUANTITY] as number) >>> 0) + high * TWO_32;
    if (lots === 0) return RejectReason.invalidQuantity;
    if ((present & TERMS & ~PRICE_FIELD) !== 0) {
      const reason = checkTerms(c, at, present, lots);
      if (reason !== NONE) return reason;
    }
    const price = c[at + PRICE] as number;
    const priced = (present & PRICE_FIELD) !== 0;
    const outside = this.checkSize(instrument, priced ? price : 0, lots);
    if (outside !== NONE) return outside;
    const state = m[instrument + STATE] as number;
    if (state !== CONTINUOUS) {
      if (state !== AUCTION) return RejectReason.marketNotOpen;
      const immediate = type === MARKET || (type === LIMIT_ORDER && timeInForce >= IOC);
      if (immediate || (present & POST_ONLY_FIELD) !== 0) return RejectReason.notInAuction;
    }

    const low = c[at + CLIENT_ID] as number;
    const clientHigh = c[at + CLIENT_ID + 1] as number;
    const account = c[at + COMMAND_ACCOUNT] as number;
    if ((low | clientHigh) !== 0) {
      if (this.#book.orders.findClient(account, low, clientHigh) !== 0) {
        return RejectReason.duplicateClientOrderId;
      }
    }
    if (priced && this.isOutsideBand(instrument, price)) return RejectReason.priceBand;
    if ((present & POST_ONLY_FIELD) !== 0 && this.crosses(instrument, side, price)) {
      return RejectReason.postOnlyWouldCross;
    }
    if (lots > this.room(instrument, side)) return RejectReason.quantityTooLarge;
    if (!this.#book.arena.hasOrder || !this.#book.arena.hasLevel) return RejectReason.capacity;
    this.#holder = this.#book.accounts.findOrAdd(account);
    return this.#holder === 0 ? RejectReason.capacity : NONE;
  }

  /** Quantity and notional of an order. price: 0 where it has none. */
  checkSize(instrument: number, price: number, lots: number): number {
    const f = this.#f;
    if (lots < (f[(instrument + MIN_LOTS) >> 1] as number)) return RejectReason.quantityTooSmall;
    if (lots > (f[(instrument + MAX_LOTS) >> 1] as number)) return RejectReason.quantityTooLarge;
    const notional = Math.abs(price) * lots;
    if (notional > (f[(instrument + NOTIONAL_BOUND) >> 1] as number)) {
      return RejectReason.notionalOutOfRange;
    }
    if (notional > (f[(instrument + MAX_NOTIONAL) >> 1] as number)) {
      return RejectReason.notionalTooLarge;
    }
    return NONE;
  }

  /** Whether a limit price is too far from the last trade, or from the reference before any. */
  isOutsideBand(instrument: number, price: number): boolean {
    const m = this.#m;
    const has = m[instrument + INSTRUMENT_FLAGS] as number;
    if ((has & HAS_BAND) === 0 || (has & (HAS_LAST | HAS_REFERENCE)) === 0) return false;
    const middle = (has & HAS_LAST) !== 0 ? LAST_PRICE : REFERENCE_PRICE;
    const away = Math.abs(price - (m[instrument + middle] as number));
    return away > (m[instrument + PRICE_BAND] as number) >>> 0;
  }

  /** Lots that may still come to stand on a side, stops included: its total stays a safe integer. */
  room(instrument: number, side: number): number {
    const f = this.#f;
    const resting = instrument + SIDES + (side === BUY ? 0 : SIDE_STRIDE);
    return (
      MAX_INTEGER -
      (f[(resting + SIDE_TOTAL) >> 1] as number) -
      (f[(resting + 2 * SIDE_STRIDE + SIDE_TOTAL) >> 1] as number)
    );
  }
}

/** The quantities that most orders do not have. */
function checkTerms(c: Int32Array, at: number, present: number, lots: number): number {
  const display = (present & DISPLAY_FIELD) !== 0 ? wide(c, at + COMMAND_DISPLAY) : lots;
  const minimum = (present & MINIMUM_FIELD) !== 0 ? wide(c, at + COMMAND_MINIMUM) : lots;
  if (display === 0 || minimum === 0) return RejectReason.invalidQuantity;
  if (display > lots || minimum > lots) return RejectReason.invalidCombination;
  if (display * MAX_ICEBERG_PARTS < lots) return RejectReason.invalidCombination;
  return NONE;
}

function expiresLater(c: Int32Array, at: number): boolean {
  const expire = wide(c, at + COMMAND_EXPIRE);
  return expire > wide(c, at + TIMESTAMP) && expire <= MAX_INTEGER;
}

/** Two words as a number; exact up to 2^53−1, larger above that. */
function wide(c: Int32Array, at: number): number {
  return ((c[at] as number) >>> 0) + ((c[at + 1] as number) >>> 0) * TWO_32;
}
