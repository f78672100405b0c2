// Hot path: no allocation here.
import { Side } from "./generated/enums.ts";

/**
 * The rule by which a crossed book clears: the most quantity; then the smallest imbalance; then the
 * highest price if every candidate has more to buy, the lowest if every one has more to sell; else
 * the closest to the reference, the higher on a tie. Whoever walks a book offers each candidate
 * price; engine and market data walk different books, by the same rule.
 */
export class ClearingRule {
  priceTicks = 0;
  /** 0: nothing would trade. */
  lots = 0;
  imbalanceLots = 0;
  /** Side.none: none is left over. */
  imbalanceSide: Side = Side.none;
  // The candidates that are best so far: how far they reach, and which sides they leave over.
  #smallest = Number.POSITIVE_INFINITY;
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
    this.#smallest = Number.POSITIVE_INFINITY;
  }

  /** At this price so many lots would buy and sell. Prices rise from one offer to the next. */
  offer(priceTicks: number, buyLots: number, sellLots: number, referenceTicks: number): void {
    const lots = Math.min(buyLots, sellLots);
    const imbalance = buyLots - sellLots;
    const distance = Math.abs(imbalance);
    if (lots > this.lots || (lots === this.lots && distance < this.#smallest)) {
      this.lots = lots;
      this.#smallest = distance;
      this.#begin(priceTicks, imbalance);
    } else if (lots === this.lots && distance === this.#smallest) {
      this.#join(priceTicks, imbalance, referenceTicks);
    }
  }

  /** After the last offer; there has been one. */
  choose(hasReference: boolean): void {
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

  /** One more candidate as good as those before. */
  #join(price: number, imbalance: number, reference: number): void {
    this.#highest = price;
    this.#highestImbalance = imbalance;
    this.#hasBuySurplus &&= imbalance > 0;
    this.#hasSellSurplus &&= imbalance < 0;
    if (Math.abs(price - reference) > Math.abs(this.#closest - reference)) return;
    this.#closest = price;
    this.#closestImbalance = imbalance;
  }
}
