import { expect } from "vitest";
import { AccountField, AccountMode } from "../../../protocol/generated/enums.ts";
import { MAX_INTEGER } from "../../../protocol/terms.ts";
import type { Scenario } from "./rules.ts";

/** The engines of the scenarios have room for that many orders. */
export const SCENARIO_ORDERS = 100;

/** Where capacity, arithmetic or an account's mode ends what may be done. */
export const limits: readonly Scenario[] = [
  {
    name: "a full engine refuses orders and takes one for each that goes",
    play(market) {
      for (let i = 0; i < SCENARIO_ORDERS; i++) market.buy("1@100");
      expect(market.buy("1@100")).toEqual(["rejected capacity"]);
      expect(market.sell("1@100")).toEqual(["rejected capacity"]);
      market.cancel(50);
      expect(market.sell("1@100", { id: 500 })).toEqual([
        "accepted #500",
        "trade 1@100 #500 (0 left) with #1 (0 left)",
      ]);
      expect(market.buy("1@100", { id: 501 })).toEqual(["accepted #501"]);
      expect(market.buy("1@100", { id: 502 })).toEqual(["accepted #502"]);
      expect(market.buy("1@100", { id: 503 })).toEqual(["rejected capacity"]);
    },
  },
  {
    name: "an iceberg of more than a million parts is refused, and so is making one",
    play(market) {
      expect(market.sell("1000001@1", { display: 1 })).toEqual(["rejected invalidCombination"]);
      expect(market.sell("1000000@1", { display: 1 })).toEqual(["accepted #2"]);
      expect(market.replace(2, { quantity: 1_000_001 })).toEqual(["rejected invalidCombination"]);
    },
  },
  {
    name: "the open lots of one side stay within the safe integers, replaced ones too",
    play(market) {
      market.buy(`${MAX_INTEGER - 5}@1`);
      market.buy("3@-1");
      expect(market.buy("3@0")).toEqual(["rejected quantityTooLarge"]);
      expect(market.replace(2, { quantity: 6 })).toEqual(["rejected quantityTooLarge"]);
      expect(market.replace(2, { quantity: 5 })).toEqual(["replaced #2 5@-1 (5 left) to the back"]);
    },
  },
  {
    name: "a notional is bounded in units of the quote asset too",
    instrument: { tickSize: [25, 2], lotSize: [1, 3] },
    play(market) {
      const lots = Math.floor(MAX_INTEGER / 25);
      expect(market.buy(`${lots + 1}@1`)).toEqual(["rejected notionalOutOfRange"]);
      expect(market.buy(`${lots}@-1`)).toEqual(["accepted #2"]);
    },
  },
  {
    name: "a spot account never trades below zero: what is left is canceled",
    play(market) {
      const present = AccountField.mode;
      market.send({ type: "SetAccount", account: 1, present, mode: AccountMode.spot });
      market.sell("2@-3");
      market.sell("2@0");
      expect(market.buy("1@5")).toEqual(["accepted #3", "canceled #3 1 priceProtection"]);
      expect(market.buy("1")).toEqual(["accepted #4", "canceled #4 1 priceProtection"]);
      expect(market.buy("1@5", { tif: "fok" })).toEqual([
        "accepted #5",
        "canceled #5 1 fillOrKill",
      ]);
      expect(market.buy("3", { account: 3 })).toEqual([
        "accepted #6",
        "trade 2@-3 #6 (1 left) with #1 (0 left)",
        "trade 1@0 #6 (0 left) with #2 (1 left)",
      ]);
    },
  },
  {
    name: "market protection counts from where the price range ends",
    instrument: { protection: 4294967295 },
    play(market) {
      market.sell("1@2147483647");
      market.buy("1@-2147483648");
      expect(market.buy("1")).toContain("trade 1@2147483647 #3 (0 left) with #1 (0 left)");
      expect(market.sell("1")).toContain("trade 1@-2147483648 #4 (0 left) with #2 (0 left)");
    },
  },
];
