import fc from "fast-check";
import { expect, test } from "vitest";
import { Arena } from "../../../engine/book/arena.ts";
import { INSTRUMENT, LEVEL, SIDE } from "../../../engine/book/layout.ts";
import { createPools } from "../../../engine/book/pools.ts";
import { createPriceIndex } from "../../../engine/book/price-index.ts";

const CAPACITY = { orders: 64, levels: 64, instruments: 1, accounts: 1, assets: 1 };

function emptySide(levels = CAPACITY.levels) {
  const arena = new Arena({ ...CAPACITY, levels });
  const pools = createPools(arena);
  const index = createPriceIndex(arena, pools);
  const side = arena.claimInstrument() + INSTRUMENT.sides;
  const ranks = () => {
    const all: number[] = [];
    let level = arena.words[side + SIDE.best] as number;
    for (; level !== 0; level = index.next(level)) {
      all.push(arena.words[level + LEVEL.rank] as number);
    }
    return all;
  };
  return { arena, pools, index, side, ranks };
}

const rank = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.integer({ min: -2147483648, max: 2147483647 }),
  fc.constantFrom(-2147483648, 2147483647, -1, 0, 1, 31, 32, 1023, 1024),
);

test("levels come out in the order of their ranks, whatever was added and taken out before", () => {
  const steps = fc.array(fc.record({ rank, remove: fc.boolean() }), {
    maxLength: 120,
    size: "max",
  });
  fc.assert(
    fc.property(steps, (list) => {
      const { arena, index, side, ranks } = emptySide(130);
      const levels = new Map<number, number>();
      for (const step of list) {
        const known = levels.get(step.rank);
        if (step.remove && known !== undefined) {
          index.remove(known);
          levels.delete(step.rank);
        } else {
          const level = index.findOrAdd(side, step.rank, 7);
          if (known !== undefined) expect(level).toBe(known);
          levels.set(step.rank, level);
        }
        expect(ranks()).toEqual([...levels.keys()].sort((a, b) => a - b));
        for (const [of, level] of levels) expect(arena.words[level + LEVEL.rank]).toBe(of);
      }
    }),
    { numRuns: 300 },
  );
});

test("a new level has an empty queue and the price it was asked for", () => {
  const { arena, index, side } = emptySide();
  const level = index.findOrAdd(side, -100, 100);
  expect(arena.words[level + LEVEL.price]).toBe(100);
  expect(arena.words[level + LEVEL.head]).toBe(level);
  expect(arena.words[level + LEVEL.tail]).toBe(level);
  expect(arena.words[level + LEVEL.count]).toBe(0);
  expect(arena.doubles[(level + LEVEL.total) >> 1]).toBe(0);
});

test("as many levels as the capacity says find room, wherever their prices are", () => {
  const { index, side, ranks } = emptySide(64);
  const spread = Array.from({ length: 64 }, (_, i) => -2147483648 + i * 67108863);
  for (const value of spread) index.findOrAdd(side, value, value);
  expect(ranks()).toEqual(spread);
});

test("nodes and levels come back: the same prices can come and go for ever", () => {
  const { arena, index, side } = emptySide(8);
  for (let round = 0; round < 1000; round++) {
    const levels = [-2147483648, -1, 0, 1, 1 << 20, 2147483647].map((value) =>
      index.findOrAdd(side, value ^ (round << 3), value),
    );
    for (const level of levels) index.remove(level);
  }
  expect(arena.words[side + SIDE.best]).toBe(0);
  expect(arena.words[side + SIDE.root]).toBe(0);
});
