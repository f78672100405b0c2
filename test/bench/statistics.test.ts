import { describe, expect, test } from "vitest";
import { seededRandom } from "../../bench/random.ts";
import { medianSlope } from "../../bench/statistics/median-slope.ts";
import { pairedRatio, unpairedRatio } from "../../bench/statistics/ratio-interval.ts";

/** Times with the long right tail that times have. */
function noisy(random: () => number, center: number, spread: number): number {
  return center * Math.exp(spread * (-Math.log(1 - random()) - 1));
}

describe("the ratio of pairs", () => {
  test("a real change is found, and the interval holds it", () => {
    let found = 0;
    let held = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      // What the machine does in the meantime moves both sides of a pair.
      const drift = Array.from({ length: 6 }, () => noisy(random, 100, 0.5));
      const old = drift.map((level) => noisy(random, level, 0.02));
      const current = drift.map((level) => noisy(random, level * 0.9, 0.02));
      const interval = pairedRatio(old, current);
      if ((interval?.high ?? 1) < 1) found++;
      if ((interval?.low ?? 1) <= 0.9 && (interval?.high ?? 0) >= 0.9) held++;
    }
    expect(found).toBeGreaterThan(190);
    expect(held / 200).toBeGreaterThan(0.92);
  });

  test("noise alone is called a change as seldom as the confidence says", () => {
    let false_ = 0;
    for (let seed = 1; seed <= 2_000; seed++) {
      const random = seededRandom(seed);
      const old = Array.from({ length: 8 }, () => noisy(random, 100, 0.3));
      const current = Array.from({ length: 8 }, () => noisy(random, 100, 0.3));
      const interval = pairedRatio(old, current);
      if (interval !== null && (interval.low > 1 || interval.high < 1)) false_++;
    }
    expect(false_ / 2_000).toBeLessThan(0.065);
    expect(false_).toBeGreaterThan(0);
  });

  test("the confidence is that of the exact distribution: counted out for few pairs", () => {
    for (const n of [1, 2, 3, 4, 5, 6, 7, 10]) {
      const old = new Array<number>(n).fill(1);
      const current = Array.from({ length: n }, (_, i) => Math.exp((i + 1) / 10));
      const interval = pairedRatio(old, current);
      // How often the interval of n differences around 0, drawn with all signs, leaves 0 out.
      let leftOut = 0;
      for (let signs = 0; signs < 2 ** n; signs++) {
        const drawn = current.map((value, i) => ((signs >> i) & 1 ? value : 1 / value));
        const one = pairedRatio(old, drawn);
        if (one !== null && (one.low > 1 || one.high < 1)) leftOut++;
      }
      expect(1 - leftOut / 2 ** n).toBeCloseTo(interval?.confidence ?? -1, 10);
    }
    expect(pairedRatio([1, 1, 1, 1, 1], [2, 2, 2, 2, 2])?.confidence).toBeCloseTo(0.9375, 10);
    expect(pairedRatio(new Array(6).fill(1), new Array(6).fill(2))?.confidence).toBeCloseTo(
      0.96875,
    );
  });

  test("one wild pair does not move the estimate", () => {
    const old = [10, 11, 9, 10, 10, 10, 11];
    const current = [20, 22, 18, 20, 20, 2_000, 22];
    expect(pairedRatio(old, current)?.ratio).toBeCloseTo(2, 6);
  });

  test("zeros, and nothing at all, give no interval", () => {
    expect(pairedRatio([], [])).toBeNull();
    expect(pairedRatio([0, 1], [1, 1])).toBeNull();
  });
});

describe("the ratio of samples", () => {
  test("a change is found, noise is not", () => {
    let found = 0;
    let false_ = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const random = seededRandom(seed);
      const draw = (n: number, center: number) =>
        Array.from({ length: n }, () => noisy(random, center, 0.05));
      if ((unpairedRatio(draw(6, 100), draw(7, 125))?.low ?? 0) > 1) found++;
      const same = unpairedRatio(draw(6, 100), draw(7, 100));
      if (same !== null && (same.low > 1 || same.high < 1)) false_++;
    }
    expect(found).toBeGreaterThan(490);
    expect(false_ / 500).toBeLessThan(0.075);
  });

  test("the confidence is that of the exact distribution: counted out for small samples", () => {
    for (const [m, n] of [
      [1, 1],
      [2, 3],
      [3, 3],
      [4, 4],
      [5, 3],
    ] as const) {
      const interval = unpairedRatio(distinct(n, 0), distinct(m, n));
      let leftOut = 0;
      let cases = 0;
      // Every choice of which of m + n values are the new ones.
      for (let chosen = 0; chosen < 2 ** (m + n); chosen++) {
        const all = distinct(m + n, 0);
        const current = all.filter((_, i) => (chosen >> i) & 1);
        if (current.length !== m) continue;
        cases++;
        const one = unpairedRatio(
          all.filter((_, i) => !((chosen >> i) & 1)),
          current,
        );
        if (one !== null && (one.low > 1 || one.high < 1)) leftOut++;
      }
      expect(1 - leftOut / cases).toBeCloseTo(interval?.confidence ?? -1, 10);
    }
  });
});

function distinct(count: number, from: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.exp((from + i) ** 1.5 / 10));
}

test("the median slope is that of the line, whatever a few points do", () => {
  const points = Array.from({ length: 21 }, (_, x) => [x, 3 * x + 7] as [number, number]);
  points[4] = [4, 900];
  points[15] = [15, -900];
  expect(medianSlope(points)).toBeCloseTo(3, 10);
  expect(medianSlope([[1, 1]])).toBeNaN();
});
