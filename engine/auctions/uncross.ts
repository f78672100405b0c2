import { OrderField, Side } from "../../protocol/generated/enums.ts";
import { TALLY } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import { DETAIL, HAS, INSTRUMENT, LEVEL, ORDER, SIDE, SIDE_WORDS } from "../book/layout.ts";
import { type EventWriter, TRADE_QUANTITY } from "../events/event-writer.ts";
import type { Cancels } from "../matching/cancels.ts";
import type { Matcher } from "../matching/matcher.ts";
import { Clearing } from "./clearing.ts";

const TWO_32_INVERSE = 1 / 4294967296;

/**
 * Trades a crossed book at one price. On each side prices go first, then time; at one price all
 * shown quantity goes before hidden quantity, and hidden quantity goes order by order, each order's
 * in full. An iceberg whose shown part is used up moves to the back of its queue with nothing shown:
 * once such a one leads the queue, all of the queue is hidden.
 */
export class Uncross {
  readonly clearing: Clearing;
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #matcher: Matcher;
  readonly #cancels: Cancels;
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  readonly #detail: number;

  constructor(book: Book, events: EventWriter, matcher: Matcher, cancels: Cancels) {
    this.clearing = new Clearing(book);
    this.#cancels = cancels;
    this.#book = book;
    this.#events = events;
    this.#matcher = matcher;
    this.#m = book.arena.words;
    this.#f = book.arena.doubles;
    this.#detail = book.arena.detail;
  }

  /** always: an auction event even where nothing trades. */
  run(instrument: number, always: boolean): void {
    const clearing = this.clearing;
    clearing.find(instrument);
    // Spot accounts do not trade below zero. Without their orders the price may be another one.
    while (
      clearing.lots > 0 &&
      clearing.priceTicks < 0 &&
      this.#cancels.spareSpot(instrument, clearing.priceTicks)
    ) {
      clearing.find(instrument);
    }
    const lots = clearing.lots;
    if (lots === 0 && !always) return;
    this.#events.auction(
      this.#m[instrument + INSTRUMENT.id] as number,
      lots,
      clearing.imbalanceLots,
      clearing.imbalanceSide,
      clearing.priceTicks,
      lots === 0 ? 0 : OrderField.price,
    );
    if (lots > 0) this.#trade(instrument, lots, clearing.priceTicks);
  }

  #trade(instrument: number, total: number, price: number): void {
    const m = this.#m;
    const f = this.#f;
    const instrumentId = m[instrument + INSTRUMENT.id] as number;
    const buys = instrument + INSTRUMENT.sides;
    const sells = buys + SIDE_WORDS;
    const flags = m[instrument + INSTRUMENT.flags] as number;
    const rate = m[instrument + INSTRUMENT.makerRate] as number;
    m[instrument + INSTRUMENT.flags] = flags | HAS.lastPrice;
    m[instrument + INSTRUMENT.lastPrice] = price;
    let left = total;
    while (left > 0) {
      const buyer = m[(m[buys + SIDE.best] as number) + LEVEL.head] as number;
      const seller = m[(m[sells + SIDE.best] as number) + LEVEL.head] as number;
      const lots = Math.min(left, this.#piece(buyer), this.#piece(seller));
      left -= lots;
      const buyerUsedUp = this.#take(buyer, lots);
      const sellerUsedUp = this.#take(seller, lots);
      const tradeId = (f[TALLY.trades >> 1] as number) + 1;
      f[TALLY.trades >> 1] = tradeId;
      const at = this.#events.trade(
        instrumentId,
        Side.none,
        buyer,
        seller,
        price,
        tradeId | 0,
        tradeId * TWO_32_INVERSE,
      );
      this.#events.e[at + TRADE_QUANTITY] = lots | 0;
      this.#events.e[at + TRADE_QUANTITY + 1] = lots * TWO_32_INVERSE;
      if ((flags & HAS.fees) !== 0) {
        this.#matcher.writeFees(at, instrument, buyer, seller, lots, price, rate, rate);
      }
      this.#settle(buyer, buyerUsedUp);
      this.#settle(seller, sellerUsedUp);
    }
    this.#refill(buys);
    this.#refill(sells);
  }

  /** Lots of the next turn of the order that leads its queue. */
  #piece(order: number): number {
    const open = this.#f[(order + ORDER.open) >> 1] as number;
    return open > 0 ? open : (this.#f[(order + this.#detail + DETAIL.hidden) >> 1] as number);
  }

  /** Takes lots off an order's turn. True where its shown part is used up by that. */
  #take(order: number, lots: number): boolean {
    const f = this.#f;
    const open = (order + ORDER.open) >> 1;
    const shown = f[open] as number;
    const part = shown > 0 ? open : (order + this.#detail + DETAIL.hidden) >> 1;
    f[part] = (f[part] as number) - lots;
    const level = this.#m[order + ORDER.level] as number;
    const side = this.#m[level + LEVEL.side] as number;
    f[(level + LEVEL.total) >> 1] = (f[(level + LEVEL.total) >> 1] as number) - lots;
    f[(side + SIDE.total) >> 1] = (f[(side + SIDE.total) >> 1] as number) - lots;
    return shown === lots;
  }

  /** What has nothing left goes; an iceberg that has used up what it showed moves to the back. */
  #settle(order: number, usedUp: boolean): void {
    if (this.#book.leaves(order) === 0) {
      this.#book.unlinkFilled(order);
      this.#book.forget(order);
    } else if (usedUp) {
      this.#book.moveToBack(order);
    }
  }

  /** Icebergs with nothing shown are all at the best level of their side: they show again in turn. */
  #refill(side: number): void {
    const m = this.#m;
    const f = this.#f;
    const level = m[side + SIDE.best] as number;
    let order = level === 0 ? 0 : (m[level + LEVEL.head] as number);
    for (; order !== level; order = m[order + ORDER.next] as number) {
      if ((f[(order + ORDER.open) >> 1] as number) > 0) continue;
      const detail = (order + this.#detail) >> 1;
      const hidden = f[detail + (DETAIL.hidden >> 1)] as number;
      const shown = Math.min(hidden, f[detail + (DETAIL.display >> 1)] as number);
      f[(order + ORDER.open) >> 1] = shown;
      f[detail + (DETAIL.hidden >> 1)] = hidden - shown;
    }
  }
}
