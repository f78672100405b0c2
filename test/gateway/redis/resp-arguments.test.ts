import fc from "fast-check";
import { expect, test } from "vitest";
import { RespArguments } from "../../../gateway/redis/resp-arguments.ts";
import { formatUnits } from "../../../protocol/decimal.ts";

/** Reads bulk strings as Redis does. */
function parse(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe("$".charCodeAt(0));
    const line = bytes.indexOf("\r\n", at);
    const length = Number(bytes.toString("latin1", at + 1, line));
    const end = line + 2 + length;
    found.push(bytes.toString("latin1", line + 2, end));
    expect(bytes.toString("latin1", end, end + 2)).toBe("\r\n");
    at = end + 2;
  }
  return found;
}

test("numbers and decimals are what their texts are, for all there are", () => {
  const to = new RespArguments(16);
  const units = fc.maxSafeInteger();
  const natural = fc.nat(Number.MAX_SAFE_INTEGER);
  const small = fc.integer({ min: -100_000, max: 100_000 });
  fc.assert(
    fc.property(
      natural,
      natural,
      fc.nat(2 ** 32 - 1),
      fc.oneof(units, small),
      fc.constantFrom(1, 5, 25, 125, 1_000, 12_345_678),
      fc.nat(18),
      (integer, seq, index, count, value, scale) => {
        to.clear();
        to.integer(integer);
        to.id(seq, index);
        to.decimal(count, value, scale);
        const decimal = formatUnits(count, value, scale);
        expect(parse(to.written)).toEqual([String(integer), `${seq}-${index}`, decimal]);
        expect(to.count).toBe(3);
      },
    ),
    { numRuns: 5_000 },
  );
});

test.each([
  [0, 1, 8, "0"],
  [100, 1, 2, "1"],
  [-1, 1, 2, "-0.01"],
  [-250, 1, 2, "-2.5"],
  [1, 1, 0, "1"],
  [1_000_000_000, 1, 9, "1"],
  [999_999_999_999, 1, 3, "999999999.999"],
])("%i × %i × 10^-%i is %s", (units, value, scale, text) => {
  const to = new RespArguments();
  to.decimal(units, value, scale);
  expect(parse(to.written)).toEqual([text]);
});

test("texts and bytes of any length keep their place when there must be more room", () => {
  const to = new RespArguments(1);
  const texts = [
    "",
    "a",
    "b".repeat(9),
    "c".repeat(10),
    "d".repeat(99),
    "e".repeat(100),
    "f".repeat(12_345),
  ];
  for (const text of texts) to.text(text);
  for (const text of texts) to.bytes(Buffer.from(text));
  expect(parse(to.written)).toEqual([...texts, ...texts]);
});
