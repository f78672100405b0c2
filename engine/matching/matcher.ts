// Hot path: no allocation here.
import { assert } from "../../protocol/assert.ts";
import {
  CancelReason,
  OrderType,
  SelfTradePrevention,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import { MAX_PRICE_TICKS, MIN_PRICE_TICKS } from "../../protocol/terms.ts";
import { TALLY } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import { DETAIL, FLAG, HAS, INSTRUMENT, LEVEL, ORDER, SIDE, SIDE_WORDS } from "../book/layout.ts";
import { type EventWriter, TRADE_FEES, TRADE_QUANTITY } from "../events/event-writer.ts";
import { Fees } from "./fees.ts";
import { LookAhead } from "./look-ahead.ts";

const { account: ACCOUNT, flags: FLAGS, open: OPEN } = ORDER;
const { hidden: HIDDEN } = DETAIL;
const { rank: RANK, price: PRICE, head: HEAD, total: TOTAL } = LEVEL;
const { best: BEST, total: SIDE_TOTAL } = SIDE;
const {
  id: ID,
  flags: INSTRUMENT_FLAGS,
  lastPrice: LAST_PRICE,
  protection: PROTECTION,
  makerRate: MAKER_RATE,
  takerRate: TAKER_RATE,
  notionalUnit: NOTIONAL_UNIT,
  sides: SIDES,
} = INSTRUMENT;
const {
  sideMask: SIDE_MASK,
  typeShift: TYPE_SHIFT,
  typeMask: TYPE_MASK,
  timeInForceShift: TIF_SHIFT,
  timeInForceMask: TIF_MASK,
  selfTradeShift: STP_SHIFT,
  selfTradeMask: STP_MASK,
  iceberg: ICEBERG,
  indexed: INDEXED,
} = FLAG;
const { lastPrice: HAS_LAST, protection: HAS_PROTECTION, fees: HAS_FEES } = HAS;
const { trades: TRADES } = TALLY;
const SIDE_STRIDE = SIDE_WORDS;
const MARKET = OrderType.market;
const IOC = TimeInForce.ioc;
const FOK = TimeInForce.fok;
const NO_PREVENTION = SelfTradePrevention.none;
const CANCEL_NEWEST = SelfTradePrevention.cancelNewest;
const CANCEL_OLDEST = SelfTradePrevention.cancelOldest;
const CANCEL_BOTH = SelfTradePrevention.cancelBoth;
const SELF_TRADE = CancelReason.selfTradePrevention;
const PRICE_PROTECTED = CancelReason.priceProtection;
const NO_BALANCE = CancelReason.insufficientBalance;
const HIGH = 1 / 4294967296;

/** What a sweep answers where only price or liquidity ended it. */
const RAN_OUT = 0;

export type Matcher = ReturnType<typeof createMatcher>;

/**
 * Lets an aggressor trade and does with the remainder what its terms say. The aggressor is an order
 * in no queue whose `open` is all it has: a new one, one that a replace took out, or a stop that was
 * triggered.
 */
export function createMatcher(book: Book, events: EventWriter) {
  const { words: m, doubles: f, detail } = book.arena;
  const { e } = events;
  const { forget, rest, remember, unlink, unlinkFilled, refill, reduce, leaves: leavesOf } = book;
  const { clientHashOf } = book.orders;
  const fees = new Fees(book.arena);
  const lookAhead = new LookAhead(book);

  /**
   * price: the limit in ticks; a market order's is 0 and not looked at. minimum: lots that must
   * trade at once, else nothing does; 0: no such wish. spot: the account never trades below a price
   * of zero. budgetUnits: quote units that a market buy may spend, or Infinity.
   */
  function enter(
    order: number,
    instrument: number,
    price: number,
    minimum: number,
    spot: boolean,
    budgetUnits: number,
  ): void {
    const flags = m[order + FLAGS] as number;
    const sells = (flags & SIDE_MASK) >> 1;
    const buys = sells === 0;
    const opposite = instrument + SIDES + (sells ^ 1) * SIDE_STRIDE;
    const market = ((flags >> TYPE_SHIFT) & TYPE_MASK) === MARKET;
    const timeInForce = (flags >> TIF_SHIFT) & TIF_MASK;
    const limitRank = market ? protectedRank(instrument, opposite, buys) : price ^ -sells;
    const most = budgetUnits === Infinity ? Infinity : affordable(order, instrument, budgetUnits);

    const wanted = timeInForce === FOK ? (f[(order + OPEN) >> 1] as number) : minimum;
    if (wanted > 0) {
      if (!lookAhead.canTrade(order, opposite, limitRank, wanted, spot, most)) {
        const reason = timeInForce === FOK ? CancelReason.fillOrKill : CancelReason.minQuantity;
        events.canceled(m[instrument + ID] as number, order, price, reason);
        forget(order);
        return;
      }
    }

    const ended = sweep(order, instrument, opposite, limitRank, price, spot, most);
    if ((f[(order + OPEN) >> 1] as number) === 0) {
      forget(order);
      return;
    }
    let reason = ended;
    if (reason === RAN_OUT) {
      if (market) {
        const left = (m[opposite + BEST] as number) !== 0;
        reason = left ? CancelReason.priceProtection : CancelReason.noLiquidity;
      } else if (timeInForce === IOC) {
        reason = CancelReason.immediateOrCancel;
      } else {
        assert(timeInForce !== FOK, "a fok order that looked ahead trades in full");
        rest(order, instrument, price);
        if (((m[order + FLAGS] as number) & INDEXED) === 0) remember(order, clientHashOf(order));
        return;
      }
    }
    events.canceled(m[instrument + ID] as number, order, price, reason);
    forget(order);
  }

  /** The worst rank a market order trades at: so far from the best opposite price, or any. */
  function protectedRank(instrument: number, opposite: number, buys: boolean): number {
    const best = m[opposite + BEST] as number;
    if (best === 0 || ((m[instrument + INSTRUMENT_FLAGS] as number) & HAS_PROTECTION) === 0) {
      return MAX_PRICE_TICKS;
    }
    const ticks = (m[instrument + PROTECTION] as number) >>> 0;
    const price = m[best + PRICE] as number;
    return buys
      ? Math.min(price + ticks, MAX_PRICE_TICKS)
      : ~Math.max(price - ticks, MIN_PRICE_TICKS);
  }

  function affordable(order: number, instrument: number, budgetUnits: number): number {
    const rate = m[instrument + TAKER_RATE] as number;
    return fees.affordableNotional(order, budgetUnits, Math.max(rate, 0));
  }

  /** Trades while the limit allows. Returns RAN_OUT or the reason why the remainder must go. */
  function sweep(
    order: number,
    instrument: number,
    opposite: number,
    limitRank: number,
    price: number,
    spot: boolean,
    mostNotional: number,
  ): number {
    const flags = m[order + FLAGS] as number;
    const side = flags & SIDE_MASK;
    const prevention = (flags >> STP_SHIFT) & STP_MASK;
    const account = m[order + ACCOUNT] as number;
    const instrumentId = m[instrument + ID] as number;
    const instrumentFlags = m[instrument + INSTRUMENT_FLAGS] as number;
    const hasFees = (instrumentFlags & HAS_FEES) !== 0;
    const bounded = mostNotional !== Infinity;
    let budget = mostNotional;
    const orderOpen = (order + OPEN) >> 1;
    const oppositeTotal = (opposite + SIDE_TOTAL) >> 1;
    let leaves = f[orderOpen] as number;
    let level = m[opposite + BEST] as number;
    while (level !== 0 && (m[level + RANK] as number) <= limitRank) {
      const tradePrice = m[level + PRICE] as number;
      if (spot && tradePrice < 0) return PRICE_PROTECTED;
      const maker = m[level + HEAD] as number;
      if (prevention > NO_PREVENTION && m[maker + ACCOUNT] === account) {
        if (prevention === CANCEL_NEWEST) return SELF_TRADE;
        if (prevention === CANCEL_OLDEST || prevention === CANCEL_BOTH) {
          cancelMaker(instrumentId, maker, tradePrice);
          if (prevention === CANCEL_BOTH) return SELF_TRADE;
        } else {
          decrement(instrumentId, order, maker, price, tradePrice);
          leaves = f[orderOpen] as number;
          if (leaves === 0) return RAN_OUT;
        }
        level = m[opposite + BEST] as number;
        continue;
      }
      const makerOpen = (maker + OPEN) >> 1;
      const shown = f[makerOpen] as number;
      let lots = Math.min(leaves, shown);
      if (bounded) {
        const unit = Math.abs(tradePrice) * (f[(instrument + NOTIONAL_UNIT) >> 1] as number);
        if (lots * unit > budget) lots = Math.floor(budget / unit);
        if (lots === 0) return NO_BALANCE;
        budget -= lots * unit;
      }
      leaves -= lots;
      f[orderOpen] = leaves;
      f[makerOpen] = shown - lots;
      f[(level + TOTAL) >> 1] = (f[(level + TOTAL) >> 1] as number) - lots;
      f[oppositeTotal] = (f[oppositeTotal] as number) - lots;
      const tradeId = (f[TRADES >> 1] as number) + 1;
      f[TRADES >> 1] = tradeId;
      m[instrument + LAST_PRICE] = tradePrice;
      m[instrument + INSTRUMENT_FLAGS] = instrumentFlags | HAS_LAST;
      const at = events.trade(
        instrumentId,
        side,
        order,
        maker,
        tradePrice,
        tradeId | 0,
        (tradeId * HIGH) | 0,
      );
      e[at + TRADE_QUANTITY] = lots | 0;
      e[at + TRADE_QUANTITY + 1] = (lots * HIGH) | 0;
      if (hasFees) {
        writeFees(
          at,
          instrument,
          order,
          maker,
          lots,
          tradePrice,
          m[instrument + TAKER_RATE] as number,
          m[instrument + MAKER_RATE] as number,
        );
      }
      if (lots === shown) {
        if (
          ((m[maker + FLAGS] as number) & ICEBERG) !== 0 &&
          (f[(maker + detail + HIDDEN) >> 1] as number) > 0
        ) {
          refill(maker);
        } else {
          unlinkFilled(maker);
          forget(maker);
          level = m[opposite + BEST] as number;
        }
      }
      if (leaves === 0) return RAN_OUT;
    }
    return RAN_OUT;
  }

  /** Charges both orders of a fill and writes the fees into its event. Cold where rates are 0. */
  function writeFees(
    at: number,
    instrument: number,
    taker: number,
    maker: number,
    lots: number,
    price: number,
    takerRate: number,
    makerRate: number,
  ): void {
    const unit = f[(instrument + NOTIONAL_UNIT) >> 1] as number;
    const notional = Math.abs(price) * lots * unit;
    const takerFee = fees.charge(taker, notional, takerRate);
    const makerFee = fees.charge(maker, notional, makerRate);
    e[at + TRADE_FEES] = takerFee | 0;
    e[at + TRADE_FEES + 1] = Math.floor(takerFee * HIGH);
    e[at + TRADE_FEES + 2] = makerFee | 0;
    e[at + TRADE_FEES + 3] = Math.floor(makerFee * HIGH);
  }

  function cancelMaker(instrumentId: number, maker: number, price: number): void {
    unlink(maker);
    events.canceled(instrumentId, maker, price, SELF_TRADE);
    forget(maker);
  }

  /** Both lose the smaller leaves; what reaches zero is canceled. The maker is reported first. */
  function decrement(
    instrumentId: number,
    order: number,
    maker: number,
    price: number,
    makerPrice: number,
  ): void {
    const orderOpen = (order + OPEN) >> 1;
    const leaves = f[orderOpen] as number;
    const makerLeaves = leavesOf(maker);
    const lots = Math.min(leaves, makerLeaves);
    if (lots === makerLeaves) {
      cancelMaker(instrumentId, maker, makerPrice);
    } else {
      reduce(maker, lots);
      events.reduced(instrumentId, maker, makerPrice, lots, makerLeaves - lots);
    }
    if (lots === leaves) {
      events.canceled(instrumentId, order, price, SELF_TRADE);
      f[orderOpen] = 0;
    } else {
      f[orderOpen] = leaves - lots;
      events.reduced(instrumentId, order, price, lots, leaves - lots);
    }
  }

  return { enter, writeFees };
}
