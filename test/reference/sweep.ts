import { SelfTradePrevention, Side } from "../../protocol/generated/enums.ts";
import { type BuyOrSell, enqueue, type Order, rank, restingPrice } from "./state.ts";

/** What a sweep does to orders; the engine turns it into events. */
export interface SweepLog {
  /** Both orders have their new leaves already. */
  traded(aggressor: Order, maker: Order, priceTicks: number, lots: number): void;
  /** Self-trade prevention took all of it off; `lots` is what was left of it. */
  canceled(order: Order, lots: number): void;
  /** Self-trade prevention took a part of it off. */
  reduced(order: Order, lots: number): void;
}

// An iceberg of n parts may take n turns: more than this is beyond the patience of a test.
const MOST_TURNS = 50_000;

/** A sweep that would go on for ages, as between two icebergs of 2^53 lots that show one each. */
export class EndlessSweep extends Error {}

/** Why a sweep ended. */
export type SweepEnd =
  | "filled"
  | "canceled"
  | "bookEmpty"
  | "priceLimit"
  | "belowZero"
  | "budgetSpent";

/** What a market buy may spend on prices and fees together, in units of the quote asset. */
export class Purse {
  readonly #units: bigint;
  readonly #notionalUnit: bigint;
  readonly #rate: bigint;
  #notional = 0n;

  /** rate: in 10^-8. A rebate buys nothing. */
  constructor(units: number, notionalUnit: bigint, rate: number) {
    this.#units = BigInt(units);
    this.#notionalUnit = notionalUnit;
    this.#rate = BigInt(Math.max(rate, 0));
  }

  copy(): Purse {
    const copy = new Purse(Number(this.#units), this.#notionalUnit, Number(this.#rate));
    copy.#notional = this.#notional;
    return copy;
  }

  /** The most lots, of `lots`, whose price and fees it can pay. Takes them out. */
  pay(priceTicks: number, lots: number): number {
    let fits = 0n;
    let beyond = BigInt(lots) + 1n;
    while (beyond - fits > 1n) {
      const middle = (fits + beyond) / 2n;
      if (this.#costs(priceTicks, middle) <= this.#units) fits = middle;
      else beyond = middle;
    }
    this.#notional += this.#worth(priceTicks, fits);
    return Number(fits);
  }

  /** All that was bought and these lots, with one fee on all of it. */
  #costs(priceTicks: number, lots: bigint): bigint {
    const notional = this.#notional + this.#worth(priceTicks, lots);
    return notional + (notional * this.#rate + 99_999_999n) / 100_000_000n;
  }

  #worth(priceTicks: number, lots: bigint): bigint {
    return BigInt(Math.abs(priceTicks)) * lots * this.#notionalUnit;
  }
}

/** True where an order of `side` with this limit may trade at `priceTicks`. */
export function reaches(side: BuyOrSell, limitTicks: number | null, priceTicks: number): boolean {
  return limitTicks === null || rank(side, limitTicks) >= rank(side, priceTicks);
}

/**
 * Takes the aggressor through the makers, best first, until it is done, its limit is reached or
 * nobody is left. limitTicks: null for no limit. spot: the account never trades below zero. purse:
 * what it may spend, null for all it takes.
 */
export function sweep(
  aggressor: Order,
  makers: Order[],
  limitTicks: number | null,
  spot: boolean,
  purse: Purse | null,
  log: SweepLog,
): SweepEnd {
  for (let turns = 0; aggressor.leavesLots > 0; turns++) {
    if (turns === MOST_TURNS) throw new EndlessSweep();
    const maker = makers[0];
    if (maker === undefined) return "bookEmpty";
    const priceTicks = restingPrice(maker);
    if (!reaches(aggressor.side, limitTicks, priceTicks)) return "priceLimit";
    if (spot && priceTicks < 0) return "belowZero";

    const mode = aggressor.selfTradePrevention;
    if (maker.account === aggressor.account && mode !== SelfTradePrevention.none) {
      if (preventSelfTrade(aggressor, maker, makers, log)) return "canceled";
      continue;
    }

    const wanted = Math.min(aggressor.leavesLots, maker.shownLots);
    const lots = purse === null ? wanted : purse.pay(priceTicks, wanted);
    if (lots === 0) return "budgetSpent";
    aggressor.leavesLots -= lots;
    aggressor.filledLots += lots;
    maker.leavesLots -= lots;
    maker.filledLots += lots;
    maker.shownLots -= lots;
    if (maker.shownLots === 0) {
      makers.shift();
      if (maker.leavesLots > 0) enqueue(makers, maker); // the next part of an iceberg
    }
    log.traded(aggressor, maker, priceTicks, lots);
  }
  return "filled";
}

/** True where that was the aggressor's end. The maker is the first of the queue. */
function preventSelfTrade(aggressor: Order, maker: Order, makers: Order[], log: SweepLog): boolean {
  const mode = aggressor.selfTradePrevention;
  if (mode === SelfTradePrevention.decrement) {
    const lots = Math.min(aggressor.leavesLots, maker.leavesLots);
    takeOff(maker, lots, log);
    if (maker.leavesLots === 0) makers.shift();
    takeOff(aggressor, lots, log);
    return aggressor.leavesLots === 0;
  }
  if (mode === SelfTradePrevention.cancelOldest || mode === SelfTradePrevention.cancelBoth) {
    makers.shift();
    cancelRest(maker, log);
  }
  if (mode === SelfTradePrevention.cancelNewest || mode === SelfTradePrevention.cancelBoth) {
    cancelRest(aggressor, log);
    return true;
  }
  return false;
}

function cancelRest(order: Order, log: SweepLog): void {
  const lots = order.leavesLots;
  order.leavesLots = 0;
  log.canceled(order, lots);
}

function takeOff(order: Order, lots: number, log: SweepLog): void {
  if (lots === order.leavesLots) {
    cancelRest(order, log);
    return;
  }
  order.leavesLots -= lots;
  order.reducedLots += lots;
  // The hidden part goes first.
  order.shownLots = Math.min(order.shownLots, order.leavesLots);
  log.reduced(order, lots);
}

const SILENT: SweepLog = { traded() {}, canceled() {}, reduced() {} };

/** The lots that the aggressor would trade if it came now: a sweep through a copy of the book. */
export function tradeableLots(
  aggressor: Order,
  makers: Order[],
  limit: number | null,
  spot: boolean,
  purse: Purse | null,
): number {
  const copy = { ...aggressor };
  sweep(
    copy,
    makers.map((maker) => ({ ...maker })),
    limit,
    spot,
    purse?.copy() ?? null,
    SILENT,
  );
  return copy.filledLots - aggressor.filledLots;
}

/** The furthest price at which a market order may trade; null for any. */
export function protectedLimit(
  side: BuyOrSell,
  makers: readonly Order[],
  protectionTicks: number | null,
): number | null {
  const first = makers[0];
  if (first === undefined || protectionTicks === null) return null;
  const bestTicks = restingPrice(first);
  return side === Side.buy ? bestTicks + protectionTicks : bestTicks - protectionTicks;
}
