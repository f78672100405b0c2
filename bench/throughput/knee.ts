/** What was found at one rate. */
export interface Point {
  readonly ratePerSecond: number;
  readonly isSustained: boolean;
}

export interface ClimbOptions {
  readonly firstRatePerSecond: number;
  readonly factor: number;
  /** How close the knee is searched, in percent of the rate; 0: not at all. */
  readonly searchPercent: number;
}

/** Below this a server that sustains nothing is not asked any more. */
const LOWEST_PER_SECOND = 1;

/**
 * Raises the rate by `factor` until it is not sustained (or lowers it until it is), then halves what
 * lies between the highest rate that was and the lowest that was not. Points by rate; a rate above one
 * that was not sustained does not count, whatever it did.
 */
export async function climb<P extends Point>(
  measure: (ratePerSecond: number) => Promise<P>,
  { firstRatePerSecond, factor, searchPercent }: ClimbOptions,
): Promise<{ readonly points: readonly P[]; readonly sustainedPerSecond: number }> {
  const points: P[] = [];
  const look = async (ratePerSecond: number) => {
    const point = await measure(Math.round(ratePerSecond));
    points.push(point);
    return point;
  };
  let low = 0;
  let high = 0;
  for (let rate = firstRatePerSecond; ; ) {
    const { isSustained, ratePerSecond } = await look(rate);
    if (isSustained) low = ratePerSecond;
    else high = ratePerSecond;
    // From the first rate on it goes one way until it has turned.
    if (low > 0 && high > 0) break;
    if (searchPercent === 0 && high > 0) break;
    rate = low > 0 ? rate * factor : rate / factor;
    if (rate < LOWEST_PER_SECOND) break;
  }
  while (searchPercent > 0 && low > 0 && high / low > 1 + searchPercent / 100) {
    const { isSustained, ratePerSecond } = await look((low + high) / 2);
    if (isSustained) low = ratePerSecond;
    else high = ratePerSecond;
    if (high - low <= 1) break;
  }
  points.sort((a, b) => a.ratePerSecond - b.ratePerSecond);
  return { points, sustainedPerSecond: low };
}
