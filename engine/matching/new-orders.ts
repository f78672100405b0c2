// Hot path: no allocation here.

import { NEW_ORDER_TEMPLATE_ID } from "../../protocol/generated/commands.ts";
import {
  AccountMode,
  CommandFlag,
  MarketState,
  OrderField,
  OrderType,
  RejectReason,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import { COMMAND_BASE } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import {
  ACCOUNT,
  COMMAND,
  DETAIL,
  FLAG,
  HAS,
  INSTRUMENT,
  INSTRUMENT_WORDS,
  LEVEL,
  ORDER,
  SIDE,
  SIDE_WORDS,
  SUMS,
} from "../book/layout.ts";
import type { EventWriter } from "../events/event-writer.ts";
import type { Matcher } from "./matcher.ts";
import type { Stops } from "./stops.ts";
import { ALLOWED_FIELDS, MAX_ICEBERG_PARTS, REQUIRED_FIELDS, TERMS_COLUMNS } from "./terms.ts";

const {
  clientLow: CLIENT,
  idLow: ID,
  account: ORDER_ACCOUNT,
  holder: HOLDER,
  level: LEVEL_OF,
  flags: FLAGS,
  open: OPEN,
} = ORDER;
const { display: DISPLAY, hidden: HIDDEN, expire: EXPIRE, minimum: MINIMUM } = DETAIL;
const { quantity: QUANTITY, limit: LIMIT, feeRest: FEE_REST } = SUMS;
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
  sideMask: SIDE_MASK,
  typeShift: TYPE_SHIFT,
  typeMask: TYPE_MASK,
  timeInForceShift: TIF_SHIFT,
  selfTradeShift: STP_SHIFT,
  postOnly: POST_ONLY,
  iceberg: ICEBERG,
  minimum: HAS_MINIMUM,
} = FLAG;
const NEW_ORDER = NEW_ORDER_TEMPLATE_ID;
const LIMIT_ORDER = OrderType.limit;
const MARKET = OrderType.market;
const STOP_LIMIT = OrderType.stopLimit;
const TYPE_AND_SIDE = SIDE_MASK | (TYPE_MASK << TYPE_SHIFT);
const MARKET_BUY = Side.buy | (MARKET << TYPE_SHIFT);
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
const ALLOWED = ALLOWED_FIELDS;
const REQUIRED = REQUIRED_FIELDS;
const COLUMNS = TERMS_COLUMNS;
const LAST_PREVENTION = SelfTradePrevention.decrement;
const LARGEST = MAX_INTEGER;
const TWO_32 = 4294967296;

// Words of the command under way.
const SEQ = COMMAND_BASE + COMMAND.seq;
const TIMESTAMP = COMMAND_BASE + COMMAND.timestamp;
const COMMAND_ACCOUNT = COMMAND_BASE + COMMAND.account;
const COMMAND_INSTRUMENT = COMMAND_BASE + COMMAND.instrumentId;
const CLIENT_ID = COMMAND_BASE + COMMAND.clientOrderId;
const COMMAND_QUANTITY = COMMAND_BASE + COMMAND.quantity;
const COMMAND_DISPLAY = COMMAND_BASE + COMMAND.display;
const COMMAND_MINIMUM = COMMAND_BASE + COMMAND.minimum;
const COMMAND_EXPIRE = COMMAND_BASE + COMMAND.expire;
const PRICE = COMMAND_BASE + COMMAND.price;
const STOP_PRICE = COMMAND_BASE + COMMAND.stopPrice;
const KINDS = COMMAND_BASE + COMMAND.kinds;
const PRESENT = COMMAND_BASE + COMMAND.present;
const VERDICT = COMMAND_BASE + COMMAND.verdict;
/** As it stands in the word that begins with the verdict. */
const BUDGET = CommandFlag.budget << 16;

export type NewOrders = ReturnType<typeof createNewOrders>;

/** newOrder: checks it, takes it in, lets it trade. docs/matching-rules.md has the order of checks. */
export function createNewOrders(book: Book, events: EventWriter, matcher: Matcher, stops: Stops) {
  const { arena, pools, orders, accounts } = book;
  const { words: m, doubles: f, detail: toDetail, sums: toSums, instruments } = arena;
  const { hasOrder, hasLevel, claimOrder, promiseLevel } = pools;
  const { clientHash, findClient } = orders;
  const { findOrAdd: findOrAddAccount } = accounts;
  const { rest, remember, wait } = book;
  const { accepted, rejected } = events;
  /** The command under way. */
  function apply(): void {
    const id = m[COMMAND_INSTRUMENT] as number;
    const kinds = m[KINDS] as number;
    const side = kinds & 255;
    if (id < 1 || id > arena.instrumentCount) {
      rejected(id, side, NEW_ORDER, RejectReason.unknownSymbol);
      return;
    }
    const instrument = instruments + (id - 1) * INSTRUMENT_STRIDE;
    const present = (m[PRESENT] as number) & TERMS;
    const type = (kinds >> 8) & 255;
    let timeInForce = (kinds >> 16) & 255;
    if (timeInForce === 0) timeInForce = type === MARKET ? IOC : GTC;
    const price = (present & PRICE_FIELD) === 0 ? 0 : (m[PRICE] as number);
    const high = m[COMMAND_QUANTITY + 1] as number;
    const lots = ((m[COMMAND_QUANTITY] as number) >>> 0) + (high >>> 0) * TWO_32;
    const clientLow = m[CLIENT_ID] as number;
    const clientHigh = m[CLIENT_ID + 1] as number;
    const account = m[COMMAND_ACCOUNT] as number;
    const named = (clientLow | clientHigh) !== 0;

    let reason = checkShape(kinds, type, timeInForce, present, lots);
    if (reason === NONE) reason = checkSize(instrument, price, lots);
    const state = m[instrument + STATE] as number;
    if (reason === NONE && state !== CONTINUOUS) {
      reason = checkState(state, type, timeInForce, present);
    }
    const hash = clientHash(account, clientLow, clientHigh);
    if (reason === NONE && named && findClient(hash, account, clientLow, clientHigh) !== 0) {
      reason = RejectReason.duplicateClientOrderId;
    }
    if (reason === NONE && ((m[instrument + INSTRUMENT_FLAGS] as number) & HAS_BAND) !== 0) {
      if ((present & PRICE_FIELD) !== 0 && isOutsideBand(instrument, price)) {
        reason = RejectReason.priceBand;
      }
    }
    const crossing = crosses(instrument, side, price);
    let holder = 0;
    if (reason === NONE) {
      if (crossing && (present & POST_ONLY_FIELD) !== 0 && state === CONTINUOUS) {
        reason = RejectReason.postOnlyWouldCross;
      } else if (lots > room(instrument, side)) {
        reason = RejectReason.quantityTooLarge;
      } else if (hasOrder() && hasLevel()) {
        holder = findOrAddAccount(account);
      }
      if (reason === NONE && holder === 0) reason = RejectReason.capacity;
    }
    if (reason !== NONE) {
      rejected(id, side, NEW_ORDER, reason);
      return;
    }

    let prevention = kinds >>> 24;
    if (prevention === 0) prevention = m[holder + ACCOUNT_PREVENTION] as number;
    if (prevention === 0) prevention = NO_PREVENTION;
    const fields = present | QUANTITY_FIELD | (named ? CLIENT_ID_FIELD : 0);
    accepted(id, side, price, type | (timeInForce << 8) | (prevention << 16) | (fields << 24));

    const order = claimOrder();
    const sums = (order >> 2) + toSums;
    let flags =
      side | (type << TYPE_SHIFT) | (timeInForce << TIF_SHIFT) | (prevention << STP_SHIFT);
    f[(order + CLIENT) >> 1] = f[CLIENT_ID >> 1] as number;
    f[(order + ID) >> 1] = f[SEQ >> 1] as number;
    m[order + ORDER_ACCOUNT] = account;
    m[order + HOLDER] = holder;
    m[order + LEVEL_OF] = 0;
    f[(order + OPEN) >> 1] = lots;
    f[(sums + QUANTITY) >> 1] = lots;
    m[sums + FEE_REST] = 0;
    if ((present & ~PRICE_FIELD) !== 0) flags |= takeTerms(order + toDetail, present, timeInForce);
    m[order + FLAGS] = flags;

    if (type <= MARKET) {
      if (state !== CONTINUOUS || (!crossing && timeInForce < IOC)) {
        rest(order, instrument, price);
        remember(order, hash);
      } else {
        enter(order, instrument, price, flags, m[holder + MODE] === SPOT);
      }
    } else {
      m[sums + LIMIT] = price;
      wait(order, instrument, m[STOP_PRICE] as number);
      remember(order, hash);
      if (type === STOP_LIMIT) promiseLevel();
      stops.run(instrument);
    }
  }

  function enter(
    order: number,
    instrument: number,
    price: number,
    flags: number,
    spot: boolean,
  ): void {
    const asked = (flags & HAS_MINIMUM) !== 0;
    const minimum = asked ? (f[(order + toDetail + MINIMUM) >> 1] as number) : 0;
    const bound = ((m[VERDICT] as number) & BUDGET) !== 0 && (flags & TYPE_AND_SIDE) === MARKET_BUY;
    const budget = bound ? wide(COMMAND_DISPLAY) : Infinity;
    matcher.enter(order, instrument, price, minimum, spot, budget);
    stops.run(instrument);
  }

  /** The terms that most orders do not have. Returns their flags. */
  function takeTerms(detail: number, present: number, timeInForce: number): number {
    let flags = 0;
    if ((present & POST_ONLY_FIELD) !== 0) flags |= POST_ONLY;
    if ((present & DISPLAY_FIELD) !== 0) {
      flags |= ICEBERG;
      f[(detail + DISPLAY) >> 1] = wide(COMMAND_DISPLAY);
      f[(detail + HIDDEN) >> 1] = 0;
    }
    if ((present & MINIMUM_FIELD) !== 0) {
      flags |= HAS_MINIMUM;
      f[(detail + MINIMUM) >> 1] = wide(COMMAND_MINIMUM);
    }
    if (timeInForce === GTD) f[(detail + EXPIRE) >> 1] = wide(COMMAND_EXPIRE);
    return flags;
  }

  function crosses(instrument: number, side: number, price: number): boolean {
    // Without a branch on the side: sides come in no order that a processor could learn.
    const sells = side >> 1;
    const best = m[instrument + SIDES + (sells ^ 1) * SIDE_STRIDE + BEST] as number;
    return best !== 0 && (m[best + RANK] as number) <= (price ^ -sells);
  }

  /** Whether the fields go together and mean an order at all. */
  function checkShape(
    kinds: number,
    type: number,
    timeInForce: number,
    present: number,
    lots: number,
  ): number {
    const terms = type * COLUMNS + (timeInForce < COLUMNS ? timeInForce : COLUMNS - 1);
    if (
      ((kinds & 255) - 1) >>> 0 > 1 ||
      kinds >>> 24 > LAST_PREVENTION ||
      (present & ~(ALLOWED[terms] as number)) !== 0 ||
      (~present & (REQUIRED[terms] as number)) !== 0 ||
      (timeInForce === GTD && !expiresLater())
    ) {
      return RejectReason.invalidCombination;
    }
    if (lots === 0) return RejectReason.invalidQuantity;
    return (present & (DISPLAY_FIELD | MINIMUM_FIELD)) === 0 ? NONE : checkParts(present, lots);
  }

  function checkState(state: number, type: number, timeInForce: number, present: number): number {
    if (state !== AUCTION) return RejectReason.marketNotOpen;
    const immediate = type === MARKET || (type === LIMIT_ORDER && timeInForce >= IOC);
    const refused = immediate || (present & POST_ONLY_FIELD) !== 0;
    return refused ? RejectReason.notInAuction : NONE;
  }

  /** Quantity and notional of an order. price: 0 where it has none. */
  function checkSize(instrument: number, price: number, lots: number): number {
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
  function isOutsideBand(instrument: number, price: number): boolean {
    const has = m[instrument + INSTRUMENT_FLAGS] as number;
    if ((has & HAS_BAND) === 0 || (has & (HAS_LAST | HAS_REFERENCE)) === 0) return false;
    const middle = (has & HAS_LAST) !== 0 ? LAST_PRICE : REFERENCE_PRICE;
    const away = Math.abs(price - (m[instrument + middle] as number));
    return away > (m[instrument + PRICE_BAND] as number) >>> 0;
  }

  /** Lots that may still come to stand on a side, stops included: its total stays a safe integer. */
  function room(instrument: number, side: number): number {
    const resting = instrument + SIDES + (side >> 1) * SIDE_STRIDE;
    return (
      LARGEST -
      (f[(resting + SIDE_TOTAL) >> 1] as number) -
      (f[(resting + 2 * SIDE_STRIDE + SIDE_TOTAL) >> 1] as number)
    );
  }

  /** The quantities that most orders do not have. */
  function checkParts(present: number, lots: number): number {
    const display = (present & DISPLAY_FIELD) !== 0 ? wide(COMMAND_DISPLAY) : lots;
    const minimum = (present & MINIMUM_FIELD) !== 0 ? wide(COMMAND_MINIMUM) : lots;
    if (display === 0 || minimum === 0) return RejectReason.invalidQuantity;
    if (display > lots || minimum > lots) return RejectReason.invalidCombination;
    if (display * MAX_ICEBERG_PARTS < lots) return RejectReason.invalidCombination;
    return NONE;
  }

  function expiresLater(): boolean {
    const expire = wide(COMMAND_EXPIRE);
    return expire > wide(TIMESTAMP) && expire <= MAX_INTEGER;
  }

  /** Two words as a number; exact up to 2^53−1, larger above that. */
  function wide(word: number): number {
    return ((m[word] as number) >>> 0) + ((m[word + 1] as number) >>> 0) * TWO_32;
  }

  return { apply, crosses, checkSize, isOutsideBand, room };
}
