// What clients send. The encoders in this folder (commands) and the gateway (the rest) take exactly
// this: a message of the right shape is answered or sequenced, any other gets an error.
import {
  ADJUST_BALANCE_TEMPLATE_ID,
  CANCEL_ORDER_TEMPLATE_ID,
  DEFINE_ASSET_TEMPLATE_ID,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  KILL_SWITCH_TEMPLATE_ID,
  MASS_CANCEL_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
  SET_ACCOUNT_TEMPLATE_ID,
  SET_MARKET_STATE_TEMPLATE_ID,
  SNAPSHOT_TEMPLATE_ID,
} from "../../generated/commands.ts";
import {
  ACCOUNT_MODE_NAMES,
  INSTRUMENT_ACCESS_NAMES,
  MARKET_STATE_NAMES,
  ORDER_TYPE_NAMES,
  SELF_TRADE_PREVENTION_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
} from "../../generated/enums.ts";
import {
  HEARTBEAT_TEMPLATE_ID,
  LOGON_TEMPLATE_ID,
  QUERY_TEMPLATE_ID,
  RESUME_TEMPLATE_ID,
  SUBSCRIBE_TEMPLATE_ID,
  UNSUBSCRIBE_TEMPLATE_ID,
} from "../../generated/session.ts";
import {
  BOOLEAN,
  BYTE,
  COUNT,
  DECIMAL,
  type Fields,
  ID,
  type MessageShape,
  NUMBER,
  nullable,
  type Shape,
  TEXT,
  UINT,
  wordsOf,
} from "./shape.ts";

const REQUEST: Fields = { "requestId?": ID };
const COMMAND: Fields = { ...REQUEST, "account?": NUMBER, "receipt?": BOOLEAN };
const SIDE = wordsOf(SIDE_NAMES);
const MARKET_STATE = wordsOf(MARKET_STATE_NAMES);
const LIMIT = nullable(DECIMAL);
const COUNT_LIMIT = nullable(UINT);

/** Channels that are offered on /v1/market. */
export const CHANNEL: Shape = {
  kind: "word",
  words: ["l1", "l2", "l3", "trades", "status", "indication"],
};

/** For those who trade. */
export const ORDER_COMMANDS: readonly MessageShape[] = [
  {
    type: "newOrder",
    summary: "Enters an order.",
    templateId: NEW_ORDER_TEMPLATE_ID,
    fields: {
      ...COMMAND,
      symbol: TEXT,
      "clientOrderId?": ID,
      side: SIDE,
      orderType: wordsOf(ORDER_TYPE_NAMES),
      quantity: DECIMAL,
      "price?": DECIMAL,
      "stopPrice?": DECIMAL,
      "timeInForce?": wordsOf(TIME_IN_FORCE_NAMES),
      "expireTime?": ID,
      "postOnly?": BOOLEAN,
      "displayQuantity?": DECIMAL,
      "minQuantity?": DECIMAL,
      "selfTradePrevention?": wordsOf(SELF_TRADE_PREVENTION_NAMES),
    },
  },
  {
    type: "cancelOrder",
    summary: "Cancels an order, named by clientOrderId or by orderId.",
    templateId: CANCEL_ORDER_TEMPLATE_ID,
    fields: { ...COMMAND, "clientOrderId?": ID, "orderId?": ID },
    anyOf: ["clientOrderId", "orderId"],
  },
  {
    type: "replaceOrder",
    summary: "Changes an order; quantity is the new total.",
    templateId: REPLACE_ORDER_TEMPLATE_ID,
    fields: {
      ...COMMAND,
      "clientOrderId?": ID,
      "orderId?": ID,
      "price?": DECIMAL,
      "quantity?": DECIMAL,
      "stopPrice?": DECIMAL,
      "displayQuantity?": DECIMAL,
    },
    anyOf: ["clientOrderId", "orderId"],
  },
  {
    type: "massCancel",
    summary: "Cancels all orders of the account, or those of one symbol, one side, or both.",
    templateId: MASS_CANCEL_TEMPLATE_ID,
    fields: { ...COMMAND, "symbol?": TEXT, "side?": SIDE },
  },
  {
    type: "killSwitch",
    summary:
      "Refuses the account's new orders and cancels the open ones; only an admin releases it.",
    templateId: KILL_SWITCH_TEMPLATE_ID,
    fields: { ...COMMAND, engaged: BOOLEAN },
  },
];

/** For admins. */
export const ADMIN_COMMANDS: readonly MessageShape[] = [
  {
    type: "defineInstrument",
    summary: "Defines an instrument, or changes what may change of it; null takes a limit away.",
    templateId: DEFINE_INSTRUMENT_TEMPLATE_ID,
    fields: {
      ...COMMAND,
      symbol: TEXT,
      "tickSize?": DECIMAL,
      "lotSize?": DECIMAL,
      "minQuantity?": LIMIT,
      "maxQuantity?": LIMIT,
      "maxNotional?": LIMIT,
      "referencePrice?": LIMIT,
      "priceBandTicks?": COUNT_LIMIT,
      "marketProtectionTicks?": COUNT_LIMIT,
      "makerFeeRate?": DECIMAL,
      "takerFeeRate?": DECIMAL,
      "baseAsset?": TEXT,
      "quoteAsset?": TEXT,
      "state?": MARKET_STATE,
    },
  },
  {
    type: "defineAsset",
    summary: "Defines an asset by the number of decimals of its smallest unit.",
    templateId: DEFINE_ASSET_TEMPLATE_ID,
    fields: { ...COMMAND, asset: TEXT, scale: BYTE },
  },
  {
    type: "setMarketState",
    summary: "Moves an instrument to another market state.",
    templateId: SET_MARKET_STATE_TEMPLATE_ID,
    fields: { ...COMMAND, symbol: TEXT, state: MARKET_STATE },
  },
  {
    type: "setAccount",
    summary: "Sets limits and modes of an account, or of an account in one instrument.",
    templateId: SET_ACCOUNT_TEMPLATE_ID,
    fields: {
      ...REQUEST,
      "receipt?": BOOLEAN,
      account: NUMBER,
      "symbol?": TEXT,
      "selfTradePrevention?": wordsOf(SELF_TRADE_PREVENTION_NAMES),
      "mode?": wordsOf(ACCOUNT_MODE_NAMES),
      "maxOrderQuantity?": LIMIT,
      "maxOrderNotional?": LIMIT,
      "maxOpenOrders?": COUNT_LIMIT,
      "maxPosition?": LIMIT,
      "maxGrossNotional?": LIMIT,
      "priceCollarTicks?": COUNT_LIMIT,
      "orderRate?": nullable({ kind: "object", fields: { perSecond: UINT, burst: UINT } }),
      "instruments?": wordsOf(INSTRUMENT_ACCESS_NAMES),
      "allowed?": BOOLEAN,
    },
  },
  {
    type: "adjustBalance",
    summary: "Adds to an account's balance of an asset, or takes from it.",
    templateId: ADJUST_BALANCE_TEMPLATE_ID,
    fields: {
      ...REQUEST,
      "receipt?": BOOLEAN,
      account: NUMBER,
      asset: TEXT,
      amount: DECIMAL,
      "reference?": { kind: "text", pattern: "^[ -~]{0,32}$" },
    },
  },
  {
    type: "snapshot",
    summary: "Takes a checkpoint of the state.",
    templateId: SNAPSHOT_TEMPLATE_ID,
    fields: COMMAND,
  },
];

const ASKS_FOR = {
  instruments: "the definitions of all instruments",
  openOrders: "the open orders",
  positions: "the positions",
  balances: "the balances",
};

export const QUERIES: readonly MessageShape[] = Object.entries(ASKS_FOR).map(([type, what]) => ({
  type,
  summary: `Asks for ${what}; the rows come back, then queryEnd.`,
  templateId: QUERY_TEMPLATE_ID,
  fields: REQUEST,
}));

export const LOGON: MessageShape = {
  type: "logon",
  summary: "Answers the challenge, signed with the key.",
  templateId: LOGON_TEMPLATE_ID,
  fields: {
    keyId: TEXT,
    timestamp: COUNT,
    signature: { kind: "text", pattern: "^[A-Za-z0-9+/]+={0,2}$", maxLength: 128 },
    "cancelOnDisconnect?": BOOLEAN,
    "resumeAfter?": { kind: "object", fields: { seq: COUNT, index: UINT } },
  },
};

/** One of the server's may be sent back as it came; nothing in it is used. */
export const CLIENT_HEARTBEAT: MessageShape = {
  type: "heartbeat",
  summary: "Says that the client is there.",
  templateId: HEARTBEAT_TEMPLATE_ID,
  fields: { "lastSeq?": COUNT, "serverTime?": COUNT },
};

export const SUBSCRIPTIONS: readonly MessageShape[] = [
  {
    type: "subscribe",
    summary: 'Asks for a channel of one symbol, or of all with "*".',
    templateId: SUBSCRIBE_TEMPLATE_ID,
    fields: { channel: CHANNEL, symbol: TEXT },
  },
  {
    type: "unsubscribe",
    summary: "Ends a subscription.",
    templateId: UNSUBSCRIBE_TEMPLATE_ID,
    fields: { channel: CHANNEL, symbol: TEXT },
  },
  {
    type: "resume",
    summary: "Subscribes to a channel of which everything up to afterSeq is known.",
    templateId: RESUME_TEMPLATE_ID,
    fields: { channel: CHANNEL, symbol: TEXT, afterSeq: COUNT },
  },
];
