import { beforeEach, describe, expect, it } from "vitest";
import { VENUE_ACCOUNT } from "../../../protocol/terms.ts";
import { SpotExchange } from "./exchange.ts";

const [BUYER, SELLER] = [1, 2];
let exchange: SpotExchange;

beforeEach(() => {
  exchange = new SpotExchange();
  // One unit of fee for every begun 40 units of notional a taker trades.
  exchange.define("AA-USD", { takerFeeRate: "0.025", makerFeeRate: "0.01" });
  exchange.spot(BUYER, SELLER);
  exchange.deposit(BUYER, "USD", "1000");
  exchange.deposit(SELLER, "AA", "50");
});

describe("holds", () => {
  it("a buy holds its price and the taker's fee rounded up", () => {
    exchange.order(BUYER, "buy", "3", "100");
    expect(exchange.balance(BUYER, "USD")).toBe("692 / 308"); // 300 and 7.5
  });

  it("a sell holds its base and no quote", () => {
    exchange.order(SELLER, "sell", "20", "100");
    expect(exchange.balance(SELLER, "AA")).toBe("30 / 20");
    expect(exchange.balance(SELLER, "USD")).toBe("0 / 0");
  });

  it("a maker's fill settles at its price with its own fee, and holds the worst for the rest", () => {
    exchange.order(BUYER, "buy", "3", "100");
    exchange.order(SELLER, "sell", "1", "90");
    // 100 and 1 of fee are gone; 200 and the worst fee of them, 5, stay held.
    expect(exchange.balance(BUYER, "USD")).toBe("694 / 205");
    expect(exchange.balance(BUYER, "AA")).toBe("1 / 0");
    expect(exchange.balance(SELLER, "USD")).toBe("97 / 0"); // 100 less 2.5 rounded up
    expect(exchange.balance(VENUE_ACCOUNT, "USD")).toBe("4 / 0");
  });

  it("a better price than the limit gives the difference back", () => {
    exchange.order(SELLER, "sell", "2", "60");
    exchange.order(BUYER, "buy", "2", "100");
    expect(exchange.balance(BUYER, "USD")).toBe("877 / 0"); // 1000 − 120 − 3
  });

  it("a cancel releases to the unit", () => {
    exchange.order(BUYER, "buy", "3", "101", { clientOrderId: 7 });
    exchange.send({ type: "cancelOrder", account: BUYER, clientOrderId: 7 });
    expect(exchange.balance(BUYER, "USD")).toBe("1000 / 0");
    expect(exchange.ledger.heldOrders).toBe(0);
  });

  it("a replace holds what its new terms need", () => {
    exchange.order(BUYER, "buy", "3", "100", { clientOrderId: 7 });
    exchange.send({
      type: "replaceOrder",
      account: BUYER,
      clientOrderId: 7,
      quantity: "2",
      price: "80",
    });
    expect(exchange.balance(BUYER, "USD")).toBe("836 / 164");
  });

  it("reduced orders release what was taken off", () => {
    exchange.deposit(BUYER, "AA", "10");
    exchange.order(BUYER, "sell", "10", "100");
    const decrement = { selfTradePrevention: "decrement" };
    exchange.order(BUYER, "buy", "4", "100", decrement);
    expect(exchange.balance(BUYER, "AA")).toBe("4 / 6");
    expect(exchange.balance(BUYER, "USD")).toBe("1000 / 0");
  });

  it("a fill in an auction at a better price releases the rest of the hold", () => {
    exchange.send({ type: "setMarketState", symbol: "AA-USD", state: "auction" });
    exchange.order(SELLER, "sell", "5", "80");
    exchange.order(BUYER, "buy", "5", "100");
    expect(exchange.balance(BUYER, "USD")).toBe("487 / 513");
    exchange.send({ type: "setMarketState", symbol: "AA-USD", state: "continuous" });
    // The price is 100, the highest of the candidates; both pay the maker's rate.
    expect(exchange.balance(BUYER, "USD")).toBe("495 / 0");
    expect(exchange.balance(SELLER, "USD")).toBe("495 / 0");
  });

  it("a higher rate holds more for orders that are open", () => {
    exchange.order(BUYER, "buy", "3", "100");
    exchange.send({ type: "defineInstrument", symbol: "AA-USD", takerFeeRate: "0.1" });
    expect(exchange.balance(BUYER, "USD")).toBe("670 / 330");
  });

  it("accounts without mode spot hold nothing and may owe", () => {
    exchange.order(3, "buy", "3", "100");
    expect(exchange.balance(3, "USD")).toBe("0 / 0");
    exchange.order(SELLER, "sell", "3", "100");
    expect(exchange.balance(3, "USD")).toBe("-303 / 0");
    expect(exchange.ledger.positions(3)).toEqual([[1, 3]]);
  });
});

describe("spot orders", () => {
  it("an order for more than is free is rejected, one for exactly that passes", () => {
    expect(exchange.order(BUYER, "buy", "1", "976")).toEqual(["rejected insufficientBalance"]);
    expect(exchange.order(BUYER, "buy", "1", "975")).toEqual(["accepted"]);
    expect(exchange.balance(BUYER, "USD")).toBe("0 / 1000");
    expect(exchange.order(SELLER, "sell", "51", "1")).toEqual(["rejected insufficientBalance"]);
    expect(exchange.order(SELLER, "sell", "50", "1000")).toEqual(["accepted"]);
  });

  it("a replace may use what its order holds, and no more", () => {
    exchange.order(BUYER, "buy", "1", "500", { clientOrderId: 7 });
    const replace = { type: "replaceOrder", account: BUYER, clientOrderId: 7 };
    expect(exchange.send({ ...replace, price: "976" })[0]).toMatchObject({
      type: "rejected",
      reason: "insufficientBalance",
    });
    expect(exchange.send({ ...replace, price: "975" })[0]).toMatchObject({ type: "replaced" });
    expect(exchange.balance(BUYER, "USD")).toBe("0 / 1000");
  });

  it("a market buy spends its free balance with fees and loses the rest", () => {
    exchange.order(SELLER, "sell", "20", "100");
    expect(exchange.order(BUYER, "buy", "20")).toEqual([
      "accepted",
      "trade",
      "canceled insufficientBalance",
    ]);
    // 9 lots: 900 and 22.5 of fee.
    expect(exchange.balance(BUYER, "AA")).toBe("9 / 0");
    expect(exchange.balance(BUYER, "USD")).toBe("77 / 0");
  });

  it("what other orders hold is not in the budget of a market buy", () => {
    exchange.order(BUYER, "buy", "5", "100");
    exchange.order(SELLER, "sell", "20", "101");
    exchange.order(BUYER, "buy", "20");
    expect(exchange.balance(BUYER, "AA")).toBe("4 / 0");
    expect(exchange.balance(BUYER, "USD")).toBe("72 / 513"); // 487 − 404 − 10.1
  });

  it("a fok market buy beyond its budget trades nothing", () => {
    exchange.order(SELLER, "sell", "20", "100");
    const fok = { timeInForce: "fok" };
    expect(exchange.order(BUYER, "buy", "10", undefined, fok)).toEqual([
      "accepted",
      "canceled fillOrKill",
    ]);
    expect(exchange.order(BUYER, "buy", "9", undefined, fok)).toEqual(["accepted", "trade"]);
  });

  it("a market buy with nothing free is rejected", () => {
    exchange.order(SELLER, "sell", "1", "1");
    expect(exchange.order(SELLER, "buy", "1")).toEqual(["rejected insufficientBalance"]);
  });

  it("a market sell needs its base", () => {
    exchange.order(BUYER, "buy", "5", "100");
    expect(exchange.order(SELLER, "sell", "51")).toEqual(["rejected insufficientBalance"]);
    expect(exchange.order(SELLER, "sell", "5")).toEqual(["accepted", "trade"]);
    expect(exchange.balance(SELLER, "AA")).toBe("45 / 0");
  });

  it("stops without a price and negative prices are refused", () => {
    const stop = { orderType: "stop", stopPrice: "100" };
    expect(exchange.order(SELLER, "sell", "1", undefined, stop)).toEqual([
      "rejected invalidCombination",
    ]);
    expect(exchange.order(SELLER, "sell", "1", "-1")).toEqual(["rejected priceOutOfRange"]);
    const stopLimit = { orderType: "stopLimit", stopPrice: "100" };
    expect(exchange.order(SELLER, "sell", "1", "90", stopLimit)).toEqual(["accepted"]);
    expect(exchange.balance(SELLER, "AA")).toBe("49 / 1");
  });

  it("an auction below zero is not for spot accounts", () => {
    exchange.order(BUYER, "buy", "5", "10");
    exchange.send({ type: "setMarketState", symbol: "AA-USD", state: "auction" });
    exchange.order(4, "buy", "5", "-3");
    exchange.order(3, "sell", "8", "-4");
    const events = exchange.send({
      type: "setMarketState",
      symbol: "AA-USD",
      state: "continuous",
    });
    // With the spot order it would be −4, for 8 lots: without it 5 lots trade.
    expect(
      events.map(({ type, reason, price, quantity }) => [type, reason ?? price, quantity]),
    ).toEqual([
      ["marketState", undefined, undefined],
      ["canceled", "priceProtection", "5"],
      ["auction", "-4", "5"],
      ["trade", "-4", "5"],
    ]);
    expect(exchange.balance(BUYER, "USD")).toBe("1000 / 0");
  });

  it("a withdrawal takes what is free and never what is held", () => {
    exchange.order(BUYER, "buy", "3", "100");
    expect(exchange.deposit(BUYER, "USD", "-693")[0]).toMatchObject({
      type: "rejected",
      reason: "insufficientBalance",
    });
    expect(exchange.deposit(BUYER, "USD", "-692")[0]).toMatchObject({ type: "balance" });
    expect(exchange.balance(BUYER, "USD")).toBe("0 / 308");
  });

  it("an account with open orders does not become a spot account", () => {
    exchange.order(3, "buy", "1", "100", { clientOrderId: 1 });
    const spot = { type: "setAccount", account: 3, mode: "spot" };
    expect(exchange.send(spot)[0]).toMatchObject({ reason: "invalidCombination" });
    exchange.send({ type: "cancelOrder", account: 3, clientOrderId: 1 });
    expect(exchange.send(spot)[0]).toMatchObject({ type: "account", mode: "spot" });
  });

  it("a balance never leaves the safe integers by an adjustment", () => {
    exchange.deposit(3, "USD", String(Number.MAX_SAFE_INTEGER));
    expect(exchange.deposit(3, "USD", "1")[0]).toMatchObject({ reason: "amountOutOfRange" });
  });
});
