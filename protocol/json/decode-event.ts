// Event records to JSON objects, fields in canonical order; absent optional fields are left out.
import { formatDecimal, formatUnits } from "../decimal.ts";
import {
  ACCOUNT_MODE_NAMES,
  AccountField,
  CANCEL_REASON_NAMES,
  INSTRUMENT_ACCESS_NAMES,
  InstrumentField,
  MARKET_STATE_NAMES,
  ORDER_TYPE_NAMES,
  OrderField,
  OrderType,
  REJECT_REASON_NAMES,
  SELF_TRADE_PREVENTION_NAMES,
  SIDE_NAMES,
  Side,
  TIME_IN_FORCE_NAMES,
} from "../generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  ACCOUNT_TEMPLATE_ID,
  Accepted,
  Account,
  ASSET_TEMPLATE_ID,
  Asset,
  AUCTION_TEMPLATE_ID,
  Auction,
  BALANCE_TEMPLATE_ID,
  Balance,
  CANCELED_TEMPLATE_ID,
  Canceled,
  INSTRUMENT_TEMPLATE_ID,
  Instrument,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
  MarketStateChanged,
  REDUCED_TEMPLATE_ID,
  REJECTED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  Reduced,
  Rejected,
  Replaced,
  TRADE_TEMPLATE_ID,
  TRIGGERED_TEMPLATE_ID,
  Trade,
  Triggered,
} from "../generated/events.ts";
import { EventHeader } from "../generated/headers.ts";
import type { InstrumentDirectory, InstrumentTerms } from "../instrument-directory.ts";
import { MAX_INTEGER, RATE_DECIMALS } from "../terms.ts";
import { TYPE_NAMES } from "./words.ts";

type Json = Record<string, unknown>;

const header = new EventHeader();
const accepted = new Accepted();
const rejected = new Rejected();
const trade = new Trade();
const canceled = new Canceled();
const reduced = new Reduced();
const replaced = new Replaced();
const triggered = new Triggered();
const asset = new Asset();
const instrument = new Instrument();
const marketState = new MarketStateChanged();
const auction = new Auction();
const account = new Account();
const balance = new Balance();

/**
 * The event at offset as a JSON object; null for the internal Checkpoint and for anything else that
 * is not a public event. The directory must have seen all events before this one; the definition of
 * an instrument needs only itself.
 */
export function decodeEvent(
  view: DataView,
  offset: number,
  directory: InstrumentDirectory,
): Json | null {
  header.wrap(view, offset);
  const templateId = header.templateId;
  if (templateId < ACCEPTED_TEMPLATE_ID || templateId > BALANCE_TEMPLATE_ID) return null;
  const terms = directory.get(header.instrumentId);
  const json: Json = {
    type: TYPE_NAMES[templateId],
    seq: header.seq,
    index: header.index,
    timestamp: header.timestampUs,
  };
  if (header.requestId !== 0) json.requestId = header.requestId;
  if (terms !== undefined) json.symbol = terms.symbol;
  switch (templateId) {
    case ACCEPTED_TEMPLATE_ID:
      decodeAccepted(view, offset, json, terms);
      break;
    case REJECTED_TEMPLATE_ID:
      decodeRejected(view, offset, json);
      break;
    case TRADE_TEMPLATE_ID:
      decodeTrade(view, offset, json, terms);
      break;
    case CANCELED_TEMPLATE_ID:
      canceled.wrap(view, offset);
      putOrder(json, canceled);
      json.quantity = quantityText(canceled.quantityLots, terms);
      json.reason = CANCEL_REASON_NAMES[canceled.reason];
      break;
    case REDUCED_TEMPLATE_ID:
      reduced.wrap(view, offset);
      putOrder(json, reduced);
      json.quantity = quantityText(reduced.quantityLots, terms);
      json.leavesQuantity = quantityText(reduced.leavesLots, terms);
      break;
    case REPLACED_TEMPLATE_ID:
      decodeReplaced(view, offset, json, terms);
      break;
    case TRIGGERED_TEMPLATE_ID:
      decodeTriggered(view, offset, json, terms);
      break;
    case ASSET_TEMPLATE_ID:
      asset.wrap(view, offset);
      putAccount(json);
      json.asset = asset.asset;
      json.scale = asset.scale;
      break;
    case INSTRUMENT_TEMPLATE_ID:
      decodeInstrument(view, offset, json);
      break;
    case MARKET_STATE_CHANGED_TEMPLATE_ID:
      marketState.wrap(view, offset);
      putAccount(json);
      json.state = MARKET_STATE_NAMES[marketState.state];
      json.previousState = MARKET_STATE_NAMES[marketState.previousState];
      break;
    case AUCTION_TEMPLATE_ID:
      decodeAuction(view, offset, json, terms);
      break;
    case ACCOUNT_TEMPLATE_ID:
      decodeAccount(view, offset, json);
      break;
    default:
      balance.wrap(view, offset);
      putAccount(json);
      json.asset = balance.asset;
      json.amount = formatDecimal(balance.amountUnits, balance.assetScale);
      if (balance.reference !== "") json.reference = balance.reference;
  }
  return json;
}

/** Without an instrument there is nothing to convert with: the bare count then, visibly no decimal of ours. */
function priceText(ticks: number, terms: InstrumentTerms | undefined): string {
  if (terms === undefined) return String(ticks);
  return formatUnits(ticks, terms.tickSize.value, terms.tickSize.scale);
}

function quantityText(lots: number, terms: InstrumentTerms | undefined): string {
  if (terms === undefined) return String(lots);
  return formatUnits(lots, terms.lotSize.value, terms.lotSize.scale);
}

function feeText(units: number, terms: InstrumentTerms | undefined): string {
  return formatDecimal(units, terms === undefined ? 0 : terms.quoteAssetScale);
}

function putAccount(json: Json): void {
  if (header.account !== 0) json.account = header.account;
}

interface OrderRecord {
  readonly clientOrderId: number;
  readonly orderId: number;
}

function putIds(json: Json, record: OrderRecord): void {
  putAccount(json);
  if (record.clientOrderId !== 0) json.clientOrderId = record.clientOrderId;
  if (record.orderId !== 0) json.orderId = record.orderId;
}

function putOrder(json: Json, record: OrderRecord): void {
  putIds(json, record);
  if (header.side !== Side.none) json.side = SIDE_NAMES[header.side];
}

function decodeAccepted(
  view: DataView,
  offset: number,
  json: Json,
  terms: InstrumentTerms | undefined,
): void {
  accepted.wrap(view, offset);
  putOrder(json, accepted);
  const present = accepted.present;
  json.orderType = ORDER_TYPE_NAMES[accepted.orderType];
  json.timeInForce = TIME_IN_FORCE_NAMES[accepted.timeInForce];
  if ((present & OrderField.price) !== 0) json.price = priceText(accepted.priceTicks, terms);
  if ((present & OrderField.stopPrice) !== 0) {
    json.stopPrice = priceText(accepted.stopPriceTicks, terms);
  }
  json.quantity = quantityText(accepted.quantityLots, terms);
  if ((present & OrderField.displayQuantity) !== 0) {
    json.displayQuantity = quantityText(accepted.displayLots, terms);
  }
  if ((present & OrderField.minQuantity) !== 0) {
    json.minQuantity = quantityText(accepted.minLots, terms);
  }
  if ((present & OrderField.expireTime) !== 0) json.expireTime = accepted.expireTimeUs;
  if ((present & OrderField.postOnly) !== 0) json.postOnly = true;
  json.selfTradePrevention = SELF_TRADE_PREVENTION_NAMES[accepted.selfTradePrevention];
}

function decodeRejected(view: DataView, offset: number, json: Json): void {
  rejected.wrap(view, offset);
  if (json.symbol === undefined && rejected.symbol !== "") json.symbol = rejected.symbol;
  putIds(json, rejected);
  json.command = TYPE_NAMES[rejected.command];
  json.reason = REJECT_REASON_NAMES[rejected.reason];
}

function decodeTrade(
  view: DataView,
  offset: number,
  json: Json,
  terms: InstrumentTerms | undefined,
): void {
  trade.wrap(view, offset);
  json.tradeId = trade.tradeId;
  json.price = priceText(trade.priceTicks, terms);
  json.quantity = quantityText(trade.quantityLots, terms);
  json.aggressorSide = SIDE_NAMES[trade.aggressorSide];
  // Plain names, not put together: trades are what there is most of.
  const takerBuys = trade.aggressorSide !== Side.sell;
  const { takerClientOrderId, makerClientOrderId } = trade;
  const buyClientOrderId = takerBuys ? takerClientOrderId : makerClientOrderId;
  const sellClientOrderId = takerBuys ? makerClientOrderId : takerClientOrderId;
  const takerLeaves = quantityText(trade.takerLeavesLots, terms);
  const makerLeaves = quantityText(trade.makerLeavesLots, terms);
  const takerFee = feeText(trade.takerFeeUnits, terms);
  const makerFee = feeText(trade.makerFeeUnits, terms);
  json.buyOrderId = takerBuys ? trade.takerOrderId : trade.makerOrderId;
  json.buyAccount = takerBuys ? trade.account : trade.makerAccount;
  if (buyClientOrderId !== 0) json.buyClientOrderId = buyClientOrderId;
  json.buyLeavesQuantity = takerBuys ? takerLeaves : makerLeaves;
  json.buyFee = takerBuys ? takerFee : makerFee;
  json.sellOrderId = takerBuys ? trade.makerOrderId : trade.takerOrderId;
  json.sellAccount = takerBuys ? trade.makerAccount : trade.account;
  if (sellClientOrderId !== 0) json.sellClientOrderId = sellClientOrderId;
  json.sellLeavesQuantity = takerBuys ? makerLeaves : takerLeaves;
  json.sellFee = takerBuys ? makerFee : takerFee;
}

function decodeReplaced(
  view: DataView,
  offset: number,
  json: Json,
  terms: InstrumentTerms | undefined,
): void {
  replaced.wrap(view, offset);
  putOrder(json, replaced);
  const present = replaced.present;
  if ((present & OrderField.price) !== 0) json.price = priceText(replaced.priceTicks, terms);
  if ((present & OrderField.stopPrice) !== 0) {
    json.stopPrice = priceText(replaced.stopPriceTicks, terms);
  }
  json.quantity = quantityText(replaced.quantityLots, terms);
  json.leavesQuantity = quantityText(replaced.leavesLots, terms);
  if ((present & OrderField.displayQuantity) !== 0) {
    json.displayQuantity = quantityText(replaced.displayLots, terms);
  }
  json.priorityKept = replaced.priorityKept;
}

function decodeTriggered(
  view: DataView,
  offset: number,
  json: Json,
  terms: InstrumentTerms | undefined,
): void {
  triggered.wrap(view, offset);
  putOrder(json, triggered);
  json.orderType = ORDER_TYPE_NAMES[triggered.orderType];
  if (triggered.orderType === OrderType.stopLimit) {
    json.price = priceText(triggered.priceTicks, terms);
  }
  json.stopPrice = priceText(triggered.stopPriceTicks, terms);
  json.lastPrice = priceText(triggered.lastPriceTicks, terms);
  json.leavesQuantity = quantityText(triggered.leavesLots, terms);
}

function decodeInstrument(view: DataView, offset: number, json: Json): void {
  instrument.wrap(view, offset);
  const { tickSize, tickSizeScale, lotSize, lotSizeScale, present } = instrument;
  json.symbol = instrument.symbol;
  putAccount(json);
  json.instrumentId = instrument.instrumentId;
  json.tickSize = formatDecimal(tickSize, tickSizeScale);
  json.lotSize = formatDecimal(lotSize, lotSizeScale);
  json.minQuantity = formatUnits(instrument.minLots, lotSize, lotSizeScale);
  json.maxQuantity = formatUnits(instrument.maxLots, lotSize, lotSizeScale);
  if (instrument.maxNotional !== MAX_INTEGER) {
    const { notionalUnit, quoteAssetScale } = instrument;
    json.maxNotional = formatUnits(instrument.maxNotional, notionalUnit, quoteAssetScale);
  }
  if ((present & InstrumentField.referencePrice) !== 0) {
    json.referencePrice = formatUnits(instrument.referencePriceTicks, tickSize, tickSizeScale);
  }
  if ((present & InstrumentField.priceBandTicks) !== 0) {
    json.priceBandTicks = instrument.priceBandTicks;
  }
  if ((present & InstrumentField.marketProtectionTicks) !== 0) {
    json.marketProtectionTicks = instrument.marketProtectionTicks;
  }
  json.makerFeeRate = formatDecimal(instrument.makerFeeRateE8, RATE_DECIMALS);
  json.takerFeeRate = formatDecimal(instrument.takerFeeRateE8, RATE_DECIMALS);
  json.baseAsset = instrument.baseAsset;
  json.quoteAsset = instrument.quoteAsset;
  json.state = MARKET_STATE_NAMES[instrument.state];
}

function decodeAuction(
  view: DataView,
  offset: number,
  json: Json,
  terms: InstrumentTerms | undefined,
): void {
  auction.wrap(view, offset);
  putAccount(json);
  if ((auction.present & OrderField.price) !== 0) {
    json.price = priceText(auction.priceTicks, terms);
  }
  json.quantity = quantityText(auction.quantityLots, terms);
  json.imbalance = quantityText(auction.imbalanceLots, terms);
  json.imbalanceSide = SIDE_NAMES[auction.imbalanceSide];
}

/** With a symbol: what holds for that instrument alone. */
function decodeAccount(view: DataView, offset: number, json: Json): void {
  account.wrap(view, offset);
  putAccount(json);
  const present = account.present;
  const forInstrument = account.instrumentId !== 0;
  if (!forInstrument) {
    json.selfTradePrevention = SELF_TRADE_PREVENTION_NAMES[account.selfTradePrevention];
    json.mode = ACCOUNT_MODE_NAMES[account.mode];
  }
  if ((present & AccountField.maxOrderQuantity) !== 0) {
    const { maxOrderQuantity, maxOrderQuantityScale } = account;
    json.maxOrderQuantity = formatDecimal(maxOrderQuantity, maxOrderQuantityScale);
  }
  if ((present & AccountField.maxOrderNotional) !== 0) {
    const { maxOrderNotional, maxOrderNotionalScale } = account;
    json.maxOrderNotional = formatDecimal(maxOrderNotional, maxOrderNotionalScale);
  }
  if ((present & AccountField.maxOpenOrders) !== 0) json.maxOpenOrders = account.maxOpenOrders;
  if ((present & AccountField.maxPosition) !== 0) {
    json.maxPosition = formatDecimal(account.maxPosition, account.maxPositionScale);
  }
  if ((present & AccountField.maxGrossNotional) !== 0) {
    const { maxGrossNotional, maxGrossNotionalScale } = account;
    json.maxGrossNotional = formatDecimal(maxGrossNotional, maxGrossNotionalScale);
  }
  if ((present & AccountField.priceCollarTicks) !== 0) {
    json.priceCollarTicks = account.priceCollarTicks;
  }
  if ((present & AccountField.orderRate) !== 0) {
    json.orderRate = { perSecond: account.orderRatePerSecond, burst: account.orderRateBurst };
  }
  if (forInstrument) json.allowed = account.allowed;
  else {
    json.instruments = INSTRUMENT_ACCESS_NAMES[account.instruments];
    json.killSwitchEngaged = account.killSwitchEngaged;
  }
}
