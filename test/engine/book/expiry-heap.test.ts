import fc from "fast-check";
import { expect, test } from "vitest";
import { Arena } from "../../../engine/book/arena.ts";
import { createExpiryHeap } from "../../../engine/book/expiry-heap.ts";
import { DETAIL } from "../../../engine/book/layout.ts";
import { createPools } from "../../../engine/book/pools.ts";

test("the order that expires first is always on top", () => {
  const steps = fc.array(fc.record({ time: fc.nat(30), take: fc.nat(5) }), {
    maxLength: 60,
    size: "max",
  });
  fc.assert(
    fc.property(steps, (list) => {
      const capacity = { orders: 64, levels: 1, instruments: 1, accounts: 1, assets: 1 };
      const arena = new Arena(capacity);
      const pools = createPools(arena);
      const heap = createExpiryHeap(arena);
      const open: { order: number; time: number }[] = [];
      for (const { time, take } of list) {
        if (take === 0 && open.length > 0) {
          const [gone] = open.splice(time % open.length, 1);
          heap.remove((gone as { order: number }).order);
        } else {
          const order = pools.claimOrder();
          arena.doubles[(order + arena.detail + DETAIL.expire) >> 1] = time;
          heap.add(order);
          open.push({ order, time });
        }
        const first = heap.first();
        const earliest = Math.min(Infinity, ...open.map((one) => one.time));
        expect(first === 0 ? Infinity : heap.expireUs(first)).toBe(earliest);
      }
    }),
    { numRuns: 500 },
  );
});
