// Admin commands and the sequencer's own: JSON to records. All cold.
import { decimalToUnits } from "../decimal.ts";
import {
  AdjustBalance,
  AdvanceTime,
  DefineAsset,
  DefineInstrument,
  KillSwitch,
  SessionEnd,
  SessionStart,
  SetAccount,
  SetMarketState,
  Snapshot,
} from "../generated/commands.ts";
import {
  AccountField,
  type AccountMode,
  type InstrumentAccess,
  InstrumentField,
  type MarketState,
  RejectReason,
  type SelfTradePrevention,
  type SessionEndReason,
} from "../generated/enums.ts";
import type { InstrumentDirectory } from "../instrument-directory.ts";
import { RATE_DECIMALS, SCALE_DOES_NOT_FIT, SYMBOL_PATTERN } from "../terms.ts";
import { type EncodeOptions, encodeHeader, encodeSymbol, refuse } from "./command-header.ts";
import { CommandError, invalid } from "./errors.ts";
import {
  booleanField,
  checkFieldNames,
  decimalField,
  fitsText,
  integerField,
  type JsonObject,
  stringField,
  wordField,
  wrong,
} from "./fields.ts";
import {
  ACCOUNT_MODES,
  INSTRUMENT_ACCESSES,
  MARKET_STATES,
  SELF_TRADE_PREVENTIONS,
  SESSION_END_REASONS,
} from "./words.ts";

const MAX_UINT = 4294967295;
const MAX_INT = 2147483647;
const MAX_BYTE = 255;
/** At a finer scale one whole unit of the asset would hardly fit into 2^53. */
const MAX_ASSET_SCALE = 15;

export const DEFINE_INSTRUMENT_FIELDS = [
  "symbol",
  "tickSize",
  "lotSize",
  "minQuantity",
  "maxQuantity",
  "maxNotional",
  "referencePrice",
  "priceBandTicks",
  "marketProtectionTicks",
  "makerFeeRate",
  "takerFeeRate",
  "baseAsset",
  "quoteAsset",
  "state",
] as const;
export const DEFINE_ASSET_FIELDS = ["asset", "scale"] as const;
export const SET_MARKET_STATE_FIELDS = ["symbol", "state"] as const;
export const SET_ACCOUNT_FIELDS = [
  "symbol",
  "selfTradePrevention",
  "mode",
  "maxOrderQuantity",
  "maxOrderNotional",
  "maxOpenOrders",
  "maxPosition",
  "maxGrossNotional",
  "priceCollarTicks",
  "orderRate",
  "instruments",
  "allowed",
] as const;
export const ADJUST_BALANCE_FIELDS = ["asset", "amount", "reference"] as const;
export const KILL_SWITCH_FIELDS = ["engaged"] as const;
export const SESSION_START_FIELDS = ["keyId", "cancelOnDisconnect"] as const;
export const SESSION_END_FIELDS = ["keyId", "cancelOnDisconnect", "reason"] as const;
const ORDER_RATE_FIELDS: ReadonlySet<string> = new Set(["perSecond", "burst"]);

const defineInstrument = new DefineInstrument();
const defineAsset = new DefineAsset();
const setMarketState = new SetMarketState();
const setAccount = new SetAccount();
const adjustBalance = new AdjustBalance();
const killSwitch = new KillSwitch();
const snapshot = new Snapshot();
const sessionStart = new SessionStart();
const sessionEnd = new SessionEnd();
const advanceTime = new AdvanceTime();

export function encodeDefineInstrument(json: JsonObject, view: DataView, offset: number): void {
  const record = defineInstrument;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, false);
  const symbol = stringField("symbol", json.symbol);
  if (fitsText(symbol, 16)) record.symbol = symbol;
  if (!SYMBOL_PATTERN.test(symbol)) refuse(view, offset, RejectReason.invalidDefinition);

  let present = 0;
  let cleared = 0;
  /** True where the field has a value; null is noted as such. */
  const given = (name: keyof typeof InstrumentField, nullable: boolean): boolean => {
    const value = json[name];
    if (value === undefined) return false;
    present |= InstrumentField[name];
    if (!nullable || value !== null) return true;
    cleared |= InstrumentField[name];
    return false;
  };
  const decimal = (name: keyof typeof InstrumentField) => {
    const reader = decimalField(name, json[name]);
    if (reader.scale === SCALE_DOES_NOT_FIT) refuse(view, offset, RejectReason.invalidDefinition);
    return reader;
  };
  const rate = (name: keyof typeof InstrumentField): number => {
    const reader = decimalField(name, json[name]);
    const units = decimalToUnits(reader.value, reader.scale, 1, RATE_DECIMALS);
    if (Math.abs(units) <= MAX_INT) return units;
    refuse(view, offset, RejectReason.invalidDefinition);
    return 0;
  };
  const asset = (name: "baseAsset" | "quoteAsset"): string => {
    const text = stringField(name, json[name]);
    if (!SYMBOL_PATTERN.test(text)) refuse(view, offset, RejectReason.invalidDefinition);
    return fitsText(text, 16) ? text : "";
  };

  if (given("tickSize", false)) {
    const { value, scale } = decimal("tickSize");
    record.tickSize = value;
    record.tickSizeScale = scale;
  }
  if (given("lotSize", false)) {
    const { value, scale } = decimal("lotSize");
    record.lotSize = value;
    record.lotSizeScale = scale;
  }
  if (given("minQuantity", true)) {
    const { value, scale } = decimal("minQuantity");
    record.minQuantity = value;
    record.minQuantityScale = scale;
  }
  if (given("maxQuantity", true)) {
    const { value, scale } = decimal("maxQuantity");
    record.maxQuantity = value;
    record.maxQuantityScale = scale;
  }
  if (given("maxNotional", true)) {
    const { value, scale } = decimal("maxNotional");
    record.maxNotional = value;
    record.maxNotionalScale = scale;
  }
  if (given("referencePrice", true)) {
    const { value, scale } = decimal("referencePrice");
    record.referencePrice = value;
    record.referencePriceScale = scale;
  }
  if (given("priceBandTicks", true)) {
    record.priceBandTicks = integerField("priceBandTicks", json.priceBandTicks, 0, MAX_UINT);
  }
  if (given("marketProtectionTicks", true)) {
    const ticks = json.marketProtectionTicks;
    record.marketProtectionTicks = integerField("marketProtectionTicks", ticks, 0, MAX_UINT);
  }
  if (given("makerFeeRate", false)) record.makerFeeRateE8 = rate("makerFeeRate");
  if (given("takerFeeRate", false)) record.takerFeeRateE8 = rate("takerFeeRate");
  if (given("baseAsset", false)) record.baseAsset = asset("baseAsset");
  if (given("quoteAsset", false)) record.quoteAsset = asset("quoteAsset");
  if (given("state", false)) {
    record.state = wordField("state", json.state, MARKET_STATES) as MarketState;
  }
  record.present = present;
  record.cleared = cleared;
}

export function encodeDefineAsset(json: JsonObject, view: DataView, offset: number): void {
  const record = defineAsset;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, false);
  const asset = stringField("asset", json.asset);
  if (fitsText(asset, 16)) record.asset = asset;
  if (!SYMBOL_PATTERN.test(asset)) refuse(view, offset, RejectReason.invalidDefinition);
  record.scale = integerField("scale", json.scale, 0, MAX_BYTE);
  if (record.scale > MAX_ASSET_SCALE) refuse(view, offset, RejectReason.invalidDefinition);
}

export function encodeSetMarketState(
  json: JsonObject,
  directory: InstrumentDirectory,
  view: DataView,
  offset: number,
): void {
  const record = setMarketState;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, false);
  encodeSymbol(json.symbol, directory, view, offset, record);
  record.state = wordField("state", json.state, MARKET_STATES) as MarketState;
}

export function encodeSetAccount(
  json: JsonObject,
  directory: InstrumentDirectory,
  view: DataView,
  offset: number,
): void {
  const record = setAccount;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, true);

  let present = 0;
  let cleared = 0;
  if (json.symbol !== undefined) {
    present |= AccountField.symbol;
    encodeSymbol(json.symbol, directory, view, offset, record);
  }
  const given = (name: keyof typeof AccountField, nullable: boolean): boolean => {
    const value = json[name];
    if (value === undefined) return false;
    present |= AccountField[name];
    if (!nullable || value !== null) return true;
    cleared |= AccountField[name];
    return false;
  };
  const limit = (name: keyof typeof AccountField) => {
    const reader = decimalField(name, json[name]);
    if (reader.value < 0 || reader.scale === SCALE_DOES_NOT_FIT) {
      refuse(view, offset, RejectReason.amountOutOfRange);
    }
    return reader;
  };

  if (given("selfTradePrevention", false)) {
    const mode = wordField("selfTradePrevention", json.selfTradePrevention, SELF_TRADE_PREVENTIONS);
    record.selfTradePrevention = mode as SelfTradePrevention;
  }
  if (given("mode", false)) {
    record.mode = wordField("mode", json.mode, ACCOUNT_MODES) as AccountMode;
  }
  if (given("maxOrderQuantity", true)) {
    const { value, scale } = limit("maxOrderQuantity");
    record.maxOrderQuantity = value;
    record.maxOrderQuantityScale = scale;
  }
  if (given("maxOrderNotional", true)) {
    const { value, scale } = limit("maxOrderNotional");
    record.maxOrderNotional = value;
    record.maxOrderNotionalScale = scale;
  }
  if (given("maxOpenOrders", true)) {
    record.maxOpenOrders = integerField("maxOpenOrders", json.maxOpenOrders, 0, MAX_UINT);
  }
  if (given("maxPosition", true)) {
    const { value, scale } = limit("maxPosition");
    record.maxPosition = value;
    record.maxPositionScale = scale;
  }
  if (given("maxGrossNotional", true)) {
    const { value, scale } = limit("maxGrossNotional");
    record.maxGrossNotional = value;
    record.maxGrossNotionalScale = scale;
  }
  if (given("priceCollarTicks", true)) {
    const ticks = json.priceCollarTicks;
    record.priceCollarTicks = integerField("priceCollarTicks", ticks, 0, MAX_UINT);
  }
  if (given("orderRate", true)) {
    const rate = orderRateField(json.orderRate);
    record.orderRatePerSecond = integerField("perSecond", rate.perSecond, 0, MAX_UINT);
    record.orderRateBurst = integerField("burst", rate.burst, 0, MAX_UINT);
  }
  if (given("instruments", false)) {
    const access = wordField("instruments", json.instruments, INSTRUMENT_ACCESSES);
    record.instruments = access as InstrumentAccess;
  }
  if (given("allowed", false)) {
    record.allowed = booleanField("allowed", json.allowed);
    if (json.symbol === undefined) refuse(view, offset, RejectReason.invalidCombination);
  }
  record.present = present;
  record.cleared = cleared;
}

function orderRateField(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong("orderRate", value, 'null or an object such as {"perSecond":100,"burst":200}');
  }
  checkFieldNames(value as JsonObject, ORDER_RATE_FIELDS, "orderRate");
  return value as JsonObject;
}

export function encodeAdjustBalance(json: JsonObject, view: DataView, offset: number): void {
  const record = adjustBalance;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, true);
  const asset = stringField("asset", json.asset);
  if (fitsText(asset, 16)) record.asset = asset;
  else refuse(view, offset, RejectReason.unknownAsset);
  const { value, scale } = decimalField("amount", json.amount);
  if (scale === SCALE_DOES_NOT_FIT) refuse(view, offset, RejectReason.amountOutOfRange);
  record.amount = value;
  record.amountScale = scale;
  const reference = json.reference;
  if (reference !== undefined) {
    const text = stringField("reference", reference);
    if (text !== "" && !fitsText(text, 32)) {
      throw invalid("reference must be at most 32 printable ASCII characters");
    }
    record.reference = text;
  }
}

export function encodeKillSwitch(
  json: JsonObject,
  view: DataView,
  offset: number,
  options: EncodeOptions,
): void {
  const record = killSwitch;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, options.accountRequired);
  record.engaged = booleanField("engaged", json.engaged);
  if (!record.engaged && !options.admin) {
    throw new CommandError("notAuthorized", "only an admin may release a kill switch");
  }
}

export function encodeSnapshot(json: JsonObject, view: DataView, offset: number): void {
  snapshot.wrap(view, offset);
  snapshot.clear();
  encodeHeader(json, view, offset, false);
}

export function encodeSessionStart(json: JsonObject, view: DataView, offset: number): void {
  const record = sessionStart;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, true);
  encodeSession(json, record);
}

export function encodeSessionEnd(json: JsonObject, view: DataView, offset: number): void {
  const record = sessionEnd;
  record.wrap(view, offset);
  record.clear();
  encodeHeader(json, view, offset, true);
  encodeSession(json, record);
  const reason = json.reason;
  if (reason !== undefined) {
    record.endReason = wordField("reason", reason, SESSION_END_REASONS) as SessionEndReason;
  }
}

function encodeSession(
  json: JsonObject,
  record: { keyId: string; cancelOnDisconnect: boolean },
): void {
  const { keyId, cancelOnDisconnect } = json;
  if (keyId !== undefined) {
    const text = stringField("keyId", keyId);
    if (!fitsText(text, 16)) throw invalid("keyId must be 1 to 16 printable ASCII characters");
    record.keyId = text;
  }
  if (cancelOnDisconnect !== undefined) {
    record.cancelOnDisconnect = booleanField("cancelOnDisconnect", cancelOnDisconnect);
  }
}

/** Its timestamp is the one of the header. */
export function encodeAdvanceTime(json: JsonObject, view: DataView, offset: number): void {
  advanceTime.wrap(view, offset);
  advanceTime.clear();
  encodeHeader(json, view, offset, false);
  if (json.timestamp === undefined) throw wrong("timestamp", undefined, "an integer");
}
