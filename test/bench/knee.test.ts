import { describe, expect, test } from "vitest";
import { climb } from "../../bench/throughput/knee.ts";

/** A server that sustains up to its knee. */
function server(knee: number) {
  const asked: number[] = [];
  const measure = (ratePerSecond: number) => {
    asked.push(ratePerSecond);
    return Promise.resolve({ ratePerSecond, isSustained: ratePerSecond <= knee });
  };
  return { asked, measure };
}

describe("the search for the knee", () => {
  test("without a search it ends with the first rate that is not sustained", async () => {
    const { asked, measure } = server(45_000);
    const options = { firstRatePerSecond: 10_000, factor: 2, searchPercent: 0 };
    const { points, sustainedPerSecond } = await climb(measure, options);
    expect(asked).toEqual([10_000, 20_000, 40_000, 80_000]);
    expect(sustainedPerSecond).toBe(40_000);
    expect(points.map(({ isSustained }) => isSustained)).toEqual([true, true, true, false]);
  });

  test.each([777, 9_999, 10_001, 123_456])(
    "it finds a knee at %i, from both sides",
    async (knee) => {
      const { asked, measure } = server(knee);
      const options = { firstRatePerSecond: 10_000, factor: 1.6, searchPercent: 5 };
      const { points, sustainedPerSecond } = await climb(measure, options);
      expect(sustainedPerSecond).toBeLessThanOrEqual(knee);
      expect(sustainedPerSecond * 1.051).toBeGreaterThan(knee);
      expect(asked.length).toBeLessThan(16);
      const rates = points.map(({ ratePerSecond }) => ratePerSecond);
      expect(rates).toEqual([...rates].sort((a, b) => a - b));
    },
  );

  test("a server that sustains nothing has none", async () => {
    const { measure } = server(0);
    const options = { firstRatePerSecond: 100, factor: 2, searchPercent: 5 };
    expect((await climb(measure, options)).sustainedPerSecond).toBe(0);
  });
});
