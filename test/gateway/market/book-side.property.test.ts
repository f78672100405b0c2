import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BookSide, NO_LEVEL } from "../../../gateway/market/book-side.ts";
import { Side } from "../../../protocol/generated/enums.ts";

const price = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: -400, max: 400 }),
  fc.integer({ min: -2147483648, max: 2147483647 }),
  fc.constantFrom(-2147483648, 2147483647, 0, -1),
);

function prices(side: BookSide): number[] {
  const found: number[] = [];
  for (let level = side.walk(); level !== NO_LEVEL; level = side.following()) {
    found.push(side.priceTicks[level] as number);
  }
  return found;
}

function run(isBuy: boolean, steps: readonly { at: number; goes: boolean }[]): void {
  const side = new BookSide(isBuy ? Side.buy : Side.sell, isBuy);
  const model = new Map<number, number>();
  for (const { at, goes } of steps) {
    const known = model.get(at);
    if (goes && known !== undefined) {
      side.free(known);
      model.delete(at);
      continue;
    }
    const level = side.at(at);
    if (known !== undefined && level !== known) throw new Error(`a second level at ${at}`);
    if (side.priceTicks[level] !== at) throw new Error(`level ${level} is not at ${at}`);
    model.set(at, level);
  }
  expect(side.count).toBe(model.size);
  expect(new Set(model.values()).size).toBe(model.size);
  expect(prices(side)).toEqual([...model.keys()].sort((a, b) => (isBuy ? b - a : a - b)));
}

describe("the price levels of a side", () => {
  test("are those of a plain map, best first, whatever comes and goes", () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(fc.record({ at: price, goes: fc.boolean() }), { maxLength: 700, size: "max" }),
        run,
      ),
    );
  });

  test("may be thousands, added from any end and taken away again", () => {
    for (const isBuy of [true, false]) {
      for (const factor of [1, -1, 7919]) {
        const all = Array.from({ length: 3000 }, (_, i) => ({
          at: Math.imul(i, factor) % 3001,
          goes: false,
        }));
        run(isBuy, all);
        run(isBuy, [
          ...all,
          ...all.filter((_, i) => i % 3 !== 0).map(({ at }) => ({ at, goes: true })),
        ]);
      }
    }
  });
});
