import {
  CANCEL_REASON_NAMES,
  InstrumentField,
  MARKET_STATE_NAMES,
  MarketState,
  OrderField,
  OrderType,
  REJECT_REASON_NAMES,
  SelfTradePrevention,
  SIDE_NAMES,
  Side,
  TimeInForce,
} from "../../../protocol/generated/enums.ts";
import {
  type CommandDraft,
  completeCommand,
  type PlainCommand,
  type PlainEvent,
} from "../../reference/records.ts";

/** What the scenarios need of an engine: the real one and the reference both are one. */
export interface EngineUnderTest {
  apply(command: PlainCommand): PlainEvent[];
  bookRows(instrumentId: number): { bids: Row[]; asks: Row[] };
}

interface Row {
  readonly priceTicks: number;
  readonly lots: number;
  readonly orders: number;
}

export interface OrderOptions {
  readonly account?: number;
  /** Default: 1 for the market's first order, then 2, and so on. */
  readonly id?: number;
  readonly tif?: keyof typeof TimeInForce;
  readonly postOnly?: boolean;
  readonly display?: number;
  readonly min?: number;
  readonly expire?: number;
  readonly stp?: keyof typeof SelfTradePrevention;
  readonly instrument?: number;
}

export interface ReplaceOptions {
  readonly account?: number;
  readonly price?: number;
  readonly quantity?: number;
  readonly stop?: number;
  readonly display?: number;
}

export interface InstrumentOptions {
  readonly symbol?: string;
  readonly tickSize?: readonly [value: number, scale: number];
  readonly lotSize?: readonly [value: number, scale: number];
  readonly minLots?: number;
  readonly maxLots?: number;
  readonly maxNotional?: number;
  readonly reference?: number;
  readonly band?: number;
  readonly protection?: number;
  /** In 10^-8. */
  readonly makerFee?: number;
  /** In 10^-8. */
  readonly takerFee?: number;
  readonly state?: keyof typeof MarketState;
}

const ORDER = /^(?<lots>\d+)(?:@(?<price>-?\d+))?(?: stop (?<stop>-?\d+))?$/;

/**
 * One engine and one instrument, spoken to in short words: `buy("5@100")` is a limit order,
 * `buy("5")` a market order, `buy("5 stop 90")` a stop, `buy("5@95 stop 90")` a stopLimit. Buyers
 * are account 1 and sellers account 2 where nothing else is said. Answers are lines, see `line`.
 */
export class Market {
  readonly #engine: EngineUnderTest;
  readonly #accounts = new Map<number, number>();
  #seq = 0;
  #orders = 0;
  timestampUs = 1_000_000;
  /** Events of the last command. */
  events: PlainEvent[] = [];

  constructor(engine: EngineUnderTest, instrument: InstrumentOptions = {}) {
    this.#engine = engine;
    this.define(instrument);
  }

  send(draft: CommandDraft): string[] {
    this.#seq++;
    const stamped = { seq: this.#seq, timestampUs: this.timestampUs, ...draft };
    this.events = this.#engine.apply(completeCommand(stamped));
    return this.events.map(line);
  }

  get seq(): number {
    return this.#seq;
  }

  buy(order: string, options: OrderOptions = {}): string[] {
    return this.#order(Side.buy, order, { account: 1, ...options });
  }

  sell(order: string, options: OrderOptions = {}): string[] {
    return this.#order(Side.sell, order, { account: 2, ...options });
  }

  cancel(id: number, account = this.#accounts.get(id) ?? 0): string[] {
    return this.send({ type: "CancelOrder", account, clientOrderId: id });
  }

  replace(id: number, change: ReplaceOptions, flags = 0): string[] {
    const { price, quantity, stop, display } = change;
    return this.send({
      type: "ReplaceOrder",
      account: change.account ?? this.#accounts.get(id) ?? 0,
      clientOrderId: id,
      flags,
      price: price ?? 0,
      quantity: quantity ?? 0,
      stopPrice: stop ?? 0,
      displayQuantity: display ?? 0,
      priceScale: 255,
      quantityScale: 255,
      stopPriceScale: 255,
      displayQuantityScale: 255,
      present:
        (price !== undefined ? OrderField.price : 0) |
        (quantity !== undefined ? OrderField.quantity : 0) |
        (stop !== undefined ? OrderField.stopPrice : 0) |
        (display !== undefined ? OrderField.displayQuantity : 0),
    });
  }

  state(state: keyof typeof MarketState): string[] {
    return this.send({ type: "SetMarketState", instrumentId: 1, state: MarketState[state] });
  }

  define(options: InstrumentOptions): string[] {
    const [tick, tickScale] = options.tickSize ?? [1, 0];
    const [lot, lotScale] = options.lotSize ?? [1, 0];
    const { minLots, maxLots, maxNotional, reference, band, protection } = options;
    const { makerFee, takerFee, state } = options;
    return this.send({
      type: "DefineInstrument",
      symbol: options.symbol ?? "ABC-USD",
      tickSize: tick,
      tickSizeScale: tickScale,
      lotSize: lot,
      lotSizeScale: lotScale,
      minQuantity: (minLots ?? 0) * lot,
      minQuantityScale: lotScale,
      maxQuantity: (maxLots ?? 0) * lot,
      maxQuantityScale: lotScale,
      maxNotional: (maxNotional ?? 0) * tick * lot,
      maxNotionalScale: tickScale + lotScale,
      referencePrice: (reference ?? 0) * tick,
      referencePriceScale: tickScale,
      priceBandTicks: band ?? 0,
      marketProtectionTicks: protection ?? 0,
      makerFeeRateE8: makerFee ?? 0,
      takerFeeRateE8: takerFee ?? 0,
      state: state === undefined ? 0 : MarketState[state],
      present:
        InstrumentField.tickSize |
        InstrumentField.lotSize |
        (minLots !== undefined ? InstrumentField.minQuantity : 0) |
        (maxLots !== undefined ? InstrumentField.maxQuantity : 0) |
        (maxNotional !== undefined ? InstrumentField.maxNotional : 0) |
        (reference !== undefined ? InstrumentField.referencePrice : 0) |
        (band !== undefined ? InstrumentField.priceBandTicks : 0) |
        (protection !== undefined ? InstrumentField.marketProtectionTicks : 0) |
        (makerFee !== undefined ? InstrumentField.makerFeeRate : 0) |
        (takerFee !== undefined ? InstrumentField.takerFeeRate : 0) |
        (state !== undefined ? InstrumentField.state : 0),
    });
  }

  /** The shown book as "lots@price×orders", bids first, best first. */
  book(instrumentId = 1): { bids: string; asks: string } {
    const { bids, asks } = this.#engine.bookRows(instrumentId);
    const text = (rows: Row[]) =>
      rows.map((row) => `${row.lots}@${row.priceTicks}×${row.orders}`).join(" ");
    return { bids: text(bids), asks: text(asks) };
  }

  #order(side: Side, text: string, options: OrderOptions & { account: number }): string[] {
    const parts = ORDER.exec(text)?.groups;
    if (parts === undefined) throw new TypeError(`not an order: ${text}`);
    const { price, stop } = parts;
    this.#orders++;
    const clientOrderId = options.id ?? this.#orders;
    this.#accounts.set(clientOrderId, options.account);
    const plain = price === undefined ? OrderType.market : OrderType.limit;
    const stopped = price === undefined ? OrderType.stop : OrderType.stopLimit;
    return this.send({
      type: "NewOrder",
      account: options.account,
      instrumentId: options.instrument ?? 1,
      clientOrderId,
      side,
      orderType: stop === undefined ? plain : stopped,
      quantityLots: Number(parts.lots),
      priceTicks: Number(price ?? 0),
      stopPriceTicks: Number(stop ?? 0),
      timeInForce: TimeInForce[options.tif ?? "none"],
      displayLots: options.display ?? 0,
      minLots: options.min ?? 0,
      expireTimeUs: options.expire ?? 0,
      selfTradePrevention: SelfTradePrevention[options.stp ?? "unset"],
      present:
        OrderField.quantity |
        OrderField.clientOrderId |
        (price !== undefined ? OrderField.price : 0) |
        (stop !== undefined ? OrderField.stopPrice : 0) |
        (options.display !== undefined ? OrderField.displayQuantity : 0) |
        (options.min !== undefined ? OrderField.minQuantity : 0) |
        (options.expire !== undefined ? OrderField.expireTime : 0) |
        (options.postOnly === true ? OrderField.postOnly : 0),
    });
  }
}

/** An event as one line; orders by their clientOrderId. */
export function line(event: PlainEvent): string {
  switch (event.type) {
    case "Accepted":
      return `accepted #${event.clientOrderId}`;
    case "Rejected":
      return `rejected ${REJECT_REASON_NAMES[event.reason]}`;
    case "Trade": {
      const taker = `#${event.takerClientOrderId} (${event.takerLeavesLots} left)`;
      const maker = `#${event.makerClientOrderId} (${event.makerLeavesLots} left)`;
      const what = event.aggressorSide === Side.none ? "auction trade" : "trade";
      return `${what} ${event.quantityLots}@${event.priceTicks} ${taker} with ${maker}`;
    }
    case "Canceled":
      return `canceled #${event.clientOrderId} ${event.quantityLots} ${CANCEL_REASON_NAMES[event.reason]}`;
    case "Reduced":
      return `reduced #${event.clientOrderId} by ${event.quantityLots} (${event.leavesLots} left)`;
    case "Replaced": {
      const place = event.priorityKept ? "in place" : "to the back";
      const priced = (event.present & OrderField.price) !== 0 ? `@${event.priceTicks}` : "";
      const stop =
        (event.present & OrderField.stopPrice) !== 0 ? ` stop ${event.stopPriceTicks}` : "";
      const order = `#${event.clientOrderId} ${event.quantityLots}${priced}${stop}`;
      return `replaced ${order} (${event.leavesLots} left) ${place}`;
    }
    case "Triggered":
      return `triggered #${event.clientOrderId} by ${event.lastPriceTicks}`;
    case "MarketStateChanged":
      return `market ${MARKET_STATE_NAMES[event.state]}`;
    case "Auction": {
      if ((event.present & OrderField.price) === 0) return "auction without trades";
      const rest = `${event.imbalanceLots} ${SIDE_NAMES[event.imbalanceSide]}`;
      return `auction ${event.quantityLots}@${event.priceTicks} imbalance ${rest}`;
    }
    case "Instrument":
      return `instrument ${event.symbol}`;
    case "Asset":
      return `asset ${event.asset} scale ${event.scale}`;
    case "Account":
      return `account ${event.account}${event.killSwitchEngaged ? " killed" : ""}`;
    case "Balance":
      return `balance ${event.asset} ${event.amountUnits}`;
    case "Checkpoint":
      return `checkpoint ${event.eventCount} events ${event.tradeCount} trades`;
  }
}
