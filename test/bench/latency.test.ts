import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { expect, test } from "vitest";
import { latencyHistogram, summarize, sumOf } from "../../bench/latency.ts";

function histogramOf(...valuesUs: number[]): string {
  const histogram = latencyHistogram();
  for (const us of valuesUs) histogram.recordValue(us * 1000);
  return encodeIntoCompressedBase64(histogram);
}

test("the sum of histograms has all their values", () => {
  const sum = summarize(sumOf([histogramOf(10, 20, 30), histogramOf(1000), histogramOf()]));
  expect(sum.count).toBe(4);
  expect(sum.minUs).toBeCloseTo(10, 1);
  expect(sum.p50Us).toBeCloseTo(20, 1);
  expect(sum.maxUs / 1000).toBeCloseTo(1, 2);
});
