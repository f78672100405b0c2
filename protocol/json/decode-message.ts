// What the gateway says to clients, beside events: records to JSON objects. The JSON encoding of the
// API is made here from the binary one, so the two cannot drift apart.
import { formatDecimal, formatUnits } from "../decimal.ts";
import {
  CHANNEL_NAMES,
  ERROR_CODE_NAMES,
  LIQUIDITY_NAMES,
  MARKET_STATE_NAMES,
  ORDER_TYPE_NAMES,
  OrderField,
  QUERY_KIND_NAMES,
  ROLE_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
} from "../generated/enums.ts";
import {
  ASSET_BALANCE_TEMPLATE_ID,
  AssetBalance,
  AUCTION_INDICATION_TEMPLATE_ID,
  AuctionIndication,
  BOOK_UPDATE_TEMPLATE_ID,
  CHALLENGE_TEMPLATE_ID,
  Challenge,
  COMPLETED_TEMPLATE_ID,
  Completed,
  DUPLICATE_REQUEST_TEMPLATE_ID,
  DuplicateRequest,
  ERROR_MESSAGE_TEMPLATE_ID,
  ErrorMessage,
  FILL_TEMPLATE_ID,
  Fill,
  HEARTBEAT_TEMPLATE_ID,
  Heartbeat,
  INSTRUMENT_STATUS_TEMPLATE_ID,
  InstrumentStatus,
  LOGGED_ON_TEMPLATE_ID,
  LoggedOn,
  OPEN_ORDER_TEMPLATE_ID,
  OpenOrder,
  POSITION_TEMPLATE_ID,
  Position,
  PUBLIC_TRADE_LENGTH,
  PUBLIC_TRADE_TEMPLATE_ID,
  PublicTrade,
  QUERY_END_TEMPLATE_ID,
  QueryEnd,
  RECEIPT_TEMPLATE_ID,
  Receipt,
  SERVER_SHUTDOWN_TEMPLATE_ID,
  ServerShutdown,
  SUBSCRIBED_TEMPLATE_ID,
  Subscribed,
  TOP_OF_BOOK_TEMPLATE_ID,
  TopOfBook,
} from "../generated/session.ts";
import type { InstrumentDirectory, InstrumentTerms } from "../instrument-directory.ts";
import { checksumText, decodeBook } from "./decode-book.ts";
import { decodeEvent } from "./decode-event.ts";
import { TYPE_NAMES } from "./words.ts";

type Json = Record<string, unknown>;

const challenge = new Challenge();
const loggedOn = new LoggedOn();
const heartbeat = new Heartbeat();
const errorMessage = new ErrorMessage();
const duplicateRequest = new DuplicateRequest();
const serverShutdown = new ServerShutdown();
const completed = new Completed();
const receipt = new Receipt();
const queryEnd = new QueryEnd();
const openOrder = new OpenOrder();
const position = new Position();
const assetBalance = new AssetBalance();
const fill = new Fill();
const subscribed = new Subscribed();
const publicTrade = new PublicTrade();
const topOfBook = new TopOfBook();
const instrumentStatus = new InstrumentStatus();
const indication = new AuctionIndication();

/**
 * The message or event at offset as a JSON object; null where it is none that a client gets. The
 * directory must know the instruments that it names. The rows of a book are part of its message, so
 * that they must be there after it; by themselves they are none.
 */
export function decodeMessage(
  view: DataView,
  offset: number,
  directory: InstrumentDirectory,
): Json | null {
  switch (view.getUint16(offset + 2, true)) {
    case CHALLENGE_TEMPLATE_ID:
      challenge.wrap(view, offset);
      return {
        type: "challenge",
        challenge: challenge.challenge,
        serverTime: challenge.serverTimeUs,
      };
    case LOGGED_ON_TEMPLATE_ID:
      return decodeLoggedOn(view, offset);
    case HEARTBEAT_TEMPLATE_ID:
      heartbeat.wrap(view, offset);
      return {
        type: "heartbeat",
        lastSeq: heartbeat.lastSeq,
        serverTime: heartbeat.serverTimeUs,
      };
    case ERROR_MESSAGE_TEMPLATE_ID:
      return decodeError(view, offset);
    case DUPLICATE_REQUEST_TEMPLATE_ID: {
      duplicateRequest.wrap(view, offset);
      const { requestId, seq } = duplicateRequest;
      return { type: "duplicateRequest", requestId, ...(seq === 0 ? {} : { seq }) };
    }
    case COMPLETED_TEMPLATE_ID: {
      completed.wrap(view, offset);
      const { requestId, seq } = completed;
      return { type: "completed", ...(requestId === 0 ? {} : { requestId }), seq };
    }
    case RECEIPT_TEMPLATE_ID:
      receipt.wrap(view, offset);
      return decodeReceipt();
    case SERVER_SHUTDOWN_TEMPLATE_ID:
      serverShutdown.wrap(view, offset);
      return { type: "serverShutdown", lastSeq: serverShutdown.lastSeq };
    case QUERY_END_TEMPLATE_ID:
      return decodeQueryEnd(view, offset);
    case OPEN_ORDER_TEMPLATE_ID:
      openOrder.wrap(view, offset);
      return decodeOpenOrder(directory.get(openOrder.instrumentId));
    case POSITION_TEMPLATE_ID:
      position.wrap(view, offset);
      return decodePosition(directory.get(position.instrumentId));
    case ASSET_BALANCE_TEMPLATE_ID:
      assetBalance.wrap(view, offset);
      return {
        type: "assetBalance",
        account: assetBalance.account,
        asset: assetBalance.asset,
        free: formatDecimal(
          assetBalance.totalUnits - assetBalance.heldUnits,
          assetBalance.assetScale,
        ),
        held: formatDecimal(assetBalance.heldUnits, assetBalance.assetScale),
        total: formatDecimal(assetBalance.totalUnits, assetBalance.assetScale),
      };
    case FILL_TEMPLATE_ID:
      fill.wrap(view, offset);
      return decodeFill(directory.get(fill.instrumentId));
    case SUBSCRIBED_TEMPLATE_ID:
      subscribed.wrap(view, offset);
      return {
        type: subscribed.unsubscribed ? "unsubscribed" : "subscribed",
        channel: CHANNEL_NAMES[subscribed.channel],
        symbol: subscribed.symbol,
        lastSeq: subscribed.lastSeq,
      };
    case PUBLIC_TRADE_TEMPLATE_ID:
      publicTrade.wrap(view, offset);
      return decodePublicTrade(directory.get(publicTrade.instrumentId));
    case TOP_OF_BOOK_TEMPLATE_ID:
      topOfBook.wrap(view, offset);
      return decodeTopOfBook(directory.get(topOfBook.instrumentId));
    case INSTRUMENT_STATUS_TEMPLATE_ID:
      instrumentStatus.wrap(view, offset);
      return decodeStatus();
    case BOOK_UPDATE_TEMPLATE_ID:
      return decodeBook(view, offset, directory);
    case AUCTION_INDICATION_TEMPLATE_ID:
      indication.wrap(view, offset);
      return decodeIndication(directory.get(indication.instrumentId));
    default:
      return decodeEvent(view, offset, directory);
  }
}

function price(ticks: number, terms: InstrumentTerms | undefined): string {
  if (terms === undefined) return String(ticks);
  return formatUnits(ticks, terms.tickSize.value, terms.tickSize.scale);
}

function quantity(lots: number, terms: InstrumentTerms | undefined): string {
  if (terms === undefined) return String(lots);
  return formatUnits(lots, terms.lotSize.value, terms.lotSize.scale);
}

function decodeLoggedOn(view: DataView, offset: number): Json {
  loggedOn.wrap(view, offset);
  return {
    type: "loggedOn",
    account: loggedOn.account,
    role: ROLE_NAMES[loggedOn.role],
    lastSeq: loggedOn.lastSeq,
    lastRequestId: loggedOn.lastRequestId,
    lastRequestSeq: loggedOn.lastRequestSeq,
    heartbeatInterval: loggedOn.heartbeatIntervalMs,
  };
}

/** `message` is cut to what a record holds; the gateway puts the whole text there in JSON. */
function decodeError(view: DataView, offset: number): Json {
  errorMessage.wrap(view, offset);
  const json: Json = {
    type: "error",
    code: ERROR_CODE_NAMES[errorMessage.code],
    message: errorMessage.text,
  };
  const { requestTemplateId, requestId, clientOrderId } = errorMessage;
  if (requestTemplateId !== 0 || requestId !== 0 || clientOrderId !== 0) {
    const request: Json = {};
    const type = TYPE_NAMES[requestTemplateId];
    if (type) request.type = type;
    if (requestId !== 0) request.requestId = requestId;
    if (clientOrderId !== 0) request.clientOrderId = clientOrderId;
    json.request = request;
  }
  return json;
}

function decodeReceipt(): Json {
  const json: Json = { type: "receipt", seq: receipt.seq };
  if (receipt.requestId !== 0) json.requestId = receipt.requestId;
  if (receipt.clientOrderId !== 0) json.clientOrderId = receipt.clientOrderId;
  json.received = receipt.receivedUs;
  for (const name of ["sequencedNs", "checkedNs", "matchedNs", "durableNs", "sentNs"] as const) {
    if (receipt[name] !== 0) json[name] = receipt[name];
  }
  return json;
}

function decodeQueryEnd(view: DataView, offset: number): Json {
  queryEnd.wrap(view, offset);
  const json: Json = { type: "queryEnd", query: QUERY_KIND_NAMES[queryEnd.kind] };
  if (queryEnd.requestId !== 0) json.requestId = queryEnd.requestId;
  json.rows = queryEnd.rowCount;
  json.lastSeq = queryEnd.lastSeq;
  return json;
}

function decodeOpenOrder(terms: InstrumentTerms | undefined): Json {
  const { present, clientOrderId } = openOrder;
  const json: Json = { type: "openOrder" };
  if (terms !== undefined) json.symbol = terms.symbol;
  json.account = openOrder.account;
  if (clientOrderId !== 0) json.clientOrderId = clientOrderId;
  json.orderId = openOrder.orderId;
  json.side = SIDE_NAMES[openOrder.side];
  json.orderType = ORDER_TYPE_NAMES[openOrder.orderType];
  json.timeInForce = TIME_IN_FORCE_NAMES[openOrder.timeInForce];
  if ((present & OrderField.price) !== 0) json.price = price(openOrder.priceTicks, terms);
  if ((present & OrderField.stopPrice) !== 0) {
    json.stopPrice = price(openOrder.stopPriceTicks, terms);
  }
  json.quantity = quantity(openOrder.quantityLots, terms);
  json.leavesQuantity = quantity(openOrder.leavesLots, terms);
  if ((present & OrderField.displayQuantity) !== 0) {
    json.displayQuantity = quantity(openOrder.displayLots, terms);
  }
  if ((present & OrderField.expireTime) !== 0) json.expireTime = openOrder.expireTimeUs;
  return json;
}

function decodePosition(terms: InstrumentTerms | undefined): Json {
  const json: Json = { type: "position", account: position.account };
  if (terms !== undefined) json.symbol = terms.symbol;
  json.position = quantity(position.positionLots, terms);
  return json;
}

/** A trade as one of its sides sees it. */
function decodeFill(terms: InstrumentTerms | undefined): Json {
  const json: Json = {
    type: "trade",
    seq: fill.seq,
    index: fill.index,
    timestamp: fill.timestampUs,
  };
  if (fill.requestId !== 0) json.requestId = fill.requestId;
  if (terms !== undefined) json.symbol = terms.symbol;
  json.account = fill.account;
  if (fill.clientOrderId !== 0) json.clientOrderId = fill.clientOrderId;
  json.orderId = fill.orderId;
  json.side = SIDE_NAMES[fill.side];
  json.tradeId = fill.tradeId;
  json.price = price(fill.priceTicks, terms);
  json.quantity = quantity(fill.quantityLots, terms);
  json.leavesQuantity = quantity(fill.leavesLots, terms);
  json.fee = formatDecimal(fill.feeUnits, terms === undefined ? 0 : terms.quoteAssetScale);
  json.liquidity = LIQUIDITY_NAMES[fill.liquidity];
  return json;
}

/** A single trade in the form of `decodeTrades`. */
function decodePublicTrade(terms: InstrumentTerms | undefined): Json {
  return { ...decodeTradesHead(terms), trades: [decodeTradeRow(terms)] };
}

/**
 * `count` PublicTrade records of one command, one after the other from the start of the view, as one
 * message.
 */
export function decodeTrades(view: DataView, count: number, directory: InstrumentDirectory): Json {
  publicTrade.wrap(view, 0);
  const terms = directory.get(publicTrade.instrumentId);
  const head = decodeTradesHead(terms);
  const trades: Json[] = [];
  for (let i = 0; i < count; i++) {
    publicTrade.wrap(view, i * PUBLIC_TRADE_LENGTH);
    trades.push(decodeTradeRow(terms));
  }
  return { ...head, trades };
}

function decodeTradesHead(terms: InstrumentTerms | undefined): Json {
  return {
    type: "trades",
    symbol: terms?.symbol,
    snapshot: publicTrade.snapshot,
    prevSeq: publicTrade.prevSeq,
    seq: publicTrade.seq,
    timestamp: publicTrade.timestampUs,
  };
}

function decodeTradeRow(terms: InstrumentTerms | undefined): Json {
  return {
    index: publicTrade.index,
    tradeId: publicTrade.tradeId,
    price: price(publicTrade.priceTicks, terms),
    quantity: quantity(publicTrade.quantityLots, terms),
    aggressorSide: SIDE_NAMES[publicTrade.aggressorSide],
  };
}

function decodeTopOfBook(terms: InstrumentTerms | undefined): Json {
  const json: Json = {
    type: "l1",
    symbol: terms?.symbol,
    snapshot: topOfBook.snapshot,
    prevSeq: topOfBook.prevSeq,
    seq: topOfBook.seq,
    timestamp: topOfBook.timestampUs,
  };
  if (topOfBook.bidLots !== 0) {
    json.bidPrice = price(topOfBook.bidPriceTicks, terms);
    json.bidQuantity = quantity(topOfBook.bidLots, terms);
  }
  if (topOfBook.askLots !== 0) {
    json.askPrice = price(topOfBook.askPriceTicks, terms);
    json.askQuantity = quantity(topOfBook.askLots, terms);
  }
  json.checksum = checksumText(topOfBook.checksumHigh, topOfBook.checksumLow);
  return json;
}

function decodeIndication(terms: InstrumentTerms | undefined): Json {
  const { collecting, quantityLots } = indication;
  const json: Json = {
    type: "indication",
    symbol: terms?.symbol,
    snapshot: indication.snapshot,
    prevSeq: indication.prevSeq,
    seq: indication.seq,
    timestamp: indication.timestampUs,
    collecting,
  };
  if (!collecting) return json;
  if (quantityLots !== 0) json.price = price(indication.priceTicks, terms);
  json.quantity = quantity(quantityLots, terms);
  json.imbalance = quantity(indication.imbalanceLots, terms);
  json.imbalanceSide = SIDE_NAMES[indication.imbalanceSide];
  return json;
}

function decodeStatus(): Json {
  const { tickSize, tickSizeScale, lotSize, lotSizeScale } = instrumentStatus;
  return {
    type: "status",
    symbol: instrumentStatus.symbol,
    snapshot: instrumentStatus.snapshot,
    prevSeq: instrumentStatus.prevSeq,
    seq: instrumentStatus.seq,
    timestamp: instrumentStatus.timestampUs,
    instrumentId: instrumentStatus.instrumentId,
    tickSize: formatDecimal(tickSize, tickSizeScale),
    lotSize: formatDecimal(lotSize, lotSizeScale),
    state: MARKET_STATE_NAMES[instrumentStatus.state],
  };
}
