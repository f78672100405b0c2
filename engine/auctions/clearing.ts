import { ClearingRule } from "../../protocol/clearing-rule.ts";
import type { Book } from "../book/book.ts";
import { HAS, INSTRUMENT, LEVEL, SIDE, SIDE_WORDS } from "../book/layout.ts";

/**
 * Finds the price at which an instrument's crossed book clears. Candidates are the limit prices in
 * the book; only those from the best sell to the best buy can trade anything.
 */
export class Clearing extends ClearingRule {
  readonly #book: Book;
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  readonly #scratch: number;

  constructor(book: Book) {
    super();
    this.#book = book;
    this.#m = book.arena.words;
    this.#f = book.arena.doubles;
    this.#scratch = book.arena.scratch;
  }

  find(instrument: number): void {
    const m = this.#m;
    const f = this.#f;
    this.clear();
    const bestBuy = m[instrument + INSTRUMENT.sides + SIDE.best] as number;
    const bestSell = m[instrument + INSTRUMENT.sides + SIDE_WORDS + SIDE.best] as number;
    if (bestBuy === 0 || bestSell === 0) return;
    const low = m[bestSell + LEVEL.price] as number;
    const high = m[bestBuy + LEVEL.price] as number;
    if (high < low) return;

    // Upwards from the best sell: sells come in as the price reaches them, buys go as it passes.
    let buys = 0;
    let count = 0;
    for (
      let level = bestBuy;
      level !== 0 && (m[level + LEVEL.price] as number) >= low;
      level = this.#book.prices.next(level)
    ) {
      m[this.#scratch + count++] = level;
      buys += f[(level + LEVEL.total) >> 1] as number;
    }
    let sells = 0;
    let sell = bestSell;
    const reference = this.#reference(instrument);
    while (count > 0 || sell !== 0) {
      const buy = count > 0 ? (m[this.#scratch + count - 1] as number) : 0;
      const buyPrice = buy === 0 ? Infinity : (m[buy + LEVEL.price] as number);
      const sellPrice = sell === 0 ? Infinity : (m[sell + LEVEL.price] as number);
      const price = Math.min(buyPrice, sellPrice);
      if (price > high) break;
      if (sellPrice === price) {
        sells += f[(sell + LEVEL.total) >> 1] as number;
        sell = this.#book.prices.next(sell);
      }
      this.offer(price, buys, sells, reference);
      if (buyPrice === price) {
        buys -= f[(buy + LEVEL.total) >> 1] as number;
        count--;
      }
    }
    this.choose(this.#hasReference(instrument));
  }

  #hasReference(instrument: number): boolean {
    const has = this.#m[instrument + INSTRUMENT.flags] as number;
    return (has & (HAS.lastPrice | HAS.referencePrice)) !== 0;
  }

  #reference(instrument: number): number {
    const has = this.#m[instrument + INSTRUMENT.flags] as number;
    const place = (has & HAS.lastPrice) !== 0 ? INSTRUMENT.lastPrice : INSTRUMENT.referencePrice;
    return this.#m[instrument + place] as number;
  }
}
