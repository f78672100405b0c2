import { decodeFromCompressedBase64, type Histogram } from "hdr-histogram-js";
import type { Curve, Distribution } from "./document.ts";
import {
  type Axis,
  countAxis,
  formatCount,
  formatTime,
  lineChart,
  type Ridge,
  ridgeChart,
  type Series,
  timeAxis,
} from "./svg.ts";

/** A chart and the names of its lines. */
export interface Chart {
  readonly title: string;
  readonly note: string;
  readonly svg: string;
  readonly legend: readonly {
    readonly name: string;
    readonly color: number;
    readonly isDashed: boolean;
  }[];
}

export const COLORS = 7;
const NINES_STEP = 0.02;
const MOST_NINES = 5;
/** Quantiles that stand for a histogram: as good as its bins are wide. */
const QUANTILES = 4_000;
const BINS_A_DECADE = 16;

/** Percentiles over their number of nines. base: of an earlier run, dashed. */
export function percentileChart(
  group: string,
  distributions: readonly Distribution[],
  base: readonly Distribution[],
): Chart {
  const isStages = group === "stages";
  const lines = [
    ...distributions.map((one) => ({ ...one, isDashed: false })),
    ...base.map((one) => ({ ...one, isDashed: true })),
  ];
  const names = [...new Set(lines.map(({ name }) => name))];
  const histograms = lines.map(({ histogram }) => decodeFromCompressedBase64(histogram));
  const nines = Math.min(
    MOST_NINES,
    Math.max(2, ...histograms.map(({ totalCount }) => Math.log10(Math.max(1, totalCount)))),
  );
  const series: Series[] = lines.map(({ name, isDashed }, i) => ({
    name,
    isDashed,
    color: names.indexOf(name) % COLORS,
    points: percentilesOf(histograms[i] as Histogram, nines),
  }));
  const values = series.flatMap(({ points }) => points.map(([, us]) => us));
  const title = isStages ? "Where the time goes, percentiles" : `Percentiles, ${group}`;
  return {
    title,
    note: isStages
      ? "from the receipts of a sample of orders"
      : "both axes logarithmic; to the right, ever rarer",
    svg: lineChart(
      title,
      ninesAxis(nines),
      timeAxis("latency", Math.min(...values), Math.max(...values)),
      series,
    ),
    legend: series.map(({ name, color, isDashed }) => ({
      name: isDashed === true ? `${name}, before` : name,
      color,
      isDashed: isDashed === true,
    })),
  };
}

function percentilesOf(histogram: Histogram, mostNines: number): [number, number][] {
  const points: [number, number][] = [];
  const last = Math.min(mostNines, Math.log10(Math.max(1, histogram.totalCount)));
  for (let nines = 0; nines <= last; nines += NINES_STEP) {
    const percentile = 100 * (1 - 10 ** -nines);
    points.push([nines, Math.max(0.01, histogram.getValueAtPercentile(percentile) / 1e3)]);
  }
  return points;
}

function ninesAxis(max: number): Axis {
  const all = [
    [0, "0 %"],
    [-Math.log10(0.5), "50 %"],
    [1, "90 %"],
    [2, "99 %"],
    [3, "99.9 %"],
    [4, "99.99 %"],
    [5, "99.999 %"],
  ] as const;
  const ticks = all.filter(([at]) => at <= max).map(([at, label]) => ({ at, label }));
  return { label: "percentile", min: 0, max, isLog: false, ticks };
}

/** A histogram for each distribution over one logarithmic axis of time. */
export function histogramChart(distributions: readonly Distribution[]): Chart {
  const found = distributions.map(({ name, histogram }) => ({
    name,
    histogram: decodeFromCompressedBase64(histogram),
  }));
  const at = (histogram: Histogram, percentile: number) =>
    Math.max(0.01, histogram.getValueAtPercentile(percentile) / 1e3);
  const axis = timeAxis(
    "time in each part, logarithmic",
    Math.min(...found.map(({ histogram }) => at(histogram, 0.5))),
    Math.max(...found.map(({ histogram }) => at(histogram, 99.8))),
  );
  const ridges: Ridge[] = found.map(({ name, histogram }, i) => {
    const [p50, p99] = [at(histogram, 50), at(histogram, 99)];
    return {
      name,
      color: i % COLORS,
      shares: sharesOf(histogram, axis),
      p50,
      p99,
      text: `p50 ${formatTime(p50)}, p99 ${formatTime(p99)}`,
    };
  });
  return {
    title: "Where the time goes, stage by stage",
    note: "each row scaled to its own peak; the two strokes are p50 and p99",
    svg: ridgeChart("histogram of each stage", axis, ridges),
    legend: [],
  };
}

function sharesOf(histogram: Histogram, axis: Axis): number[] {
  const decades = Math.log10(axis.max / axis.min);
  const bins = Math.max(1, Math.round(decades * BINS_A_DECADE));
  const shares = new Array<number>(bins).fill(0);
  for (let i = 0; i < QUANTILES; i++) {
    const ns = histogram.getValueAtPercentile((100 * (i + 0.5)) / QUANTILES);
    const bin = Math.floor((Math.log10(Math.max(0.01, ns / 1e3) / axis.min) / decades) * bins);
    if (bin >= 0 && bin < bins) shares[bin] = (shares[bin] as number) + 1 / QUANTILES;
  }
  return shares;
}

/** Latency over what was asked; hollow points were not sustained. */
export function throughputChart(curves: readonly Curve[], base: readonly Curve[]): Chart {
  const lines = [
    ...curves.map((one) => ({ ...one, isDashed: false })),
    ...base.map((one) => ({ ...one, isDashed: true })),
  ];
  const names = [...new Set(lines.map(({ name }) => name))];
  const series: Series[] = lines.flatMap(({ name, points, isDashed }) =>
    (["p99Us", "p50Us"] as const).map((percentile) => ({
      name: isDashed ? `${name}, before` : name,
      color: names.indexOf(name) % COLORS,
      isDashed,
      isThin: percentile === "p50Us",
      points: points.map((point) => [point.askedPerSecond, point[percentile]] as const),
      marks: points.map((point) => ({
        x: point.askedPerSecond,
        y: point[percentile],
        isHollow: !point.isSustained,
        text: `${name}: ${formatCount(point.askedPerSecond)}/s asked, ${formatCount(point.donePerSecond)}/s done, p50 ${formatTime(point.p50Us)}, p99 ${formatTime(point.p99Us)}, p99.9 ${formatTime(point.p999Us)}`,
      })),
    })),
  );
  const rates = lines.flatMap(({ points }) => points.map(({ askedPerSecond }) => askedPerSecond));
  const values = lines.flatMap(({ points }) =>
    points.flatMap(({ p50Us, p99Us }) => [p50Us, p99Us]),
  );
  return {
    title: "Throughput and latency",
    note: "open loop; bold p99, thin p50; a hollow point: the server fell behind",
    svg: lineChart(
      "latency over orders a second",
      countAxis("orders a second asked", Math.max(1, ...rates)),
      timeAxis("latency", Math.min(...values), Math.max(...values)),
      series,
    ),
    legend: series
      .filter(({ isThin }) => isThin !== true)
      .map(({ name, color, isDashed }) => ({ name, color, isDashed: isDashed === true })),
  };
}
