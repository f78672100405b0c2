import { Side } from "../../protocol/generated/enums.ts";
import { type Book, enqueue, type Order, rank, restingPrice } from "./state.ts";

/** Where a crossed book would trade. Quantities in lots. */
export interface AuctionPrice {
  readonly priceTicks: number;
  readonly lots: number;
  /** Buy surplus, negative for a sell surplus. */
  readonly imbalanceLots: number;
}

function sum(orders: readonly Order[]): number {
  return orders.reduce((lots, order) => lots + order.leavesLots, 0);
}

/**
 * The one price of an uncross; null where nothing would trade. referenceTicks: last trade, else the
 * instrument's reference price, else null.
 */
export function auctionPrice(book: Book, referenceTicks: number | null): AuctionPrice | null {
  const prices = new Set([...book[Side.buy], ...book[Side.sell]].map(restingPrice));
  const all: AuctionPrice[] = [...prices].map((priceTicks) => {
    const buyLots = sum(book[Side.buy].filter((order) => restingPrice(order) >= priceTicks));
    const sellLots = sum(book[Side.sell].filter((order) => restingPrice(order) <= priceTicks));
    return { priceTicks, lots: Math.min(buyLots, sellLots), imbalanceLots: buyLots - sellLots };
  });

  const most = Math.max(0, ...all.map((candidate) => candidate.lots));
  if (most === 0) return null;
  const fullest = all.filter((candidate) => candidate.lots === most);
  const least = Math.min(...fullest.map((candidate) => Math.abs(candidate.imbalanceLots)));
  const candidates = fullest
    .filter((candidate) => Math.abs(candidate.imbalanceLots) === least)
    .sort((a, b) => b.priceTicks - a.priceTicks);

  const highest = candidates[0] as AuctionPrice;
  if (candidates.every((candidate) => candidate.imbalanceLots > 0)) return highest;
  if (candidates.every((candidate) => candidate.imbalanceLots < 0)) {
    return candidates[candidates.length - 1] as AuctionPrice;
  }
  if (referenceTicks === null) return highest;
  // The highest comes first, so it wins a tie.
  return candidates.reduce((best, candidate) =>
    Math.abs(candidate.priceTicks - referenceTicks) < Math.abs(best.priceTicks - referenceTicks)
      ? candidate
      : best,
  );
}

/** One turn of an order in an uncross. */
interface Turn {
  readonly order: Order;
  readonly fromShown: boolean;
  lots: number;
}

/** Price, then all that is shown in time, then all that is hidden in time. */
function turns(queue: readonly Order[], priceTicks: number): Turn[] {
  const willing = queue.filter(
    (order) => rank(order.side, restingPrice(order)) >= rank(order.side, priceTicks),
  );
  const list: Turn[] = [];
  for (const level of new Set(willing.map(restingPrice))) {
    const orders = willing.filter((order) => order.priceTicks === level);
    for (const order of orders) list.push({ order, fromShown: true, lots: order.shownLots });
    for (const order of orders) {
      const hiddenLots = order.leavesLots - order.shownLots;
      if (hiddenLots > 0) list.push({ order, fromShown: false, lots: hiddenLots });
    }
  }
  return list;
}

function take(turn: Turn, lots: number): void {
  turn.lots -= lots;
  turn.order.leavesLots -= lots;
  turn.order.filledLots += lots;
  if (turn.fromShown) turn.order.shownLots -= lots;
}

/** Trades `uncross.lots` at its price and leaves the book in order; `traded` hears of every fill. */
export function uncross(
  book: Book,
  price: AuctionPrice,
  traded: (buy: Order, sell: Order, priceTicks: number, lots: number) => void,
): void {
  const buys = turns(book[Side.buy], price.priceTicks);
  const sells = turns(book[Side.sell], price.priceTicks);
  const touched = new Set([...buys, ...sells].map((turn) => turn.order));
  let openLots = price.lots;
  while (openLots > 0) {
    const buy = buys[0] as Turn;
    const sell = sells[0] as Turn;
    const lots = Math.min(openLots, buy.lots, sell.lots);
    take(buy, lots);
    take(sell, lots);
    openLots -= lots;
    if (buy.lots === 0) buys.shift();
    if (sell.lots === 0) sells.shift();
    traded(buy.order, sell.order, price.priceTicks, lots);
  }
  // Each side's queue is in the order in which shown parts were used up.
  for (const order of touched) {
    if (order.shownLots > 0) continue;
    const queue = book[order.side];
    queue.splice(queue.indexOf(order), 1);
    if (order.leavesLots > 0) enqueue(queue, order);
  }
}
