import { SelfTradePrevention } from "../../protocol/generated/enums.ts";
import type { Book } from "../book/book.ts";
import { ACCOUNT, FLAG, INSTRUMENT, LEVEL, ORDER, SIDE } from "../book/layout.ts";

const { account: ORDER_ACCOUNT, holder: HOLDER, next: NEXT, newer: NEWER } = ORDER;
const { level: LEVEL_OF, flags: FLAGS, open: OPEN } = ORDER;
const { rank: RANK, price: PRICE, head: HEAD, total: TOTAL, own: OWN, side: LEVEL_SIDE } = LEVEL;
const { best: BEST, instrument: SIDE_INSTRUMENT } = SIDE;
const { notionalUnit: NOTIONAL_UNIT } = INSTRUMENT;
const { oldest: OLDEST } = ACCOUNT;
const { selfTradeShift: STP_SHIFT, selfTradeMask: STP_MASK } = FLAG;
const NONE = SelfTradePrevention.none;
const CANCEL_OLDEST = SelfTradePrevention.cancelOldest;
const DECREMENT = SelfTradePrevention.decrement;

/**
 * What an aggressor may really trade, for fok and minimum quantities: totals of levels where that
 * is enough, and within a level only where the account has orders of its own. The account's orders
 * are added up by level beforehand (LEVEL.own, 0 at all other times), so that the cost is in the
 * levels crossed and the account's own orders, and in the queue of at most one level.
 */
export class LookAhead {
  readonly #book: Book;
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  // Within one look: what the aggressor still has, what of it would trade, what it may spend.
  #rest = 0;
  #traded = 0;
  #notional = 0;

  constructor(book: Book) {
    this.#book = book;
    this.#m = book.arena.words;
    this.#f = book.arena.doubles;
  }

  /**
   * Whether `wanted` lots or more would trade. limitRank: of the opposite side. spot: not below a
   * price of zero. mostNotional: quote units that may be spent, or Infinity.
   */
  canTrade(
    order: number,
    opposite: number,
    limitRank: number,
    wanted: number,
    spot: boolean,
    mostNotional: number,
  ): boolean {
    const m = this.#m;
    const f = this.#f;
    const prevention = ((m[order + FLAGS] as number) >> STP_SHIFT) & STP_MASK;
    const instrument = m[opposite + SIDE_INSTRUMENT] as number;
    const unit = f[(instrument + NOTIONAL_UNIT) >> 1] as number;
    if (prevention > NONE) this.#markOwn(order, opposite, 1);
    this.#rest = f[(order + OPEN) >> 1] as number;
    this.#traded = 0;
    this.#notional = mostNotional;
    let level = m[opposite + BEST] as number;
    while (level !== 0 && (m[level + RANK] as number) <= limitRank) {
      const price = m[level + PRICE] as number;
      if (spot && price < 0) break;
      const cost = mostNotional === Infinity ? 0 : Math.abs(price) * unit;
      const own = prevention > NONE ? (f[(level + OWN) >> 1] as number) : 0;
      const total = f[(level + TOTAL) >> 1] as number;
      if (own === 0) {
        if (!this.#trade(total, cost)) break;
      } else if (prevention === CANCEL_OLDEST) {
        if (!this.#trade(total - own, cost)) break;
      } else if (prevention === DECREMENT) {
        if (!this.#tradeDecrementing(m[order + ORDER_ACCOUNT] as number, level, cost)) break;
      } else {
        this.#tradeAhead(m[order + ORDER_ACCOUNT] as number, level, cost);
        break;
      }
      if (this.#traded >= wanted) break;
      level = this.#book.prices.next(level);
    }
    if (prevention > NONE) this.#markOwn(order, opposite, 0);
    return this.#traded >= wanted;
  }

  /** Counts up to `lots` as traded at a cost of each. False: nothing can follow. */
  #trade(lots: number, cost: number): boolean {
    let most = Math.min(lots, this.#rest);
    let enough = true;
    if (cost > 0 && most * cost > this.#notional) {
      most = Math.floor(this.#notional / cost);
      enough = false;
    }
    this.#notional -= most * cost;
    this.#rest -= most;
    this.#traded += most;
    return enough && this.#rest > 0;
  }

  /** The queue up to the first order of the account: it ends the sweep. */
  #tradeAhead(account: number, level: number, cost: number): void {
    const m = this.#m;
    let order = m[level + HEAD] as number;
    while (m[order + ORDER_ACCOUNT] !== account) {
      if (!this.#trade(this.#f[(order + OPEN) >> 1] as number, cost)) return;
      order = m[order + NEXT] as number;
    }
  }

  /**
   * Own orders take from the aggressor without a trade, each all it has when its turn comes. That is
   * in the first round of the queue; what icebergs show after that is all of others.
   */
  #tradeDecrementing(account: number, level: number, cost: number): boolean {
    const m = this.#m;
    const f = this.#f;
    let behind = f[(level + TOTAL) >> 1] as number;
    let order = m[level + HEAD] as number;
    for (; order !== level; order = m[order + NEXT] as number) {
      if (m[order + ORDER_ACCOUNT] === account) {
        const leaves = this.#book.leaves(order);
        behind -= leaves;
        this.#rest -= Math.min(leaves, this.#rest);
        if (this.#rest === 0) return false;
      } else {
        const open = f[(order + OPEN) >> 1] as number;
        behind -= open;
        if (!this.#trade(open, cost)) return false;
      }
    }
    return this.#trade(behind, cost);
  }

  /** Adds up the account's orders on a side by level, or (factor 0) wipes the sums. */
  #markOwn(order: number, side: number, factor: number): void {
    const m = this.#m;
    const f = this.#f;
    const holder = m[order + HOLDER] as number;
    let own = m[holder + OLDEST] as number;
    for (; own !== holder; own = m[own + NEWER] as number) {
      const level = m[own + LEVEL_OF] as number;
      if (level === 0 || m[level + LEVEL_SIDE] !== side) continue;
      const sum = (level + OWN) >> 1;
      f[sum] = factor * ((f[sum] as number) + this.#book.leaves(own));
    }
  }
}
