import { assert } from "../../protocol/assert.ts";
import {
  DEFINE_ASSET_TEMPLATE_ID,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  DefineAsset,
  DefineInstrument,
  SET_MARKET_STATE_TEMPLATE_ID,
  SetMarketState,
} from "../../protocol/generated/commands.ts";
import { InstrumentField, MarketState, RejectReason } from "../../protocol/generated/enums.ts";
import {
  ASSET_LENGTH,
  ASSET_TEMPLATE_ID,
  Asset,
  INSTRUMENT_LENGTH,
  INSTRUMENT_TEMPLATE_ID,
  Instrument,
} from "../../protocol/generated/events.ts";
import { MAX_INTEGER, SYMBOL_PATTERN } from "../../protocol/terms.ts";
import type { Uncross } from "../auctions/uncross.ts";
import type { Book } from "../book/book.ts";
import { HAS, INSTRUMENT } from "../book/layout.ts";
import type { EventWriter } from "../events/event-writer.ts";
import type { Cancels } from "../matching/cancels.ts";
import type { UnitSizes } from "../matching/replaces.ts";
import type { Stops } from "../matching/stops.ts";
import { type AssetRecord, type Assets, MAX_ASSET_SCALE } from "./assets.ts";
import { type Decimal, firstState, type InstrumentTerms, readDefinition } from "./definition.ts";

/** Instruments and assets: definitions and market states. Cold. */
export class Instruments implements UnitSizes {
  readonly assets: Assets;
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #cancels: Cancels;
  readonly #stops: Stops;
  readonly #uncross: Uncross;
  readonly #all: InstrumentTerms[] = [];
  readonly #idBySymbol = new Map<string, number>();
  readonly #define = new DefineInstrument();
  readonly #defineAsset = new DefineAsset();
  readonly #setState = new SetMarketState();

  constructor(
    assets: Assets,
    book: Book,
    events: EventWriter,
    cancels: Cancels,
    stops: Stops,
    uncross: Uncross,
  ) {
    this.assets = assets;
    this.#book = book;
    this.#events = events;
    this.#cancels = cancels;
    this.#stops = stops;
    this.#uncross = uncross;
  }

  /** 0: unknown. */
  idOf(symbol: string): number {
    return this.#idBySymbol.get(symbol) ?? 0;
  }

  get count(): number {
    return this.#all.length;
  }

  /** In the order of definition: the id is the place, from 1. */
  all(): readonly InstrumentTerms[] {
    return this.#all;
  }

  tickSize(instrumentId: number): Decimal {
    return (this.#all[instrumentId - 1] as InstrumentTerms).tickSize;
  }

  lotSize(instrumentId: number): Decimal {
    return (this.#all[instrumentId - 1] as InstrumentTerms).lotSize;
  }

  defineAsset(view: DataView, offset: number): void {
    const command = this.#defineAsset;
    command.wrap(view, offset);
    const name = command.asset;
    const known = this.assets.find(name);
    let reason: RejectReason = RejectReason.none;
    if (!SYMBOL_PATTERN.test(name) || command.scale > MAX_ASSET_SCALE) {
      reason = RejectReason.invalidDefinition;
    } else if (known !== undefined) {
      if (known.scale !== command.scale) reason = RejectReason.assetFixed;
    } else if (this.assets.free === 0) {
      reason = RejectReason.capacity;
    }
    if (reason !== RejectReason.none) {
      this.#events.rejected(command.instrumentId, 0, DEFINE_ASSET_TEMPLATE_ID, reason);
      return;
    }
    this.#assetEvent(known ?? this.assets.define(name, command.scale));
  }

  defineInstrument(view: DataView, offset: number): void {
    const command = this.#define;
    command.wrap(view, offset);
    const known = this.idOf(command.symbol);
    const before = this.#all[known - 1];
    const m = this.#book.arena.words;
    const state =
      known === 0 ? 0 : (m[this.#book.arena.instrument(known) + INSTRUMENT.state] as number);
    const terms = readDefinition(command, before, state, this.assets);
    if (typeof terms === "number") {
      this.#events.rejected(command.instrumentId, 0, DEFINE_INSTRUMENT_TEMPLATE_ID, terms);
      return;
    }
    let id = known;
    if (id === 0) {
      const names = [terms.baseAsset, terms.quoteAsset];
      const fresh = names.filter((name) => this.assets.find(name) === undefined);
      const record = fresh.length > this.assets.free ? 0 : this.#book.arena.claimInstrument();
      if (record === 0) {
        this.#events.rejected(
          command.instrumentId,
          0,
          DEFINE_INSTRUMENT_TEMPLATE_ID,
          RejectReason.capacity,
        );
        return;
      }
      id = this.#book.arena.instrumentCount;
      m[record + INSTRUMENT.state] = firstState(command);
      this.#idBySymbol.set(terms.symbol, id);
      for (const name of fresh) {
        const scale = name === terms.baseAsset ? terms.baseScale : terms.quoteScale;
        this.#assetEvent(this.assets.define(name, scale));
      }
    }
    this.#all[id - 1] = terms;
    this.#setHot(id, terms);
    this.#instrumentEvent(id, terms);
  }

  setMarketState(view: DataView, offset: number): void {
    const command = this.#setState;
    command.wrap(view, offset);
    const id = command.instrumentId || this.idOf(command.symbol);
    if (id < 1 || id > this.#all.length) {
      this.#events.rejected(
        command.instrumentId,
        0,
        SET_MARKET_STATE_TEMPLATE_ID,
        RejectReason.unknownSymbol,
      );
      return;
    }
    if (command.state < MarketState.preOpen || command.state > MarketState.closed) {
      this.#events.rejected(
        command.instrumentId,
        0,
        SET_MARKET_STATE_TEMPLATE_ID,
        RejectReason.invalidCombination,
      );
      return;
    }
    const instrument = this.#book.arena.instrument(id);
    const m = this.#book.arena.words;
    const previous = m[instrument + INSTRUMENT.state] as number;
    const state = command.state;
    m[instrument + INSTRUMENT.state] = state;
    this.#events.marketState(id, state, previous);
    if (state === previous) return;
    if (state === MarketState.closed) this.#cancels.expireDay(instrument);
    if (state === MarketState.continuous) {
      this.#uncross.run(instrument, previous === MarketState.auction);
      this.#stops.run(instrument);
    }
  }

  /** What orders meet, in the arena. */
  #setHot(id: number, terms: InstrumentTerms): void {
    const m = this.#book.arena.words;
    const f = this.#book.arena.doubles;
    const at = this.#book.arena.instrument(id);
    m[at + INSTRUMENT.flags] =
      ((m[at + INSTRUMENT.flags] as number) & HAS.lastPrice) |
      (terms.referencePriceTicks === null ? 0 : HAS.referencePrice) |
      (terms.priceBandTicks === null ? 0 : HAS.priceBand) |
      (terms.marketProtectionTicks === null ? 0 : HAS.protection) |
      (terms.makerFeeRateE8 === 0 && terms.takerFeeRateE8 === 0 ? 0 : HAS.fees);
    m[at + INSTRUMENT.referencePrice] = terms.referencePriceTicks ?? 0;
    m[at + INSTRUMENT.priceBand] = terms.priceBandTicks ?? 0;
    m[at + INSTRUMENT.protection] = terms.marketProtectionTicks ?? 0;
    m[at + INSTRUMENT.makerRate] = terms.makerFeeRateE8;
    m[at + INSTRUMENT.takerRate] = terms.takerFeeRateE8;
    f[(at + INSTRUMENT.minLots) >> 1] = terms.minLots;
    f[(at + INSTRUMENT.maxLots) >> 1] = terms.maxLots;
    f[(at + INSTRUMENT.notionalBound) >> 1] = Math.floor(MAX_INTEGER / terms.notionalUnit);
    f[(at + INSTRUMENT.maxNotional) >> 1] = terms.maxNotional;
    f[(at + INSTRUMENT.notionalUnit) >> 1] = terms.notionalUnit;
  }

  /** The fields of an `instrument` event that says what holds now; the header is the caller's. */
  describe(event: Instrument, id: number): void {
    event.instrumentId = id;
    this.#fill(event, id, this.#all[id - 1] as InstrumentTerms);
  }

  /** As it was described; the next id. An engine that has room for it and has not begun. */
  restore(event: Instrument): void {
    const record = this.#book.arena.claimInstrument();
    const id = this.#book.arena.instrumentCount;
    assert(record !== 0 && id === event.instrumentId, "instruments come back in their order");
    const { present } = event;
    const terms: InstrumentTerms = {
      symbol: event.symbol,
      tickSize: { value: event.tickSize, scale: event.tickSizeScale },
      lotSize: { value: event.lotSize, scale: event.lotSizeScale },
      baseAsset: event.baseAsset,
      quoteAsset: event.quoteAsset,
      baseScale: event.baseAssetScale,
      quoteScale: event.quoteAssetScale,
      notionalUnit: event.notionalUnit,
      minLots: event.minLots,
      maxLots: event.maxLots,
      maxNotional: event.maxNotional,
      referencePriceTicks: given(
        present,
        InstrumentField.referencePrice,
        event.referencePriceTicks,
      ),
      priceBandTicks: given(present, InstrumentField.priceBandTicks, event.priceBandTicks),
      marketProtectionTicks: given(
        present,
        InstrumentField.marketProtectionTicks,
        event.marketProtectionTicks,
      ),
      makerFeeRateE8: event.makerFeeRateE8,
      takerFeeRateE8: event.takerFeeRateE8,
    };
    this.#book.arena.words[record + INSTRUMENT.state] = event.state;
    this.#idBySymbol.set(terms.symbol, id);
    this.#all[id - 1] = terms;
    this.#setHot(id, terms);
  }

  #assetEvent(asset: AssetRecord): void {
    const offset = this.#events.cold(ASSET_LENGTH, ASSET_TEMPLATE_ID, 0, 0);
    const event = new Asset();
    event.wrap(this.#events.view, offset);
    event.asset = asset.name;
    event.assetId = asset.id;
    event.scale = asset.scale;
  }

  #instrumentEvent(id: number, terms: InstrumentTerms): void {
    const offset = this.#events.cold(INSTRUMENT_LENGTH, INSTRUMENT_TEMPLATE_ID, id, 0);
    const event = new Instrument();
    event.wrap(this.#events.view, offset);
    this.#fill(event, id, terms);
  }

  /** Everything after the header, which the caller has written. */
  #fill(event: Instrument, id: number, terms: InstrumentTerms): void {
    event.symbol = terms.symbol;
    event.minLots = terms.minLots;
    event.maxLots = terms.maxLots;
    event.maxNotional = terms.maxNotional;
    event.tickSize = terms.tickSize.value;
    event.lotSize = terms.lotSize.value;
    event.notionalUnit = terms.notionalUnit;
    event.baseAssetId = this.assets.find(terms.baseAsset)?.id ?? 0;
    event.quoteAssetId = this.assets.find(terms.quoteAsset)?.id ?? 0;
    event.makerFeeRateE8 = terms.makerFeeRateE8;
    event.takerFeeRateE8 = terms.takerFeeRateE8;
    event.priceBandTicks = terms.priceBandTicks ?? 0;
    event.marketProtectionTicks = terms.marketProtectionTicks ?? 0;
    event.referencePriceTicks = terms.referencePriceTicks ?? 0;
    event.present =
      (terms.maxNotional === MAX_INTEGER ? 0 : InstrumentField.maxNotional) |
      (terms.referencePriceTicks === null ? 0 : InstrumentField.referencePrice) |
      (terms.priceBandTicks === null ? 0 : InstrumentField.priceBandTicks) |
      (terms.marketProtectionTicks === null ? 0 : InstrumentField.marketProtectionTicks);
    event.tickSizeScale = terms.tickSize.scale;
    event.lotSizeScale = terms.lotSize.scale;
    const record = this.#book.arena.instrument(id);
    event.state = this.#book.arena.words[record + INSTRUMENT.state] as MarketState;
    event.baseAssetScale = terms.baseScale;
    event.quoteAssetScale = terms.quoteScale;
    event.baseAsset = terms.baseAsset;
    event.quoteAsset = terms.quoteAsset;
  }
}

function given(present: number, field: number, value: number): number | null {
  return (present & field) === 0 ? null : value;
}
