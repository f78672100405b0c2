import { Side } from "../../protocol/generated/enums.ts";
import type { Book } from "../book/book.ts";
import { HAS, INSTRUMENT, LEVEL, SIDE, SIDE_WORDS } from "../book/layout.ts";

/**
 * Finds the price at which a crossed book clears: the most quantity; then the smallest imbalance;
 * then the highest price if every candidate has more to buy, the lowest if every one has more to
 * sell; else the closest to the reference, the higher on a tie. Candidates are the limit prices in
 * the book; only those from the best sell to the best buy can trade anything.
 */
export class Clearing {
  readonly #book: Book;
  readonly #m: Int32Array;
  readonly #f: Float64Array;
  readonly #scratch: number;
  priceTicks = 0;
  /** 0: nothing to trade. */
  lots = 0;
  imbalanceLots = 0;
  /** Side.none: none is left over. */
  imbalanceSide: number = Side.none;
  // The candidates that are best so far: how far they reach, and which sides they leave over.
  #highest = 0;
  #lowest = 0;
  #closest = 0;
  #buySurplus = true;
  #sellSurplus = true;
  #closestImbalance = 0;
  #highestImbalance = 0;
  #lowestImbalance = 0;

  constructor(book: Book) {
    this.#book = book;
    this.#m = book.arena.words;
    this.#f = book.arena.doubles;
    this.#scratch = book.arena.scratch;
  }

  find(instrument: number): void {
    const m = this.#m;
    const f = this.#f;
    const bestBuy = m[instrument + INSTRUMENT.sides + SIDE.best] as number;
    const bestSell = m[instrument + INSTRUMENT.sides + SIDE_WORDS + SIDE.best] as number;
    this.lots = 0;
    this.imbalanceLots = 0;
    this.imbalanceSide = Side.none;
    this.priceTicks = 0;
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
    let smallest = Infinity;
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
      const lots = Math.min(buys, sells);
      const imbalance = buys - sells;
      const better = lots > this.lots || (lots === this.lots && Math.abs(imbalance) < smallest);
      if (better) {
        this.lots = lots;
        smallest = Math.abs(imbalance);
        this.#first(price, imbalance);
      } else if (lots === this.lots && Math.abs(imbalance) === smallest) {
        this.#another(instrument, price, imbalance);
      }
      if (buyPrice === price) {
        buys -= f[(buy + LEVEL.total) >> 1] as number;
        count--;
      }
    }
    this.#choose(instrument);
  }

  #first(price: number, imbalance: number): void {
    this.#highest = price;
    this.#lowest = price;
    this.#closest = price;
    this.#highestImbalance = imbalance;
    this.#lowestImbalance = imbalance;
    this.#closestImbalance = imbalance;
    this.#buySurplus = imbalance > 0;
    this.#sellSurplus = imbalance < 0;
  }

  /** One more candidate as good as those before; prices come in rising order. */
  #another(instrument: number, price: number, imbalance: number): void {
    this.#highest = price;
    this.#highestImbalance = imbalance;
    this.#buySurplus &&= imbalance > 0;
    this.#sellSurplus &&= imbalance < 0;
    const reference = this.#reference(instrument);
    if (Math.abs(price - reference) <= Math.abs(this.#closest - reference)) {
      this.#closest = price;
      this.#closestImbalance = imbalance;
    }
  }

  #choose(instrument: number): void {
    let imbalance: number;
    if (this.#buySurplus || (!this.#sellSurplus && !this.#hasReference(instrument))) {
      this.priceTicks = this.#highest;
      imbalance = this.#highestImbalance;
    } else if (this.#sellSurplus) {
      this.priceTicks = this.#lowest;
      imbalance = this.#lowestImbalance;
    } else {
      this.priceTicks = this.#closest;
      imbalance = this.#closestImbalance;
    }
    this.imbalanceLots = Math.abs(imbalance);
    if (imbalance !== 0) this.imbalanceSide = imbalance > 0 ? Side.buy : Side.sell;
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
