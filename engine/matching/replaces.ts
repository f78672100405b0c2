// Hot path: no allocation after the start.
import { decimalToUnits } from "../../protocol/decimal.ts";
import { REPLACE_ORDER_TEMPLATE_ID } from "../../protocol/generated/commands.ts";
import {
  AccountMode,
  CancelReason,
  CommandFlag,
  MarketState,
  OrderField,
  OrderType,
  RejectReason,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import {
  MAX_INTEGER,
  MAX_PRICE_TICKS,
  MIN_PRICE_TICKS,
  SCALE_DOES_NOT_FIT,
  SCALE_TICKS_OR_LOTS,
} from "../../protocol/terms.ts";
import { COMMAND_BASE } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import {
  ACCOUNT,
  COMMAND,
  DETAIL,
  FLAG,
  INSTRUMENT,
  LEVEL,
  ORDER,
  SIDE,
  SUMS,
} from "../book/layout.ts";
import { type EventWriter, REPLACED_LEAVES, REPLACED_PREVIOUS } from "../events/event-writer.ts";
import type { Cancels } from "./cancels.ts";
import type { Matcher } from "./matcher.ts";
import type { NewOrders } from "./new-orders.ts";
import type { Stops } from "./stops.ts";
import { MAX_ICEBERG_PARTS } from "./terms.ts";

const { level: LEVEL_OF, flags: FLAGS, open: OPEN, holder: HOLDER } = ORDER;
const { display: DISPLAY, hidden: HIDDEN, minimum: MINIMUM } = DETAIL;
const { quantity: QUANTITY, limit: LIMIT } = SUMS;
const { price: PRICE, side: LEVEL_SIDE, count: COUNT } = LEVEL;
const { instrument: SIDE_INSTRUMENT } = SIDE;
const { id: ID, state: STATE } = INSTRUMENT;
const { mode: MODE } = ACCOUNT;
const {
  sideMask: SIDE_MASK,
  typeShift: TYPE_SHIFT,
  typeMask: TYPE_MASK,
  timeInForceShift: TIF_SHIFT,
  timeInForceMask: TIF_MASK,
  postOnly: POST_ONLY,
  iceberg: ICEBERG,
  waiting: WAITING,
  minimum: HAS_MINIMUM,
} = FLAG;
const REPLACE_ORDER = REPLACE_ORDER_TEMPLATE_ID;
const STOP = OrderType.stop;
const IOC = TimeInForce.ioc;
const CONTINUOUS = MarketState.continuous;
const AUCTION = MarketState.auction;
const SPOT = AccountMode.spot;
const PRICE_FIELD = OrderField.price;
const STOP_FIELD = OrderField.stopPrice;
const QUANTITY_FIELD = OrderField.quantity;
const DISPLAY_FIELD = OrderField.displayQuantity;
const OPEN_QUANTITY = CommandFlag.openQuantity;
const NONE = RejectReason.none;
const IN_UNITS = SCALE_TICKS_OR_LOTS;
const LEAVES_WORD = REPLACED_LEAVES;
const PREVIOUS_WORD = REPLACED_PREVIOUS;
const HIGH = 1 / 4294967296;
const TWO_32 = 4294967296;

// Words of the command under way.
const COMMAND_INSTRUMENT = COMMAND_BASE + COMMAND.instrumentId;
const VERDICT = COMMAND_BASE + COMMAND.verdict;
const PRESENT = COMMAND_BASE + COMMAND.present;
const SCALES = COMMAND_BASE + COMMAND.scales;
const NEW_QUANTITY = COMMAND_BASE + COMMAND.newQuantity;
const NEW_DISPLAY = COMMAND_BASE + COMMAND.newDisplay;
const NEW_PRICE = COMMAND_BASE + COMMAND.newPrice;
const NEW_STOP_PRICE = COMMAND_BASE + COMMAND.newStopPrice;

/** Tick and lot size of an instrument, for decimals in a replaceOrder. */
export interface UnitSizes {
  tickSize(instrumentId: number): { readonly value: number; readonly scale: number };
  lotSize(instrumentId: number): { readonly value: number; readonly scale: number };
}

/** What a replace needs besides the book. */
export interface ReplaceParts {
  readonly matcher: Matcher;
  readonly stops: Stops;
  readonly cancels: Cancels;
  readonly newOrders: NewOrders;
  readonly units: UnitSizes;
}

export type Replaces = ReturnType<typeof createReplaces>;

/** replaceOrder: new terms for an open order, which keeps its id and what it has filled. */
export function createReplaces(book: Book, events: EventWriter, parts: ReplaceParts) {
  const { words: m, doubles: f, detail: toDetail, sums: toSums } = book.arena;
  const { e, rejected, replaced } = events;
  const { leaves: leavesOf, unlink, reduce, rest, wait } = book;
  const { hasLevel } = book.pools;
  const { matcher, stops, cancels, newOrders, units } = parts;
  const { crosses, checkSize, isOutsideBand, room } = newOrders;
  const { find } = cancels;

  /** The command under way. */
  function apply(): void {
    const order = find();
    if (order === 0) {
      const id = m[COMMAND_INSTRUMENT] as number;
      rejected(id, 0, REPLACE_ORDER, RejectReason.unknownOrder);
      return;
    }
    const level = m[order + LEVEL_OF] as number;
    const instrument = m[(m[level + LEVEL_SIDE] as number) + SIDE_INSTRUMENT] as number;
    const id = m[instrument + ID] as number;
    const flags = m[order + FLAGS] as number;
    const detail = order + toDetail;
    const sums = (order >> 2) + toSums;
    const waiting = (flags & WAITING) !== 0;
    const stands = m[level + PRICE] as number;
    const previousPrice = waiting ? (m[sums + LIMIT] as number) : stands;
    const previousStop = waiting ? stands : 0;
    const previousLots = f[(sums + QUANTITY) >> 1] as number;
    const previousLeaves = leavesOf(order);
    const previousDisplay = (flags & ICEBERG) === 0 ? 0 : (f[(detail + DISPLAY) >> 1] as number);
    const done = previousLots - previousLeaves;
    const present = (m[PRESENT] as number) & 255;
    const scales = m[SCALES] as number;
    const openQuantity = (((m[VERDICT] as number) >> 16) & OPEN_QUANTITY) !== 0;

    let reason = checkFields(present, flags, m[instrument + STATE] as number);
    let price = previousPrice;
    if (reason === NONE && (present & PRICE_FIELD) !== 0) {
      price = inTicks(wide(NEW_PRICE), (scales >> 16) & 255, id);
      reason = ticksReason(price);
    }
    let stopPrice = previousStop;
    if (reason === NONE && (present & STOP_FIELD) !== 0) {
      stopPrice = inTicks(wide(NEW_STOP_PRICE), scales >>> 24, id);
      reason = ticksReason(stopPrice);
    }
    let lots = previousLots;
    if (reason === NONE && (present & QUANTITY_FIELD) !== 0) {
      const value = wide(NEW_QUANTITY);
      lots = inLots(value, scales & 255, id);
      reason = lotsReason(value, scales & 255, lots);
    }
    let display = previousDisplay;
    if (reason === NONE && (present & DISPLAY_FIELD) !== 0) {
      const value = wide(NEW_DISPLAY);
      display = inLots(value, (scales >> 8) & 255, id);
      reason = lotsReason(value, (scales >> 8) & 255, display);
    }
    // A total beyond 2^53−1 need not be exact: it is above any limit.
    if (openQuantity && (present & QUANTITY_FIELD) !== 0) lots += done;
    if (reason === NONE && lots <= done) {
      // Nothing is left to which the other terms could apply.
      cancels.cancel(order, CancelReason.replacedBelowFilled);
      return;
    }
    if (reason === NONE) reason = checkParts(detail, flags, lots, display);
    if (reason === NONE) {
      const priced = ((flags >> TYPE_SHIFT) & TYPE_MASK) !== STOP;
      reason = checkSize(instrument, priced ? price : 0, lots);
    }
    if (reason === NONE && price !== previousPrice) {
      reason = checkPrice(instrument, flags, price);
    }
    if (reason === NONE) {
      const more = lots - previousLots;
      if (more > 0 && more > room(instrument, flags & SIDE_MASK)) {
        reason = RejectReason.quantityTooLarge;
      } else if (stands !== (waiting ? stopPrice : price) && !hasLevel()) {
        // Alone at its price it takes its level along.
        if (m[level + COUNT] !== 1) reason = RejectReason.capacity;
      }
    }
    if (reason !== NONE) {
      rejected(id, flags & SIDE_MASK, REPLACE_ORDER, reason);
      return;
    }

    const leaves = lots - done;
    const kept =
      !openQuantity &&
      lots < previousLots &&
      price === previousPrice &&
      stopPrice === previousStop &&
      display === previousDisplay;
    f[(sums + QUANTITY) >> 1] = lots;
    if (kept) {
      reduce(order, previousLeaves - leaves);
    } else {
      unlink(order);
      f[(order + OPEN) >> 1] = leaves;
      if (waiting) m[sums + LIMIT] = price;
      if (display !== 0) {
        m[order + FLAGS] = flags | ICEBERG;
        f[(detail + DISPLAY) >> 1] = display;
        f[(detail + HIDDEN) >> 1] = 0;
      }
    }
    const has =
      (((flags >> TYPE_SHIFT) & TYPE_MASK) === STOP ? 0 : PRICE_FIELD) |
      (waiting ? STOP_FIELD : 0) |
      (display === 0 ? 0 : DISPLAY_FIELD);
    const event = replaced(id, order, price, stopPrice, previousPrice, has, kept ? 1 : 0);
    e[event + LEAVES_WORD] = leaves | 0;
    e[event + LEAVES_WORD + 1] = leaves * HIGH;
    e[event + PREVIOUS_WORD] = previousLeaves | 0;
    e[event + PREVIOUS_WORD + 1] = previousLeaves * HIGH;
    if (kept) return;
    if (waiting) {
      wait(order, instrument, stopPrice);
    } else if (m[instrument + STATE] === CONTINUOUS) {
      const spot = m[(m[order + HOLDER] as number) + MODE] === SPOT;
      matcher.enter(order, instrument, price, 0, spot, Infinity);
    } else {
      rest(order, instrument, price);
    }
    stops.run(instrument);
  }

  /** Whether the order has the fields that are to be changed, and may be changed now. */
  function checkFields(present: number, flags: number, state: number): number {
    let changeable: number = QUANTITY_FIELD;
    if (((flags >> TYPE_SHIFT) & TYPE_MASK) !== STOP) {
      changeable |= PRICE_FIELD;
      if (((flags >> TIF_SHIFT) & TIF_MASK) < IOC) changeable |= DISPLAY_FIELD;
    }
    if ((flags & WAITING) !== 0) changeable |= STOP_FIELD;
    if (present === 0 || (present & ~changeable) !== 0) return RejectReason.invalidCombination;
    return state === CONTINUOUS || state === AUCTION ? NONE : RejectReason.marketNotOpen;
  }

  function checkParts(detail: number, flags: number, lots: number, display: number): number {
    const minimum =
      (flags & HAS_MINIMUM) !== 0 && (flags & WAITING) !== 0
        ? (f[(detail + MINIMUM) >> 1] as number)
        : 0;
    if (display > lots || minimum > lots) return RejectReason.invalidCombination;
    const tooMany = display !== 0 && display * MAX_ICEBERG_PARTS < lots;
    return tooMany ? RejectReason.invalidCombination : NONE;
  }

  /** What is looked at where the price changes. */
  function checkPrice(instrument: number, flags: number, price: number): number {
    if (isOutsideBand(instrument, price)) return RejectReason.priceBand;
    if ((flags & POST_ONLY) === 0 || m[instrument + STATE] !== CONTINUOUS) return NONE;
    const crossing = crosses(instrument, flags & SIDE_MASK, price);
    return crossing ? RejectReason.postOnlyWouldCross : NONE;
  }

  /** A field of the command: 64 bits, with a sign. */
  function wide(word: number): number {
    return ((m[word] as number) >>> 0) + (m[word + 1] as number) * TWO_32;
  }

  /** As decimalToUnits has it: NaN is off the lot, infinite out of range. */
  function inLots(value: number, scale: number, instrumentId: number): number {
    if (scale === IN_UNITS) return value;
    const size = units.lotSize(instrumentId);
    return decimalToUnits(value, scale, size.value, size.scale);
  }

  function inTicks(value: number, scale: number, instrumentId: number): number {
    if (scale === IN_UNITS) return value;
    const size = units.tickSize(instrumentId);
    return decimalToUnits(value, scale, size.value, size.scale);
  }

  return { apply };
}

function ticksReason(ticks: number): number {
  if (Number.isNaN(ticks)) return RejectReason.priceOffTick;
  const fits = ticks >= MIN_PRICE_TICKS && ticks <= MAX_PRICE_TICKS;
  return fits ? RejectReason.none : RejectReason.priceOutOfRange;
}

function lotsReason(value: number, scale: number, lots: number): number {
  if (scale === SCALE_DOES_NOT_FIT) return RejectReason.quantityTooLarge;
  if (value <= 0) return RejectReason.invalidQuantity;
  if (Number.isNaN(lots)) return RejectReason.quantityOffLot;
  return lots > MAX_INTEGER ? RejectReason.quantityTooLarge : RejectReason.none;
}
