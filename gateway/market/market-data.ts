// Hot path: allocates once for each instrument, and where a command has more trades than any before.

import { BookChecksum } from "../../protocol/book-checksum.ts";
import { MarketState, Side } from "../../protocol/generated/enums.ts";
import {
  INSTRUMENT_TEMPLATE_ID,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { EventHeader } from "../../protocol/generated/headers.ts";
import { PUBLIC_TRADE_LENGTH, PublicTrade } from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import type { EventListener } from "../stage/gateway-stage.ts";
import type { BookFeed, WindowSize } from "./book-feed.ts";
import { NO_LEVEL } from "./book-side.ts";
import { IndicativePrice } from "./indicative-price.ts";
import { InstrumentFeed } from "./instrument-feed.ts";
import { bestLevel, type MarketBook, type MarketBooks } from "./market-books.ts";

/** Told at the end of a command, once for each channel and instrument that it changed. */
export interface MarketListener {
  /** After its first status was told. */
  onNewInstrument(feed: InstrumentFeed): void;
  /** The instrument's definition or state: feed.status. */
  onStatus(feed: InstrumentFeed): void;
  /** Records of `count` trades, one after the other in `view`; the last one is feed.lastTrade. */
  onTrades(feed: InstrumentFeed, view: DataView, count: number): void;
  /** The best prices: feed.top. */
  onTop(feed: InstrumentFeed): void;
  /** book: feed.levels or feed.orders, where it is watched; book.rows is what has changed. */
  onBook(feed: InstrumentFeed, book: BookFeed): void;
  /** feed.indication; at most once for all commands that are taken together. */
  onIndication(feed: InstrumentFeed): void;
}

const NO_FEEDS: readonly InstrumentFeed[] = [];

/** Public market data from events: one update per command, channel and instrument. */
export class MarketData implements EventListener {
  readonly #directory: InstrumentDirectory;
  readonly #books: MarketBooks;
  readonly #feeds: (InstrumentFeed | undefined)[] = [];
  readonly #header = new EventHeader();
  readonly #trade = new Trade();
  readonly #publicTrade = new PublicTrade();
  readonly #checksum = new BookChecksum();
  /** Every command up to here is complete. */
  #lastSeq = 0;
  // Of the last event. Copied, since its place in the ring may have been written anew when its
  // command is found complete.
  #seq = 0;
  #timestampUs = 0;
  readonly #indicative = new IndicativePrice();
  /** Instruments whose definition or state the current command has changed. */
  readonly #changedIds: number[] = [];
  readonly #indicationDue: InstrumentFeed[] = [];
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

  /** A channel that shows the book is kept up to date from now on; not in the middle of a command. */
  watch(book: BookFeed, size: WindowSize): void {
    if (!book.isWatched) book.watch(this.#lastSeq, this.#timestampUs, size);
  }

  /** The books are what they are after command `seq`, however that came: what is new is told. */
  lookAgain(seq: number, timestampUs: number): void {
    this.#seq = seq;
    this.#timestampUs = timestampUs;
    this.onCommandsComplete(seq);
    for (const feed of this.feeds) this.#publishBook(feed.book);
    this.onRoundEnd();
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
    this.#seq = this.#header.seq;
    this.#timestampUs = this.#header.timestampUs;
    if (templateId === TRADE_TEMPLATE_ID) this.#onTrade(view, offset);
    else if (
      templateId === INSTRUMENT_TEMPLATE_ID ||
      templateId === MARKET_STATE_CHANGED_TEMPLATE_ID
    ) {
      this.#changedIds.push(this.#header.instrumentId);
    }
  }

  onCommandsComplete(seq: number): void {
    this.#lastSeq = seq;
    const fresh = this.#changedIds.length === 0 ? NO_FEEDS : this.#publishStatus();
    if (this.#tradeCount > 0) this.#publishTrades();
    const { touched } = this.#books;
    if (touched.length > 0) {
      for (let i = 0; i < touched.length; i++) this.#publishBook(touched[i] as MarketBook);
      this.#books.forgetTouched();
    }
    for (let i = 0; i < fresh.length; i++) {
      this.#listener?.onNewInstrument(fresh[i] as InstrumentFeed);
    }
  }

  /** Indications are looked for once for all commands taken together: each costs a walk. */
  onRoundEnd(): void {
    if (this.#indicationDue.length === 0) return;
    let kept = 0;
    for (let i = 0; i < this.#indicationDue.length; i++) {
      const feed = this.#indicationDue[i] as InstrumentFeed;
      // In the middle of a command its book is not to be looked at.
      if (feed.book.isTouched) this.#indicationDue[kept++] = feed;
      else this.#publishIndication(feed);
    }
    this.#indicationDue.length = kept;
  }

  /** Cold. Returns the feeds of new instruments. */
  #publishStatus(): InstrumentFeed[] {
    const fresh: InstrumentFeed[] = [];
    for (const instrumentId of new Set(this.#changedIds)) {
      const terms = this.#directory.get(instrumentId);
      if (terms === undefined) continue;
      let feed = this.#feeds[instrumentId];
      if (feed === undefined) {
        const book = this.#books.of(instrumentId);
        feed = new InstrumentFeed(terms.symbol, book, this.#books.orders);
        this.#feeds[instrumentId] = feed;
        fresh.push(feed);
      }
      const { status } = feed;
      status.prevSeq = status.seq;
      status.seq = this.#seq;
      status.timestampUs = this.#timestampUs;
      status.symbol = terms.symbol;
      status.tickSize = terms.tickSize.value;
      status.tickSizeScale = terms.tickSize.scale;
      status.lotSize = terms.lotSize.value;
      status.lotSizeScale = terms.lotSize.scale;
      status.state = terms.state;
      this.#markIndication(feed);
      this.#listener?.onStatus(feed);
    }
    this.#changedIds.length = 0;
    return fresh;
  }

  #publishBook(book: MarketBook): void {
    const feed = this.#feeds[book.instrumentId];
    if (feed === undefined) return;
    if (this.#updateTop(feed, book)) this.#listener?.onTop(feed);
    this.#publishRows(feed, feed.levels);
    this.#publishRows(feed, feed.orders);
    if (feed.status.state === MarketState.auction) this.#markIndication(feed);
  }

  #publishRows(feed: InstrumentFeed, book: BookFeed): void {
    if (!book.isWatched) return;
    if (book.update(this.#seq, this.#timestampUs)) this.#listener?.onBook(feed, book);
  }

  #markIndication(feed: InstrumentFeed): void {
    feed.lastSeq = this.#seq;
    feed.lastUs = this.#timestampUs;
    if (feed.isIndicationDue) return;
    feed.isIndicationDue = true;
    this.#indicationDue.push(feed);
  }

  #publishIndication(feed: InstrumentFeed): void {
    feed.isIndicationDue = false;
    const { indication, lastTrade } = feed;
    const found = this.#indicative;
    const collecting = feed.status.state === MarketState.auction;
    if (collecting) {
      const reference = this.#directory.get(feed.instrumentId)?.referencePriceTicks ?? null;
      found.find(feed.book, lastTrade.tradeId === 0 ? reference : lastTrade.priceTicks);
    } else found.clear();
    if (
      indication.collecting === collecting &&
      indication.quantityLots === found.lots &&
      indication.priceTicks === found.priceTicks &&
      indication.imbalanceLots === found.imbalanceLots &&
      indication.imbalanceSide === found.imbalanceSide
    ) {
      return;
    }
    indication.prevSeq = indication.seq;
    indication.seq = feed.lastSeq;
    indication.timestampUs = feed.lastUs;
    indication.collecting = collecting;
    indication.quantityLots = found.lots;
    indication.priceTicks = found.priceTicks;
    indication.imbalanceLots = found.imbalanceLots;
    indication.imbalanceSide = found.imbalanceSide;
    this.#listener?.onIndication(feed);
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

  /** False: the best prices are what they were. */
  #updateTop({ top }: InstrumentFeed, { bids, asks }: MarketBook): boolean {
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
      return false;
    }
    top.prevSeq = top.seq;
    top.seq = this.#seq;
    top.timestampUs = this.#timestampUs;
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
    return true;
  }

  #growTrades(): void {
    const grown = new DataView(new ArrayBuffer(this.#trades.byteLength * 2));
    new Uint8Array(grown.buffer).set(new Uint8Array(this.#trades.buffer));
    this.#trades = grown;
  }
}
