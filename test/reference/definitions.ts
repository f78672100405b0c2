import {
  InstrumentField,
  MarketState,
  RejectReason,
  Side,
} from "../../protocol/generated/enums.ts";
import {
  MAX_INTEGER,
  MAX_PRICE_TICKS,
  MIN_PRICE_TICKS,
  SCALE_DOES_NOT_FIT,
  SCALE_TICKS_OR_LOTS,
  SYMBOL_PATTERN,
} from "../../protocol/terms.ts";
import type { ReferenceCapacity } from "./capacity.ts";
import { type Decimal, decimal, divide, inUnits, times } from "./decimals.ts";
import type { EventList } from "./event-list.ts";
import type { PlainCommandOf } from "./records.ts";
import type { Asset, Instrument } from "./state.ts";

const MAX_ASSET_SCALE = 15;
const MAX_RATE_E8 = 100_000_000;

type Definition = PlainCommandOf<"DefineInstrument">;

/** What an instrument may be given again at any time. */
type Settings = Pick<
  Instrument,
  | "minimumLots"
  | "maximumLots"
  | "maximumNotional"
  | "referencePriceTicks"
  | "priceBandTicks"
  | "marketProtectionTicks"
  | "makerFeeRate"
  | "takerFeeRate"
>;

/** Assets, instruments and what is set for them. */
export class Definitions {
  /** Instrument n at n−1. */
  readonly instruments: Instrument[] = [];
  /** Asset n at n−1. */
  readonly assets: Asset[] = [];
  readonly #capacity: ReferenceCapacity;
  readonly #events: EventList;

  constructor(capacity: ReferenceCapacity, events: EventList) {
    this.#capacity = capacity;
    this.#events = events;
  }

  instrument(id: number): Instrument | undefined {
    return this.instruments[id - 1];
  }

  /** By id where there is one, else by symbol. */
  find(id: number, symbol: string): Instrument | undefined {
    if (id !== 0) return this.instrument(id);
    return this.instruments.find((instrument) => instrument.symbol === symbol);
  }

  defineAsset(command: PlainCommandOf<"DefineAsset">): RejectReason {
    if (!SYMBOL_PATTERN.test(command.asset) || command.scale > MAX_ASSET_SCALE) {
      return RejectReason.invalidDefinition;
    }
    let asset = this.#asset(command.asset);
    if (asset !== undefined && asset.scale !== command.scale) return RejectReason.assetFixed;
    if (asset === undefined) {
      if (this.assets.length >= this.#capacity.assets) return RejectReason.capacity;
      asset = this.#addAsset(command.asset, command.scale);
    }
    this.#assetEvent(asset);
    return RejectReason.none;
  }

  defineInstrument(command: Definition): RejectReason {
    const existing = this.find(0, command.symbol);
    return existing === undefined ? this.#define(command) : this.#redefine(command, existing);
  }

  adjustBalance(command: PlainCommandOf<"AdjustBalance">): RejectReason {
    const asset = this.#asset(command.asset);
    if (asset === undefined) return RejectReason.unknownAsset;
    if (command.amountScale === SCALE_DOES_NOT_FIT) return RejectReason.amountOutOfRange;
    const units = inUnits(decimal(command.amount, command.amountScale), asset.scale);
    if (units === null) return RejectReason.unitMismatch;
    if (units > BigInt(MAX_INTEGER) || units < -BigInt(MAX_INTEGER)) {
      return RejectReason.amountOutOfRange;
    }
    this.#events.add(
      "Balance",
      { account: command.account },
      {
        asset: asset.name,
        reference: command.reference,
        amountUnits: Number(units),
        assetId: asset.id,
        assetScale: asset.scale,
      },
    );
    return RejectReason.none;
  }

  #define(command: Definition): RejectReason {
    const needed = InstrumentField.tickSize | InstrumentField.lotSize;
    if (!SYMBOL_PATTERN.test(command.symbol)) return RejectReason.invalidDefinition;
    if ((command.present & needed) !== needed) return RejectReason.invalidDefinition;
    const tickSize = size(command.tickSize, command.tickSizeScale);
    const lotSize = size(command.lotSize, command.lotSizeScale);
    if (tickSize === null || lotSize === null) return RejectReason.invalidDefinition;
    const unset: Settings = {
      minimumLots: 1,
      maximumLots: MAX_INTEGER,
      maximumNotional: MAX_INTEGER,
      referencePriceTicks: null,
      priceBandTicks: null,
      marketProtectionTicks: null,
      makerFeeRate: 0,
      takerFeeRate: 0,
    };
    const settings = settingsFrom(command, unset, tickSize, lotSize);
    if (settings === null) return RejectReason.invalidDefinition;

    const givesState = (command.present & InstrumentField.state) !== 0;
    const state = (givesState ? command.state : MarketState.unset) || MarketState.continuous;
    if (state > MarketState.closed) return RejectReason.invalidDefinition;
    const [base, quote] = assetNames(command);
    if (!SYMBOL_PATTERN.test(base) || !SYMBOL_PATTERN.test(quote)) {
      return RejectReason.invalidDefinition;
    }
    const notionalUnit = times(tickSize, lotSize);
    if (base === quote || lotSize.scale > MAX_ASSET_SCALE || notionalUnit.scale > MAX_ASSET_SCALE) {
      return RejectReason.invalidDefinition;
    }
    const baseScale = this.#asset(base)?.scale ?? lotSize.scale;
    const quoteScale = this.#asset(quote)?.scale ?? notionalUnit.scale;
    const lotUnits = inUnits(lotSize, baseScale);
    const units = inUnits(notionalUnit, quoteScale);
    if (lotUnits === null || units === null) return RejectReason.unitMismatch;
    if (lotUnits > BigInt(MAX_INTEGER) || units > BigInt(MAX_INTEGER)) {
      return RejectReason.invalidDefinition;
    }

    const missing = [base, quote].filter((name) => this.#asset(name) === undefined).length;
    if (this.assets.length + missing > this.#capacity.assets) return RejectReason.capacity;
    if (this.instruments.length >= this.#capacity.instruments) return RejectReason.capacity;
    const instrument: Instrument = {
      ...settings,
      id: this.instruments.length + 1,
      symbol: command.symbol,
      tickSize,
      lotSize,
      baseAsset: this.#assetFor(base, baseScale),
      quoteAsset: this.#assetFor(quote, quoteScale),
      notionalUnit: units,
      state,
      lastPriceTicks: null,
      book: { [Side.buy]: [], [Side.sell]: [] },
      stops: [],
    };
    this.instruments.push(instrument);
    this.#instrumentEvent(instrument);
    return RejectReason.none;
  }

  #redefine(command: Definition, instrument: Instrument): RejectReason {
    const given = (field: number) => (command.present & field) !== 0;
    const { tickSize, lotSize } = instrument;
    const changes =
      (given(InstrumentField.tickSize) &&
        !equal(size(command.tickSize, command.tickSizeScale), tickSize)) ||
      (given(InstrumentField.lotSize) &&
        !equal(size(command.lotSize, command.lotSizeScale), lotSize)) ||
      (given(InstrumentField.baseAsset) && command.baseAsset !== instrument.baseAsset.name) ||
      (given(InstrumentField.quoteAsset) && command.quoteAsset !== instrument.quoteAsset.name) ||
      (given(InstrumentField.state) && command.state !== instrument.state);
    if (changes) return RejectReason.instrumentFixed;
    const settings = settingsFrom(command, instrument, tickSize, lotSize);
    if (settings === null) return RejectReason.invalidDefinition;
    Object.assign(instrument, settings);
    this.#instrumentEvent(instrument);
    return RejectReason.none;
  }

  #asset(name: string): Asset | undefined {
    return this.assets.find((asset) => asset.name === name);
  }

  #assetFor(name: string, scale: number): Asset {
    const known = this.#asset(name);
    if (known !== undefined) return known;
    const asset = this.#addAsset(name, scale);
    this.#assetEvent(asset);
    return asset;
  }

  #addAsset(name: string, scale: number): Asset {
    const asset = { id: this.assets.length + 1, name, scale };
    this.assets.push(asset);
    return asset;
  }

  #assetEvent(asset: Asset): void {
    this.#events.add("Asset", {}, { asset: asset.name, assetId: asset.id, scale: asset.scale });
  }

  #instrumentEvent(instrument: Instrument): void {
    const present =
      (instrument.maximumNotional !== MAX_INTEGER ? InstrumentField.maxNotional : 0) |
      (instrument.referencePriceTicks !== null ? InstrumentField.referencePrice : 0) |
      (instrument.priceBandTicks !== null ? InstrumentField.priceBandTicks : 0) |
      (instrument.marketProtectionTicks !== null ? InstrumentField.marketProtectionTicks : 0);
    this.#events.add(
      "Instrument",
      { instrumentId: instrument.id },
      {
        symbol: instrument.symbol,
        minLots: instrument.minimumLots,
        maxLots: instrument.maximumLots,
        maxNotional: instrument.maximumNotional,
        tickSize: Number(instrument.tickSize.value),
        lotSize: Number(instrument.lotSize.value),
        notionalUnit: Number(instrument.notionalUnit),
        baseAssetId: instrument.baseAsset.id,
        quoteAssetId: instrument.quoteAsset.id,
        makerFeeRateE8: instrument.makerFeeRate,
        takerFeeRateE8: instrument.takerFeeRate,
        priceBandTicks: instrument.priceBandTicks ?? 0,
        marketProtectionTicks: instrument.marketProtectionTicks ?? 0,
        referencePriceTicks: instrument.referencePriceTicks ?? 0,
        present,
        tickSizeScale: instrument.tickSize.scale,
        lotSizeScale: instrument.lotSize.scale,
        state: instrument.state,
        baseAssetScale: instrument.baseAsset.scale,
        quoteAssetScale: instrument.quoteAsset.scale,
        baseAsset: instrument.baseAsset.name,
        quoteAsset: instrument.quoteAsset.name,
      },
    );
  }
}

/** A tick or lot size; null where it is not above zero. */
function size(value: number, scale: number): Decimal | null {
  return value > 0 && scale < SCALE_DOES_NOT_FIT ? decimal(value, scale) : null;
}

function equal(a: Decimal | null, b: Decimal): boolean {
  return a !== null && a.value === b.value && a.scale === b.scale;
}

/** Base and quote: as named, else as the symbol says. */
function assetNames(command: Definition): [string, string] {
  const parts = /^(.*)[-/_.](.*)$/.exec(command.symbol);
  const [base, quote] = parts === null ? [command.symbol, "USD"] : [parts[1], parts[2]];
  return [
    (command.present & InstrumentField.baseAsset) !== 0 ? command.baseAsset : (base as string),
    (command.present & InstrumentField.quoteAsset) !== 0 ? command.quoteAsset : (quote as string),
  ];
}

/** What the command gives, over what holds; null where something of it is not valid. */
function settingsFrom(
  command: Definition,
  holds: Settings,
  tickSize: Decimal,
  lotSize: Decimal,
): Settings | null {
  let valid = true;
  const given = (field: number) => (command.present & ~command.cleared & field) !== 0;
  const cleared = (field: number) => (command.present & command.cleared & field) !== 0;
  const units = (value: number, scale: number, unit: Decimal, exactly: boolean): bigint => {
    if (scale === SCALE_TICKS_OR_LOTS) return BigInt(value);
    if (scale === SCALE_DOES_NOT_FIT) {
      valid = false;
      return 0n;
    }
    const { quotient, exact } = divide(decimal(value, scale), unit);
    if (exactly && !exact) valid = false;
    return quotient;
  };
  const pick = (field: number, now: number, none: number, value: () => bigint | number): number => {
    if (cleared(field)) return none;
    return given(field) ? Number(value()) : now;
  };
  const optional = (
    field: number,
    now: number | null,
    value: () => bigint | number,
  ): number | null => {
    if (cleared(field)) return null;
    return given(field) ? Number(value()) : now;
  };

  const settings: Settings = {
    minimumLots: pick(InstrumentField.minQuantity, holds.minimumLots, 1, () =>
      units(command.minQuantity, command.minQuantityScale, lotSize, true),
    ),
    maximumLots: pick(InstrumentField.maxQuantity, holds.maximumLots, MAX_INTEGER, () =>
      units(command.maxQuantity, command.maxQuantityScale, lotSize, true),
    ),
    maximumNotional: pick(InstrumentField.maxNotional, holds.maximumNotional, MAX_INTEGER, () => {
      const unit = times(tickSize, lotSize);
      return units(command.maxNotional, command.maxNotionalScale, unit, false);
    }),
    referencePriceTicks: optional(InstrumentField.referencePrice, holds.referencePriceTicks, () =>
      units(command.referencePrice, command.referencePriceScale, tickSize, true),
    ),
    priceBandTicks: optional(
      InstrumentField.priceBandTicks,
      holds.priceBandTicks,
      () => command.priceBandTicks,
    ),
    marketProtectionTicks: optional(
      InstrumentField.marketProtectionTicks,
      holds.marketProtectionTicks,
      () => command.marketProtectionTicks,
    ),
    makerFeeRate: pick(
      InstrumentField.makerFeeRate,
      holds.makerFeeRate,
      0,
      () => command.makerFeeRateE8,
    ),
    takerFeeRate: pick(
      InstrumentField.takerFeeRate,
      holds.takerFeeRate,
      0,
      () => command.takerFeeRateE8,
    ),
  };
  const reference = settings.referencePriceTicks ?? 0;
  valid &&=
    settings.minimumLots > 0 &&
    settings.minimumLots <= settings.maximumLots &&
    settings.maximumNotional > 0 &&
    reference >= MIN_PRICE_TICKS &&
    reference <= MAX_PRICE_TICKS &&
    Math.abs(settings.makerFeeRate) <= MAX_RATE_E8 &&
    Math.abs(settings.takerFeeRate) <= MAX_RATE_E8;
  // A limit beyond what there is limits nothing.
  settings.maximumLots = Math.min(settings.maximumLots, MAX_INTEGER);
  settings.maximumNotional = Math.min(settings.maximumNotional, MAX_INTEGER);
  return valid ? settings : null;
}
