import fc from "fast-check";
import { expect, it } from "vitest";
import { worstFee } from "../../../engine/ledger/worst-fee.ts";

it("the worst fee is notional × rate rounded up, for any safe integer", () => {
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.oneof(fc.constant(100_000_000), fc.integer({ min: 0, max: 100_000_000 })),
      (notional, rate) => {
        const exact = (BigInt(notional) * BigInt(rate) + 99_999_999n) / 100_000_000n;
        expect(worstFee(notional, rate)).toBe(Number(exact));
      },
    ),
    { numRuns: 5000 },
  );
});
