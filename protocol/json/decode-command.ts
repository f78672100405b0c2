// Command records to JSON objects, for audits: what encodeCommand (with `internal`) would take to
// make the record again. Cold.
import { formatDecimal, formatUnits } from "../decimal.ts";
import {
  ADJUST_BALANCE_TEMPLATE_ID,
  ADVANCE_TIME_TEMPLATE_ID,
  AdjustBalance,
  CANCEL_ORDER_TEMPLATE_ID,
  CancelOrder,
  DEFINE_ASSET_TEMPLATE_ID,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  DefineAsset,
  DefineInstrument,
  KILL_SWITCH_TEMPLATE_ID,
  KillSwitch,
  MASS_CANCEL_TEMPLATE_ID,
  MassCancel,
  NEW_ORDER_TEMPLATE_ID,
  NewOrder,
  REPLACE_ORDER_TEMPLATE_ID,
  ReplaceOrder,
  SESSION_END_TEMPLATE_ID,
  SESSION_START_TEMPLATE_ID,
  SET_ACCOUNT_TEMPLATE_ID,
  SET_MARKET_STATE_TEMPLATE_ID,
  SessionEnd,
  SessionStart,
  SetAccount,
  SetMarketState,
  SNAPSHOT_TEMPLATE_ID,
} from "../generated/commands.ts";
import {
  ACCOUNT_MODE_NAMES,
  AccountField,
  CommandFlag,
  INSTRUMENT_ACCESS_NAMES,
  InstrumentField,
  MARKET_STATE_NAMES,
  ORDER_TYPE_NAMES,
  OrderField,
  SELF_TRADE_PREVENTION_NAMES,
  SESSION_END_REASON_NAMES,
  SelfTradePrevention,
  SessionEndReason,
  SIDE_NAMES,
  Side,
  TIME_IN_FORCE_NAMES,
  TimeInForce,
} from "../generated/enums.ts";
import { CommandHeader } from "../generated/headers.ts";
import type { InstrumentDirectory, InstrumentTerms } from "../instrument-directory.ts";
import { RATE_DECIMALS, SCALE_DOES_NOT_FIT, SCALE_TICKS_OR_LOTS } from "../terms.ts";
import { TYPE_NAMES } from "./words.ts";

type Json = Record<string, unknown>;

const header = new CommandHeader();
const newOrder = new NewOrder();
const cancelOrder = new CancelOrder();
const replaceOrder = new ReplaceOrder();
const massCancel = new MassCancel();
const defineInstrument = new DefineInstrument();
const defineAsset = new DefineAsset();
const setMarketState = new SetMarketState();
const setAccount = new SetAccount();
const adjustBalance = new AdjustBalance();
const killSwitch = new KillSwitch();
const sessionStart = new SessionStart();
const sessionEnd = new SessionEnd();

/**
 * The command at offset as a JSON object: type, timestamp (unless 0), requestId, account and its own
 * fields. Its seq and verdict are no part of a command: read them from the header. What a record
 * does not hold is left out (decimals that did not convert); what cannot be said in decimals for
 * want of the instrument stands as priceTicks, quantityLots and so on. Throws a RangeError where
 * there is no command at offset.
 */
export function decodeCommand(
  view: DataView,
  offset: number,
  directory: InstrumentDirectory,
): Json {
  header.wrap(view, offset);
  const json: Json = { type: TYPE_NAMES[header.templateId] };
  if (header.timestampUs !== 0) json.timestamp = header.timestampUs;
  if (header.requestId !== 0) json.requestId = header.requestId;
  if (header.account !== 0) json.account = header.account;
  const terms = directory.get(header.instrumentId);
  switch (header.templateId) {
    case NEW_ORDER_TEMPLATE_ID:
      newOrder.wrap(view, offset);
      decodeNewOrder(json, newOrder, terms);
      break;
    case CANCEL_ORDER_TEMPLATE_ID:
      cancelOrder.wrap(view, offset);
      putOrderReference(json, cancelOrder);
      break;
    case REPLACE_ORDER_TEMPLATE_ID:
      replaceOrder.wrap(view, offset);
      decodeReplaceOrder(json, replaceOrder);
      break;
    case MASS_CANCEL_TEMPLATE_ID:
      massCancel.wrap(view, offset);
      putSymbol(json, terms, massCancel.symbol);
      if (massCancel.side !== Side.none) json.side = SIDE_NAMES[massCancel.side];
      break;
    case DEFINE_INSTRUMENT_TEMPLATE_ID:
      defineInstrument.wrap(view, offset);
      decodeDefineInstrument(json, defineInstrument);
      break;
    case DEFINE_ASSET_TEMPLATE_ID:
      defineAsset.wrap(view, offset);
      json.asset = defineAsset.asset;
      json.scale = defineAsset.scale;
      break;
    case SET_MARKET_STATE_TEMPLATE_ID:
      setMarketState.wrap(view, offset);
      putSymbol(json, terms, setMarketState.symbol);
      json.state = MARKET_STATE_NAMES[setMarketState.state];
      break;
    case SET_ACCOUNT_TEMPLATE_ID:
      setAccount.wrap(view, offset);
      decodeSetAccount(json, setAccount, terms);
      break;
    case ADJUST_BALANCE_TEMPLATE_ID:
      adjustBalance.wrap(view, offset);
      json.asset = adjustBalance.asset;
      putDecimal(json, "amount", adjustBalance.amount, adjustBalance.amountScale);
      if (adjustBalance.reference !== "") json.reference = adjustBalance.reference;
      break;
    case KILL_SWITCH_TEMPLATE_ID:
      killSwitch.wrap(view, offset);
      json.engaged = killSwitch.engaged;
      break;
    case SESSION_START_TEMPLATE_ID:
      sessionStart.wrap(view, offset);
      putSession(json, sessionStart);
      break;
    case SESSION_END_TEMPLATE_ID:
      sessionEnd.wrap(view, offset);
      putSession(json, sessionEnd);
      if (sessionEnd.endReason !== SessionEndReason.none) {
        json.reason = SESSION_END_REASON_NAMES[sessionEnd.endReason];
      }
      break;
    case SNAPSHOT_TEMPLATE_ID:
    case ADVANCE_TIME_TEMPLATE_ID:
      break;
    default:
      throw new RangeError(`template ${header.templateId} is not a command`);
  }
  return json;
}

function putSymbol(json: Json, terms: InstrumentTerms | undefined, asWritten: string): void {
  if (terms !== undefined) json.symbol = terms.symbol;
  else if (asWritten !== "") json.symbol = asWritten;
  else if (header.instrumentId !== 0) json.instrumentId = header.instrumentId;
}

function putPrice(
  json: Json,
  name: string,
  ticks: number,
  terms: InstrumentTerms | undefined,
): void {
  if (terms === undefined) json[`${name}Ticks`] = ticks;
  else json[name] = formatUnits(ticks, terms.tickSize.value, terms.tickSize.scale);
}

function putQuantity(
  json: Json,
  name: string,
  lots: number,
  terms: InstrumentTerms | undefined,
): void {
  if (terms === undefined) json[`${name}Lots`] = lots;
  else json[name] = formatUnits(lots, terms.lotSize.value, terms.lotSize.scale);
}

/** A decimal that did not fit is shown as the smallest one that does not. */
function decimalText(value: number, scale: number): string {
  if (scale === SCALE_DOES_NOT_FIT) return value < 0 ? "-9007199254740992" : "9007199254740992";
  return formatDecimal(value, scale);
}

function putDecimal(json: Json, name: string, value: number, scale: number): void {
  json[name] = decimalText(value, scale);
}

function decodeNewOrder(json: Json, record: NewOrder, terms: InstrumentTerms | undefined): void {
  const present = record.present;
  putSymbol(json, terms, record.symbol);
  if ((present & OrderField.clientOrderId) !== 0) json.clientOrderId = record.clientOrderId;
  json.side = SIDE_NAMES[record.side];
  json.orderType = ORDER_TYPE_NAMES[record.orderType];
  // Binary clients need not set the bit: an order always has a quantity.
  if (record.quantityLots !== 0) putQuantity(json, "quantity", record.quantityLots, terms);
  if ((present & OrderField.price) !== 0) putPrice(json, "price", record.priceTicks, terms);
  if ((present & OrderField.stopPrice) !== 0) {
    putPrice(json, "stopPrice", record.stopPriceTicks, terms);
  }
  if (record.timeInForce !== TimeInForce.none) {
    json.timeInForce = TIME_IN_FORCE_NAMES[record.timeInForce];
  }
  if ((present & OrderField.expireTime) !== 0) json.expireTime = record.expireTimeUs;
  if ((present & OrderField.postOnly) !== 0) json.postOnly = true;
  if ((present & OrderField.displayQuantity) !== 0) {
    putQuantity(json, "displayQuantity", record.displayLots, terms);
  }
  if ((present & OrderField.minQuantity) !== 0) {
    putQuantity(json, "minQuantity", record.minLots, terms);
  }
  if (record.selfTradePrevention !== SelfTradePrevention.unset) {
    json.selfTradePrevention = SELF_TRADE_PREVENTION_NAMES[record.selfTradePrevention];
  }
}

function putOrderReference(
  json: Json,
  record: { readonly clientOrderId: number; readonly orderId: number },
): void {
  if (record.clientOrderId !== 0) json.clientOrderId = record.clientOrderId;
  if (record.orderId !== 0) json.orderId = record.orderId;
}

function decodeReplaceOrder(json: Json, record: ReplaceOrder): void {
  putOrderReference(json, record);
  const present = record.present;
  const put = (name: string, unit: string, value: number, scale: number) => {
    if (scale === SCALE_TICKS_OR_LOTS) json[`${name}${unit}`] = value;
    else putDecimal(json, name, value, scale);
  };
  if ((present & OrderField.price) !== 0) put("price", "Ticks", record.price, record.priceScale);
  if ((present & OrderField.quantity) !== 0) {
    put("quantity", "Lots", record.quantity, record.quantityScale);
  }
  if ((present & OrderField.stopPrice) !== 0) {
    put("stopPrice", "Ticks", record.stopPrice, record.stopPriceScale);
  }
  if ((present & OrderField.displayQuantity) !== 0) {
    put("displayQuantity", "Lots", record.displayQuantity, record.displayQuantityScale);
  }
  if ((record.flags & CommandFlag.openQuantity) !== 0) json.openQuantity = true;
}

function decodeDefineInstrument(json: Json, record: DefineInstrument): void {
  json.symbol = record.symbol;
  const has = (name: keyof typeof InstrumentField): boolean => {
    const field = InstrumentField[name];
    if ((record.present & field) === 0) return false;
    if ((record.cleared & field) === 0) return true;
    json[name] = null;
    return false;
  };
  if (has("tickSize")) putDecimal(json, "tickSize", record.tickSize, record.tickSizeScale);
  if (has("lotSize")) putDecimal(json, "lotSize", record.lotSize, record.lotSizeScale);
  if (has("minQuantity")) {
    putDecimal(json, "minQuantity", record.minQuantity, record.minQuantityScale);
  }
  if (has("maxQuantity")) {
    putDecimal(json, "maxQuantity", record.maxQuantity, record.maxQuantityScale);
  }
  if (has("maxNotional")) {
    putDecimal(json, "maxNotional", record.maxNotional, record.maxNotionalScale);
  }
  if (has("referencePrice")) {
    putDecimal(json, "referencePrice", record.referencePrice, record.referencePriceScale);
  }
  if (has("priceBandTicks")) json.priceBandTicks = record.priceBandTicks;
  if (has("marketProtectionTicks")) json.marketProtectionTicks = record.marketProtectionTicks;
  if (has("makerFeeRate")) json.makerFeeRate = formatDecimal(record.makerFeeRateE8, RATE_DECIMALS);
  if (has("takerFeeRate")) json.takerFeeRate = formatDecimal(record.takerFeeRateE8, RATE_DECIMALS);
  if (has("baseAsset")) json.baseAsset = record.baseAsset;
  if (has("quoteAsset")) json.quoteAsset = record.quoteAsset;
  if (has("state")) json.state = MARKET_STATE_NAMES[record.state];
}

function decodeSetAccount(
  json: Json,
  record: SetAccount,
  terms: InstrumentTerms | undefined,
): void {
  if ((record.present & AccountField.symbol) !== 0) putSymbol(json, terms, record.symbol);
  const has = (name: keyof typeof AccountField): boolean => {
    const field = AccountField[name];
    if ((record.present & field) === 0) return false;
    if ((record.cleared & field) === 0) return true;
    json[name] = null;
    return false;
  };
  if (has("selfTradePrevention")) {
    json.selfTradePrevention = SELF_TRADE_PREVENTION_NAMES[record.selfTradePrevention];
  }
  if (has("mode")) json.mode = ACCOUNT_MODE_NAMES[record.mode];
  if (has("maxOrderQuantity")) {
    putDecimal(json, "maxOrderQuantity", record.maxOrderQuantity, record.maxOrderQuantityScale);
  }
  if (has("maxOrderNotional")) {
    putDecimal(json, "maxOrderNotional", record.maxOrderNotional, record.maxOrderNotionalScale);
  }
  if (has("maxOpenOrders")) json.maxOpenOrders = record.maxOpenOrders;
  if (has("maxPosition")) {
    putDecimal(json, "maxPosition", record.maxPosition, record.maxPositionScale);
  }
  if (has("maxGrossNotional")) {
    putDecimal(json, "maxGrossNotional", record.maxGrossNotional, record.maxGrossNotionalScale);
  }
  if (has("priceCollarTicks")) json.priceCollarTicks = record.priceCollarTicks;
  if (has("orderRate")) {
    json.orderRate = { perSecond: record.orderRatePerSecond, burst: record.orderRateBurst };
  }
  if (has("instruments")) json.instruments = INSTRUMENT_ACCESS_NAMES[record.instruments];
  if (has("allowed")) json.allowed = record.allowed;
}

function putSession(
  json: Json,
  record: { readonly keyId: string; readonly cancelOnDisconnect: boolean },
): void {
  if (record.keyId !== "") json.keyId = record.keyId;
  json.cancelOnDisconnect = record.cancelOnDisconnect;
}
