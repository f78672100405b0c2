// Hot path: no allocation here, but for growing.
import { BookChecksum, RowHash } from "../../protocol/book-checksum.ts";
import { Channel } from "../../protocol/generated/enums.ts";
import { NO_ORDER, OrderPlace, type OrderTable } from "../views/order-table.ts";
import { BookRows, RowKind } from "./book-rows.ts";
import { type BookSide, NO_LEVEL } from "./book-side.ts";
import type { MarketBook } from "./market-books.ts";
import { UpdateWindow } from "./update-window.ts";

/** What is kept for readers that are behind: powers of two, at least 64 and 256. */
export interface WindowSize {
  readonly windowUpdates: number;
  readonly windowRows: number;
}

const NO_WINDOW = new UpdateWindow(64, 256);

/**
 * One channel that shows the whole book of an instrument: what each command changes in it, the
 * checksum after that, and the last changes for whoever is behind. It costs something only while it
 * is watched.
 */
export abstract class BookFeed {
  abstract readonly channel: Channel;
  readonly book: MarketBook;
  isWatched = false;
  /** Of the last update; when the watch began, of the last command before. */
  seq = 0;
  timestampUs = 0;
  /** Of the update before the last. */
  previousSeq = 0;
  readonly checksum = new BookChecksum();
  /** What the last update did. */
  readonly rows = new BookRows();
  window = NO_WINDOW;
  protected readonly hash = new RowHash();
  protected readonly orders: OrderTable;

  constructor(book: MarketBook, orders: OrderTable) {
    this.book = book;
    this.orders = orders;
  }

  /** Between two commands. */
  watch(seq: number, timestampUs: number, size: WindowSize): void {
    this.isWatched = true;
    this.window = new UpdateWindow(size.windowUpdates, size.windowRows);
    this.seq = seq;
    this.timestampUs = timestampUs;
    this.checksum.clear();
    this.window.start(seq);
    this.hashAll();
  }

  unwatch(): void {
    this.isWatched = false;
    this.window = NO_WINDOW;
  }

  /** The command that touched the book is over. False: nothing that the channel shows has changed. */
  update(seq: number, timestampUs: number): boolean {
    this.rows.clear();
    this.collect();
    if (this.rows.count === 0) return false;
    this.previousSeq = this.seq;
    this.seq = seq;
    this.timestampUs = timestampUs;
    this.window.push(seq, this.rows);
    return true;
  }

  /** The whole book, best first. Between two commands. */
  abstract copyRows(into: BookRows): void;
  protected abstract hashAll(): void;
  protected abstract collect(): void;
}

/** l2: price levels. */
export class LevelFeed extends BookFeed {
  readonly channel = Channel.l2;

  copyRows(into: BookRows): void {
    into.clear();
    this.#copySide(this.book.bids, into);
    this.#copySide(this.book.asks, into);
  }

  #copySide(side: BookSide, into: BookRows): void {
    for (let level = side.walk(); level !== NO_LEVEL; level = side.following()) {
      const { priceTicks, lots, orders } = side;
      into.push(
        side.side,
        RowKind.added,
        priceTicks[level] as number,
        lots[level] as number,
        0,
        orders[level] as number,
      );
    }
  }

  protected hashAll(): void {
    for (const side of [this.book.bids, this.book.asks]) {
      for (let level = side.walk(); level !== NO_LEVEL; level = side.following()) {
        this.#hashLevel(side, level);
        side.hashLow[level] = this.hash.low;
        side.hashHigh[level] = this.hash.high;
        this.checksum.addHash(this.hash.low, this.hash.high);
      }
    }
  }

  #hashLevel(side: BookSide, level: number): void {
    this.hash.ofLevel(
      side.side,
      side.priceTicks[level] as number,
      side.lots[level] as number,
      side.orders[level] as number,
    );
  }

  /** The hash that a level has is that of the row as last told; none (0, 0): it was not there. */
  protected collect(): void {
    const { touchedLevels, bids, asks } = this.book;
    const { hash, checksum } = this;
    for (let i = 0; i < touchedLevels.length; i++) {
      const touched = touchedLevels[i] as number;
      const side = (touched & 1) === 0 ? bids : asks;
      const level = touched >> 1;
      const oldLow = side.hashLow[level] as number;
      const oldHigh = side.hashHigh[level] as number;
      const isNew = (oldLow | oldHigh) === 0;
      const isGone = side.orders[level] === 0;
      if (isNew && isGone) continue;
      if (isGone) hash.none();
      else this.#hashLevel(side, level);
      if (hash.low === oldLow && hash.high === oldHigh) continue;
      checksum.removeHash(oldLow, oldHigh);
      checksum.addHash(hash.low, hash.high);
      side.hashLow[level] = hash.low;
      side.hashHigh[level] = hash.high;
      this.rows.push(
        side.side,
        isGone ? RowKind.removed : isNew ? RowKind.added : RowKind.changed,
        side.priceTicks[level] as number,
        isGone ? 0 : (side.lots[level] as number),
        0,
        isGone ? 0 : (side.orders[level] as number),
      );
    }
  }
}

/** l3: every order. */
export class OrderFeed extends BookFeed {
  readonly channel = Channel.l3;

  override watch(seq: number, timestampUs: number, size: WindowSize): void {
    super.watch(seq, timestampUs, size);
    this.book.isOrderWatched = true;
  }

  override unwatch(): void {
    super.unwatch();
    this.book.isOrderWatched = false;
  }

  copyRows(into: BookRows): void {
    into.clear();
    this.#copySide(this.book.bids, into);
    this.#copySide(this.book.asks, into);
  }

  #copySide(side: BookSide, into: BookRows): void {
    const { behind } = this.orders;
    for (let level = side.walk(); level !== NO_LEVEL; level = side.following()) {
      for (let slot = side.first[level] as number; slot !== NO_ORDER; ) {
        this.#push(into, slot, RowKind.added);
        slot = behind[slot] as number;
      }
    }
  }

  #push(into: BookRows, slot: number, kind: number): void {
    const { orders } = this;
    into.push(
      orders.side[slot] as number,
      kind,
      orders.priceTicks[slot] as number,
      orders.shownLots[slot] as number,
      orders.orderId[slot] as number,
      orders.priority[slot] as number,
    );
  }

  protected hashAll(): void {
    const { orders, hash } = this;
    for (const side of [this.book.bids, this.book.asks]) {
      for (let level = side.walk(); level !== NO_LEVEL; level = side.following()) {
        for (let slot = side.first[level] as number; slot !== NO_ORDER; ) {
          this.#hashOrder(slot);
          orders.hashLow[slot] = hash.low;
          orders.hashHigh[slot] = hash.high;
          this.checksum.addHash(hash.low, hash.high);
          slot = orders.behind[slot] as number;
        }
      }
    }
  }

  #hashOrder(slot: number): void {
    const { orders } = this;
    this.hash.ofOrder(
      orders.side[slot] as number,
      orders.priceTicks[slot] as number,
      orders.shownLots[slot] as number,
      orders.orderId[slot] as number,
      orders.priority[slot] as number,
    );
  }

  /**
   * A slot is not used again within the command that frees it, so what it held is still to be read.
   * The hash that an order has is that of its row as last told; none (0, 0): it was not there.
   */
  protected collect(): void {
    const { touchedSlots, touchedIds } = this.book;
    const { orders, hash, checksum, rows } = this;
    for (let i = 0; i < touchedSlots.length; i++) {
      const slot = touchedSlots[i] as number;
      const orderId = touchedIds[i] as number;
      const oldLow = orders.hashLow[slot] as number;
      const oldHigh = orders.hashHigh[slot] as number;
      const isNew = (oldLow | oldHigh) === 0;
      const isGone = orders.orderId[slot] !== orderId || orders.place[slot] !== OrderPlace.resting;
      if (isNew && isGone) continue;
      if (isGone) hash.none();
      else this.#hashOrder(slot);
      if (hash.low === oldLow && hash.high === oldHigh) continue;
      checksum.removeHash(oldLow, oldHigh);
      checksum.addHash(hash.low, hash.high);
      orders.hashLow[slot] = hash.low;
      orders.hashHigh[slot] = hash.high;
      if (!isGone) this.#push(rows, slot, isNew ? RowKind.added : RowKind.changed);
      else {
        const priceTicks = orders.priceTicks[slot] as number;
        rows.push(orders.side[slot] as number, RowKind.removed, priceTicks, 0, orderId, 0);
      }
    }
  }
}
