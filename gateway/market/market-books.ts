// Hot path: no allocation here, but once for each instrument.
import { Side } from "../../protocol/generated/enums.ts";
import type { ShownBook } from "../views/order-tracker.ts";
import { PriceLevels } from "./price-levels.ts";

/** What the book of one instrument shows. */
export class MarketBook {
  readonly instrumentId: number;
  readonly bids = new PriceLevels(true);
  readonly asks = new PriceLevels(false);
  /** Touched since somebody last looked. */
  isTouched = false;

  constructor(instrumentId: number) {
    this.instrumentId = instrumentId;
  }
}

/** The shown books of all instruments, and which of them the current command has touched. */
export class MarketBooks implements ShownBook {
  readonly #books: (MarketBook | undefined)[] = [];
  readonly touched: MarketBook[] = [];

  of(instrumentId: number): MarketBook {
    let book = this.#books[instrumentId];
    if (book === undefined) {
      book = new MarketBook(instrumentId);
      this.#books[instrumentId] = book;
    }
    return book;
  }

  onLevelChange(
    instrumentId: number,
    side: number,
    priceTicks: number,
    lots: number,
    orders: number,
  ): void {
    const book = this.of(instrumentId);
    (side === Side.buy ? book.bids : book.asks).change(priceTicks, lots, orders);
    if (book.isTouched) return;
    book.isTouched = true;
    this.touched.push(book);
  }

  forgetTouched(): void {
    for (let i = 0; i < this.touched.length; i++) (this.touched[i] as MarketBook).isTouched = false;
    this.touched.length = 0;
  }
}
