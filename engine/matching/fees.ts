import type { Arena } from "../book/arena.ts";
import { SUMS } from "../book/layout.ts";

const { feeRest: FEE_REST } = SUMS;

/** Rates are in 10^-8. */
const ONE = 100000000;
const ROOT = 10000;

/** Rates beyond ±100 % are refused, so a fee never exceeds its notional: a safe integer. */
export const MAX_FEE_RATE_E8 = ONE;

/**
 * Fees, exact in integers. An order owes, after each fill, the sum of notional × rate over its fills
 * so far, rounded up to a unit of the quote asset; a fill pays what that sum grew by. So all that an
 * order must keep is by how much its payments are ahead of the exact sum: less than one unit.
 */
export class Fees {
  readonly #m: Int32Array;
  readonly #sums: number;

  constructor(arena: Arena) {
    this.#m = arena.words;
    this.#sums = arena.sums;
  }

  /**
   * Quote asset units that a fill pays; negative: a rebate. notionalUnits: |price| × quantity in
   * quote units, a safe integer.
   */
  charge(order: number, notionalUnits: number, rateE8: number): number {
    const place = (order >> 2) + this.#sums + FEE_REST;
    const rest = this.#m[place] as number;
    // notional × |rate| = whole × ONE + part, with part below ONE, in products below 2^53: the
    // notional is split at ONE, and what is below ONE once more at its root.
    const rate = Math.abs(rateE8);
    const high = Math.floor(notionalUnits / ONE);
    const low = notionalUnits - high * ONE;
    const rateHigh = Math.floor(rate / ROOT);
    const middle = low * rateHigh;
    const middleHigh = Math.floor(middle / ROOT);
    const tail = (middle - middleHigh * ROOT) * ROOT + low * (rate - rateHigh * ROOT);
    const carried = Math.floor(tail / ONE);
    const whole = high * rate + middleHigh + carried;
    const part = tail - carried * ONE;
    // What is owed beyond `whole`, less what was paid ahead: rounded up to whole units.
    const owed = rateE8 < 0 ? -part - rest : part - rest;
    const units = Math.ceil(owed / ONE);
    this.#m[place] = units * ONE - owed;
    const fee = (rateE8 < 0 ? -whole : whole) + units;
    return fee === 0 ? 0 : fee; // no −0
  }

  /**
   * The largest notional whose price and fee together stay within a budget, for an order that has
   * paid no fees yet. Both in quote units; the rate is not below 0.
   */
  affordableNotional(order: number, budgetUnits: number, rateE8: number): number {
    const place = (order >> 2) + this.#sums + FEE_REST;
    const rest = this.#m[place] as number;
    let most = Math.floor(budgetUnits / (1 + rateE8 / ONE)) + 4;
    if (most > budgetUnits) most = budgetUnits;
    // The quotient above is rounded up at least: the exact fee says by how many units. One unit less
    // costs at least one and at most three less, so no step passes the answer.
    while (most > 0) {
      const over = most + this.charge(order, most, rateE8) - budgetUnits;
      this.#m[place] = rest;
      if (over <= 0) break;
      most -= over > 3 ? Math.floor(over / 3) : 1;
    }
    return most;
  }
}
