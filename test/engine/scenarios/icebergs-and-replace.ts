import { expect } from "vitest";
import { CommandFlag } from "../../../protocol/generated/enums.ts";
import type { Scenario } from "./rules.ts";

export const icebergsAndReplace: readonly Scenario[] = [
  {
    name: "an iceberg shows its part, and the next part queues at the back",
    play(market) {
      market.sell("5@100", { display: 2 });
      market.sell("2@100");
      expect(market.book().asks).toBe("4@100×2");
      expect(market.buy("5@100")).toEqual([
        "accepted #3",
        "trade 2@100 #3 (3 left) with #1 (3 left)",
        "trade 2@100 #3 (1 left) with #2 (0 left)",
        "trade 1@100 #3 (0 left) with #1 (2 left)",
      ]);
      expect(market.book().asks).toBe("1@100×1");
    },
  },
  {
    name: "an iceberg that comes in crosses with its whole quantity, then shows its part",
    play(market) {
      market.buy("3@100");
      expect(market.sell("9@100", { display: 2 })).toEqual([
        "accepted #2",
        "trade 3@100 #2 (6 left) with #1 (0 left)",
      ]);
      expect(market.book().asks).toBe("2@100×1");
    },
  },
  {
    name: "a smaller total keeps the place, a larger one and a new price lose it",
    play(market) {
      market.buy("5@100");
      market.buy("5@100");
      expect(market.replace(1, { quantity: 4 })).toEqual(["replaced #1 4@100 (4 left) in place"]);
      expect(market.sell("1@100")).toEqual([
        "accepted #3",
        "trade 1@100 #3 (0 left) with #1 (3 left)",
      ]);
      expect(market.replace(1, { quantity: 9 })).toEqual([
        "replaced #1 9@100 (8 left) to the back",
      ]);
      expect(market.sell("1@100")).toEqual([
        "accepted #4",
        "trade 1@100 #4 (0 left) with #2 (4 left)",
      ]);
      expect(market.replace(2, { quantity: 5, price: 100 })).toEqual([
        "replaced #2 5@100 (4 left) to the back",
      ]);
      expect(market.sell("1@100")).toEqual([
        "accepted #5",
        "trade 1@100 #5 (0 left) with #1 (7 left)",
      ]);
    },
  },
  {
    name: "a replace that crosses trades first and rests with what is left",
    play(market) {
      market.sell("2@105");
      market.buy("5@100");
      expect(market.replace(2, { price: 105 })).toEqual([
        "replaced #2 5@105 (5 left) to the back",
        "trade 2@105 #2 (3 left) with #1 (0 left)",
      ]);
      expect(market.book()).toEqual({ bids: "3@105×1", asks: "" });
    },
  },
  {
    name: "a total that is filled already cancels the rest",
    play(market) {
      market.buy("5@100");
      market.sell("3@100");
      expect(market.replace(1, { quantity: 3 })).toEqual(["canceled #1 2 replacedBelowFilled"]);
      expect(market.replace(1, { quantity: 3 })).toEqual(["rejected unknownOrder"]);
    },
  },
  {
    name: "a replace that would be invalid leaves the order as it was",
    instrument: { maxLots: 50 },
    play(market) {
      market.sell("1@110");
      market.buy("5@100", { postOnly: true });
      const refused = [
        market.replace(2, { quantity: 0 }),
        market.replace(2, { quantity: 51 }),
        market.replace(2, {}),
        market.replace(2, { stop: 90 }),
        market.replace(2, { display: 6 }),
        market.replace(2, { price: 110 }),
      ];
      expect(refused.flat()).toEqual([
        "rejected invalidQuantity",
        "rejected quantityTooLarge",
        "rejected invalidCombination",
        "rejected invalidCombination",
        "rejected invalidCombination",
        "rejected postOnlyWouldCross",
      ]);
      expect(market.book()).toEqual({ bids: "5@100×1", asks: "1@110×1" });
    },
  },
  {
    name: "a displayQuantity makes an iceberg of an order, at the back",
    play(market) {
      market.buy("5@100");
      market.buy("1@100");
      expect(market.replace(1, { display: 2 })).toEqual(["replaced #1 5@100 (5 left) to the back"]);
      expect(market.book().bids).toBe("3@100×2");
      expect(market.sell("2@100")).toEqual([
        "accepted #3",
        "trade 1@100 #3 (1 left) with #2 (0 left)",
        "trade 1@100 #3 (0 left) with #1 (4 left)",
      ]);
    },
  },
  {
    name: "a smaller total takes the hidden part of an iceberg first",
    play(market) {
      market.buy("9@100", { display: 4 });
      market.buy("1@100");
      expect(market.replace(1, { quantity: 6 })).toEqual(["replaced #1 6@100 (6 left) in place"]);
      expect(market.book().bids).toBe("5@100×2");
      expect(market.sell("5@100")).toEqual([
        "accepted #3",
        "trade 4@100 #3 (1 left) with #1 (2 left)",
        "trade 1@100 #3 (0 left) with #2 (0 left)",
      ]);
    },
  },
  {
    name: "openQuantity names what is to be open, and the place is lost",
    play(market) {
      market.buy("5@100");
      market.buy("1@100");
      market.sell("2@100");
      expect(market.replace(1, { quantity: 2 }, CommandFlag.openQuantity)).toEqual([
        "replaced #1 4@100 (2 left) to the back",
      ]);
      expect(market.sell("1@100")).toEqual([
        "accepted #4",
        "trade 1@100 #4 (0 left) with #2 (0 left)",
      ]);
    },
  },
  {
    name: "a replace in decimals is converted by the order's own instrument",
    instrument: { tickSize: [5, 1], lotSize: [1, 2] },
    play(market) {
      market.buy("500@10");
      const replace = { type: "ReplaceOrder", account: 1, clientOrderId: 1 } as const;
      expect(market.send({ ...replace, present: 1, price: 65, priceScale: 1 })).toEqual([
        "replaced #1 500@13 (500 left) to the back",
      ]);
      expect(market.send({ ...replace, present: 1, price: 66, priceScale: 1 })).toEqual([
        "rejected priceOffTick",
      ]);
      expect(market.send({ ...replace, present: 4, quantity: 3, quantityScale: 0 })).toEqual([
        "replaced #1 300@13 (300 left) in place",
      ]);
      expect(market.send({ ...replace, present: 4, quantity: 1, quantityScale: 3 })).toEqual([
        "rejected quantityOffLot",
      ]);
      expect(market.send({ ...replace, present: 1, price: 1, priceScale: 254 })).toEqual([
        "rejected priceOutOfRange",
      ]);
    },
  },
];
