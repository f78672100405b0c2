// Hot path: no allocation here, but once for each instrument and for growing.
import { Side } from "../../protocol/generated/enums.ts";
import { NO_ORDER, OrderTable } from "../views/order-table.ts";
import type { RestingBook } from "../views/order-tracker.ts";
import { BookSide, NO_LEVEL } from "./book-side.ts";

/** The book of one instrument: levels, and the orders of each in the order of their queue. */
export class MarketBook {
  readonly instrumentId: number;
  readonly bids = new BookSide(Side.buy, true);
  readonly asks = new BookSide(Side.sell, false);
  /** Touched since somebody last looked. */
  isTouched = false;
  /** What the current command has changed is listed for the channel l3. */
  isOrderWatched = false;
  /** Levels that the current command has touched: level × 2, + 1 for asks. */
  readonly touchedLevels: number[] = [];
  /** Orders that it has touched, by slot and id: a slot whose order is gone has another id or 0. */
  readonly touchedSlots: number[] = [];
  readonly touchedIds: number[] = [];
  /** The number that the next order at the back of a queue gets. */
  nextPriority = 1;

  constructor(instrumentId: number) {
    this.instrumentId = instrumentId;
  }

  sideOf(side: number): BookSide {
    return side === Side.buy ? this.bids : this.asks;
  }
}

/** The books of all instruments as the events tell them, and what the current command has touched. */
export class MarketBooks implements RestingBook {
  readonly orders = new OrderTable();
  readonly touched: MarketBook[] = [];
  readonly #books: (MarketBook | undefined)[] = [];

  of(instrumentId: number): MarketBook {
    let book = this.#books[instrumentId];
    if (book === undefined) {
      book = new MarketBook(instrumentId);
      this.#books[instrumentId] = book;
    }
    return book;
  }

  onRest(slot: number): void {
    const { orders } = this;
    const book = this.of(orders.instrumentId[slot] as number);
    const side = book.sideOf(orders.side[slot] as number);
    const level = side.at(orders.priceTicks[slot] as number);
    this.#touch(book, side, level, slot);
    orders.level[slot] = level;
    this.#append(book, side, level, slot);
    side.orders[level] = (side.orders[level] as number) + 1;
    this.#add(side, level, orders.shownLots[slot] as number, orders.leavesLots[slot] as number);
  }

  onLeave(slot: number): void {
    const { orders } = this;
    const book = this.of(orders.instrumentId[slot] as number);
    const side = book.sideOf(orders.side[slot] as number);
    const level = orders.level[slot] as number;
    this.#touch(book, side, level, slot);
    this.#takeOut(side, level, slot);
    side.orders[level] = (side.orders[level] as number) - 1;
    this.#add(
      side,
      level,
      -(orders.shownLots[slot] as number),
      -(orders.leavesLots[slot] as number),
    );
  }

  onChange(slot: number, shownLots: number, leavesLots: number): void {
    const { orders } = this;
    const book = this.of(orders.instrumentId[slot] as number);
    const side = book.sideOf(orders.side[slot] as number);
    const level = orders.level[slot] as number;
    this.#touch(book, side, level, slot);
    this.#add(side, level, shownLots, leavesLots);
  }

  onRequeue(slot: number): void {
    const { orders } = this;
    const book = this.of(orders.instrumentId[slot] as number);
    const side = book.sideOf(orders.side[slot] as number);
    const level = orders.level[slot] as number;
    this.#touch(book, side, level, slot);
    this.#takeOut(side, level, slot);
    this.#append(book, side, level, slot);
  }

  /** The command is over and was looked at: levels without orders go. */
  forgetTouched(): void {
    for (let i = 0; i < this.touched.length; i++) {
      const book = this.touched[i] as MarketBook;
      book.isTouched = false;
      this.#forgetLevels(book);
      const { touchedSlots } = book;
      for (let j = 0; j < touchedSlots.length; j++) {
        this.orders.touched[touchedSlots[j] as number] = 0;
      }
      touchedSlots.length = 0;
      book.touchedIds.length = 0;
    }
    this.touched.length = 0;
  }

  #forgetLevels(book: MarketBook): void {
    const { touchedLevels } = book;
    for (let j = 0; j < touchedLevels.length; j++) {
      const touched = touchedLevels[j] as number;
      const side = (touched & 1) === 0 ? book.bids : book.asks;
      const level = touched >> 1;
      side.touched[level] = 0;
      if (side.orders[level] === 0) side.free(level);
    }
    touchedLevels.length = 0;
  }

  #touch(book: MarketBook, side: BookSide, level: number, slot: number): void {
    if (!book.isTouched) {
      book.isTouched = true;
      this.touched.push(book);
    }
    if (side.touched[level] === 0) {
      book.touchedLevels.push(level * 2 + (side === book.bids ? 0 : 1));
      side.touched[level] = book.touchedLevels.length;
    }
    if (book.isOrderWatched && this.orders.touched[slot] === 0) {
      book.touchedSlots.push(slot);
      book.touchedIds.push(this.orders.orderId[slot] as number);
      this.orders.touched[slot] = book.touchedSlots.length;
    }
  }

  #add(side: BookSide, level: number, lots: number, leavesLots: number): void {
    side.lots[level] = (side.lots[level] as number) + lots;
    side.leavesLots[level] = (side.leavesLots[level] as number) + leavesLots;
  }

  #append(book: MarketBook, side: BookSide, level: number, slot: number): void {
    const { orders } = this;
    const last = side.last[level] as number;
    orders.ahead[slot] = last;
    orders.behind[slot] = NO_ORDER;
    if (last === NO_ORDER) side.first[level] = slot;
    else orders.behind[last] = slot;
    side.last[level] = slot;
    orders.priority[slot] = book.nextPriority++;
  }

  #takeOut(side: BookSide, level: number, slot: number): void {
    const { orders } = this;
    const ahead = orders.ahead[slot] as number;
    const behind = orders.behind[slot] as number;
    if (ahead === NO_ORDER) side.first[level] = behind;
    else orders.behind[ahead] = behind;
    if (behind === NO_ORDER) side.last[level] = ahead;
    else orders.ahead[behind] = ahead;
  }
}

/** The best level with orders, once the command is over; NO_LEVEL where there is none. */
export function bestLevel(side: BookSide): number {
  let level = side.walk();
  while (level !== NO_LEVEL && side.orders[level] === 0) level = side.following();
  return level;
}
