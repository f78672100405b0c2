// What a defineInstrument means: decimals to ticks and lots, defaults, and what may not change.
import { decimalToUnits } from "../../protocol/decimal.ts";
import type { DefineInstrument } from "../../protocol/generated/commands.ts";
import { InstrumentField, MarketState, RejectReason } from "../../protocol/generated/enums.ts";
import {
  MAX_INTEGER,
  MAX_PRICE_TICKS,
  MIN_PRICE_TICKS,
  SCALE_DOES_NOT_FIT,
  SCALE_TICKS_OR_LOTS,
  SYMBOL_PATTERN,
} from "../../protocol/terms.ts";
import { MAX_FEE_RATE_E8 } from "../matching/fees.ts";
import { type Assets, MAX_ASSET_SCALE } from "./assets.ts";

export interface Decimal {
  readonly value: number;
  readonly scale: number;
}

/** Terms of an instrument as they hold. Quantities in lots, prices in ticks, rates in 10^-8. */
export interface InstrumentTerms {
  readonly symbol: string;
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly baseScale: number;
  readonly quoteScale: number;
  /** Quote asset units in one tick × lot. */
  readonly notionalUnit: number;
  readonly minLots: number;
  readonly maxLots: number;
  /** In ticks × lots; MAX_INTEGER: no limit. */
  readonly maxNotional: number;
  readonly referencePriceTicks: number | null;
  readonly priceBandTicks: number | null;
  readonly marketProtectionTicks: number | null;
  readonly makerFeeRateE8: number;
  readonly takerFeeRateE8: number;
}

/**
 * The terms, or the reason why there is no such instrument. Defines nothing. before, state: of the
 * instrument, where there is one.
 */
export function readDefinition(
  command: DefineInstrument,
  before: InstrumentTerms | undefined,
  state: number,
  assets: Assets,
): InstrumentTerms | RejectReason {
  const symbol = command.symbol;
  if (before !== undefined) {
    if (changesFixed(command, before, state)) return RejectReason.instrumentFixed;
    const limits = readLimits(command, before.tickSize, before.lotSize, before);
    return limits === undefined ? RejectReason.invalidDefinition : { ...before, ...limits };
  }
  if (!SYMBOL_PATTERN.test(symbol)) return RejectReason.invalidDefinition;
  const required = InstrumentField.tickSize | InstrumentField.lotSize;
  if ((command.present & required) !== required) return RejectReason.invalidDefinition;
  if (firstState(command) > MarketState.closed) return RejectReason.invalidDefinition;
  const tickSize = size(command.tickSize, command.tickSizeScale);
  const lotSize = size(command.lotSize, command.lotSizeScale);
  if (tickSize === undefined || lotSize === undefined) return RejectReason.invalidDefinition;
  const limits = readLimits(command, tickSize, lotSize, undefined);
  if (limits === undefined) return RejectReason.invalidDefinition;
  const units = readUnits(command, tickSize, lotSize, assets);
  if (typeof units === "number") return units;
  return { symbol, tickSize, lotSize, ...units, ...limits };
}

type Units = Pick<
  InstrumentTerms,
  "baseAsset" | "quoteAsset" | "baseScale" | "quoteScale" | "notionalUnit"
>;
type Limits = Omit<InstrumentTerms, keyof Units | "symbol" | "tickSize" | "lotSize">;

/** The assets, and what a lot and a tick × lot are in their units. */
function readUnits(
  command: DefineInstrument,
  tickSize: Decimal,
  lotSize: Decimal,
  assets: Assets,
): Units | RejectReason {
  const { base, quote } = assetNames(command);
  if (!SYMBOL_PATTERN.test(base) || !SYMBOL_PATTERN.test(quote) || base === quote) {
    return RejectReason.invalidDefinition;
  }
  let notional = BigInt(tickSize.value) * BigInt(lotSize.value);
  let scale = tickSize.scale + lotSize.scale;
  for (; scale > 0 && notional % 10n === 0n; scale--) notional /= 10n;
  if (lotSize.scale > MAX_ASSET_SCALE || scale > MAX_ASSET_SCALE) {
    return RejectReason.invalidDefinition;
  }
  const baseScale = assets.find(base)?.scale ?? lotSize.scale;
  const quoteScale = assets.find(quote)?.scale ?? scale;
  if (baseScale < lotSize.scale || quoteScale < scale) return RejectReason.unitMismatch;
  const lotUnits = BigInt(lotSize.value) * 10n ** BigInt(baseScale - lotSize.scale);
  const notionalUnit = notional * 10n ** BigInt(quoteScale - scale);
  if (lotUnits > BigInt(MAX_INTEGER) || notionalUnit > BigInt(MAX_INTEGER)) {
    return RejectReason.invalidDefinition;
  }
  return {
    baseAsset: base,
    quoteAsset: quote,
    baseScale,
    quoteScale,
    notionalUnit: Number(notionalUnit),
  };
}

/** The assets a command names, else the parts of the symbol around its last - / _ or point. */
function assetNames(command: DefineInstrument): { base: string; quote: string } {
  const { symbol, present } = command;
  const at = Math.max(...["-", "/", "_", "."].map((mark) => symbol.lastIndexOf(mark)));
  const split = at >= 0;
  return {
    base:
      (present & InstrumentField.baseAsset) !== 0
        ? command.baseAsset
        : symbol.slice(0, split ? at : symbol.length),
    quote:
      (present & InstrumentField.quoteAsset) !== 0
        ? command.quoteAsset
        : split
          ? symbol.slice(at + 1)
          : "USD",
  };
}

function changesFixed(command: DefineInstrument, before: InstrumentTerms, state: number): boolean {
  const { present } = command;
  const differs = (value: number, scale: number, now: Decimal): boolean => {
    const then = size(value, scale);
    return then === undefined || then.value !== now.value || then.scale !== now.scale;
  };
  return (
    ((present & InstrumentField.tickSize) !== 0 &&
      differs(command.tickSize, command.tickSizeScale, before.tickSize)) ||
    ((present & InstrumentField.lotSize) !== 0 &&
      differs(command.lotSize, command.lotSizeScale, before.lotSize)) ||
    ((present & InstrumentField.baseAsset) !== 0 && command.baseAsset !== before.baseAsset) ||
    ((present & InstrumentField.quoteAsset) !== 0 && command.quoteAsset !== before.quoteAsset) ||
    ((present & InstrumentField.state) !== 0 && command.state !== state)
  );
}

/** Undefined where one of them is not valid. */
function readLimits(
  command: DefineInstrument,
  tickSize: Decimal,
  lotSize: Decimal,
  before: InstrumentTerms | undefined,
): Limits | undefined {
  const { present, cleared } = command;
  /** What now holds of a field: as given, taken away (null), or as before. */
  const choose = <T>(field: number, given: () => T, none: T, kept: T | undefined): T => {
    if ((present & field) === 0) return kept === undefined ? none : kept;
    return (cleared & field) !== 0 ? none : given();
  };
  const lots = (value: number, scale: number): number => {
    if (scale === SCALE_TICKS_OR_LOTS) return value;
    if (scale === SCALE_DOES_NOT_FIT) return Number.NaN;
    return decimalToUnits(value, scale, lotSize.value, lotSize.scale);
  };
  const minLots = choose(
    InstrumentField.minQuantity,
    () => lots(command.minQuantity, command.minQuantityScale),
    1,
    before?.minLots,
  );
  const maxLots = choose(
    InstrumentField.maxQuantity,
    () => Math.min(lots(command.maxQuantity, command.maxQuantityScale), MAX_INTEGER),
    MAX_INTEGER,
    before?.maxLots,
  );
  const maxNotional = choose(
    InstrumentField.maxNotional,
    () => wholeNotionals(command.maxNotional, command.maxNotionalScale, tickSize, lotSize),
    MAX_INTEGER,
    before?.maxNotional,
  );
  const referencePriceTicks = choose<number | null>(
    InstrumentField.referencePrice,
    () =>
      command.referencePriceScale === SCALE_TICKS_OR_LOTS
        ? command.referencePrice
        : decimalToUnits(
            command.referencePrice,
            command.referencePriceScale,
            tickSize.value,
            tickSize.scale,
          ),
    null,
    before?.referencePriceTicks,
  );
  const makerFeeRateE8 = choose(
    InstrumentField.makerFeeRate,
    () => command.makerFeeRateE8,
    0,
    before?.makerFeeRateE8,
  );
  const takerFeeRateE8 = choose(
    InstrumentField.takerFeeRate,
    () => command.takerFeeRateE8,
    0,
    before?.takerFeeRateE8,
  );
  const fits =
    minLots >= 1 && // false for NaN too
    minLots <= maxLots &&
    maxNotional >= 1 &&
    (referencePriceTicks === null ||
      (referencePriceTicks >= MIN_PRICE_TICKS && referencePriceTicks <= MAX_PRICE_TICKS)) &&
    Math.abs(makerFeeRateE8) <= MAX_FEE_RATE_E8 &&
    Math.abs(takerFeeRateE8) <= MAX_FEE_RATE_E8;
  if (!fits) return undefined;
  return {
    minLots,
    maxLots,
    maxNotional,
    referencePriceTicks,
    makerFeeRateE8,
    takerFeeRateE8,
    priceBandTicks: choose<number | null>(
      InstrumentField.priceBandTicks,
      () => command.priceBandTicks,
      null,
      before?.priceBandTicks,
    ),
    marketProtectionTicks: choose<number | null>(
      InstrumentField.marketProtectionTicks,
      () => command.marketProtectionTicks,
      null,
      before?.marketProtectionTicks,
    ),
  };
}

/** A tick or lot size without trailing zeros; undefined where it is none. */
function size(value: number, scale: number): Decimal | undefined {
  if (value <= 0 || scale >= SCALE_DOES_NOT_FIT) return undefined;
  let digits = value;
  let decimals = scale;
  for (; decimals > 0 && digits % 10 === 0; decimals--) digits /= 10;
  return { value: digits, scale: decimals };
}

/** A limit in quote units as whole tick × lots, rounded down: no larger notional passes either way. */
function wholeNotionals(value: number, scale: number, tick: Decimal, lot: Decimal): number {
  if (scale === SCALE_TICKS_OR_LOTS) return value;
  if (value <= 0) return 0;
  const shift = tick.scale + lot.scale - scale;
  const numerator = BigInt(value) * 10n ** BigInt(Math.max(shift, 0));
  const divisor = BigInt(tick.value) * BigInt(lot.value) * 10n ** BigInt(Math.max(-shift, 0));
  const whole = numerator / divisor;
  return whole > BigInt(MAX_INTEGER) ? MAX_INTEGER : Number(whole);
}

/** The state of an instrument that is defined for the first time. */
export function firstState(command: DefineInstrument): MarketState {
  const given = (command.present & InstrumentField.state) !== 0 ? command.state : MarketState.unset;
  return given === MarketState.unset ? MarketState.continuous : given;
}
