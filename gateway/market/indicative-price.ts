// Hot path while an auction collects: no allocation, but for growing.
import { Side } from "../../protocol/generated/enums.ts";
import { EMPTY, grownInt32 } from "../views/columns.ts";
import { NO_LEVEL } from "./book-side.ts";
import { bestLevel, type MarketBook } from "./market-books.ts";

/**
 * The price at which a book would uncross now: the most quantity; then the smallest imbalance; then
 * the highest price if every candidate has more to buy, the lowest if every one has more to sell;
 * else the closest to the reference, the higher on a tie. Hidden quantity counts. It looks at the
 * levels that cross, and no others.
 */
export class IndicativePrice {
  priceTicks = 0;
  /** 0: nothing would trade. */
  lots = 0;
  imbalanceLots = 0;
  imbalanceSide: Side = Side.none;
  #buys = EMPTY.int32;
  // The best candidates so far.
  #highest = 0;
  #lowest = 0;
  #closest = 0;
  #highestImbalance = 0;
  #lowestImbalance = 0;
  #closestImbalance = 0;
  #hasBuySurplus = true;
  #hasSellSurplus = true;

  clear(): void {
    this.priceTicks = 0;
    this.lots = 0;
    this.imbalanceLots = 0;
    this.imbalanceSide = Side.none;
  }

  /** referenceTicks: null where there is none. Between two commands. */
  find({ bids, asks }: MarketBook, referenceTicks: number | null): void {
    this.clear();
    const bestBid = bestLevel(bids);
    const bestAsk = bestLevel(asks);
    if (bestBid === NO_LEVEL || bestAsk === NO_LEVEL) return;
    const high = bids.priceTicks[bestBid] as number;
    const low = asks.priceTicks[bestAsk] as number;
    if (high < low) return;

    let buyLots = 0;
    let buys = 0;
    for (let level = bids.walk(); level !== NO_LEVEL; level = bids.following()) {
      if ((bids.priceTicks[level] as number) < low) break;
      if (buys === this.#buys.length) this.#buys = grownInt32(this.#buys, Math.max(64, buys * 2));
      this.#buys[buys++] = level;
      buyLots += bids.leavesLots[level] as number;
    }
    // Upwards from the best sell: sells come in as the price reaches them, buys go as it passes.
    let sellLots = 0;
    let sell = asks.walk();
    let smallest = Number.POSITIVE_INFINITY;
    while (buys > 0 || sell !== NO_LEVEL) {
      const buy = buys === 0 ? NO_LEVEL : (this.#buys[buys - 1] as number);
      const buyPrice = buy === NO_LEVEL ? Infinity : (bids.priceTicks[buy] as number);
      const sellPrice = sell === NO_LEVEL ? Infinity : (asks.priceTicks[sell] as number);
      const price = Math.min(buyPrice, sellPrice);
      if (price > high) break;
      if (sellPrice === price) {
        sellLots += asks.leavesLots[sell] as number;
        sell = asks.following();
      }
      const lots = Math.min(buyLots, sellLots);
      const imbalance = buyLots - sellLots;
      const distance = Math.abs(imbalance);
      if (lots > this.lots || (lots === this.lots && distance < smallest)) {
        this.lots = lots;
        smallest = distance;
        this.#begin(price, imbalance);
      } else if (lots === this.lots && distance === smallest) {
        this.#join(price, imbalance, referenceTicks ?? 0);
      }
      if (buyPrice === price) {
        buyLots -= bids.leavesLots[buy] as number;
        buys--;
      }
    }
    this.#choose(referenceTicks !== null);
  }

  #begin(price: number, imbalance: number): void {
    this.#highest = price;
    this.#lowest = price;
    this.#closest = price;
    this.#highestImbalance = imbalance;
    this.#lowestImbalance = imbalance;
    this.#closestImbalance = imbalance;
    this.#hasBuySurplus = imbalance > 0;
    this.#hasSellSurplus = imbalance < 0;
  }

  /** One more candidate as good as those before; prices rise. */
  #join(price: number, imbalance: number, reference: number): void {
    this.#highest = price;
    this.#highestImbalance = imbalance;
    this.#hasBuySurplus &&= imbalance > 0;
    this.#hasSellSurplus &&= imbalance < 0;
    if (Math.abs(price - reference) > Math.abs(this.#closest - reference)) return;
    this.#closest = price;
    this.#closestImbalance = imbalance;
  }

  #choose(hasReference: boolean): void {
    let imbalance = this.#closestImbalance;
    this.priceTicks = this.#closest;
    if (this.#hasBuySurplus || (!this.#hasSellSurplus && !hasReference)) {
      this.priceTicks = this.#highest;
      imbalance = this.#highestImbalance;
    } else if (this.#hasSellSurplus) {
      this.priceTicks = this.#lowest;
      imbalance = this.#lowestImbalance;
    }
    this.imbalanceLots = Math.abs(imbalance);
    if (imbalance !== 0) this.imbalanceSide = imbalance > 0 ? Side.buy : Side.sell;
  }
}
