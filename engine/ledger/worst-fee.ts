/** Rates are in 10^-8. */
const ONE = 100_000_000;
const ROOT = 10_000;

/**
 * notional × rate, rounded up to a unit: the most that fills worth `notionalUnits` in all can cost
 * in fees. Exact: every product stays below 2^53. Units of the quote asset, a safe integer; the rate
 * is 0 to 10^8.
 */
export function worstFee(notionalUnits: number, rateE8: number): number {
  const high = Math.floor(notionalUnits / ONE);
  const low = notionalUnits - high * ONE;
  const rateHigh = Math.floor(rateE8 / ROOT);
  const middle = low * rateHigh;
  const middleHigh = Math.floor(middle / ROOT);
  const tail = (middle - middleHigh * ROOT) * ROOT + low * (rateE8 - rateHigh * ROOT);
  return high * rateE8 + middleHigh + Math.ceil(tail / ONE);
}
