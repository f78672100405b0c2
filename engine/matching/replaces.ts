import { decimalToUnits } from "../../protocol/decimal.ts";
import { REPLACE_ORDER_TEMPLATE_ID, ReplaceOrder } from "../../protocol/generated/commands.ts";
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
import type { Book } from "../book/book.ts";
import { ACCOUNT, DETAIL, FLAG, INSTRUMENT, LEVEL, ORDER, SIDE } from "../book/layout.ts";
import { type EventWriter, REPLACED_LEAVES, REPLACED_PREVIOUS } from "../events/event-writer.ts";
import type { Cancels } from "./cancels.ts";
import type { Matcher } from "./matcher.ts";
import type { NewOrders } from "./new-orders.ts";
import type { Stops } from "./stops.ts";
import { MAX_ICEBERG_PARTS } from "./terms.ts";

const TWO_32_INVERSE = 1 / 4294967296;

/** Tick and lot size of an instrument, for decimals in a replaceOrder. */
export interface UnitSizes {
  tickSize(instrumentId: number): { readonly value: number; readonly scale: number };
  lotSize(instrumentId: number): { readonly value: number; readonly scale: number };
}

/** replaceOrder: new terms for an open order, which keeps its id and what it has filled. */
export class Replaces {
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #matcher: Matcher;
  readonly #stops: Stops;
  readonly #cancels: Cancels;
  readonly #newOrders: NewOrders;
  readonly #units: UnitSizes;
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  readonly #detail: number;
  readonly #command = new ReplaceOrder();
  // The order's new terms, found by #check.
  #price = 0;
  #stopPrice = 0;
  #lots = 0;
  #display = 0; // 0: shows all

  constructor(
    book: Book,
    events: EventWriter,
    matcher: Matcher,
    stops: Stops,
    cancels: Cancels,
    newOrders: NewOrders,
    units: UnitSizes,
  ) {
    this.#book = book;
    this.#events = events;
    this.#matcher = matcher;
    this.#stops = stops;
    this.#cancels = cancels;
    this.#newOrders = newOrders;
    this.#units = units;
    this.#m = book.arena.words;
    this.#f = book.arena.doubles;
    this.#detail = book.arena.detail;
  }

  /** The command: at word `at` of `c`, which is `offset` of `view`. */
  apply(c: Int32Array, at: number, view: DataView, offset: number): void {
    const m = this.#m;
    const command = this.#command;
    command.wrap(view, offset);
    const order = this.#cancels.find(c, at);
    if (order === 0) {
      this.#reject(command.instrumentId, 0, RejectReason.unknownOrder);
      return;
    }
    const level = m[order + ORDER.level] as number;
    const side = m[level + LEVEL.side] as number;
    const instrument = m[side + SIDE.instrument] as number;
    const instrumentId = m[instrument + INSTRUMENT.id] as number;
    const detail = order + this.#detail;
    const flags = m[order + ORDER.flags] as number;
    const waiting = (flags & FLAG.waiting) !== 0;
    const type = (flags >> FLAG.typeShift) & FLAG.typeMask;
    const previousPrice = waiting
      ? (m[detail + DETAIL.limit] as number)
      : (m[level + LEVEL.price] as number);
    const previousStop = waiting ? (m[level + LEVEL.price] as number) : 0;
    const previousLots = this.#f[(detail + DETAIL.quantity) >> 1] as number;
    const previousLeaves = this.#book.leaves(order);
    const done = previousLots - previousLeaves;
    const previousDisplay =
      (flags & FLAG.iceberg) === 0 ? 0 : (this.#f[(detail + DETAIL.display) >> 1] as number);
    this.#price = previousPrice;
    this.#stopPrice = previousStop;
    this.#lots = previousLots;
    this.#display = previousDisplay;
    const openQuantity = (command.flags & CommandFlag.openQuantity) !== 0;
    const reason = this.#check(order, instrument, flags, done, openQuantity);
    if (reason !== RejectReason.none) {
      this.#reject(instrumentId, flags & FLAG.sideMask, reason);
      return;
    }
    if (this.#lots <= done) {
      this.#cancels.cancel(order, CancelReason.replacedBelowFilled);
      return;
    }
    const kept =
      !openQuantity &&
      this.#price === previousPrice &&
      this.#stopPrice === previousStop &&
      this.#display === previousDisplay &&
      this.#lots < previousLots;
    const leaves = this.#lots - done;
    if (kept) this.#book.reduce(order, previousLeaves - leaves);
    else this.#book.unlink(order);
    this.#f[(detail + DETAIL.quantity) >> 1] = this.#lots;
    if (!kept) this.#setTerms(order, leaves, waiting);
    const present =
      (type === OrderType.stop ? 0 : OrderField.price) |
      (waiting ? OrderField.stopPrice : 0) |
      (this.#display === 0 ? 0 : OrderField.displayQuantity);
    const event = this.#events.replaced(
      instrumentId,
      order,
      this.#price,
      this.#stopPrice,
      previousPrice,
      present,
      kept ? 1 : 0,
    );
    const e = this.#events.e;
    e[event + REPLACED_LEAVES] = leaves | 0;
    e[event + REPLACED_LEAVES + 1] = leaves * TWO_32_INVERSE;
    e[event + REPLACED_PREVIOUS] = previousLeaves | 0;
    e[event + REPLACED_PREVIOUS + 1] = previousLeaves * TWO_32_INVERSE;
    if (kept) return;
    if (waiting) {
      this.#book.wait(order, instrument, this.#stopPrice);
    } else if (m[instrument + INSTRUMENT.state] === MarketState.continuous) {
      const spot = m[(m[order + ORDER.holder] as number) + ACCOUNT.mode] === AccountMode.spot;
      this.#matcher.enter(order, instrument, this.#price, 0, spot, Infinity);
    } else {
      this.#book.rest(order, instrument, this.#price);
    }
    this.#stops.run(instrument);
  }

  #setTerms(order: number, leaves: number, waiting: boolean): void {
    const m = this.#m;
    const f = this.#f;
    const detail = order + this.#detail;
    f[(order + ORDER.open) >> 1] = leaves;
    if (waiting) m[detail + DETAIL.limit] = this.#price;
    if (this.#display === 0) return;
    m[order + ORDER.flags] = (m[order + ORDER.flags] as number) | FLAG.iceberg;
    f[(detail + DETAIL.display) >> 1] = this.#display;
    f[(detail + DETAIL.hidden) >> 1] = 0;
  }

  /** Converts and checks the fields the command names; a reason, or none and the terms are set. */
  #check(
    order: number,
    instrument: number,
    flags: number,
    done: number,
    openQuantity: boolean,
  ): number {
    const m = this.#m;
    const command = this.#command;
    const present = command.present;
    const waiting = (flags & FLAG.waiting) !== 0;
    const type = (flags >> FLAG.typeShift) & FLAG.typeMask;
    const timeInForce = (flags >> FLAG.timeInForceShift) & FLAG.timeInForceMask;
    let changeable: number = OrderField.quantity;
    if (type !== OrderType.stop) {
      changeable |= OrderField.price;
      if (timeInForce < TimeInForce.ioc) changeable |= OrderField.displayQuantity;
    }
    if (waiting) changeable |= OrderField.stopPrice;
    if (present === 0 || (present & ~changeable) !== 0) return RejectReason.invalidCombination;
    const state = m[instrument + INSTRUMENT.state] as number;
    if (state !== MarketState.continuous && state !== MarketState.auction) {
      return RejectReason.marketNotOpen;
    }
    const reason = this.#convert(m[instrument + INSTRUMENT.id] as number, present);
    if (reason !== RejectReason.none) return reason;
    if (openQuantity && (present & OrderField.quantity) !== 0) {
      if (this.#lots > MAX_INTEGER - done) return RejectReason.quantityTooLarge;
      this.#lots += done;
    }
    // Nothing would be left to which the other terms could apply.
    if (this.#lots <= done) return RejectReason.none;
    return this.#checkTerms(order, instrument, flags, done);
  }

  #convert(instrumentId: number, named: number): number {
    const command = this.#command;
    let reason: number = RejectReason.none;
    if ((named & OrderField.price) !== 0) {
      this.#price = this.#inTicks(command.price, command.priceScale, instrumentId);
      reason = ticksReason(this.#price);
    }
    if (reason === RejectReason.none && (named & OrderField.stopPrice) !== 0) {
      this.#stopPrice = this.#inTicks(command.stopPrice, command.stopPriceScale, instrumentId);
      reason = ticksReason(this.#stopPrice);
    }
    if (reason === RejectReason.none && (named & OrderField.quantity) !== 0) {
      this.#lots = this.#inLots(command.quantity, command.quantityScale, instrumentId);
      reason = lotsReason(command.quantity, command.quantityScale, this.#lots);
    }
    if (reason === RejectReason.none && (named & OrderField.displayQuantity) !== 0) {
      const scale = command.displayQuantityScale;
      this.#display = this.#inLots(command.displayQuantity, scale, instrumentId);
      reason = lotsReason(command.displayQuantity, scale, this.#display);
    }
    return reason;
  }

  /** As decimalToUnits has it: NaN is off the lot, infinite out of range. */
  #inLots(value: number, scale: number, instrumentId: number): number {
    if (scale === SCALE_TICKS_OR_LOTS) return value;
    const size = this.#units.lotSize(instrumentId);
    return decimalToUnits(value, scale, size.value, size.scale);
  }

  #inTicks(value: number, scale: number, instrumentId: number): number {
    if (scale === SCALE_TICKS_OR_LOTS) return value;
    const size = this.#units.tickSize(instrumentId);
    return decimalToUnits(value, scale, size.value, size.scale);
  }

  /** What holds for a new order, and the band and postOnly where the price changes. */
  #checkTerms(order: number, instrument: number, flags: number, done: number): number {
    const m = this.#m;
    const f = this.#f;
    const detail = order + this.#detail;
    const waiting = (flags & FLAG.waiting) !== 0;
    const side = flags & FLAG.sideMask;
    if (this.#display > this.#lots) return RejectReason.invalidCombination;
    if (this.#display !== 0 && this.#display * MAX_ICEBERG_PARTS < this.#lots) {
      return RejectReason.invalidCombination;
    }
    if ((flags & FLAG.minimum) !== 0 && waiting) {
      const minimum = f[(detail + DETAIL.minimum) >> 1] as number;
      if (minimum > this.#lots) return RejectReason.invalidCombination;
    }
    const level = m[order + ORDER.level] as number;
    const priced = ((flags >> FLAG.typeShift) & FLAG.typeMask) !== OrderType.stop;
    const price = priced ? this.#price : 0;
    const outside = this.#newOrders.checkSize(instrument, price, this.#lots);
    if (outside !== RejectReason.none) return outside;
    const previousPrice = m[waiting ? detail + DETAIL.limit : level + LEVEL.price] as number;
    if (this.#price !== previousPrice) {
      if (this.#newOrders.isOutsideBand(instrument, price)) return RejectReason.priceBand;
      if (
        (flags & FLAG.postOnly) !== 0 &&
        m[instrument + INSTRUMENT.state] === MarketState.continuous &&
        this.#newOrders.crosses(instrument, side, price)
      ) {
        return RejectReason.postOnlyWouldCross;
      }
    }
    const more = this.#lots - done - this.#book.leaves(order);
    if (more > 0 && more > this.#newOrders.room(instrument, side)) {
      return RejectReason.quantityTooLarge;
    }
    const movesTo = waiting ? this.#stopPrice : this.#price;
    const alone = (m[level + LEVEL.count] as number) === 1;
    if (movesTo !== m[level + LEVEL.price] && !alone && !this.#book.arena.hasLevel) {
      return RejectReason.capacity;
    }
    return RejectReason.none;
  }

  #reject(instrumentId: number, side: number, reason: number): void {
    this.#events.rejected(instrumentId, side, REPLACE_ORDER_TEMPLATE_ID, reason);
  }
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
