import { expect } from "vitest";
import type { Scenario } from "./rules.ts";

export const stops: readonly Scenario[] = [
  {
    name: "a stop waits for a trade at its price, then trades as a market order",
    play(market) {
      market.buy("2 stop 105");
      market.sell("1@104");
      market.sell("5@106");
      expect(market.buy("1@104")).toEqual([
        "accepted #4",
        "trade 1@104 #4 (0 left) with #2 (0 left)",
      ]);
      market.sell("1@105");
      expect(market.buy("1@105")).toEqual([
        "accepted #6",
        "trade 1@105 #6 (0 left) with #5 (0 left)",
        "triggered #1 by 105",
        "trade 2@106 #1 (0 left) with #3 (3 left)",
      ]);
    },
  },
  {
    name: "a stop whose condition holds already triggers at once, and its remainder is canceled",
    play(market) {
      market.sell("1@100");
      market.buy("1@100");
      expect(market.sell("3 stop 100")).toEqual([
        "accepted #3",
        "triggered #3 by 100",
        "canceled #3 3 noLiquidity",
      ]);
      expect(market.events[2]).toMatchObject({ type: "Canceled", orderType: 2 });
    },
  },
  {
    name: "a stopLimit becomes a limit order and rests",
    play(market) {
      market.buy("3@101 stop 100");
      market.sell("1@100");
      expect(market.buy("1@100")).toContain("triggered #1 by 100");
      expect(market.book()).toEqual({ bids: "3@101×1", asks: "" });
      expect(market.replace(1, { stop: 99 })).toEqual(["rejected invalidCombination"]);
    },
  },
  {
    name: "a stopLimit may be immediate once it is triggered",
    play(market) {
      market.buy("3@101 stop 100", { tif: "fok" });
      market.buy("3@101 stop 100", { tif: "ioc", min: 2 });
      market.buy("3@101 stop 100", { tif: "ioc" });
      market.sell("2@100");
      expect(market.buy("1@100")).toEqual([
        "accepted #5",
        "trade 1@100 #5 (0 left) with #4 (1 left)",
        "triggered #1 by 100",
        "canceled #1 3 fillOrKill",
        "triggered #2 by 100",
        "canceled #2 3 minQuantity",
        "triggered #3 by 100",
        "trade 1@100 #3 (2 left) with #4 (0 left)",
        "canceled #3 2 immediateOrCancel",
      ]);
    },
  },
  {
    name: "stops trigger after the sweep, one by one: buys from the lowest, then sells, oldest first",
    play(market) {
      market.sell("1 stop 103");
      market.buy("1 stop 102");
      market.buy("1 stop 101");
      market.buy("1 stop 101");
      market.sell("4@102");
      market.sell("9@103");
      market.buy("9@90");
      expect(market.buy("2@102")).toEqual([
        "accepted #8",
        "trade 2@102 #8 (0 left) with #5 (2 left)",
        "triggered #3 by 102",
        "trade 1@102 #3 (0 left) with #5 (1 left)",
        "triggered #4 by 102",
        "trade 1@102 #4 (0 left) with #5 (0 left)",
        "triggered #2 by 102",
        "trade 1@103 #2 (0 left) with #6 (8 left)",
        "triggered #1 by 103",
        "trade 1@90 #1 (0 left) with #7 (8 left)",
      ]);
    },
  },
  {
    name: "a waiting stop can be replaced and canceled",
    play(market) {
      market.sell("1@100");
      market.buy("1@100");
      market.buy("5 stop 110");
      expect(market.replace(3, { quantity: 4 })).toEqual([
        "replaced #3 4 stop 110 (4 left) in place",
      ]);
      expect(market.replace(3, { price: 4 })).toEqual(["rejected invalidCombination"]);
      expect(market.replace(3, { stop: 100 })).toEqual([
        "replaced #3 4 stop 100 (4 left) to the back",
        "triggered #3 by 100",
        "canceled #3 4 noLiquidity",
      ]);
      market.buy("5@120 stop 110");
      expect(market.cancel(4)).toEqual(["canceled #4 5 requested"]);
    },
  },
  {
    name: "a trade of another instrument triggers nothing",
    play(market) {
      market.define({ symbol: "XYZ-USD" });
      market.buy("1 stop 100");
      market.sell("1@100", { instrument: 2 });
      expect(market.buy("1@100", { instrument: 2 })).toHaveLength(2);
    },
  },
];

export const selfTradePrevention: readonly Scenario[] = [
  {
    name: "none lets an account trade with itself",
    play(market) {
      market.sell("1@100", { account: 1 });
      expect(market.buy("1@100")).toEqual([
        "accepted #2",
        "trade 1@100 #2 (0 left) with #1 (0 left)",
      ]);
    },
  },
  {
    name: "cancelNewest takes the aggressor's remainder off",
    play(market) {
      market.sell("1@100");
      market.sell("1@100", { account: 1 });
      expect(market.buy("5@100", { stp: "cancelNewest" })).toEqual([
        "accepted #3",
        "trade 1@100 #3 (4 left) with #1 (0 left)",
        "canceled #3 4 selfTradePrevention",
      ]);
      expect(market.book()).toEqual({ bids: "", asks: "1@100×1" });
    },
  },
  {
    name: "cancelOldest takes the maker off and goes on",
    play(market) {
      market.sell("5@100", { account: 1, display: 1 });
      market.sell("1@101");
      expect(market.buy("2@101", { stp: "cancelOldest" })).toEqual([
        "accepted #3",
        "canceled #1 5 selfTradePrevention",
        "trade 1@101 #3 (1 left) with #2 (0 left)",
      ]);
      expect(market.book().bids).toBe("1@101×1");
    },
  },
  {
    name: "cancelBoth reports the maker, then the aggressor",
    play(market) {
      market.sell("5@100", { account: 1 });
      expect(market.buy("2@100", { stp: "cancelBoth" })).toEqual([
        "accepted #2",
        "canceled #1 5 selfTradePrevention",
        "canceled #2 2 selfTradePrevention",
      ]);
    },
  },
  {
    name: "decrement takes the smaller quantity off both",
    play(market) {
      market.sell("5@100", { account: 1 });
      expect(market.buy("2@100", { stp: "decrement" })).toEqual([
        "accepted #2",
        "reduced #1 by 2 (3 left)",
        "canceled #2 2 selfTradePrevention",
      ]);
      expect(market.buy("4@100", { stp: "decrement" })).toEqual([
        "accepted #3",
        "canceled #1 3 selfTradePrevention",
        "reduced #3 by 3 (1 left)",
      ]);
      expect(market.sell("1@100", { account: 1, stp: "decrement" })).toEqual([
        "accepted #4",
        "canceled #3 1 selfTradePrevention",
        "canceled #4 1 selfTradePrevention",
      ]);
    },
  },
  {
    name: "decrement takes the hidden part of an iceberg first, which keeps its place",
    play(market) {
      market.sell("5@100", { account: 1, display: 2 });
      market.sell("1@100");
      market.buy("4@100", { stp: "decrement" });
      expect(market.book().asks).toBe("2@100×2");
      expect(market.buy("1@100", { account: 3 })).toEqual([
        "accepted #4",
        "trade 1@100 #4 (0 left) with #1 (0 left)",
      ]);
    },
  },
  {
    name: "what was reduced counts in the total of a replace",
    play(market) {
      market.sell("9@100", { account: 1 });
      market.buy("2@100", { stp: "decrement" });
      market.buy("3@100", { account: 3 });
      expect(market.replace(1, { quantity: 8 })).toEqual(["replaced #1 8@100 (3 left) in place"]);
      expect(market.replace(1, { quantity: 5 })).toEqual(["canceled #1 3 replacedBelowFilled"]);
    },
  },
  {
    name: "the account's setting holds where the order says nothing, as of its entry",
    play(market) {
      market.send({ type: "SetAccount", account: 1, present: 2, selfTradePrevention: 2 });
      market.sell("1@100", { account: 1 });
      expect(market.buy("1@100")).toEqual(["accepted #2", "canceled #2 1 selfTradePrevention"]);
      expect(market.buy("1@100", { stp: "none" })).toEqual([
        "accepted #3",
        "trade 1@100 #3 (0 left) with #1 (0 left)",
      ]);
    },
  },
];
