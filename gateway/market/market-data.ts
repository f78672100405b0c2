// Hot path: allocates once for each instrument, and where a command has more trades than any before.

import { BookChecksum } from "../../protocol/book-checksum.ts";
import { Side } from "../../protocol/generated/enums.ts";
import {
  INSTRUMENT_TEMPLATE_ID,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { EventHeader } from "../../protocol/generated/headers.ts";
import {
  INSTRUMENT_STATUS_LENGTH,
  InstrumentStatus,
  PUBLIC_TRADE_LENGTH,
  PublicTrade,
  TOP_OF_BOOK_LENGTH,
  TopOfBook,
} from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import type { EventListener } from "../stage/gateway-stage.ts";
import { NO_LEVEL } from "./book-side.ts";
import { bestLevel, type MarketBook, type MarketBooks } from "./market-books.ts";

/** The last word of each channel about one instrument, as records. */
export class InstrumentFeed {
  readonly instrumentId: number;
  readonly symbol: string;
  readonly top = new TopOfBook();
  readonly lastTrade = new PublicTrade();
  readonly status = new InstrumentStatus();

  constructor(instrumentId: number, symbol: string) {
    this.instrumentId = instrumentId;
    this.symbol = symbol;
    this.top.wrap(new DataView(new ArrayBuffer(TOP_OF_BOOK_LENGTH)), 0);
    this.lastTrade.wrap(new DataView(new ArrayBuffer(PUBLIC_TRADE_LENGTH)), 0);
    this.status.wrap(new DataView(new ArrayBuffer(INSTRUMENT_STATUS_LENGTH)), 0);
    this.top.clear().instrumentId = instrumentId;
    this.lastTrade.clear().instrumentId = instrumentId;
    this.status.clear().instrumentId = instrumentId;
  }
}

/** Told at the end of a command, once for each channel and instrument that it changed. */
export interface MarketListener {
  onNewInstrument(feed: InstrumentFeed): void;
  /** The instrument's definition or state: feed.status. */
  onStatus(feed: InstrumentFeed): void;
  /** Records of `count` trades, one after the other in `view`; the last one is feed.lastTrade. */
  onTrades(feed: InstrumentFeed, view: DataView, count: number): void;
  /** The best prices: feed.top. */
  onTop(feed: InstrumentFeed): void;
}

/** Public market data from events: one update per command, channel and instrument. */
export class MarketData implements EventListener {
  readonly #directory: InstrumentDirectory;
  readonly #books: MarketBooks;
  readonly #feeds: (InstrumentFeed | undefined)[] = [];
  readonly #header = new EventHeader();
  readonly #trade = new Trade();
  readonly #publicTrade = new PublicTrade();
  readonly #checksum = new BookChecksum();
  readonly #statusChanged: InstrumentFeed[] = [];
  #trades = new DataView(new ArrayBuffer(64 * PUBLIC_TRADE_LENGTH));
  #tradeCount = 0;
  #listener: MarketListener | null = null;

  /** Comes after the views that keep directory and books. */
  constructor(directory: InstrumentDirectory, books: MarketBooks) {
    this.#directory = directory;
    this.#books = books;
  }

  /** From now on; what was before is in the feeds. */
  set listener(listener: MarketListener) {
    this.#listener = listener;
  }

  get feeds(): readonly InstrumentFeed[] {
    return this.#feeds.filter((feed) => feed !== undefined);
  }

  /** Undefined: no such instrument. */
  feedOf(symbol: string): InstrumentFeed | undefined {
    return this.#feeds[this.#directory.idOf(symbol)];
  }

  onEvent(view: DataView, offset: number): void {
    this.#header.wrap(view, offset);
    const { templateId } = this.#header;
    if (templateId === TRADE_TEMPLATE_ID) this.#onTrade(view, offset);
    else if (
      templateId === INSTRUMENT_TEMPLATE_ID ||
      templateId === MARKET_STATE_CHANGED_TEMPLATE_ID
    ) {
      this.#onStatus();
    }
  }

  onCommandsComplete(): void {
    for (let i = 0; i < this.#statusChanged.length; i++) {
      this.#listener?.onStatus(this.#statusChanged[i] as InstrumentFeed);
    }
    this.#statusChanged.length = 0;
    if (this.#tradeCount > 0) this.#publishTrades();
    const { touched } = this.#books;
    if (touched.length === 0) return;
    for (let i = 0; i < touched.length; i++) this.#publishTop(touched[i] as MarketBook);
    this.#books.forgetTouched();
  }

  onRoundEnd(): void {}

  #onStatus(): void {
    const { instrumentId, seq, timestampUs } = this.#header;
    const terms = this.#directory.get(instrumentId);
    if (terms === undefined) return;
    let feed = this.#feeds[instrumentId];
    const isNew = feed === undefined;
    if (feed === undefined) {
      feed = new InstrumentFeed(instrumentId, terms.symbol);
      this.#feeds[instrumentId] = feed;
    }
    const { status } = feed;
    // Definition and state may change in one command: one update.
    if (status.seq !== seq) {
      status.prevSeq = status.seq;
      status.seq = seq;
    }
    status.timestampUs = timestampUs;
    status.symbol = terms.symbol;
    status.tickSize = terms.tickSize.value;
    status.tickSizeScale = terms.tickSize.scale;
    status.lotSize = terms.lotSize.value;
    status.lotSizeScale = terms.lotSize.scale;
    status.state = terms.state;
    if (!this.#statusChanged.includes(feed)) this.#statusChanged.push(feed);
    if (isNew) this.#listener?.onNewInstrument(feed);
  }

  #onTrade(view: DataView, offset: number): void {
    const trade = this.#trade;
    trade.wrap(view, offset);
    const feed = this.#feeds[trade.instrumentId];
    if (feed === undefined) return;
    if (this.#tradeCount > 0 && this.#publicTrade.instrumentId !== trade.instrumentId) {
      this.#publishTrades();
    }
    if (this.#tradeCount * PUBLIC_TRADE_LENGTH === this.#trades.byteLength) this.#growTrades();
    const record = this.#publicTrade;
    record.wrap(this.#trades, this.#tradeCount++ * PUBLIC_TRADE_LENGTH);
    record.clear();
    record.seq = trade.seq;
    // All trades of a command follow the same earlier one.
    record.prevSeq = feed.lastTrade.seq;
    record.timestampUs = trade.timestampUs;
    record.tradeId = trade.tradeId;
    record.quantityLots = trade.quantityLots;
    record.index = trade.index;
    record.instrumentId = trade.instrumentId;
    record.priceTicks = trade.priceTicks;
    record.aggressorSide = trade.aggressorSide;
  }

  #publishTrades(): void {
    const count = this.#tradeCount;
    this.#tradeCount = 0;
    const last = (count - 1) * PUBLIC_TRADE_LENGTH;
    this.#publicTrade.wrap(this.#trades, last);
    const feed = this.#feeds[this.#publicTrade.instrumentId] as InstrumentFeed;
    const kept = feed.lastTrade.view;
    for (let i = 0; i < PUBLIC_TRADE_LENGTH; i += 4) {
      kept.setInt32(i, this.#trades.getInt32(last + i, true), true);
    }
    this.#listener?.onTrades(feed, this.#trades, count);
  }

  #publishTop({ instrumentId, bids, asks }: MarketBook): void {
    const feed = this.#feeds[instrumentId];
    if (feed === undefined) return;
    const { top } = feed;
    const bid = bestLevel(bids);
    const ask = bestLevel(asks);
    const bidLots = bid === NO_LEVEL ? 0 : (bids.lots[bid] as number);
    const askLots = ask === NO_LEVEL ? 0 : (asks.lots[ask] as number);
    const bidPriceTicks = bid === NO_LEVEL ? 0 : (bids.priceTicks[bid] as number);
    const askPriceTicks = ask === NO_LEVEL ? 0 : (asks.priceTicks[ask] as number);
    if (
      top.bidLots === bidLots &&
      top.askLots === askLots &&
      top.bidPriceTicks === bidPriceTicks &&
      top.askPriceTicks === askPriceTicks
    ) {
      return;
    }
    top.prevSeq = top.seq;
    top.seq = this.#header.seq;
    top.timestampUs = this.#header.timestampUs;
    top.bidLots = bidLots;
    top.askLots = askLots;
    top.bidPriceTicks = bidPriceTicks;
    top.askPriceTicks = askPriceTicks;
    const checksum = this.#checksum;
    checksum.clear();
    checksum.add(Side.buy, bidPriceTicks, bidLots);
    checksum.add(Side.sell, askPriceTicks, askLots);
    top.checksumLow = checksum.low;
    top.checksumHigh = checksum.high;
    this.#listener?.onTop(feed);
  }

  #growTrades(): void {
    const grown = new DataView(new ArrayBuffer(this.#trades.byteLength * 2));
    new Uint8Array(grown.buffer).set(new Uint8Array(this.#trades.buffer));
    this.#trades = grown;
  }
}
