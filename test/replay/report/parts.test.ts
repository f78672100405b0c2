import { describe, expect, it } from "vitest";
import { ExactSum, formatExact } from "../../../replay/report/exact-sum.ts";
import { html, Markup, table } from "../../../replay/report/markup.ts";
import { shortNumber } from "../../../replay/report/plot.ts";
import { ThinnedList } from "../../../replay/report/thinned-list.ts";
import { spanText, TimeScale, timeText } from "../../../replay/report/time-scale.ts";
import { Random } from "../../simulation/random.ts";

describe("an exact sum", () => {
  it("is that of big integers, whatever is added", () => {
    const random = new Random(7);
    const sum = new ExactSum();
    let expected = 0n;
    const most = Number.MAX_SAFE_INTEGER;
    for (let i = 0; i < 20_000; i++) {
      const value = Math.floor((random.below(1e9) / 1e9) * most) * (random.chance(30) ? -1 : 1);
      const small = random.below(1e6) - 5e5;
      sum.add(i % 3 === 0 ? most : value);
      expected += BigInt(i % 3 === 0 ? most : value);
      sum.addProduct(value, small);
      expected += BigInt(value) * BigInt(small);
      if (i % 5000 === 0) expect(sum.total).toBe(expected);
    }
    expect(sum.total).toBe(expected);
  });

  it("is written without trailing zeros, and with its sign", () => {
    const cases = [
      formatExact(0n, 25, 2),
      formatExact(4n, 25, 2),
      formatExact(-1n, 25, 2),
      formatExact(5n, 1, 3),
      formatExact(-(10n ** 30n), 1, 8),
      formatExact(7n, 3, 0),
    ];
    expect(cases).toEqual(["0", "1", "-0.25", "0.005", `-1${"0".repeat(22)}`, "21"]);
  });
});

describe("a time scale", () => {
  it("has bins of a width people like, as many as are allowed at most", () => {
    const day = new TimeScale(1_700_000_000_000_000, 1_700_000_000_000_000 + 86_400e6, 120);
    expect([day.widthUs, day.bins]).toEqual([900e6, 97]);
    expect(day.startUs % day.widthUs).toBe(0);
    expect(new TimeScale(5, 5, 120)).toMatchObject({ startUs: 5, widthUs: 1, bins: 1 });
    expect(new TimeScale(1, 300, 120)).toMatchObject({ startUs: 0, widthUs: 5, bins: 61 });
    const longest = new TimeScale(0, Number.MAX_SAFE_INTEGER, 120);
    expect(longest.bins).toBeLessThanOrEqual(120);
  });

  it("puts a moment into the bin that begins at or before it", () => {
    const scale = new TimeScale(1_000_003, 9_999_999, 10);
    expect(scale).toMatchObject({ startUs: 1_000_000, widthUs: 1_000_000, bins: 9 });
    expect([1_000_003, 1_999_999, 2_000_000, 9_999_999].map((us) => scale.binOf(us))).toEqual([
      0, 0, 1, 8,
    ]);
    expect([0, 99_999_999].map((us) => scale.binOf(us))).toEqual([0, 8]);
  });

  it("says times and spans in words", () => {
    expect(timeText(1_700_000_000_123_450)).toBe("2023-11-14 22:13:20.12345Z");
    expect(timeText(7)).toBe("1970-01-01 00:00:00.000007Z");
    expect([900e6, 1, 60e6, 500_000].map(spanText)).toEqual([
      "15 minutes",
      "1 microsecond",
      "1 minute",
      "500 milliseconds",
    ]);
  });
});

describe("a thinned list", () => {
  it("keeps a bounded number, evenly spread, from the first on", () => {
    for (const all of [5, 8, 9, 100, 1000, 4097]) {
      const list = new ThinnedList<number>(8);
      let made = 0;
      for (let i = 0; i < all; i++) {
        list.offer(() => {
          made++;
          return i;
        });
      }
      const { items } = list;
      expect(items.length).toBeLessThanOrEqual(8);
      expect(items.length).toBeGreaterThanOrEqual(Math.min(all, 4));
      expect(items[0]).toBe(0);
      const steps = new Set(items.slice(1).map((item, i) => item - (items[i] as number)));
      expect(steps.size).toBeLessThanOrEqual(1);
      expect(list.offered).toBe(all);
      expect(made).toBeLessThan(8 + 8 * Math.log2(all));
    }
  });
});

describe("markup", () => {
  it("escapes whatever is put in, and nothing twice", () => {
    const evil = `<img src=x onerror="alert('1')">&amp;\u0000\u001b`;
    const inner = html`<b title="${evil}">${evil}</b>`;
    const safe = "&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;\ufffd\ufffd";
    expect(inner.text).toBe(`<b title="${safe}">${safe}</b>`);
    expect(html`${[inner, " & ", 5]}`.text).toBe(`${inner.text} &amp; 5`);
    expect(html`${new Markup("<i>")}`.text).toBe("<i>");
  });

  it("says so where a table has no rows", () => {
    expect(table("Trades", [{ name: "A" }], []).text).toBe('<p class="none">Trades: none.</p>');
  });

  it("shortens numbers on axes", () => {
    expect([0, 9, 999.5, 9999, 12_345, 12_345_678, 0.00123].map(shortNumber)).toEqual([
      "0",
      "9",
      "999.5",
      "9,999",
      "12.35 k",
      "12.35 M",
      "0.00123",
    ]);
  });
});
