import { Channel } from "../../protocol/generated/enums.ts";
import {
  AUCTION_INDICATION_LENGTH,
  AuctionIndication,
  INSTRUMENT_STATUS_LENGTH,
  InstrumentStatus,
  PUBLIC_TRADE_LENGTH,
  PublicTrade,
  TOP_OF_BOOK_LENGTH,
  TopOfBook,
} from "../../protocol/generated/session.ts";
import type { OrderTable } from "../views/order-table.ts";
import { type BookFeed, LevelFeed, OrderFeed } from "./book-feed.ts";
import type { MarketBook } from "./market-books.ts";

/** The last word of each channel about one instrument. */
export class InstrumentFeed {
  readonly instrumentId: number;
  readonly symbol: string;
  readonly book: MarketBook;
  readonly top = new TopOfBook();
  readonly lastTrade = new PublicTrade();
  readonly status = new InstrumentStatus();
  readonly indication = new AuctionIndication();
  readonly levels: LevelFeed;
  readonly orders: OrderFeed;
  /** The indication may be another one. */
  isIndicationDue = false;
  /** seq and time of the last command that touched book or state. */
  lastSeq = 0;
  lastUs = 0;

  constructor(symbol: string, book: MarketBook, orders: OrderTable) {
    this.instrumentId = book.instrumentId;
    this.symbol = symbol;
    this.book = book;
    this.levels = new LevelFeed(book, orders);
    this.orders = new OrderFeed(book, orders);
    this.top.wrap(new DataView(new ArrayBuffer(TOP_OF_BOOK_LENGTH)), 0);
    this.lastTrade.wrap(new DataView(new ArrayBuffer(PUBLIC_TRADE_LENGTH)), 0);
    this.status.wrap(new DataView(new ArrayBuffer(INSTRUMENT_STATUS_LENGTH)), 0);
    this.indication.wrap(new DataView(new ArrayBuffer(AUCTION_INDICATION_LENGTH)), 0);
    for (const record of [this.top, this.lastTrade, this.status, this.indication]) {
      record.clear();
      record.instrumentId = this.instrumentId;
    }
  }

  /** null: the channel has no rows. */
  bookOf(channel: Channel): BookFeed | null {
    if (channel === Channel.l2) return this.levels;
    return channel === Channel.l3 ? this.orders : null;
  }

  /** Of a channel without rows. */
  recordOf(channel: Channel): TopOfBook | PublicTrade | InstrumentStatus | AuctionIndication {
    if (channel === Channel.l1) return this.top;
    if (channel === Channel.status) return this.status;
    return channel === Channel.indication ? this.indication : this.lastTrade;
  }

  /** Of the last update of a channel. */
  seqOf(channel: Channel): number {
    return this.bookOf(channel)?.seq ?? this.recordOf(channel).seq;
  }
}
