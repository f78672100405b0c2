/**
 * An estimate of a ratio with an interval that needs no assumption about how times are distributed:
 * rank methods on logarithms, with the estimate of Hodges and Lehmann, exact for small samples
 * (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, sections 3.2 to 3.3 for
 * pairs and 4.2 to 4.3 for two samples).
 */
export interface RatioInterval {
  /** Of new to old. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** The confidence that the sample's size allows: the smallest at or above what was asked. */
  readonly confidence: number;
}

const CONFIDENCE = 0.95;

/**
 * Pairs of runs made side by side. The interval of Tukey: between two of the means of all pairs of
 * logarithms of ratios (the Walsh averages), which ones by the exact distribution of Wilcoxon's
 * signed ranks. Fewer than six pairs cannot give 95 %: then the widest interval, and its confidence.
 * null: no pairs, or values that are not above 0.
 */
export function pairedRatio(
  old: readonly number[],
  current: readonly number[],
  confidence = CONFIDENCE,
): RatioInterval | null {
  const n = Math.min(old.length, current.length);
  const logs = Array.from({ length: n }, (_, i) =>
    Math.log((current[i] as number) / (old[i] as number)),
  );
  if (n === 0 || !logs.every(Number.isFinite)) return null;
  const averages = logs.flatMap((a, i) => logs.slice(i).map((b) => (a + b) / 2));
  return intervalOf(averages, signedRankCounts(n), confidence);
}

/**
 * Two samples that were not made side by side: between two of all differences, which ones by the exact
 * distribution of the statistic of Mann and Whitney. What has changed between the samples besides the
 * code (the hour, the neighbours) is in the ratio too. null: as for pairs.
 */
export function unpairedRatio(
  old: readonly number[],
  current: readonly number[],
  confidence = CONFIDENCE,
): RatioInterval | null {
  const differences = current.flatMap((a) => old.map((b) => Math.log(a / b)));
  if (differences.length === 0 || !differences.every(Number.isFinite)) return null;
  return intervalOf(differences, mannWhitneyCounts(current.length, old.length), confidence);
}

/** counts[w]: how many of all equally likely cases give the statistic w; symmetric. */
function intervalOf(
  values: number[],
  counts: readonly number[],
  confidence: number,
): RatioInterval {
  const sorted = values.sort((a, b) => a - b);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const tail = (1 - confidence) / 2;
  // Leave out as many values at each end as keep the tail below what is allowed.
  let left = 0;
  let below = counts[0] as number;
  while (2 * (left + 1) < sorted.length && (below + (counts[left + 1] as number)) / total <= tail) {
    below += counts[++left] as number;
  }
  return {
    ratio: Math.exp(medianOf(sorted)),
    low: Math.exp(sorted[left] as number),
    high: Math.exp(sorted[sorted.length - 1 - left] as number),
    confidence: 1 - (2 * below) / total,
  };
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Subsets of the ranks 1 to n by their sum. */
function signedRankCounts(n: number): number[] {
  const counts = new Array<number>((n * (n + 1)) / 2 + 1).fill(0);
  counts[0] = 1;
  for (let rank = 1; rank <= n; rank++) {
    for (let sum = counts.length - 1; sum >= rank; sum--) {
      counts[sum] = (counts[sum] as number) + (counts[sum - rank] as number);
    }
  }
  return counts;
}

/** Orders of m and n things by how many of the m stand before how many of the n. */
function mannWhitneyCounts(m: number, n: number): number[] {
  // Partitions into at most m parts of at most n each: a Gaussian binomial coefficient.
  let counts = [1];
  for (let i = 1; i <= m; i++) {
    const length = i * n + 1;
    const times = new Array<number>(length + i).fill(0);
    // times (1 − q^(n+i)), then divided by (1 − q^i).
    for (let w = 0; w < counts.length; w++) {
      times[w] = (times[w] as number) + (counts[w] as number);
      if (w + n + i < times.length)
        times[w + n + i] = (times[w + n + i] as number) - (counts[w] as number);
    }
    for (let w = i; w < length; w++) times[w] = (times[w] as number) + (times[w - i] as number);
    counts = times.slice(0, length);
  }
  return counts;
}
