// newOrder, cancelOrder, replaceOrder, massCancel: JSON to records.
import type { DecimalReader } from "../decimal.ts";
import { CancelOrder, MassCancel, NewOrder, ReplaceOrder } from "../generated/commands.ts";
import {
  CommandFlag,
  OrderField,
  OrderType,
  RejectReason,
  type SelfTradePrevention,
  type Side,
  TimeInForce,
} from "../generated/enums.ts";
import type { InstrumentDirectory, InstrumentTerms } from "../instrument-directory.ts";
import { MAX_PRICE_TICKS, MIN_PRICE_TICKS } from "../terms.ts";
import { type EncodeOptions, encodeHeader, encodeSymbol, refuse } from "./command-header.ts";
import { invalid } from "./errors.ts";
import { booleanField, decimalField, integerField, type JsonObject, wordField } from "./fields.ts";
import { ORDER_TYPES, SELF_TRADE_PREVENTIONS, SIDES, TIMES_IN_FORCE } from "./words.ts";

export const NEW_ORDER_FIELDS = [
  "symbol",
  "clientOrderId",
  "side",
  "orderType",
  "quantity",
  "price",
  "stopPrice",
  "timeInForce",
  "expireTime",
  "postOnly",
  "displayQuantity",
  "minQuantity",
  "selfTradePrevention",
] as const;
export const CANCEL_ORDER_FIELDS = ["clientOrderId", "orderId"] as const;
export const REPLACE_ORDER_FIELDS = [
  "clientOrderId",
  "orderId",
  "price",
  "quantity",
  "stopPrice",
  "displayQuantity",
] as const;
export const MASS_CANCEL_FIELDS = ["symbol", "side"] as const;

const newOrder = new NewOrder();
const cancelOrder = new CancelOrder();
const replaceOrder = new ReplaceOrder();
const massCancel = new MassCancel();

export function encodeNewOrder(
  json: JsonObject,
  directory: InstrumentDirectory,
  view: DataView,
  offset: number,
  options: EncodeOptions,
): void {
  const record = newOrder;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, options.accountRequired);
  const terms = encodeSymbol(json.symbol, directory, view, offset, record);
  // Its decimals cannot wait for a definition that is under way.
  if (terms === undefined) refuse(view, offset, RejectReason.unknownSymbol);
  record.side = wordField("side", json.side, SIDES) as Side;
  const orderType = wordField("orderType", json.orderType, ORDER_TYPES) as OrderType;
  record.orderType = orderType;
  const timeInForce = json.timeInForce;
  if (timeInForce !== undefined) {
    record.timeInForce = wordField("timeInForce", timeInForce, TIMES_IN_FORCE) as TimeInForce;
  } else {
    record.timeInForce = orderType === OrderType.market ? TimeInForce.ioc : TimeInForce.gtc;
  }

  let present = 0;
  const clientOrderId = json.clientOrderId;
  if (clientOrderId !== undefined) {
    record.clientOrderId = integerField("clientOrderId", clientOrderId, 1);
    present |= OrderField.clientOrderId;
  }
  const price = json.price;
  if (price !== undefined) {
    const ticks = ticksOf(decimalField("price", price), terms, view, offset);
    if (!Number.isNaN(ticks)) {
      record.priceTicks = ticks;
      present |= OrderField.price;
    }
  }
  const stopPrice = json.stopPrice;
  if (stopPrice !== undefined) {
    const ticks = ticksOf(decimalField("stopPrice", stopPrice), terms, view, offset);
    if (!Number.isNaN(ticks)) {
      record.stopPriceTicks = ticks;
      present |= OrderField.stopPrice;
    }
  }
  const lots = lotsOf(decimalField("quantity", json.quantity), terms, view, offset);
  if (lots > 0) {
    record.quantityLots = lots;
    present |= OrderField.quantity;
  }
  const displayQuantity = json.displayQuantity;
  if (displayQuantity !== undefined) {
    const display = lotsOf(decimalField("displayQuantity", displayQuantity), terms, view, offset);
    if (display > 0) {
      record.displayLots = display;
      present |= OrderField.displayQuantity;
    }
  }
  const minQuantity = json.minQuantity;
  if (minQuantity !== undefined) {
    const min = lotsOf(decimalField("minQuantity", minQuantity), terms, view, offset);
    if (min > 0) {
      record.minLots = min;
      present |= OrderField.minQuantity;
    }
  }
  const expireTime = json.expireTime;
  if (expireTime !== undefined) {
    record.expireTimeUs = integerField("expireTime", expireTime, 1);
    present |= OrderField.expireTime;
  }
  const postOnly = json.postOnly;
  if (postOnly !== undefined && booleanField("postOnly", postOnly)) {
    present |= OrderField.postOnly;
  }
  const selfTradePrevention = json.selfTradePrevention;
  if (selfTradePrevention !== undefined) {
    record.selfTradePrevention = wordField(
      "selfTradePrevention",
      selfTradePrevention,
      SELF_TRADE_PREVENTIONS,
    ) as SelfTradePrevention;
  }
  record.present = present;
}

/** NaN: refused (or the instrument is not known, which has refused the command already). */
function ticksOf(
  decimal: DecimalReader,
  terms: InstrumentTerms | undefined,
  view: DataView,
  offset: number,
): number {
  if (terms === undefined) return Number.NaN;
  const ticks = decimal.toUnits(terms.tickSize);
  if (ticks >= MIN_PRICE_TICKS && ticks <= MAX_PRICE_TICKS) return ticks;
  const offTick = Number.isNaN(ticks);
  refuse(view, offset, offTick ? RejectReason.priceOffTick : RejectReason.priceOutOfRange);
  return Number.NaN;
}

/** 0: refused (or the instrument is not known, which has refused the command already). */
function lotsOf(
  decimal: DecimalReader,
  terms: InstrumentTerms | undefined,
  view: DataView,
  offset: number,
): number {
  if (terms === undefined) return 0;
  if (decimal.value <= 0) {
    refuse(view, offset, RejectReason.invalidQuantity);
    return 0;
  }
  const lots = decimal.toUnits(terms.lotSize);
  if (Number.isFinite(lots)) return lots;
  const offLot = Number.isNaN(lots);
  refuse(view, offset, offLot ? RejectReason.quantityOffLot : RejectReason.quantityTooLarge);
  return 0;
}

export function encodeCancelOrder(
  json: JsonObject,
  view: DataView,
  offset: number,
  options: EncodeOptions,
): void {
  const record = cancelOrder;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, options.accountRequired);
  encodeOrderReference(json, view, offset, record);
}

export function encodeReplaceOrder(
  json: JsonObject,
  view: DataView,
  offset: number,
  options: EncodeOptions,
): void {
  const record = replaceOrder;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, options.accountRequired);
  encodeOrderReference(json, view, offset, record);
  let present = 0;
  if (json.price !== undefined) {
    const decimal = decimalField("price", json.price);
    record.price = decimal.value;
    record.priceScale = decimal.scale;
    present |= OrderField.price;
  }
  if (json.quantity !== undefined) {
    const decimal = decimalField("quantity", json.quantity);
    record.quantity = decimal.value;
    record.quantityScale = decimal.scale;
    present |= OrderField.quantity;
  }
  if (json.stopPrice !== undefined) {
    const decimal = decimalField("stopPrice", json.stopPrice);
    record.stopPrice = decimal.value;
    record.stopPriceScale = decimal.scale;
    present |= OrderField.stopPrice;
  }
  if (json.displayQuantity !== undefined) {
    const decimal = decimalField("displayQuantity", json.displayQuantity);
    record.displayQuantity = decimal.value;
    record.displayQuantityScale = decimal.scale;
    present |= OrderField.displayQuantity;
  }
  record.present = present;
  const openQuantity = json.openQuantity;
  if (openQuantity !== undefined && booleanField("openQuantity", openQuantity)) {
    record.flags |= CommandFlag.openQuantity;
  }
}

/** One of clientOrderId and orderId; both do not go together. */
function encodeOrderReference(
  json: JsonObject,
  view: DataView,
  offset: number,
  record: { clientOrderId: number; orderId: number },
): void {
  const { clientOrderId, orderId } = json;
  if (clientOrderId !== undefined) {
    record.clientOrderId = integerField("clientOrderId", clientOrderId, 1);
  }
  if (orderId !== undefined) {
    record.orderId = integerField("orderId", orderId, 1);
    if (clientOrderId !== undefined) refuse(view, offset, RejectReason.invalidCombination);
  } else if (clientOrderId === undefined) {
    throw invalid("clientOrderId or orderId is missing: an integer from 1 to 9007199254740991");
  }
}

export function encodeMassCancel(
  json: JsonObject,
  directory: InstrumentDirectory,
  view: DataView,
  offset: number,
  options: EncodeOptions,
): void {
  const record = massCancel;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, options.accountRequired);
  const { symbol, side } = json;
  if (symbol !== undefined) encodeSymbol(symbol, directory, view, offset, record);
  if (side !== undefined) record.side = wordField("side", side, SIDES) as Side;
}
