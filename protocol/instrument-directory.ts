import type { Decimal } from "./decimal.ts";
import { InstrumentField, type MarketState } from "./generated/enums.ts";
import {
  ASSET_TEMPLATE_ID,
  Asset,
  INSTRUMENT_TEMPLATE_ID,
  Instrument,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
  MarketStateChanged,
} from "./generated/events.ts";
import { MAX_INTEGER } from "./terms.ts";

/** An instrument as last defined: what is needed to turn decimals into ticks and lots and back. */
export interface InstrumentTerms {
  /** From 1, in the order of definition. */
  readonly id: number;
  readonly symbol: string;
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
  /** The most decimals a price, a quantity can have. */
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly baseAssetId: number;
  readonly quoteAssetId: number;
  readonly baseAssetScale: number;
  /** Fees and notionals are counted in 10^-quoteAssetScale of the quote asset. */
  readonly quoteAssetScale: number;
  /** Quote asset units in one tick × one lot. */
  readonly notionalUnit: number;
  readonly minLots: number;
  readonly maxLots: number;
  /** In ticks × lots; null: no limit. */
  readonly maxNotional: number | null;
  readonly referencePriceTicks: number | null;
  readonly priceBandTicks: number | null;
  readonly marketProtectionTicks: number | null;
  /** In 10^-8. */
  readonly makerFeeRateE8: number;
  readonly takerFeeRateE8: number;
  readonly state: MarketState;
}

export interface AssetTerms {
  /** From 1, in the order of definition. */
  readonly id: number;
  readonly asset: string;
  /** Decimals of the smallest unit. */
  readonly scale: number;
}

/**
 * Instruments and assets by id and name, built from the `instrument`, `marketState` and `asset`
 * events: whoever reads the events can convert decimals, without asking the engine.
 */
export class InstrumentDirectory {
  readonly #byId: (InstrumentTerms | undefined)[] = [];
  readonly #idBySymbol = new Map<string, number>();
  readonly #assetsById: (AssetTerms | undefined)[] = [];
  readonly #assetIdByName = new Map<string, number>();
  readonly #instrument = new Instrument();
  readonly #asset = new Asset();
  readonly #stateChanged = new MarketStateChanged();

  /** Takes any event; those that define nothing are ignored. */
  onEvent(view: DataView, offset: number): void {
    const templateId = view.getUint16(offset + 2, true);
    if (templateId < ASSET_TEMPLATE_ID || templateId > MARKET_STATE_CHANGED_TEMPLATE_ID) return;
    if (templateId === ASSET_TEMPLATE_ID) this.#onAsset(view, offset);
    else if (templateId === INSTRUMENT_TEMPLATE_ID) this.#onInstrument(view, offset);
    else this.#onState(view, offset);
  }

  /** 0: unknown. */
  idOf(symbol: string): number {
    return this.#idBySymbol.get(symbol) ?? 0;
  }

  get(id: number): InstrumentTerms | undefined {
    return this.#byId[id];
  }

  /** In the order of definition. */
  all(): InstrumentTerms[] {
    return this.#byId.filter((terms) => terms !== undefined);
  }

  /** 0: unknown. */
  assetIdOf(asset: string): number {
    return this.#assetIdByName.get(asset) ?? 0;
  }

  asset(id: number): AssetTerms | undefined {
    return this.#assetsById[id];
  }

  /** In the order of definition. */
  allAssets(): AssetTerms[] {
    return this.#assetsById.filter((terms) => terms !== undefined);
  }

  #onAsset(view: DataView, offset: number): void {
    const event = this.#asset;
    event.wrap(view, offset);
    const { assetId, asset, scale } = event;
    this.#assetsById[assetId] = { id: assetId, asset, scale };
    this.#assetIdByName.set(asset, assetId);
  }

  #onInstrument(view: DataView, offset: number): void {
    this.#instrument.wrap(view, offset);
    const terms = instrumentTerms(this.#instrument);
    this.#byId[terms.id] = terms;
    this.#idBySymbol.set(terms.symbol, terms.id);
  }

  #onState(view: DataView, offset: number): void {
    const event = this.#stateChanged;
    event.wrap(view, offset);
    const terms = this.#byId[event.instrumentId];
    if (terms !== undefined) this.#byId[terms.id] = { ...terms, state: event.state };
  }
}

function instrumentTerms(event: Instrument): InstrumentTerms {
  const present = event.present;
  const where = (field: number, value: number) => ((present & field) !== 0 ? value : null);
  return {
    id: event.instrumentId,
    symbol: event.symbol,
    tickSize: { value: event.tickSize, scale: event.tickSizeScale },
    lotSize: { value: event.lotSize, scale: event.lotSizeScale },
    priceDecimals: event.tickSizeScale,
    quantityDecimals: event.lotSizeScale,
    baseAsset: event.baseAsset,
    quoteAsset: event.quoteAsset,
    baseAssetId: event.baseAssetId,
    quoteAssetId: event.quoteAssetId,
    baseAssetScale: event.baseAssetScale,
    quoteAssetScale: event.quoteAssetScale,
    notionalUnit: event.notionalUnit,
    minLots: event.minLots,
    maxLots: event.maxLots,
    maxNotional: event.maxNotional === MAX_INTEGER ? null : event.maxNotional,
    referencePriceTicks: where(InstrumentField.referencePrice, event.referencePriceTicks),
    priceBandTicks: where(InstrumentField.priceBandTicks, event.priceBandTicks),
    marketProtectionTicks: where(
      InstrumentField.marketProtectionTicks,
      event.marketProtectionTicks,
    ),
    makerFeeRateE8: event.makerFeeRateE8,
    takerFeeRateE8: event.takerFeeRateE8,
    state: event.state,
  };
}
