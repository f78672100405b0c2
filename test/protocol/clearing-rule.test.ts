import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClearingRule } from "../../protocol/clearing-rule.ts";
import { Side } from "../../protocol/generated/enums.ts";

interface Candidate {
  readonly price: number;
  readonly buys: number;
  readonly sells: number;
}

/** The rule in the order of its words. */
function chosen(candidates: readonly Candidate[], reference: number | null): Candidate {
  const lots = (c: Candidate) => Math.min(c.buys, c.sells);
  const surplus = (c: Candidate) => c.buys - c.sells;
  const most = Math.max(...candidates.map(lots));
  const ofMost = candidates.filter((c) => lots(c) === most);
  const least = Math.min(...ofMost.map((c) => Math.abs(surplus(c))));
  const best = ofMost
    .filter((c) => Math.abs(surplus(c)) === least)
    .sort((a, b) => b.price - a.price);
  const highest = best[0] as Candidate;
  if (best.every((c) => surplus(c) > 0)) return highest;
  if (best.every((c) => surplus(c) < 0)) return best.at(-1) as Candidate;
  if (reference === null) return highest;
  const distance = (c: Candidate) => Math.abs(c.price - reference);
  return best.reduce((a, b) => (distance(b) < distance(a) ? b : a));
}

describe("the clearing rule", () => {
  it("chooses as its words say, whatever is offered", () => {
    const met = { reference: 0, surplus: 0, shortage: 0, none: 0 };
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 12, maxLength: 12 }),
        fc.option(fc.integer({ min: -12, max: 12 }), { nil: null }),
        (prices, lots, reference) => {
          const candidates = prices
            .sort((a, b) => a - b)
            .map((price, i) => {
              const [buys, sells] = lots[i] as [number, number];
              return { price, buys: buys + 1, sells: sells + 1 };
            });
          const rule = new ClearingRule();
          for (const { price, buys, sells } of candidates) {
            rule.offer(price, buys, sells, reference ?? 0);
          }
          rule.choose(reference !== null);
          const { price, buys, sells } = chosen(candidates, reference);
          expect(rule.priceTicks).toBe(price);
          expect(rule.lots).toBe(Math.min(buys, sells));
          expect(rule.imbalanceLots).toBe(Math.abs(buys - sells));
          const side = buys === sells ? Side.none : buys > sells ? Side.buy : Side.sell;
          expect(rule.imbalanceSide).toBe(side);
          if (side === Side.buy) met.surplus++;
          else if (side === Side.sell) met.shortage++;
          else if (reference === null) met.none++;
          else met.reference++;
        },
      ),
      { numRuns: 3000 },
    );
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(100);
  });

  it("forgets when cleared", () => {
    const rule = new ClearingRule();
    rule.offer(5, 9, 3, 0);
    rule.choose(false);
    rule.clear();
    expect(rule).toMatchObject({ priceTicks: 0, lots: 0, imbalanceLots: 0 });
    rule.offer(2, 1, 1, 0);
    rule.choose(false);
    expect(rule).toMatchObject({ priceTicks: 2, lots: 1, imbalanceSide: Side.none });
  });
});
