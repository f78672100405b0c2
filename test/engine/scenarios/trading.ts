import { expect } from "vitest";
import { OrderField, OrderType } from "../../../protocol/generated/enums.ts";
import { MAX_INTEGER, MAX_PRICE_TICKS, MIN_PRICE_TICKS } from "../../../protocol/terms.ts";
import type { Scenario } from "./rules.ts";

/** Price and time, limits, market orders, what is immediate and what rests. */
export const trading: readonly Scenario[] = [
  {
    name: "a fill prints at the maker's price, the best price first",
    play(market) {
      market.sell("5@102");
      market.sell("5@100");
      market.sell("5@101");
      expect(market.buy("12@101")).toEqual([
        "accepted #4",
        "trade 5@100 #4 (7 left) with #2 (0 left)",
        "trade 5@101 #4 (2 left) with #3 (0 left)",
      ]);
      expect(market.book()).toEqual({ bids: "2@101×1", asks: "5@102×1" });
    },
  },
  {
    name: "at one price the oldest order trades first, and a partial fill keeps its place",
    play(market) {
      market.buy("5@100");
      market.buy("5@100");
      expect(market.sell("3@100")).toEqual([
        "accepted #3",
        "trade 3@100 #3 (0 left) with #1 (2 left)",
      ]);
      expect(market.sell("3@100")).toEqual([
        "accepted #4",
        "trade 2@100 #4 (1 left) with #1 (0 left)",
        "trade 1@100 #4 (0 left) with #2 (4 left)",
      ]);
    },
  },
  {
    name: "canceling an order in the middle leaves the others in their places",
    play(market) {
      for (let i = 0; i < 3; i++) market.buy("1@100");
      expect(market.cancel(2)).toEqual(["canceled #2 1 requested"]);
      expect(market.cancel(2)).toEqual(["rejected unknownOrder"]);
      expect(market.sell("5@100", { tif: "ioc" })).toEqual([
        "accepted #4",
        "trade 1@100 #4 (4 left) with #1 (0 left)",
        "trade 1@100 #4 (3 left) with #3 (0 left)",
        "canceled #4 3 immediateOrCancel",
      ]);
    },
  },
  {
    name: "an order of another account is unknown",
    play(market) {
      market.buy("1@100");
      expect(market.cancel(1, 7)).toEqual(["rejected unknownOrder"]);
      expect(market.send({ type: "CancelOrder", account: 7, orderId: 2 })).toEqual([
        "rejected unknownOrder",
      ]);
      expect(market.send({ type: "CancelOrder", account: 1, orderId: 2 })).toEqual([
        "canceled #1 1 requested",
      ]);
    },
  },
  {
    name: "a clientOrderId is refused while its order is open and free when it is dead",
    play(market) {
      market.buy("1@100", { id: 9 });
      expect(market.buy("1@99", { id: 9 })).toEqual(["rejected duplicateClientOrderId"]);
      expect(market.buy("1@99", { id: 9, account: 3 })).toEqual(["accepted #9"]);
      market.sell("1@100");
      expect(market.buy("1@98", { id: 9 })).toEqual(["accepted #9"]);
    },
  },
  {
    name: "a market order takes what there is and never rests",
    play(market) {
      expect(market.buy("5")).toEqual(["accepted #1", "canceled #1 5 noLiquidity"]);
      market.sell("2@100");
      expect(market.buy("5")).toEqual([
        "accepted #3",
        "trade 2@100 #3 (3 left) with #2 (0 left)",
        "canceled #3 3 noLiquidity",
      ]);
    },
  },
  {
    name: "market protection stops a sweep at its distance from the first price",
    instrument: { protection: 5 },
    play(market) {
      market.sell("1@100");
      market.sell("1@105");
      market.sell("1@106");
      expect(market.buy("3")).toEqual([
        "accepted #4",
        "trade 1@100 #4 (2 left) with #1 (0 left)",
        "trade 1@105 #4 (1 left) with #2 (0 left)",
        "canceled #4 1 priceProtection",
      ]);
    },
  },
  {
    name: "market protection of 0 ticks allows the first price only, own orders count as met",
    instrument: { protection: 0 },
    play(market) {
      market.sell("1@100", { account: 1 });
      market.sell("1@101");
      expect(market.buy("3", { stp: "cancelOldest" })).toEqual([
        "accepted #3",
        "canceled #1 1 selfTradePrevention",
        "canceled #3 3 priceProtection",
      ]);
    },
  },
  {
    name: "fill or kill trades all or nothing",
    play(market) {
      market.sell("2@100");
      market.sell("2@101");
      expect(market.buy("4@100", { tif: "fok" })).toEqual([
        "accepted #3",
        "canceled #3 4 fillOrKill",
      ]);
      expect(market.buy("5", { tif: "fok" })).toEqual(["accepted #4", "canceled #4 5 fillOrKill"]);
      expect(market.buy("4@101", { tif: "fok" })).toEqual([
        "accepted #5",
        "trade 2@100 #5 (2 left) with #1 (0 left)",
        "trade 2@101 #5 (0 left) with #2 (0 left)",
      ]);
    },
  },
  {
    name: "minQuantity trades that much at once or nothing",
    play(market) {
      market.sell("3@100");
      expect(market.buy("9@100", { tif: "ioc", min: 4 })).toEqual([
        "accepted #2",
        "canceled #2 9 minQuantity",
      ]);
      expect(market.buy("9@100", { tif: "ioc", min: 3 })).toEqual([
        "accepted #3",
        "trade 3@100 #3 (6 left) with #1 (0 left)",
        "canceled #3 6 immediateOrCancel",
      ]);
    },
  },
  {
    name: "fill or kill counts hidden iceberg quantity",
    play(market) {
      market.sell("5@100", { display: 1 });
      expect(market.buy("5@100", { tif: "fok" })).toHaveLength(6);
      expect(market.book().asks).toBe("");
    },
  },
  {
    name: "fill or kill counts what is behind an own order only where that order gives way",
    play(market) {
      market.sell("2@100");
      market.sell("2@100", { account: 1 });
      market.sell("2@100");
      for (const stp of ["cancelNewest", "cancelBoth", "decrement"] as const) {
        const id = 10;
        expect(market.buy("4@100", { tif: "fok", stp, id })).toEqual([
          "accepted #10",
          "canceled #10 4 fillOrKill",
        ]);
      }
      expect(market.buy("4@100", { tif: "fok", stp: "cancelOldest", id: 11 })).toEqual([
        "accepted #11",
        "trade 2@100 #11 (2 left) with #1 (0 left)",
        "canceled #2 2 selfTradePrevention",
        "trade 2@100 #11 (0 left) with #3 (0 left)",
      ]);
    },
  },
  {
    name: "fill or kill sees that an iceberg's next part queues behind an own order",
    play(market) {
      market.sell("4@100", { display: 1 });
      market.sell("1@100", { account: 1 });
      expect(market.buy("2@100", { tif: "fok", stp: "cancelNewest" })).toEqual([
        "accepted #3",
        "canceled #3 2 fillOrKill",
      ]);
      expect(market.buy("1@100", { tif: "fok", stp: "cancelNewest" })).toEqual([
        "accepted #4",
        "trade 1@100 #4 (0 left) with #1 (3 left)",
      ]);
    },
  },
  {
    name: "postOnly is refused where it would trade at once, even with itself",
    play(market) {
      market.sell("1@100", { account: 1 });
      expect(market.buy("1@100", { postOnly: true })).toEqual(["rejected postOnlyWouldCross"]);
      expect(market.buy("1@99", { postOnly: true })).toEqual(["accepted #3"]);
    },
  },
  {
    name: "prices may be negative or zero",
    play(market) {
      market.buy("1@-5");
      expect(market.sell("2@-10")).toEqual([
        "accepted #2",
        "trade 1@-5 #2 (1 left) with #1 (0 left)",
      ]);
      expect(market.buy("1@0")).toEqual([
        "accepted #3",
        "trade 1@-10 #3 (0 left) with #2 (0 left)",
      ]);
      expect(market.events[0]).toMatchObject({ type: "Accepted", priceTicks: 0, present: 133 });
    },
  },
  {
    name: "the ends of the price range and of the quantity range are usable",
    play(market) {
      expect(market.sell(`${MAX_INTEGER}@1`)).toEqual(["accepted #1"]);
      expect(market.sell(`1@1`)).toEqual(["rejected quantityTooLarge"]);
      expect(market.cancel(1)).toEqual([`canceled #1 ${MAX_INTEGER} requested`]);
      expect(market.buy(`4194303@${MIN_PRICE_TICKS}`)).toEqual(["accepted #3"]);
      expect(market.buy(`4194304@${MIN_PRICE_TICKS}`)).toEqual(["rejected notionalOutOfRange"]);
      expect(market.sell(`4194304@${MAX_PRICE_TICKS}`)).toEqual(["accepted #5"]);
    },
  },
  {
    name: "quantities and notionals outside the instrument's limits are refused",
    instrument: { minLots: 2, maxLots: 100, maxNotional: 1000 },
    play(market) {
      expect(market.buy("1@1")).toEqual(["rejected quantityTooSmall"]);
      expect(market.buy("101@1")).toEqual(["rejected quantityTooLarge"]);
      expect(market.buy("100@11")).toEqual(["rejected notionalTooLarge"]);
      expect(market.buy("100@-11")).toEqual(["rejected notionalTooLarge"]);
      expect(market.buy("100@10")).toEqual(["accepted #5"]);
      expect(market.buy("0@10")).toEqual(["rejected invalidQuantity"]);
    },
  },
  {
    name: "the price band goes with the last trade, before any with the reference price",
    instrument: { band: 10, reference: 100 },
    play(market) {
      expect(market.buy("1@89")).toEqual(["rejected priceBand"]);
      expect(market.buy("1@90")).toEqual(["accepted #2"]);
      market.sell("1@90");
      expect(market.buy("1@101")).toEqual(["rejected priceBand"]);
      expect(market.buy("1@80")).toEqual(["accepted #5"]);
      expect(market.replace(5, { price: 79 })).toEqual(["rejected priceBand"]);
    },
  },
  {
    name: "fields that do not go together are refused",
    play(market) {
      const wrong = [
        market.buy("5@100", { postOnly: true, tif: "ioc" }),
        market.buy("5@100", { display: 6 }),
        market.buy("5@100", { display: 2, tif: "fok" }),
        market.buy("5@100", { min: 2 }),
        market.buy("5@100", { min: 6, tif: "ioc" }),
        market.buy("5@100", { tif: "gtd" }),
        market.buy("5@100", { expire: 5_000_000 }),
        market.buy("5@100", { tif: "gtd", expire: market.timestampUs }),
        market.buy("5", { tif: "gtc" }),
        market.buy("5 stop 100", { tif: "ioc" }),
        market.buy("5@99 stop 100", { postOnly: true }),
      ];
      expect(wrong).toEqual(wrong.map(() => ["rejected invalidCombination"]));
    },
  },
  {
    name: "an unknown instrument is refused with the symbol as written",
    play(market) {
      market.send({ type: "NewOrder", account: 1, symbol: "NOPE", side: 1 });
      expect(market.events).toMatchObject([{ reason: 1, symbol: "NOPE", instrumentId: 0 }]);
    },
  },
  {
    name: "a refused verdict is passed on with its reason",
    play(market) {
      const terms = { account: 1, instrumentId: 1, side: 1, quantityLots: 1, clientOrderId: 4 };
      const refused = { ...terms, orderType: OrderType.limit, verdict: 2, reason: 70 };
      expect(market.send({ type: "NewOrder", ...refused })).toEqual(["rejected priceCollar"]);
      expect(market.events).toMatchObject([{ clientOrderId: 4, command: 1, account: 1 }]);
      expect(market.cancel(4, 1)).toEqual(["rejected unknownOrder"]);
    },
  },
  {
    name: "every event of a command carries its requestId, seq, time and index",
    play(market) {
      market.sell("1@100");
      market.send({
        type: "NewOrder",
        requestId: 77,
        account: 1,
        instrumentId: 1,
        side: 1,
        orderType: OrderType.limit,
        timeInForce: 4,
        quantityLots: 2,
        priceTicks: 100,
        present: OrderField.price | OrderField.quantity,
      });
      const common = { requestId: 77, seq: market.seq, timestampUs: market.timestampUs };
      expect(market.events).toMatchObject([
        { type: "Accepted", index: 0, ...common },
        { type: "Trade", index: 1, ...common },
        { type: "Canceled", index: 2, ...common },
      ]);
    },
  },
];
