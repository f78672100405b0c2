import {
  type MarketState,
  OrderField,
  OrderType,
  type SelfTradePrevention,
  Side,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import type { Decimal } from "./decimals.ts";
import type { PlainCommandOf } from "./records.ts";

export type BuyOrSell = typeof Side.buy | typeof Side.sell;

export interface Order {
  readonly id: number;
  readonly clientOrderId: number;
  readonly account: number;
  readonly instrument: Instrument;
  readonly side: BuyOrSell;
  /** A stop becomes a market order and a stopLimit a limit order when it is triggered. */
  type: OrderType;
  timeInForce: TimeInForce;
  readonly postOnly: boolean;
  readonly selfTradePrevention: SelfTradePrevention;
  readonly expireTimeUs: number | null;
  readonly minimumLots: number | null;
  priceTicks: number | null;
  stopPriceTicks: number | null;
  /** What was ordered: the newOrder's quantity, or the last replace's. */
  totalLots: number;
  filledLots: number;
  /** Taken off by self-trade prevention. */
  reducedLots: number;
  leavesLots: number;
  displayLots: number | null;
  /** What of the leaves is in the queue now; the rest is the hidden part of an iceberg. */
  shownLots: number;
  /** Sum of |price| × lots × rate over all fills. */
  feeBasis: bigint;
}

export interface Asset {
  readonly id: number;
  readonly name: string;
  readonly scale: number;
}

/** Best price first, then by place in the queue. */
export interface Book {
  readonly [Side.buy]: Order[];
  readonly [Side.sell]: Order[];
}

export interface Instrument {
  readonly id: number;
  readonly symbol: string;
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
  readonly baseAsset: Asset;
  readonly quoteAsset: Asset;
  /** Smallest units of the quote asset in one tick × lot. */
  readonly notionalUnit: bigint;
  minimumLots: number;
  maximumLots: number;
  maximumNotional: number;
  referencePriceTicks: number | null;
  priceBandTicks: number | null;
  marketProtectionTicks: number | null;
  makerFeeRate: number;
  takerFeeRate: number;
  state: MarketState;
  lastPriceTicks: number | null;
  readonly book: Book;
  /** Stop orders that wait, the oldest first. */
  readonly stops: Order[];
}

export function opposite(side: BuyOrSell): BuyOrSell {
  return side === Side.buy ? Side.sell : Side.buy;
}

/** A resting order's price; only limit orders rest. */
export function restingPrice(order: Order): number {
  if (order.priceTicks === null) throw new Error("an order in the book has a price");
  return order.priceTicks;
}

/** How good a price is for the one who trades against it: the larger the better for him. */
export function rank(side: BuyOrSell, priceTicks: number): number {
  return side === Side.buy ? priceTicks : -priceTicks;
}

/** To the back of the queue at its price, showing at most displayQuantity. */
export function enqueue(queue: Order[], order: Order): void {
  order.shownLots =
    order.displayLots === null ? order.leavesLots : Math.min(order.displayLots, order.leavesLots);
  const own = rank(order.side, restingPrice(order));
  let place = queue.length;
  while (place > 0 && rank(order.side, restingPrice(queue[place - 1] as Order)) < own) place--;
  queue.splice(place, 0, order);
}

export function remove<Item>(list: Item[], item: Item): void {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}

/** The order that a command asks for; what it does not name is null. */
export function orderFrom(
  command: PlainCommandOf<"NewOrder">,
  instrument: Instrument,
  accountPrevention: SelfTradePrevention,
): Order {
  const named = (field: number, value: number) => ((command.present & field) !== 0 ? value : null);
  const market = command.orderType === OrderType.market;
  return {
    id: command.seq,
    clientOrderId: command.clientOrderId,
    account: command.account,
    instrument,
    side: command.side as BuyOrSell,
    type: command.orderType,
    timeInForce: command.timeInForce || (market ? TimeInForce.ioc : TimeInForce.gtc),
    postOnly: (command.present & OrderField.postOnly) !== 0,
    selfTradePrevention: command.selfTradePrevention || accountPrevention,
    expireTimeUs: named(OrderField.expireTime, command.expireTimeUs),
    minimumLots: named(OrderField.minQuantity, command.minLots),
    priceTicks: named(OrderField.price, command.priceTicks),
    stopPriceTicks: named(OrderField.stopPrice, command.stopPriceTicks),
    totalLots: command.quantityLots,
    filledLots: 0,
    reducedLots: 0,
    leavesLots: command.quantityLots,
    displayLots: named(OrderField.displayQuantity, command.displayLots),
    shownLots: 0,
    feeBasis: 0n,
  };
}
