// Hot path while an auction collects: no allocation, but for growing.
import { ClearingRule } from "../../protocol/clearing-rule.ts";
import { EMPTY, grownInt32 } from "../views/columns.ts";
import { NO_LEVEL } from "./book-side.ts";
import { bestLevel, type MarketBook } from "./market-books.ts";

/** The price at which a book would uncross now. It looks at the levels that cross, and no others. */
export class IndicativePrice extends ClearingRule {
  #buys = EMPTY.int32;

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
      this.offer(price, buyLots, sellLots, referenceTicks ?? 0);
      if (buyPrice === price) {
        buyLots -= bids.leavesLots[buy] as number;
        buys--;
      }
    }
    this.choose(referenceTicks !== null);
  }
}
