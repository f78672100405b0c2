import {
  MarketState,
  OrderField,
  OrderType,
  RejectReason,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import type { PlainCommandOf } from "./records.ts";
import { type Order, opposite, restingPrice } from "./state.ts";
import { reaches } from "./sweep.ts";

function isOneOf(value: number, names: Readonly<Record<string, number>>): boolean {
  return Object.values(names).includes(value);
}

/** What can be said of a new order without looking at other orders; the first reason counts. */
export function checkNewOrder(command: PlainCommandOf<"NewOrder">, order: Order): RejectReason {
  return (
    checkCombination(command, order) ||
    checkQuantities(order) ||
    checkTerms(order) ||
    checkState(order)
  );
}

function checkCombination(command: PlainCommandOf<"NewOrder">, order: Order): RejectReason {
  const { type, timeInForce } = order;
  const resting = ([TimeInForce.gtc, TimeInForce.day, TimeInForce.gtd] as number[]).includes(
    timeInForce,
  );
  const sensible = [
    order.side === Side.buy || order.side === Side.sell,
    type !== OrderType.none && isOneOf(type, OrderType),
    isOneOf(timeInForce, TimeInForce),
    isOneOf(order.selfTradePrevention, SelfTradePrevention),
    (order.priceTicks !== null) === (type === OrderType.limit || type === OrderType.stopLimit),
    (order.stopPriceTicks !== null) === (type === OrderType.stop || type === OrderType.stopLimit),
    type !== OrderType.market || timeInForce === TimeInForce.ioc || timeInForce === TimeInForce.fok,
    type !== OrderType.stop || resting,
    (order.expireTimeUs !== null) === (timeInForce === TimeInForce.gtd),
    order.expireTimeUs === null || order.expireTimeUs > command.timestampUs,
    !order.postOnly || (type === OrderType.limit && resting),
    order.displayLots === null ||
      ((type === OrderType.limit || type === OrderType.stopLimit) && resting),
    order.minimumLots === null || timeInForce === TimeInForce.ioc,
  ].every(Boolean);
  return sensible ? RejectReason.none : RejectReason.invalidCombination;
}

function checkQuantities(order: Order): RejectReason {
  const all = [order.totalLots, order.displayLots, order.minimumLots];
  return all.includes(0) ? RejectReason.invalidQuantity : RejectReason.none;
}

/** Quantities and notional of an order as it would be, new or replaced. */
export function checkTerms(order: Order): RejectReason {
  const { instrument, totalLots } = order;
  if (order.displayLots !== null && order.displayLots > totalLots) {
    return RejectReason.invalidCombination;
  }
  // An iceberg of a million parts is enough.
  if (order.displayLots !== null && order.displayLots * 1_000_000 < totalLots) {
    return RejectReason.invalidCombination;
  }
  if (order.minimumLots !== null && order.minimumLots > totalLots) {
    return RejectReason.invalidCombination;
  }
  if (totalLots < instrument.minimumLots) return RejectReason.quantityTooSmall;
  if (totalLots > instrument.maximumLots) return RejectReason.quantityTooLarge;
  if (order.priceTicks === null) return RejectReason.none;
  const notional = BigInt(Math.abs(order.priceTicks)) * BigInt(totalLots);
  // In quote units as well as in ticks × lots.
  if (notional * instrument.notionalUnit > BigInt(MAX_INTEGER)) {
    return RejectReason.notionalOutOfRange;
  }
  if (notional > BigInt(instrument.maximumNotional)) return RejectReason.notionalTooLarge;
  return RejectReason.none;
}

function checkState(order: Order): RejectReason {
  const { state } = order.instrument;
  if (state === MarketState.continuous) return RejectReason.none;
  if (state !== MarketState.auction) return RejectReason.marketNotOpen;
  if (order.type === OrderType.stop || order.type === OrderType.stopLimit) return RejectReason.none;
  const immediate = order.timeInForce === TimeInForce.ioc || order.timeInForce === TimeInForce.fok;
  return immediate || order.postOnly ? RejectReason.notInAuction : RejectReason.none;
}

export function checkReplaceFields(present: number, order: Order): RejectReason {
  const changeable =
    OrderField.price | OrderField.stopPrice | OrderField.quantity | OrderField.displayQuantity;
  let allowed: number = OrderField.quantity;
  if (order.priceTicks !== null) allowed |= OrderField.price;
  if (order.stopPriceTicks !== null) allowed |= OrderField.stopPrice;
  const mayRest = order.timeInForce !== TimeInForce.ioc && order.timeInForce !== TimeInForce.fok;
  if (order.priceTicks !== null && mayRest) allowed |= OrderField.displayQuantity;
  const sensible = (present & changeable) !== 0 && (present & ~allowed) === 0;
  return sensible ? RejectReason.none : RejectReason.invalidCombination;
}

export function checkBand(order: Order): RejectReason {
  const { priceBandTicks, lastPriceTicks, referencePriceTicks } = order.instrument;
  const centre = lastPriceTicks ?? referencePriceTicks;
  if (order.priceTicks === null || priceBandTicks === null || centre === null) {
    return RejectReason.none;
  }
  const outside = Math.abs(order.priceTicks - centre) > priceBandTicks;
  return outside ? RejectReason.priceBand : RejectReason.none;
}

export function checkPostOnly(order: Order, priceTicks: number | null): RejectReason {
  const best = order.instrument.book[opposite(order.side)][0];
  if (!order.postOnly || best === undefined) return RejectReason.none;
  // In an auction nothing trades at once.
  if (order.instrument.state === MarketState.auction) return RejectReason.none;
  const crosses = reaches(order.side, priceTicks, restingPrice(best));
  return crosses ? RejectReason.postOnlyWouldCross : RejectReason.none;
}
