import { encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import { Receipt } from "../../protocol/generated/session.ts";
import { type LatencySummary, latencyHistogram, summarize } from "../latency.ts";

/** Nanoseconds after the server took the frame in; 0: not known. */
export interface StageStamps {
  readonly sequencedNs: number;
  readonly checkedNs: number;
  readonly matchedNs: number;
  readonly durableNs: number;
  readonly sentNs: number;
}

/**
 * Parts of an order's time, in the order of its way. Matching and journal go side by side, so the
 * parts do not add up to the whole.
 */
export const STAGES = [
  ["entry", "taken in to sequenced"],
  ["risk", "sequenced to checked"],
  ["engine", "checked to matched"],
  ["journal", "checked to durable"],
  ["reply", "durable and matched to sent"],
  ["server", "taken in to sent"],
  ["outside", "the rest of the round trip: network, kernel, event loops"],
] as const;
export type StageName = (typeof STAGES)[number][0];

export interface StageTime {
  readonly stage: StageName;
  readonly latency: LatencySummary;
  /** As an HdrHistogram, compressed, base64. */
  readonly histogram: string;
}

const receipt = new Receipt();

/** The stamps of a binary receipt. */
export function readReceipt(view: DataView, offset: number): StageStamps {
  receipt.wrap(view, offset);
  const { sequencedNs, checkedNs, matchedNs, durableNs, sentNs } = receipt;
  return { sequencedNs, checkedNs, matchedNs, durableNs, sentNs };
}

/** Where the time of a sample of orders went. */
export class StageTimes {
  readonly #histograms = new Map<StageName, Histogram>(
    STAGES.map(([name]) => [name, latencyHistogram()]),
  );

  /** roundTripNs: from sending to the receipt. Without all stamps nothing is counted. */
  add(stamps: StageStamps, roundTripNs: number): void {
    const { sequencedNs, checkedNs, matchedNs, durableNs, sentNs } = stamps;
    if (!(sequencedNs > 0 && checkedNs > 0 && matchedNs > 0 && durableNs > 0)) return;
    this.#record("entry", sequencedNs);
    this.#record("risk", checkedNs - sequencedNs);
    this.#record("engine", matchedNs - checkedNs);
    this.#record("journal", durableNs - checkedNs);
    this.#record("reply", sentNs - Math.max(matchedNs, durableNs));
    this.#record("server", sentNs);
    this.#record("outside", roundTripNs - sentNs);
  }

  get count(): number {
    return this.#histograms.get("server")?.totalCount ?? 0;
  }

  result(): StageTime[] {
    return STAGES.map(([stage]) => {
      const histogram = this.#histograms.get(stage) as Histogram;
      return {
        stage,
        latency: summarize(histogram),
        histogram: encodeIntoCompressedBase64(histogram),
      };
    });
  }

  /** Clocks of two threads agree to a fraction of a microsecond: what is less than nothing is nothing. */
  #record(stage: StageName, ns: number): void {
    (this.#histograms.get(stage) as Histogram).recordValue(Math.max(1, Math.round(ns)));
  }
}
