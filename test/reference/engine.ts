import {
  AccountMode,
  CancelReason,
  CommandFlag,
  MarketState,
  OrderField,
  OrderType,
  RejectReason,
  Side,
  TimeInForce,
  Verdict,
} from "../../protocol/generated/enums.ts";
import { type AccountState, Accounts } from "./accounts.ts";
import { auctionPrice, uncross } from "./auction.ts";
import type { ReferenceCapacity } from "./capacity.ts";
import { Definitions } from "./definitions.ts";
import { EventList } from "./event-list.ts";
import {
  checkBand,
  checkNewOrder,
  checkPostOnly,
  checkReplaceFields,
  checkTerms,
} from "./order-checks.ts";
import type { PlainCommand, PlainCommandOf, PlainEvent } from "./records.ts";
import { opensQuantity, readReplacement } from "./replacement.ts";
import { checkLevelOfReplaced, checkOpenLots, hasFreeLevel } from "./room.ts";
import {
  type Asset,
  enqueue,
  type Instrument,
  type Order,
  opposite,
  orderFrom,
  rank,
  remove,
  restingPrice,
} from "./state.ts";
import { Purse, protectedLimit, type SweepLog, sweep, tradeableLots } from "./sweep.ts";

const RATE_UNIT = 100_000_000n;

export interface ReferenceBookRow {
  readonly priceTicks: number;
  readonly lots: number;
  readonly orders: number;
}

/**
 * The matching rules once more: slow, with plain arrays and objects, one command after the other.
 * What the real engine emits must be the same, byte by byte.
 */
export class ReferenceEngine {
  readonly #capacity: ReferenceCapacity;
  readonly #events = new EventList();
  readonly #definitions: Definitions;
  readonly #accounts: Accounts;
  /** Every open order by id. */
  readonly #orders = new Map<number, Order>();
  readonly #byClientOrderId = new Map<string, Order>();
  #lastTradeId = 0;
  #eventCount = 0;

  constructor(capacity: ReferenceCapacity) {
    this.#capacity = capacity;
    this.#definitions = new Definitions(capacity, this.#events);
    this.#accounts = new Accounts(capacity, this.#events, this.#definitions);
  }

  get tradeCount(): number {
    return this.#lastTradeId;
  }

  /** Public events. */
  get eventCount(): number {
    return this.#eventCount;
  }

  get openOrders(): Iterable<Order> {
    return this.#orders.values();
  }

  get assets(): readonly Asset[] {
    return this.#definitions.assets;
  }

  /** By account number. */
  get accountStates(): ReadonlyMap<number, AccountState> {
    return this.#accounts.states;
  }

  get instruments(): readonly Instrument[] {
    return this.#definitions.instruments;
  }

  /** All events of one command, in order. */
  apply(command: PlainCommand): PlainEvent[] {
    this.#events.begin(command);
    const refused =
      command.verdict === Verdict.refusedByRisk || command.verdict === Verdict.refusedAtEntry;
    const reason = refused ? command.reason : this.#dispatch(command);
    if (refused || reason !== RejectReason.none) {
      const named =
        command.type === "CancelOrder" || command.type === "ReplaceOrder"
          ? this.#find(command)
          : undefined;
      this.#events.rejected(command, reason, named);
    }
    this.#eventCount += this.#events.list.filter(({ type }) => type !== "Checkpoint").length;
    return this.#events.list;
  }

  bookRows(instrumentId: number): { bids: ReferenceBookRow[]; asks: ReferenceBookRow[] } {
    const book = this.#definitions.instrument(instrumentId)?.book;
    return { bids: rows(book?.[Side.buy] ?? []), asks: rows(book?.[Side.sell] ?? []) };
  }

  /** Does what the command says; a reason where nothing was done. */
  #dispatch(command: PlainCommand): RejectReason {
    switch (command.type) {
      case "NewOrder":
        return this.#newOrder(command);
      case "CancelOrder":
        return this.#cancelOrder(command);
      case "ReplaceOrder":
        return this.#replaceOrder(command);
      case "MassCancel":
        return this.#massCancel(command);
      case "DefineInstrument":
        return this.#definitions.defineInstrument(command);
      case "DefineAsset":
        return this.#definitions.defineAsset(command);
      case "SetMarketState":
        return this.#setMarketState(command);
      case "SetAccount":
        return this.#accounts.set(command);
      case "AdjustBalance":
        return this.#definitions.adjustBalance(command);
      case "KillSwitch":
        return this.#killSwitch(command);
      case "Snapshot":
        this.#events.checkpoint(this.#eventCount, this.#lastTradeId);
        return RejectReason.none;
      case "SessionStart":
        return RejectReason.none;
      case "SessionEnd":
        return this.#sessionEnd(command);
      case "AdvanceTime":
        return this.#advanceTime(command);
    }
  }

  // Orders.

  #newOrder(command: PlainCommandOf<"NewOrder">): RejectReason {
    const instrument = this.#definitions.instrument(command.instrumentId);
    if (instrument === undefined) return RejectReason.unknownSymbol;
    const order = orderFrom(
      command,
      instrument,
      this.#accounts.selfTradePrevention(command.account),
    );
    const reason =
      checkNewOrder(command, order) ||
      this.#checkClientOrderId(order) ||
      checkBand(order) ||
      checkPostOnly(order, order.priceTicks) ||
      checkOpenLots(this.openOrders, order, order.totalLots) ||
      this.#checkCapacity(order);
    if (reason !== RejectReason.none) return reason;

    this.#open(order);
    this.#events.accepted(order, command);
    if (order.type === OrderType.stop || order.type === OrderType.stopLimit) {
      instrument.stops.push(order);
    } else if (instrument.state === MarketState.auction) {
      this.#rest(order);
    } else {
      this.#enterAsAggressor(order, purseOf(command, order));
    }
    this.#triggerStops(instrument);
    return RejectReason.none;
  }

  #checkClientOrderId(order: Order): RejectReason {
    const taken = order.clientOrderId !== 0 && this.#byClientOrderId.has(clientKey(order));
    return taken ? RejectReason.duplicateClientOrderId : RejectReason.none;
  }

  #checkCapacity(order: Order): RejectReason {
    if (this.#orders.size >= this.#capacity.orders) return RejectReason.capacity;
    if (!hasFreeLevel(this.#capacity, this.openOrders)) return RejectReason.capacity;
    if (!this.#accounts.admit(order.account)) return RejectReason.capacity;
    return RejectReason.none;
  }

  #cancelOrder(command: PlainCommandOf<"CancelOrder">): RejectReason {
    const order = this.#find(command);
    if (order === undefined) return RejectReason.unknownOrder;
    this.#cancel(order, CancelReason.requested);
    return RejectReason.none;
  }

  #replaceOrder(command: PlainCommandOf<"ReplaceOrder">): RejectReason {
    const order = this.#find(command);
    if (order === undefined) return RejectReason.unknownOrder;
    const instrument = order.instrument;
    const goneLots = order.filledLots + order.reducedLots;

    const shape = checkReplaceFields(command.present, order);
    if (shape !== RejectReason.none) return shape;
    if (instrument.state !== MarketState.continuous && instrument.state !== MarketState.auction) {
      return RejectReason.marketNotOpen;
    }

    const replacement = readReplacement(command, order);
    if ("reason" in replacement) return replacement.reason;
    const { priceTicks, stopPriceTicks, totalLots, displayLots } = replacement;
    if ((command.present & OrderField.quantity) !== 0 && totalLots <= goneLots) {
      this.#cancel(order, CancelReason.replacedBelowFilled);
      return RejectReason.none;
    }

    const changed: Order = { ...order, ...replacement };
    const priceChanged = priceTicks !== order.priceTicks;
    const leavesLots = totalLots - goneLots;
    const reason =
      checkTerms(changed) ||
      (priceChanged ? checkBand(changed) : RejectReason.none) ||
      (priceChanged ? checkPostOnly(changed, priceTicks) : RejectReason.none) ||
      checkOpenLots(this.openOrders, order, leavesLots) ||
      checkLevelOfReplaced(this.#capacity, [...this.openOrders], order, changed);
    if (reason !== RejectReason.none) return reason;

    const priorityKept =
      !opensQuantity(command) &&
      !priceChanged &&
      stopPriceTicks === order.stopPriceTicks &&
      displayLots === order.displayLots &&
      totalLots < order.totalLots;
    const previous = { leavesLots: order.leavesLots, priceTicks: order.priceTicks };
    Object.assign(order, replacement, { leavesLots });
    this.#events.replaced(order, previous, priorityKept);

    if (priorityKept) {
      // The hidden part of an iceberg goes first.
      order.shownLots = Math.min(order.shownLots, leavesLots);
      return RejectReason.none;
    }
    this.#takeOut(order);
    if (stopPriceTicks !== null) instrument.stops.push(order);
    else if (instrument.state === MarketState.auction) this.#rest(order);
    else this.#enterAsAggressor(order);
    this.#triggerStops(instrument);
    return RejectReason.none;
  }

  #massCancel(command: PlainCommandOf<"MassCancel">): RejectReason {
    let instrument: Instrument | undefined;
    if (command.instrumentId !== 0 || command.symbol !== "") {
      instrument = this.#definitions.find(command.instrumentId, command.symbol);
      if (instrument === undefined) return RejectReason.unknownSymbol;
    }
    this.#cancelAll(
      (order) =>
        order.account === command.account &&
        (instrument === undefined || order.instrument === instrument) &&
        (command.side === Side.none || order.side === command.side),
      CancelReason.massCancel,
    );
    return RejectReason.none;
  }

  #killSwitch(command: PlainCommandOf<"KillSwitch">): RejectReason {
    const reason = this.#accounts.killSwitch(command);
    if (reason === RejectReason.none && command.engaged) {
      this.#cancelAll((order) => order.account === command.account, CancelReason.killSwitch);
    }
    return reason;
  }

  #sessionEnd(command: PlainCommandOf<"SessionEnd">): RejectReason {
    if (command.cancelOnDisconnect) {
      this.#cancelAll(
        (order) => order.account === command.account,
        CancelReason.cancelOnDisconnect,
      );
    }
    return RejectReason.none;
  }

  #advanceTime(command: PlainCommandOf<"AdvanceTime">): RejectReason {
    this.#cancelAll(
      (order) => order.expireTimeUs !== null && order.expireTimeUs <= command.timestampUs,
      CancelReason.expired,
    );
    return RejectReason.none;
  }

  /** An order of the command's account; its own place in the world is all that a stranger learns. */
  #find(
    command: PlainCommandOf<"CancelOrder"> | PlainCommandOf<"ReplaceOrder">,
  ): Order | undefined {
    const order =
      command.orderId !== 0
        ? this.#orders.get(command.orderId)
        : this.#byClientOrderId.get(clientKey(command));
    return order?.account === command.account ? order : undefined;
  }

  // Matching.

  #enterAsAggressor(order: Order, purse: Purse | null = null): void {
    const makers = order.instrument.book[opposite(order.side)];
    const limitTicks =
      order.type === OrderType.market
        ? protectedLimit(order.side, makers, order.instrument.marketProtectionTicks)
        : order.priceTicks;

    const spot = this.#accounts.mode(order.account) === AccountMode.spot;
    if (order.timeInForce === TimeInForce.fok) {
      if (tradeableLots(order, makers, limitTicks, spot, purse) < order.leavesLots) {
        this.#cancel(order, CancelReason.fillOrKill);
        return;
      }
    } else if (order.timeInForce === TimeInForce.ioc && order.minimumLots !== null) {
      if (tradeableLots(order, makers, limitTicks, spot, purse) < order.minimumLots) {
        this.#cancel(order, CancelReason.minQuantity);
        return;
      }
    }

    const end = sweep(order, makers, limitTicks, spot, purse, this.#sweepLog);
    if (end === "filled" || end === "canceled") return;
    if (end === "belowZero") {
      this.#cancel(order, CancelReason.priceProtection);
    } else if (end === "budgetSpent") {
      this.#cancel(order, CancelReason.insufficientBalance);
    } else if (order.type === OrderType.market) {
      const protectedRest = end === "priceLimit";
      this.#cancel(order, protectedRest ? CancelReason.priceProtection : CancelReason.noLiquidity);
    } else if (order.timeInForce === TimeInForce.ioc) {
      this.#cancel(order, CancelReason.immediateOrCancel);
    } else {
      this.#rest(order);
    }
  }

  readonly #sweepLog: SweepLog = {
    traded: (aggressor, maker, priceTicks, lots) => {
      const { takerFeeRate, makerFeeRate } = aggressor.instrument;
      const takerFee = this.#charge(aggressor, priceTicks, lots, takerFeeRate);
      const makerFee = this.#charge(maker, priceTicks, lots, makerFeeRate);
      this.#trade(aggressor, maker, priceTicks, lots, takerFee, makerFee, aggressor.side);
    },
    canceled: (order, lots) => {
      this.#events.canceled(order, lots, CancelReason.selfTradePrevention);
      this.#close(order);
    },
    reduced: (order, lots) => this.#events.reduced(order, lots),
  };

  #trade(
    taker: Order,
    maker: Order,
    priceTicks: number,
    lots: number,
    takerFee: bigint,
    makerFee: bigint,
    aggressorSide: Side,
  ): void {
    this.#lastTradeId++;
    taker.instrument.lastPriceTicks = priceTicks;
    this.#events.trade(
      this.#lastTradeId,
      { order: taker, feeUnits: Number(takerFee) },
      { order: maker, feeUnits: Number(makerFee) },
      priceTicks,
      lots,
      aggressorSide,
    );
    for (const order of [maker, taker]) if (order.leavesLots === 0) this.#close(order);
  }

  /** What this fill adds to the order's fees, in smallest units of the quote asset. */
  #charge(order: Order, priceTicks: number, lots: number, rate: number): bigint {
    const unit = order.instrument.notionalUnit;
    const before = roundUp(order.feeBasis * unit, RATE_UNIT);
    order.feeBasis += BigInt(Math.abs(priceTicks)) * BigInt(lots) * BigInt(rate);
    return roundUp(order.feeBasis * unit, RATE_UNIT) - before;
  }

  #triggerStops(instrument: Instrument): void {
    while (instrument.state === MarketState.continuous) {
      const order = nextDueStop(instrument);
      if (order === undefined) return;
      remove(instrument.stops, order);
      this.#events.triggered(order, instrument.lastPriceTicks as number);
      if (order.type === OrderType.stop) {
        order.type = OrderType.market;
        order.timeInForce = TimeInForce.ioc;
      } else {
        order.type = OrderType.limit;
      }
      order.stopPriceTicks = null;
      this.#enterAsAggressor(order);
    }
  }

  #setMarketState(command: PlainCommandOf<"SetMarketState">): RejectReason {
    const instrument = this.#definitions.find(command.instrumentId, command.symbol);
    if (instrument === undefined) return RejectReason.unknownSymbol;
    if (!(Object.values(MarketState) as number[]).includes(command.state) || command.state === 0) {
      return RejectReason.invalidCombination;
    }
    const previous = instrument.state;
    instrument.state = command.state;
    this.#events.marketState(instrument, previous);
    if (previous === command.state) return RejectReason.none;

    if (command.state === MarketState.closed) {
      this.#cancelAll(
        (order) => order.instrument === instrument && order.timeInForce === TimeInForce.day,
        CancelReason.expired,
      );
    }
    if (command.state === MarketState.continuous) {
      this.#uncross(instrument, previous === MarketState.auction);
      this.#triggerStops(instrument);
    }
    return RejectReason.none;
  }

  #uncross(instrument: Instrument, announceNothing: boolean): void {
    const reference = instrument.lastPriceTicks ?? instrument.referencePriceTicks;
    let price = auctionPrice(instrument.book, reference);
    // Whoever is spot takes no part below zero, whatever that does to the price.
    while (price !== null && price.priceTicks < 0) {
      const { priceTicks } = price;
      const spot = [...instrument.book[Side.buy], ...instrument.book[Side.sell]].filter(
        (order) =>
          this.#accounts.mode(order.account) === AccountMode.spot &&
          rank(order.side, restingPrice(order)) >= rank(order.side, priceTicks),
      );
      if (spot.length === 0) break;
      this.#cancelAll((order) => spot.includes(order), CancelReason.priceProtection);
      price = auctionPrice(instrument.book, reference);
    }
    if (price === null) {
      if (announceNothing) this.#events.auction(instrument, null);
      return;
    }
    this.#events.auction(instrument, price);
    uncross(instrument.book, price, (buy, sell, priceTicks, lots) => {
      const buyFee = this.#charge(buy, priceTicks, lots, instrument.makerFeeRate);
      const sellFee = this.#charge(sell, priceTicks, lots, instrument.makerFeeRate);
      this.#trade(buy, sell, priceTicks, lots, buyFee, sellFee, Side.none);
    });
  }

  // The life of an order.

  #open(order: Order): void {
    this.#orders.set(order.id, order);
    if (order.clientOrderId !== 0) this.#byClientOrderId.set(clientKey(order), order);
  }

  #rest(order: Order): void {
    enqueue(order.instrument.book[order.side], order);
  }

  #takeOut(order: Order): void {
    remove(order.instrument.book[order.side], order);
    remove(order.instrument.stops, order);
  }

  /** The order is dead: its clientOrderId and its place are free. */
  #close(order: Order): void {
    this.#orders.delete(order.id);
    this.#byClientOrderId.delete(clientKey(order));
  }

  #cancel(order: Order, reason: CancelReason): void {
    this.#takeOut(order);
    const lots = order.leavesLots;
    order.leavesLots = 0;
    this.#events.canceled(order, lots, reason);
    this.#close(order);
  }

  /** By orderId. */
  #cancelAll(which: (order: Order) => boolean, reason: CancelReason): void {
    const orders = [...this.#orders.values()].filter(which).sort((a, b) => a.id - b.id);
    for (const order of orders) this.#cancel(order, reason);
  }
}

/** The budget that came with a market buy. */
function purseOf(command: PlainCommandOf<"NewOrder">, order: Order): Purse | null {
  const bound = (command.flags & CommandFlag.budget) !== 0;
  if (!bound || order.type !== OrderType.market || order.side !== Side.buy) return null;
  const { notionalUnit, takerFeeRate } = order.instrument;
  return new Purse(command.displayLots, notionalUnit, takerFeeRate);
}

function clientKey(order: { readonly account: number; readonly clientOrderId: number }): string {
  return `${order.account}/${order.clientOrderId}`;
}

function nextDueStop(instrument: Instrument): Order | undefined {
  const last = instrument.lastPriceTicks;
  if (last === null) return undefined;
  const stopPrice = (order: Order) => order.stopPriceTicks as number;
  const buys = instrument.stops.filter((o) => o.side === Side.buy && last >= stopPrice(o));
  const sells = instrument.stops.filter((o) => o.side === Side.sell && last <= stopPrice(o));
  // The list is in order of age, and the sort is stable.
  buys.sort((a, b) => stopPrice(a) - stopPrice(b));
  sells.sort((a, b) => stopPrice(b) - stopPrice(a));
  return buys[0] ?? sells[0];
}

function rows(orders: readonly Order[]): ReferenceBookRow[] {
  const levels = new Map<number, { lots: number; orders: number }>();
  for (const order of orders) {
    const level = levels.get(restingPrice(order)) ?? { lots: 0, orders: 0 };
    level.lots += order.shownLots;
    level.orders++;
    levels.set(restingPrice(order), level);
  }
  return [...levels].map(([priceTicks, level]) => ({ priceTicks, ...level }));
}

function roundUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor; // toward zero
  return dividend % divisor > 0n ? quotient + 1n : quotient;
}
