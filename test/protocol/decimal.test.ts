import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DecimalReader,
  decimalToUnits,
  FINEST_SCALE,
  formatDecimal,
  formatUnits,
} from "../../protocol/decimal.ts";
import { MAX_INTEGER, SCALE_DOES_NOT_FIT } from "../../protocol/terms.ts";

function read(text: string): [number, number] | null {
  const reader = new DecimalReader();
  return reader.read(text) ? [reader.value, reader.scale] : null;
}

describe("reading", () => {
  it.each([
    ["0", 0, 0],
    ["-0", 0, 0],
    ["-0.000", 0, 0],
    ["64000.25", 6400025, 2],
    ["64000.2500", 6400025, 2],
    ["-1.5", -15, 1],
    ["007.0", 7, 0],
    ["100", 100, 0],
    ["0.00000001", 1, 8],
    ["1.000001000", 1000001, 6],
    ["9007199254740991", MAX_INTEGER, 0],
    ["900719925474099.1", MAX_INTEGER, 1],
    ["-9007199254740991", -MAX_INTEGER, 0],
  ])("%s is an integer and a scale", (text, value, scale) => {
    expect(read(text)).toEqual([value, scale]);
  });

  it.each([
    "",
    "-",
    ".",
    "1.",
    ".5",
    "+1",
    "1e5",
    " 1",
    "1 ",
    "0x10",
    "1,5",
    "--1",
    "1.2.3",
    "1.-2",
    "٣",
    "NaN",
  ])("%j is not a decimal", (text) => {
    expect(read(text)).toBeNull();
  });

  it("says that more than 2^53−1 does not fit", () => {
    expect(read("9007199254740992")).toEqual([1, SCALE_DOES_NOT_FIT]);
    expect(read("-90071992547409910")).toEqual([-1, SCALE_DOES_NOT_FIT]);
    expect(read("9007199254740.992")).toEqual([1, SCALE_DOES_NOT_FIT]);
    expect(read(`1${"0".repeat(400)}.5`)).toEqual([1, SCALE_DOES_NOT_FIT]);
  });

  it("holds what has too many decimals as the finest there is, which is no multiple of any unit", () => {
    expect(read("64000.1234567890123456789")).toEqual([1, FINEST_SCALE]);
    expect(read(`-0.${"0".repeat(300)}1`)).toEqual([-1, FINEST_SCALE]);
    expect(decimalToUnits(1, FINEST_SCALE, 1, 8)).toBeNaN();
  });
});

describe("converting", () => {
  it.each([
    ["64000.25", 25, 2, 256001],
    ["64000.3", 25, 2, Number.NaN],
    ["0.001", 1, 2, Number.NaN],
    ["-10", 5, 1, -20],
    ["3", 1, 0, 3],
    ["0", 7, 3, 0],
    ["9007199254740991", 1, 0, MAX_INTEGER],
    ["9007199254740991", 1, 1, Number.POSITIVE_INFINITY],
    ["-9007199254740991", 1, 1, Number.NEGATIVE_INFINITY],
    // The scaled value leaves 2^53, the count of units does not.
    ["9007199254740991", 10, 1, MAX_INTEGER],
    ["9007199254740990", 30, 1, 3002399751580330],
    ["9007199254740991", 30, 1, Number.NaN],
    ["1", 125, 25, Number.POSITIVE_INFINITY],
    ["7", 7000000000000, 25, 10000000000000],
  ])("%s in units of %d × 10^-%d is %d", (text, unit, unitScale, expected) => {
    const reader = new DecimalReader();
    reader.read(text);
    expect(decimalToUnits(reader.value, reader.scale, unit, unitScale)).toBe(expected);
  });

  it("takes values with trailing zeros too", () => {
    expect(decimalToUnits(100, 2, 1, 0)).toBe(1);
    expect(decimalToUnits(120, 2, 2, 1)).toBe(6);
  });

  it.each([
    ["900719925474099100", 100, 0, MAX_INTEGER],
    ["-900719925474099100.0", 100, 0, -MAX_INTEGER],
    ["9007199254740.995", 5, 3, 1801439850948199],
    ["9007199254740.992", 1, 3, Number.POSITIVE_INFINITY],
    ["9007199254740.992", 1, 2, Number.NaN],
    ["-9007199254740.992", 1, 3, Number.NEGATIVE_INFINITY],
    ["0.00000000010000000000000001", 1, 8, Number.NaN],
    [`${"9".repeat(50)}.5`, 1, 0, Number.POSITIVE_INFINITY],
    [`0.${"0".repeat(60)}1`, 1, 60, Number.NaN],
    [`00${"1".repeat(20)}`, 1, 0, Number.POSITIVE_INFINITY],
  ])("%s, beyond 2^53−1 in digits, in units of %d × 10^-%d is %d", (text, value, scale, units) => {
    const reader = new DecimalReader();
    expect(reader.read(text)).toBe(true);
    expect(reader.toUnits({ value, scale })).toBe(units);
    // One reader serves many decimals.
    expect(reader.read("6")).toBe(true);
    expect(reader.toUnits({ value: 1, scale: 0 })).toBe(6);
  });

  it("agrees with arithmetic on big integers", () => {
    const value = fc.integer({ min: -MAX_INTEGER, max: MAX_INTEGER });
    const nearby = fc.oneof(value, fc.integer({ min: -100000, max: 100000 }));
    const unit = fc.oneof(
      fc.integer({ min: 1, max: 1000 }),
      fc.constantFrom(1, 5, 25, 125, 1000, 2 ** 40, 5 ** 20),
    );
    const scale = fc.integer({ min: 0, max: 30 });
    fc.assert(
      fc.property(nearby, scale, unit, scale, (v, s, u, us) => {
        const top = BigInt(v) * 10n ** BigInt(us);
        const bottom = BigInt(u) * 10n ** BigInt(s);
        let expected: number;
        if (top % bottom !== 0n) expected = Number.NaN;
        else if (abs(top / bottom) <= BigInt(MAX_INTEGER)) expected = Number(top / bottom);
        else expected = v < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
        expect(decimalToUnits(v, s, u, us)).toBe(expected === 0 ? 0 : expected);
      }),
      { numRuns: 3000 },
    );
  });
});

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

describe("printing", () => {
  it.each([
    [0, 8, "0"],
    [6400025, 2, "64000.25"],
    [6400000, 2, "64000"],
    [-5, 3, "-0.005"],
    [120, 3, "0.12"],
    [-15, 0, "-15"],
    [MAX_INTEGER, 20, "0.00009007199254740991"],
  ])("%d × 10^-%d is %s", (value, scale, text) => {
    expect(formatDecimal(value, scale)).toBe(text);
  });

  it("is exact where units × unit size is beyond 2^53", () => {
    expect(formatUnits(MAX_INTEGER, 5, 1)).toBe("4503599627370495.5");
    expect(formatUnits(-MAX_INTEGER, 1000, 3)).toBe("-9007199254740991");
    expect(formatUnits(3, 25, 2)).toBe("0.75");
  });

  it("reads back what it printed", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -MAX_INTEGER, max: MAX_INTEGER }),
        fc.integer({ min: 0, max: 40 }),
        (value, scale) => {
          const text = formatDecimal(value, scale);
          const reader = new DecimalReader();
          expect(reader.read(text)).toBe(true);
          expect(formatDecimal(reader.value, reader.scale)).toBe(text);
          expect(decimalToUnits(reader.value, reader.scale, 1, scale)).toBe(
            value === 0 ? 0 : value,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
});
