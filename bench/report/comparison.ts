import { pairedRatio, type RatioInterval, unpairedRatio } from "../statistics/ratio-interval.ts";
import type { BenchDocument, Figure } from "./document.ts";
import { formatFigure } from "./report.ts";

export type Verdict = "better" | "worse" | "no difference seen" | "too few runs";

export interface ComparedFigure {
  readonly name: string;
  readonly unit: string;
  readonly better: Figure["better"];
  /** Of each run. */
  readonly old: readonly number[];
  readonly current: readonly number[];
  /** null: the values allow none (zeros). */
  readonly interval: RatioInterval | null;
  readonly verdict: Verdict;
}

/** Fewer pairs than this cannot tell noise from a change with any confidence worth the name. */
const FEWEST = 4;

/**
 * What has changed between two lists of runs of one bench. isPaired: run i of both was made side by
 * side. A figure has changed where the interval of its ratio leaves out 1.
 */
export function compareRuns(
  old: readonly BenchDocument[],
  current: readonly BenchDocument[],
  isPaired: boolean,
): ComparedFigure[] {
  return (current[0]?.figures ?? []).map(({ name, unit, better }) => {
    const valuesOf = (documents: readonly BenchDocument[]) =>
      documents.flatMap(({ figures }) => {
        const figure = figures.find((one) => one.name === name);
        return figure === undefined ? [] : [figure.value];
      });
    const [before, now] = [valuesOf(old), valuesOf(current)];
    const interval = isPaired ? pairedRatio(before, now) : unpairedRatio(before, now);
    const fewest = Math.min(before.length, now.length);
    const verdict = fewest < FEWEST ? "too few runs" : verdictOf(interval, better);
    return { name, unit, better, old: before, current: now, interval, verdict };
  });
}

function verdictOf(interval: RatioInterval | null, better: Figure["better"]): Verdict {
  if (interval === null || (interval.low <= 1 && interval.high >= 1)) return "no difference seen";
  const isLess = interval.high < 1;
  return isLess === (better === "lower") ? "better" : "worse";
}

const WORDS: Readonly<Record<Verdict, (better: Figure["better"], unit: string) => string>> = {
  better: (better) => (better === "lower" ? "lower: better" : "higher: better"),
  worse: (better) => (better === "lower" ? "higher: worse" : "lower: worse"),
  "no difference seen": () => "no difference seen",
  "too few runs": () => `too few runs to tell (at least ${FEWEST})`,
};

export function formatComparison(
  bench: string,
  compared: readonly ComparedFigure[],
  isPaired: boolean,
): string {
  const [first] = compared;
  const confidence = ((first?.interval?.confidence ?? 0) * 100).toFixed(1);
  const runs = `${first?.old.length ?? 0} and ${first?.current.length ?? 0} runs`;
  const width = Math.max(...compared.map(({ name }) => name.length), 8);
  const lines = [
    isPaired
      ? `${bench}: new against old, ${runs} in turns`
      : `${bench}: new against old, ${runs}, not in turns: what else has changed is in it too`,
    `ratio of new to old with its ${confidence} % interval, for each figure by itself`,
    "",
  ];
  for (const one of compared) {
    const { name, unit, better, interval, verdict } = one;
    const range =
      interval === null
        ? "—"
        : `${interval.ratio.toFixed(3)} (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`;
    const show = (values: readonly number[]) =>
      formatFigure({ name, unit, better, value: middleOf(values) });
    lines.push(
      `${name.padEnd(width)}  ${show(one.old).padStart(14)} → ${show(one.current).padEnd(14)}  ${range.padEnd(26)}  ${WORDS[verdict](better, unit)}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
