import fc from "fast-check";
import { expect, test } from "vitest";
import { Arena } from "../../../engine/book/arena.ts";
import { createPools } from "../../../engine/book/pools.ts";
import { Fees, MAX_FEE_RATE_E8 } from "../../../engine/matching/fees.ts";

const RATE_UNIT = 100_000_000n;

function freshOrder() {
  const capacity = { orders: 4, levels: 1, instruments: 1, accounts: 1, assets: 1 };
  const arena = new Arena(capacity);
  return { fees: new Fees(arena), order: createPools(arena).claimOrder() };
}

function roundUp(value: bigint): bigint {
  const quotient = value / RATE_UNIT; // toward zero
  return value % RATE_UNIT > 0n ? quotient + 1n : quotient;
}

const rate = fc.oneof(
  fc.integer({ min: -MAX_FEE_RATE_E8, max: MAX_FEE_RATE_E8 }),
  fc.constantFrom(-MAX_FEE_RATE_E8, -1, 0, 1, 9999, 10000, 10001, MAX_FEE_RATE_E8),
);
const notional = fc.oneof(
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 1000 }),
  fc.constantFrom(0, 1, 99_999_999, 100_000_000, Number.MAX_SAFE_INTEGER),
);

test("what an order has paid is the exact sum of its fills, rounded up", () => {
  const fills = fc.array(fc.tuple(notional, rate), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fills, (list) => {
      const { fees, order } = freshOrder();
      let exact = 0n;
      let paid = 0n;
      for (const [units, rateE8] of list) {
        exact += BigInt(units) * BigInt(rateE8);
        paid += BigInt(fees.charge(order, units, rateE8));
        expect(paid).toBe(roundUp(exact));
      }
    }),
    { numRuns: 3000 },
  );
});

test("many small fills cost no more than one large one", () => {
  const { fees, order } = freshOrder();
  let paid = 0;
  for (let i = 0; i < 1000; i++) paid += fees.charge(order, 1, 100_000); // 0.1 % of one unit
  expect(paid).toBe(1);
});

test("a rebate is never rounded up", () => {
  const { fees, order } = freshOrder();
  expect(fees.charge(order, 999, -100_000)).toBe(0);
  expect(fees.charge(order, 1, -100_000)).toBe(-1);
});

test("the notional that a budget allows is the largest that it pays for with its fee", () => {
  const budget = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 0, max: 5000 }));
  const cost = (units: bigint, rateE8: number) => units + roundUp(units * BigInt(rateE8));
  fc.assert(
    fc.property(budget, fc.integer({ min: 0, max: MAX_FEE_RATE_E8 }), (units, rateE8) => {
      const { fees, order } = freshOrder();
      const most = BigInt(fees.affordableNotional(order, units, rateE8));
      expect(cost(most, rateE8) <= BigInt(units)).toBe(true);
      expect(cost(most + 1n, rateE8) > BigInt(units)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
