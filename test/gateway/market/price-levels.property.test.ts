import fc from "fast-check";
import { expect, test } from "vitest";
import { PriceLevels } from "../../../gateway/market/price-levels.ts";

const price = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: -2147483648, max: 2147483647 }),
  fc.constantFrom(-2147483648, 2147483647, 0, -1),
);

test("levels are those of a plain map, best first, whatever comes and goes", () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.record({ price, lots: fc.integer({ min: 1, max: 1e15 }), goes: fc.boolean() }), {
        maxLength: 300,
      }),
      (isBuy, steps) => {
        const levels = new PriceLevels(isBuy);
        const model = new Map<number, number[]>();
        for (const { price: at, lots, goes } of steps) {
          const orders = model.get(at) ?? [];
          const gone = goes ? orders.pop() : undefined;
          if (gone !== undefined) levels.change(at, -gone, -1);
          else {
            orders.push(lots);
            levels.change(at, lots, 1);
          }
          if (orders.length === 0) model.delete(at);
          else model.set(at, orders);
        }
        const best = [...model].sort(([a], [b]) => (isBuy ? b - a : a - b));
        expect(levels.count).toBe(best.length);
        best.forEach(([priceTicks, orders], rank) => {
          expect(levels.priceTicks(rank)).toBe(priceTicks);
          expect(levels.lots(rank)).toBe(orders.reduce((sum, lots) => sum + lots, 0));
          expect(levels.orders(rank)).toBe(orders.length);
        });
      },
    ),
  );
});
