// What the server says beside events, in the form that `decodeMessage` gives it.
import {
  ERROR_CODE_NAMES,
  MARKET_STATE_NAMES,
  ORDER_TYPE_NAMES,
  QUERY_KIND_NAMES,
  ROLE_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
} from "../../generated/enums.ts";
import {
  ASSET_BALANCE_TEMPLATE_ID,
  AUCTION_INDICATION_TEMPLATE_ID,
  BOOK_UPDATE_TEMPLATE_ID,
  CHALLENGE_TEMPLATE_ID,
  COMPLETED_TEMPLATE_ID,
  DUPLICATE_REQUEST_TEMPLATE_ID,
  ERROR_MESSAGE_TEMPLATE_ID,
  HEARTBEAT_TEMPLATE_ID,
  INSTRUMENT_STATUS_TEMPLATE_ID,
  LOGGED_ON_TEMPLATE_ID,
  OPEN_ORDER_TEMPLATE_ID,
  POSITION_TEMPLATE_ID,
  PUBLIC_TRADE_TEMPLATE_ID,
  QUERY_END_TEMPLATE_ID,
  RECEIPT_TEMPLATE_ID,
  SERVER_SHUTDOWN_TEMPLATE_ID,
  SUBSCRIBED_TEMPLATE_ID,
  TOP_OF_BOOK_TEMPLATE_ID,
} from "../../generated/session.ts";
import { CHANNEL } from "./client-shapes.ts";
import {
  BOOLEAN,
  COUNT,
  DECIMAL,
  type Fields,
  ID,
  type MessageShape,
  NUMBER,
  type Shape,
  TEXT,
  textOf,
  UINT,
  wordsOf,
  wordsWithNone,
} from "./shape.ts";

const SYMBOL = textOf(16);

/** On both endpoints. */
export const COMMON_MESSAGES: readonly MessageShape[] = [
  {
    type: "heartbeat",
    summary: "Says that the server is there, and that all own events up to lastSeq have been sent.",
    templateId: HEARTBEAT_TEMPLATE_ID,
    fields: { lastSeq: COUNT, serverTime: COUNT },
  },
  {
    type: "error",
    summary: "A message was no command, or could not be taken: it has no seq.",
    templateId: ERROR_MESSAGE_TEMPLATE_ID,
    fields: {
      code: wordsOf(ERROR_CODE_NAMES),
      message: TEXT,
      "request?": {
        kind: "object",
        fields: {
          "type?": TEXT,
          "requestId?": ID,
          "clientOrderId?": ID,
          "channel?": TEXT,
          "symbol?": TEXT,
        },
      },
    },
  },
  {
    type: "serverShutdown",
    summary: "The server stops as planned; events up to lastSeq have been sent.",
    templateId: SERVER_SHUTDOWN_TEMPLATE_ID,
    fields: { lastSeq: COUNT },
  },
];

export const SESSION_MESSAGES: readonly MessageShape[] = [
  {
    type: "challenge",
    summary: "The first message: to be signed within five seconds.",
    templateId: CHALLENGE_TEMPLATE_ID,
    fields: { challenge: textOf(32), serverTime: COUNT },
  },
  {
    type: "loggedOn",
    summary: "The key is right; what the server remembers of it. The interval is in milliseconds.",
    templateId: LOGGED_ON_TEMPLATE_ID,
    fields: {
      account: NUMBER,
      role: wordsOf(ROLE_NAMES),
      lastSeq: COUNT,
      lastRequestId: COUNT,
      lastRequestSeq: COUNT,
      heartbeatInterval: UINT,
    },
  },
  {
    type: "duplicateRequest",
    summary: "A command with this requestId was sequenced before; nothing was done now.",
    templateId: DUPLICATE_REQUEST_TEMPLATE_ID,
    fields: { requestId: COUNT, "seq?": ID },
  },
  {
    type: "completed",
    summary: "A command that has no event is done, and durable.",
    templateId: COMPLETED_TEMPLATE_ID,
    fields: { "requestId?": ID, seq: COUNT },
  },
  {
    type: "receipt",
    summary:
      "Where the time of a command went that asked for it: nanoseconds after received; a stage whose time is not known is left out.",
    templateId: RECEIPT_TEMPLATE_ID,
    fields: {
      seq: COUNT,
      "requestId?": ID,
      "clientOrderId?": ID,
      received: COUNT,
      "sequencedNs?": ID,
      "checkedNs?": ID,
      "matchedNs?": ID,
      "durableNs?": ID,
      "sentNs?": ID,
    },
  },
];

export const QUERY_ROWS: readonly MessageShape[] = [
  {
    type: "openOrder",
    summary: "A row of the answer to openOrders.",
    templateId: OPEN_ORDER_TEMPLATE_ID,
    fields: {
      symbol: SYMBOL,
      account: NUMBER,
      "clientOrderId?": ID,
      orderId: ID,
      side: wordsOf(SIDE_NAMES),
      orderType: wordsOf(ORDER_TYPE_NAMES),
      timeInForce: wordsOf(TIME_IN_FORCE_NAMES),
      "price?": DECIMAL,
      "stopPrice?": DECIMAL,
      quantity: DECIMAL,
      leavesQuantity: DECIMAL,
      "displayQuantity?": DECIMAL,
      "expireTime?": COUNT,
    },
  },
  {
    type: "position",
    summary: "A row of the answer to positions: bought less sold.",
    templateId: POSITION_TEMPLATE_ID,
    fields: { account: NUMBER, symbol: SYMBOL, position: DECIMAL },
  },
  {
    type: "assetBalance",
    summary: "A row of the answer to balances: what is there, and how much of it open orders hold.",
    templateId: ASSET_BALANCE_TEMPLATE_ID,
    // The venue's own row has account 0.
    fields: { account: UINT, asset: SYMBOL, free: DECIMAL, held: DECIMAL, total: DECIMAL },
  },
  {
    type: "queryEnd",
    summary: "Ends an answer; its rows are as of lastSeq.",
    templateId: QUERY_END_TEMPLATE_ID,
    fields: { query: wordsOf(QUERY_KIND_NAMES), "requestId?": ID, rows: UINT, lastSeq: COUNT },
  },
];

const UPDATE: Fields = {
  symbol: SYMBOL,
  snapshot: BOOLEAN,
  prevSeq: COUNT,
  seq: COUNT,
  timestamp: COUNT,
};
const CHECKSUM: Shape = { kind: "text", pattern: "^[0-9a-f]{16}$" };

function bookOf(columns: readonly Shape[]): Fields {
  const rows: Shape = { kind: "rows", columns };
  const parts = { "part?": UINT, "parts?": UINT };
  return { ...UPDATE, ...parts, bids: rows, asks: rows, checksum: CHECKSUM };
}

const SUBSCRIBED: Fields = { channel: CHANNEL, symbol: SYMBOL, lastSeq: COUNT };

export const MARKET_MESSAGES: readonly MessageShape[] = [
  {
    type: "subscribed",
    summary: "The subscription holds; snapshots follow.",
    templateId: SUBSCRIBED_TEMPLATE_ID,
    fields: SUBSCRIBED,
  },
  {
    type: "unsubscribed",
    summary: "The subscription has ended.",
    templateId: SUBSCRIBED_TEMPLATE_ID,
    fields: SUBSCRIBED,
  },
  {
    type: "l1",
    summary: "The best bid and ask; a side without orders is left out.",
    templateId: TOP_OF_BOOK_TEMPLATE_ID,
    fields: {
      ...UPDATE,
      "bidPrice?": DECIMAL,
      "bidQuantity?": DECIMAL,
      "askPrice?": DECIMAL,
      "askQuantity?": DECIMAL,
      checksum: CHECKSUM,
    },
  },
  {
    type: "l2",
    summary:
      "Price levels: price, shown quantity, number of orders; quantity 0: the level is gone.",
    templateId: BOOK_UPDATE_TEMPLATE_ID,
    fields: bookOf([DECIMAL, DECIMAL, UINT]),
  },
  {
    type: "l3",
    summary: "Orders: orderId, price, shown quantity, priority; quantity 0: the order is gone.",
    templateId: BOOK_UPDATE_TEMPLATE_ID,
    fields: bookOf([ID, DECIMAL, DECIMAL, COUNT]),
  },
  {
    type: "trades",
    summary: "All trades of one command; in binary one record a trade.",
    templateId: PUBLIC_TRADE_TEMPLATE_ID,
    fields: {
      ...UPDATE,
      trades: {
        kind: "list",
        of: {
          index: UINT,
          tradeId: COUNT,
          price: DECIMAL,
          quantity: DECIMAL,
          aggressorSide: wordsWithNone(SIDE_NAMES),
        },
      },
    },
  },
  {
    type: "status",
    summary: "What one needs to know of an instrument to read its market data, and its state.",
    templateId: INSTRUMENT_STATUS_TEMPLATE_ID,
    fields: {
      ...UPDATE,
      instrumentId: NUMBER,
      tickSize: DECIMAL,
      lotSize: DECIMAL,
      state: wordsOf(MARKET_STATE_NAMES),
    },
  },
  {
    type: "indication",
    summary: "While an auction collects: at what price the book would uncross now.",
    templateId: AUCTION_INDICATION_TEMPLATE_ID,
    fields: {
      ...UPDATE,
      collecting: BOOLEAN,
      "price?": DECIMAL,
      "quantity?": DECIMAL,
      "imbalance?": DECIMAL,
      "imbalanceSide?": wordsWithNone(SIDE_NAMES),
    },
  },
];
