// The engine's events as clients get them, in the form that `decodeEvent` gives them. A trade comes
// as the fill that its own side sees.

import {
  ACCOUNT_MODE_NAMES,
  CANCEL_REASON_NAMES,
  INSTRUMENT_ACCESS_NAMES,
  LIQUIDITY_NAMES,
  MARKET_STATE_NAMES,
  ORDER_TYPE_NAMES,
  REJECT_REASON_NAMES,
  SELF_TRADE_PREVENTION_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
} from "../../generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  ACCOUNT_TEMPLATE_ID,
  ASSET_TEMPLATE_ID,
  AUCTION_TEMPLATE_ID,
  BALANCE_TEMPLATE_ID,
  CANCELED_TEMPLATE_ID,
  INSTRUMENT_TEMPLATE_ID,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
  REDUCED_TEMPLATE_ID,
  REJECTED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  TRIGGERED_TEMPLATE_ID,
} from "../../generated/events.ts";
import { FILL_TEMPLATE_ID } from "../../generated/session.ts";
import { TYPE_NAMES } from "../words.ts";
import {
  BOOLEAN,
  BYTE,
  COUNT,
  DECIMAL,
  type Fields,
  ID,
  type MessageShape,
  NUMBER,
  textOf,
  UINT,
  wordsOf,
  wordsWithNone,
} from "./shape.ts";

const FIRST_EVENT_TEMPLATE_ID = 64;
const SYMBOL = textOf(16);
const SIDE = wordsOf(SIDE_NAMES);
const ORDER_TYPE = wordsOf(ORDER_TYPE_NAMES);
const MARKET_STATE = wordsOf(MARKET_STATE_NAMES);
const COMMAND_TYPE = wordsOf(TYPE_NAMES.slice(0, FIRST_EVENT_TEMPLATE_ID));

/** seq is 0 where a query is answered with the form of an event. */
const EVENT: Fields = { seq: COUNT, index: UINT, timestamp: COUNT, "requestId?": ID };
const ORDER_EVENT: Fields = {
  ...EVENT,
  symbol: SYMBOL,
  account: NUMBER,
  "clientOrderId?": ID,
  orderId: ID,
  side: SIDE,
};

export const EVENTS: readonly MessageShape[] = [
  {
    type: "accepted",
    summary: "The order is valid and in the engine.",
    templateId: ACCEPTED_TEMPLATE_ID,
    fields: {
      ...ORDER_EVENT,
      orderType: ORDER_TYPE,
      timeInForce: wordsOf(TIME_IN_FORCE_NAMES),
      "price?": DECIMAL,
      "stopPrice?": DECIMAL,
      quantity: DECIMAL,
      "displayQuantity?": DECIMAL,
      "minQuantity?": DECIMAL,
      "expireTime?": COUNT,
      "postOnly?": BOOLEAN,
      selfTradePrevention: wordsOf(SELF_TRADE_PREVENTION_NAMES),
    },
  },
  {
    type: "rejected",
    summary: "The command could not be done; nothing else happened.",
    templateId: REJECTED_TEMPLATE_ID,
    fields: {
      ...EVENT,
      "symbol?": SYMBOL,
      "account?": NUMBER,
      "clientOrderId?": ID,
      "orderId?": ID,
      command: COMMAND_TYPE,
      reason: wordsOf(REJECT_REASON_NAMES),
    },
  },
  {
    type: "trade",
    summary: "A trade, as its own side sees it.",
    templateId: FILL_TEMPLATE_ID,
    fields: {
      ...ORDER_EVENT,
      tradeId: ID,
      price: DECIMAL,
      quantity: DECIMAL,
      leavesQuantity: DECIMAL,
      fee: DECIMAL,
      liquidity: wordsOf(LIQUIDITY_NAMES),
    },
  },
  {
    type: "canceled",
    summary: "The rest of an order was taken off.",
    templateId: CANCELED_TEMPLATE_ID,
    fields: { ...ORDER_EVENT, quantity: DECIMAL, reason: wordsOf(CANCEL_REASON_NAMES) },
  },
  {
    type: "reduced",
    summary: "Self-trade prevention took off a part of an order.",
    templateId: REDUCED_TEMPLATE_ID,
    fields: { ...ORDER_EVENT, quantity: DECIMAL, leavesQuantity: DECIMAL },
  },
  {
    type: "replaced",
    summary: "An order was changed.",
    templateId: REPLACED_TEMPLATE_ID,
    fields: {
      ...ORDER_EVENT,
      "price?": DECIMAL,
      "stopPrice?": DECIMAL,
      quantity: DECIMAL,
      leavesQuantity: DECIMAL,
      "displayQuantity?": DECIMAL,
      priorityKept: BOOLEAN,
    },
  },
  {
    type: "triggered",
    summary: "A stop became active.",
    templateId: TRIGGERED_TEMPLATE_ID,
    fields: {
      ...ORDER_EVENT,
      orderType: ORDER_TYPE,
      "price?": DECIMAL,
      stopPrice: DECIMAL,
      lastPrice: DECIMAL,
      leavesQuantity: DECIMAL,
    },
  },
  {
    type: "asset",
    summary: "An asset as it is now defined.",
    templateId: ASSET_TEMPLATE_ID,
    fields: { ...EVENT, "account?": NUMBER, asset: SYMBOL, scale: BYTE },
  },
  {
    type: "instrument",
    summary:
      "An instrument as it is now defined; also a row of the answer to the query instruments.",
    templateId: INSTRUMENT_TEMPLATE_ID,
    fields: {
      ...EVENT,
      symbol: SYMBOL,
      "account?": NUMBER,
      instrumentId: NUMBER,
      tickSize: DECIMAL,
      lotSize: DECIMAL,
      minQuantity: DECIMAL,
      maxQuantity: DECIMAL,
      "maxNotional?": DECIMAL,
      "referencePrice?": DECIMAL,
      "priceBandTicks?": UINT,
      "marketProtectionTicks?": UINT,
      makerFeeRate: DECIMAL,
      takerFeeRate: DECIMAL,
      baseAsset: SYMBOL,
      quoteAsset: SYMBOL,
      state: MARKET_STATE,
    },
  },
  {
    type: "marketState",
    summary: "An instrument changed its market state.",
    templateId: MARKET_STATE_CHANGED_TEMPLATE_ID,
    fields: {
      ...EVENT,
      symbol: SYMBOL,
      "account?": NUMBER,
      state: MARKET_STATE,
      previousState: MARKET_STATE,
    },
  },
  {
    type: "auction",
    summary: "A book was uncrossed; no price where nothing traded.",
    templateId: AUCTION_TEMPLATE_ID,
    fields: {
      ...EVENT,
      symbol: SYMBOL,
      "account?": NUMBER,
      "price?": DECIMAL,
      quantity: DECIMAL,
      imbalance: DECIMAL,
      imbalanceSide: wordsWithNone(SIDE_NAMES),
    },
  },
  {
    type: "account",
    summary: "All that now holds for an account, or with a symbol for it in that instrument.",
    templateId: ACCOUNT_TEMPLATE_ID,
    fields: {
      ...EVENT,
      "symbol?": SYMBOL,
      account: NUMBER,
      "selfTradePrevention?": wordsOf(SELF_TRADE_PREVENTION_NAMES),
      "mode?": wordsOf(ACCOUNT_MODE_NAMES),
      "maxOrderQuantity?": DECIMAL,
      "maxOrderNotional?": DECIMAL,
      "maxOpenOrders?": UINT,
      "maxPosition?": DECIMAL,
      "maxGrossNotional?": DECIMAL,
      "priceCollarTicks?": UINT,
      "orderRate?": { kind: "object", fields: { perSecond: UINT, burst: UINT } },
      "allowed?": BOOLEAN,
      "instruments?": wordsOf(INSTRUMENT_ACCESS_NAMES),
      "killSwitchEngaged?": BOOLEAN,
    },
  },
  {
    type: "balance",
    summary: "An account's balance of an asset was adjusted by this amount.",
    templateId: BALANCE_TEMPLATE_ID,
    fields: {
      ...EVENT,
      account: NUMBER,
      asset: SYMBOL,
      amount: DECIMAL,
      "reference?": textOf(32),
    },
  },
];
