import {
  build,
  decodeFromCompressedBase64,
  type Histogram,
  initWebAssemblySync,
} from "hdr-histogram-js";

let isReady = false;

/** Nanoseconds from 1 to a minute, to three significant digits. */
export function latencyHistogram(): Histogram {
  if (!isReady) initWebAssemblySync();
  isReady = true;
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60e9,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: true,
  });
}

/** Of all values in histograms of `latencyHistogram`, each in compressed base64. */
export function sumOf(histograms: readonly string[]): Histogram {
  const sum = latencyHistogram();
  for (const text of histograms) {
    const one = decodeFromCompressedBase64(text, 64, true);
    sum.add(one);
    one.destroy();
  }
  return sum;
}

/** Percentiles of a histogram of nanoseconds, in microseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly minUs: number;
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly p9999Us: number;
  readonly maxUs: number;
}

export function summarize(histogram: Histogram): LatencySummary {
  const at = (percentile: number) => inUs(histogram.getValueAtPercentile(percentile));
  const isEmpty = histogram.totalCount === 0;
  return {
    count: histogram.totalCount,
    minUs: isEmpty ? 0 : inUs(histogram.minNonZeroValue),
    meanUs: isEmpty ? 0 : inUs(histogram.mean),
    p50Us: at(50),
    p90Us: at(90),
    p99Us: at(99),
    p999Us: at(99.9),
    p9999Us: at(99.99),
    maxUs: inUs(histogram.maxValue),
  };
}

function inUs(ns: number): number {
  return Math.round(ns / 10) / 100;
}

/** "p50 41.2  p90 80.4  p99 228  p99.9 1261  max 2360 µs". */
export function formatLatency(summary: LatencySummary): string {
  const cells = [
    ["p50", summary.p50Us],
    ["p90", summary.p90Us],
    ["p99", summary.p99Us],
    ["p99.9", summary.p999Us],
    ["max", summary.maxUs],
  ] as const;
  return `${cells.map(([name, us]) => `${name} ${formatUs(us)}`).join("  ")} µs`;
}

export function formatUs(us: number): string {
  return us < 100 ? us.toFixed(1) : Math.round(us).toString();
}
