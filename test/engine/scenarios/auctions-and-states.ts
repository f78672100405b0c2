import { expect } from "vitest";
import type { Scenario } from "./rules.ts";

export const auctionsAndStates: readonly Scenario[] = [
  {
    name: "in an auction orders collect, and immediate ones are refused",
    instrument: { state: "auction" },
    play(market) {
      market.sell("1@100");
      expect(market.buy("1@105")).toEqual(["accepted #2"]);
      expect(market.book()).toEqual({ bids: "1@105×1", asks: "1@100×1" });
      const refused = [
        market.buy("1"),
        market.buy("1@1", { tif: "ioc" }),
        market.buy("1@1", { tif: "fok" }),
        market.buy("1@1", { postOnly: true }),
      ];
      expect(refused.flat()).toEqual(refused.map(() => "rejected notInAuction"));
    },
  },
  {
    name: "the uncross trades the most quantity",
    instrument: { state: "auction" },
    play(market) {
      market.buy("5@103");
      market.buy("5@101");
      market.sell("4@100");
      market.sell("4@102");
      expect(market.state("continuous")).toEqual([
        "market continuous",
        "auction 5@102 imbalance 3 sell",
        "auction trade 4@102 #1 (1 left) with #3 (0 left)",
        "auction trade 1@102 #1 (0 left) with #4 (3 left)",
      ]);
      expect(market.book()).toEqual({ bids: "5@101×1", asks: "3@102×1" });
    },
  },
  {
    name: "a buy surplus at every candidate takes the highest price, a sell surplus the lowest",
    instrument: { state: "auction" },
    play(market) {
      market.buy("9@105");
      market.sell("5@100");
      expect(market.state("continuous")).toContain("auction 5@105 imbalance 4 buy");
      market.state("auction");
      market.cancel(1);
      market.buy("5@105");
      market.sell("9@100");
      expect(market.state("continuous")).toContain("auction 5@100 imbalance 4 sell");
    },
  },
  {
    name: "without a surplus the price closest to the reference counts, the higher on a tie",
    instrument: { state: "auction", reference: 102 },
    play(market) {
      market.buy("5@105");
      market.sell("5@101");
      expect(market.state("continuous")).toContain("auction 5@101 imbalance 0 none");
      market.state("auction");
      market.buy("5@102");
      market.sell("5@100");
      expect(market.state("continuous")).toContain("auction 5@102 imbalance 0 none");
    },
  },
  {
    name: "without any reference the highest of the last candidates counts",
    instrument: { state: "auction" },
    play(market) {
      market.buy("5@105");
      market.sell("5@101");
      expect(market.state("continuous")).toContain("auction 5@105 imbalance 0 none");
    },
  },
  {
    name: "hidden quantity takes part after all that is shown at its price, then refills queue again",
    instrument: { state: "auction" },
    play(market) {
      market.sell("5@100", { display: 1 });
      market.sell("5@100", { display: 2 });
      market.sell("1@100");
      market.buy("7@100");
      expect(market.state("continuous")).toEqual([
        "market continuous",
        "auction 7@100 imbalance 4 sell",
        "auction trade 1@100 #4 (6 left) with #1 (4 left)",
        "auction trade 2@100 #4 (4 left) with #2 (3 left)",
        "auction trade 1@100 #4 (3 left) with #3 (0 left)",
        "auction trade 3@100 #4 (0 left) with #1 (1 left)",
      ]);
      expect(market.book().asks).toBe("3@100×2");
      expect(market.buy("2@100")).toEqual([
        "accepted #5",
        "trade 1@100 #5 (1 left) with #1 (0 left)",
        "trade 1@100 #5 (0 left) with #2 (2 left)",
      ]);
    },
  },
  {
    name: "an auction knows no self-trade prevention, and stops go after its trades",
    instrument: { state: "auction" },
    play(market) {
      market.buy("1 stop 100", { account: 3 });
      market.buy("1@100", { stp: "cancelBoth" });
      market.sell("1@100", { account: 1, stp: "cancelBoth" });
      expect(market.state("continuous")).toEqual([
        "market continuous",
        "auction 1@100 imbalance 0 none",
        "auction trade 1@100 #2 (0 left) with #3 (0 left)",
        "triggered #1 by 100",
        "canceled #1 1 noLiquidity",
      ]);
    },
  },
  {
    name: "an auction without trades says so; the same state again is an event and nothing else",
    play(market) {
      expect(market.state("auction")).toEqual(["market auction"]);
      market.buy("1@100");
      expect(market.state("auction")).toEqual(["market auction"]);
      expect(market.state("continuous")).toEqual(["market continuous", "auction without trades"]);
      expect(market.state("continuous")).toEqual(["market continuous"]);
    },
  },
  {
    name: "a crossed book uncrosses from any state, day orders expire at the close",
    instrument: { state: "auction" },
    play(market) {
      market.buy("1@100", { tif: "day" });
      market.buy("2@101");
      market.sell("1@100");
      market.sell("1 stop 50", { tif: "day" });
      expect(market.state("halted")).toEqual(["market halted"]);
      expect(market.state("closed")).toEqual([
        "market closed",
        "canceled #1 1 expired",
        "canceled #4 1 expired",
      ]);
      expect(market.state("continuous")).toEqual([
        "market continuous",
        "auction 1@101 imbalance 1 buy",
        "auction trade 1@101 #2 (1 left) with #3 (0 left)",
      ]);
    },
  },
  {
    name: "a market that is not open takes cancels only",
    play(market) {
      market.buy("1@100");
      market.buy("1@100");
      for (const state of ["preOpen", "halted", "closed"] as const) {
        market.state(state);
        expect(market.buy("1@100")).toEqual(["rejected marketNotOpen"]);
        expect(market.replace(1, { quantity: 2 })).toEqual(["rejected marketNotOpen"]);
      }
      expect(market.cancel(1)).toEqual(["canceled #1 1 requested"]);
    },
  },
  {
    name: "gtd orders go with the first advanceTime that reaches them, by orderId",
    play(market) {
      market.buy("1@100", { tif: "gtd", expire: 3_000_000 });
      market.buy("1@99", { tif: "gtd", expire: 2_000_000 });
      market.sell("1 stop 50", { tif: "gtd", expire: 3_000_000 });
      market.timestampUs = 2_999_999;
      expect(market.send({ type: "AdvanceTime" })).toEqual(["canceled #2 1 expired"]);
      market.timestampUs = 3_000_000;
      expect(market.sell("1@100", { id: 9 })).toHaveLength(2);
      expect(market.send({ type: "AdvanceTime" })).toEqual(["canceled #3 1 expired"]);
    },
  },
];

export const fees: readonly Scenario[] = [
  {
    name: "fees are rounded up on an order's running total, so fills pay the difference",
    instrument: { takerFee: 25_000_000, makerFee: -25_000_000 },
    play(market) {
      for (let i = 0; i < 5; i++) market.sell("1@1");
      market.buy("5@1");
      const trades = market.events.filter((event) => event.type === "Trade");
      expect(trades.map((trade) => trade.takerFeeUnits)).toEqual([1, 0, 0, 0, 1]);
      // Up means toward plus infinity: a quarter of a unit back is nothing.
      expect(trades.map((trade) => trade.makerFeeUnits)).toEqual([0, 0, 0, 0, 0]);
    },
  },
  {
    name: "a rebate is never rounded up, and negative prices pay on their size",
    instrument: { takerFee: 10_000_000, makerFee: -10_000_000 },
    play(market) {
      market.sell("19@-1");
      market.buy("19@-1");
      expect(market.events[1]).toMatchObject({ takerFeeUnits: 2, makerFeeUnits: -1 });
    },
  },
  {
    name: "both sides of an auction pay the maker rate, the buyer stands in the taker's place",
    instrument: { takerFee: 10_000_000, makerFee: 1_000_000, state: "auction" },
    play(market) {
      market.buy("100@10");
      market.sell("100@10");
      market.state("continuous");
      expect(market.events[2]).toMatchObject({
        takerOrderId: 2,
        takerFeeUnits: 10,
        makerFeeUnits: 10,
        account: 1,
        makerAccount: 2,
        aggressorSide: 0,
      });
    },
  },
];
