import { describe, expect, it } from "vitest";
import {
  AccountMode,
  CancelReason,
  InstrumentAccess,
  InstrumentField,
  MarketState,
  OrderField,
  OrderType,
  RejectReason,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "../../../protocol/generated/enums.ts";
import * as events from "../../../protocol/generated/events.ts";
import { MESSAGE_NAMES } from "../../../protocol/generated/messages.ts";
import { decodeEvent } from "../../../protocol/json/decode-event.ts";
import { MAX_INTEGER } from "../../../protocol/terms.ts";
import {
  ALL_LIMITS,
  DEFINITIONS,
  type Definition,
  instrumentEvent,
  testDirectory,
} from "./instruments.ts";

const directory = testDirectory();
const OFFSET = 7;
const view = new DataView(new ArrayBuffer(256));

interface EventRecord {
  wrap(view: DataView, offset: number): boolean;
  clear(): unknown;
}

const HEADER = { seq: 9007199254740991, index: 3, timestampUs: 1700000000000001 };

/** The record with these fields, decoded; fields not given are zero. */
function decode<T extends EventRecord>(Event: new () => T, fields: Partial<T>) {
  const event = new Event();
  event.wrap(view, OFFSET);
  event.clear();
  Object.assign(event, HEADER, fields);
  return decodeEvent(view, OFFSET, directory);
}

function head(type: string): Record<string, unknown> {
  return { type, seq: 9007199254740991, index: 3, timestamp: 1700000000000001 };
}

/** Values and the order of fields. */
function expectJson(actual: unknown, expected: unknown): void {
  expect(JSON.stringify(actual)).toBe(JSON.stringify(expected));
}

const decoded = new Set<string>();

describe("event JSON", () => {
  it("accepted echoes the order, without what it does not have", () => {
    decoded.add("Accepted");
    const order = {
      instrumentId: 1,
      account: 7,
      side: Side.buy,
      clientOrderId: 9,
      orderId: 11,
      quantityLots: 1500,
      orderType: OrderType.limit,
      timeInForce: TimeInForce.gtc,
      selfTradePrevention: SelfTradePrevention.none,
      priceTicks: -1,
      present: OrderField.price as number,
    };
    expectJson(decode(events.Accepted, order), {
      ...head("accepted"),
      symbol: "BTC-USD",
      account: 7,
      clientOrderId: 9,
      orderId: 11,
      side: "buy",
      orderType: "limit",
      timeInForce: "gtc",
      price: "-0.25",
      quantity: "1.5",
      selfTradePrevention: "none",
    });
    const everything = {
      ...order,
      requestId: 4,
      orderType: OrderType.stopLimit,
      timeInForce: TimeInForce.gtd,
      stopPriceTicks: 0,
      displayLots: 1,
      minLots: 2,
      expireTimeUs: 5,
      present: 0xff,
    };
    expectJson(decode(events.Accepted, everything), {
      ...head("accepted"),
      requestId: 4,
      symbol: "BTC-USD",
      account: 7,
      clientOrderId: 9,
      orderId: 11,
      side: "buy",
      orderType: "stopLimit",
      timeInForce: "gtd",
      price: "-0.25",
      stopPrice: "0",
      quantity: "1.5",
      displayQuantity: "0.001",
      minQuantity: "0.002",
      expireTime: 5,
      postOnly: true,
      selfTradePrevention: "none",
    });
  });

  it("rejected names the command and the reason, and the symbol as it was written", () => {
    decoded.add("Rejected");
    const fields = { account: 7, clientOrderId: 9, command: 1, reason: RejectReason.unknownSymbol };
    expectJson(decode(events.Rejected, { ...fields, symbol: "NONE" }), {
      ...head("rejected"),
      symbol: "NONE",
      account: 7,
      clientOrderId: 9,
      command: "newOrder",
      reason: "unknownSymbol",
    });
    const other = { account: 7, orderId: 5, command: 3, reason: RejectReason.insufficientBalance };
    expectJson(decode(events.Rejected, { ...other, instrumentId: 2 }), {
      ...head("rejected"),
      symbol: "7UP/YEN",
      account: 7,
      orderId: 5,
      command: "replaceOrder",
      reason: "insufficientBalance",
    });
  });

  const trade = {
    instrumentId: 1,
    tradeId: 77,
    quantityLots: 250,
    priceTicks: 256001,
    account: 7,
    takerOrderId: 20,
    takerClientOrderId: 21,
    takerLeavesLots: 0,
    takerFeeUnits: 123456,
    makerAccount: 8,
    makerOrderId: 10,
    makerClientOrderId: 0,
    makerLeavesLots: 1000,
    makerFeeUnits: -7,
  };
  const asTaker = (side: string) => ({
    [`${side}OrderId`]: 20,
    [`${side}Account`]: 7,
    [`${side}ClientOrderId`]: 21,
    [`${side}LeavesQuantity`]: "0",
    [`${side}Fee`]: "1.23456",
  });
  const asMaker = (side: string) => ({
    [`${side}OrderId`]: 10,
    [`${side}Account`]: 8,
    [`${side}LeavesQuantity`]: "1",
    [`${side}Fee`]: "-0.00007",
  });
  const what = { tradeId: 77, price: "64000.25", quantity: "0.25" };

  it.each([
    [Side.buy, "buy", { ...asTaker("buy"), ...asMaker("sell") }],
    [Side.sell, "sell", { ...asMaker("buy"), ...asTaker("sell") }],
    [Side.none, "none", { ...asTaker("buy"), ...asMaker("sell") }],
  ])("a trade has buyer and seller in their places (aggressor side %d)", (side, name, sides) => {
    decoded.add("Trade");
    expectJson(decode(events.Trade, { ...trade, aggressorSide: side }), {
      ...head("trade"),
      symbol: "BTC-USD",
      ...what,
      aggressorSide: name,
      ...sides,
    });
  });

  const order = { instrumentId: 2, account: 7, side: Side.sell, clientOrderId: 9, orderId: 11 };
  const orderJson = {
    symbol: "7UP/YEN",
    account: 7,
    clientOrderId: 9,
    orderId: 11,
    side: "sell",
  };

  it("canceled, reduced, replaced and triggered are about one order", () => {
    for (const name of ["Canceled", "Reduced", "Replaced", "Triggered"]) decoded.add(name);
    const canceled = { ...order, quantityLots: 3, reason: CancelReason.expired, priceTicks: 5 };
    expectJson(decode(events.Canceled, canceled), {
      ...head("canceled"),
      ...orderJson,
      quantity: "300",
      reason: "expired",
    });
    expectJson(decode(events.Reduced, { ...order, quantityLots: 3, leavesLots: MAX_INTEGER }), {
      ...head("reduced"),
      ...orderJson,
      quantity: "300",
      leavesQuantity: "900719925474099100",
    });
    const replaced = {
      ...order,
      priceTicks: 4,
      stopPriceTicks: 3,
      displayLots: 2,
      quantityLots: 9,
      leavesLots: 8,
      previousLeavesLots: 1,
      previousPriceTicks: 1,
      orderType: OrderType.limit,
      priorityKept: true,
    };
    expectJson(decode(events.Replaced, { ...replaced, present: OrderField.price as number }), {
      ...head("replaced"),
      ...orderJson,
      price: "20",
      quantity: "900",
      leavesQuantity: "800",
      priorityKept: true,
    });
    const all = OrderField.price | OrderField.stopPrice | OrderField.displayQuantity;
    expectJson(decode(events.Replaced, { ...replaced, present: all, priorityKept: false }), {
      ...head("replaced"),
      ...orderJson,
      price: "20",
      stopPrice: "15",
      quantity: "900",
      leavesQuantity: "800",
      displayQuantity: "200",
      priorityKept: false,
    });
    const triggered = {
      ...order,
      leavesLots: 1,
      stopPriceTicks: 2,
      lastPriceTicks: 3,
      priceTicks: 4,
    };
    expectJson(decode(events.Triggered, { ...triggered, orderType: OrderType.stop }), {
      ...head("triggered"),
      ...orderJson,
      orderType: "stop",
      stopPrice: "10",
      lastPrice: "15",
      leavesQuantity: "100",
    });
    expectJson(decode(events.Triggered, { ...triggered, orderType: OrderType.stopLimit }), {
      ...head("triggered"),
      ...orderJson,
      orderType: "stopLimit",
      price: "20",
      stopPrice: "10",
      lastPrice: "15",
      leavesQuantity: "100",
    });
  });

  it("an instrument is shown as it now stands, limits that are not set left out", () => {
    decoded.add("Instrument");
    const definition = DEFINITIONS[0] as Definition;
    instrumentEvent(definition, view, OFFSET);
    const bare = {
      type: "instrument",
      seq: 0,
      index: 0,
      timestamp: 0,
      symbol: "BTC-USD",
      instrumentId: 1,
      tickSize: "0.25",
      lotSize: "0.001",
      minQuantity: "0.001",
      maxQuantity: "9007199254740.991",
    };
    const rest = { baseAsset: "BTC", quoteAsset: "USD", state: "continuous" };
    expectJson(decodeEvent(view, OFFSET, directory), {
      ...bare,
      makerFeeRate: "0",
      takerFeeRate: "0",
      ...rest,
    });
    const present =
      InstrumentField.referencePrice |
      InstrumentField.priceBandTicks |
      InstrumentField.marketProtectionTicks;
    const event = new events.Instrument();
    event.wrap(view, OFFSET);
    Object.assign(event, {
      present,
      maxNotional: 4000,
      referencePriceTicks: -2,
      priceBandTicks: 4294967295,
      marketProtectionTicks: 0,
      makerFeeRateE8: -25000,
      takerFeeRateE8: 100000000,
    });
    expectJson(decodeEvent(view, OFFSET, directory), {
      ...bare,
      maxNotional: "1",
      referencePrice: "-0.5",
      priceBandTicks: 4294967295,
      marketProtectionTicks: 0,
      makerFeeRate: "-0.00025",
      takerFeeRate: "1",
      ...rest,
    });
  });

  it("asset, marketState, auction and balance say what an admin did", () => {
    for (const name of ["Asset", "MarketStateChanged", "Auction", "Balance"]) decoded.add(name);
    expectJson(decode(events.Asset, { assetId: 1, asset: "USD", scale: 5 }), {
      ...head("asset"),
      asset: "USD",
      scale: 5,
    });
    const state = { state: MarketState.closed, previousState: MarketState.auction };
    expectJson(decode(events.MarketStateChanged, { instrumentId: 1, ...state }), {
      ...head("marketState"),
      symbol: "BTC-USD",
      state: "closed",
      previousState: "auction",
    });
    expectJson(decode(events.Auction, { instrumentId: 1 }), {
      ...head("auction"),
      symbol: "BTC-USD",
      quantity: "0",
      imbalance: "0",
      imbalanceSide: "none",
    });
    const auction = { quantityLots: 10, imbalanceLots: 5, imbalanceSide: Side.sell, priceTicks: 4 };
    const present: number = OrderField.price;
    expectJson(decode(events.Auction, { instrumentId: 1, ...auction, present }), {
      ...head("auction"),
      symbol: "BTC-USD",
      price: "1",
      quantity: "0.01",
      imbalance: "0.005",
      imbalanceSide: "sell",
    });
    const balance = { account: 7, asset: "USD", amountUnits: -1234, assetScale: 2 };
    expectJson(decode(events.Balance, { ...balance, reference: "wire 7" }), {
      ...head("balance"),
      account: 7,
      asset: "USD",
      amount: "-12.34",
      reference: "wire 7",
    });
  });

  it("account shows all that holds, for the account or for one instrument", () => {
    decoded.add("Account");
    const account = {
      account: 7,
      selfTradePrevention: SelfTradePrevention.decrement,
      mode: AccountMode.none,
      instruments: InstrumentAccess.listed,
      killSwitchEngaged: true,
    };
    expectJson(decode(events.Account, account), {
      ...head("account"),
      account: 7,
      selfTradePrevention: "decrement",
      mode: "none",
      instruments: "listed",
      killSwitchEngaged: true,
    });
    const limits = {
      present: ALL_LIMITS,
      maxOrderQuantity: 15,
      maxOrderQuantityScale: 1,
      maxOrderNotional: 2,
      maxPosition: 3,
      maxGrossNotional: 4,
      maxOpenOrders: 5,
      priceCollarTicks: 6,
      orderRatePerSecond: 7,
      orderRateBurst: 8,
    };
    expectJson(decode(events.Account, { ...account, ...limits, instrumentId: 1, allowed: true }), {
      ...head("account"),
      symbol: "BTC-USD",
      account: 7,
      maxOrderQuantity: "1.5",
      maxOrderNotional: "2",
      maxOpenOrders: 5,
      maxPosition: "3",
      maxGrossNotional: "4",
      priceCollarTicks: 6,
      orderRate: { perSecond: 7, burst: 8 },
      allowed: true,
    });
  });

  it("a checkpoint is no public event, nor is a command", () => {
    decoded.add("Checkpoint");
    expect(decode(events.Checkpoint, {})).toBeNull();
    view.setUint16(OFFSET + 2, 1, true);
    expect(decodeEvent(view, OFFSET, directory)).toBeNull();
  });

  it("every event of the schema is decoded above", () => {
    const names = MESSAGE_NAMES.slice(64, 128).filter((name) => name !== "");
    expect([...decoded].sort()).toEqual(names.sort());
  });
});
