import fc from "fast-check";
import { expect, it } from "vitest";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { decimalToUnits } from "../../../protocol/decimal.ts";
import { SpotExchange } from "./exchange.ts";

const SPOT = [1, 2, 3];
/** Deals in credit, so it may owe. */
const CREDIT = 4;
const ASSETS = ["AA", "BB", "USD"];

const account = fc.constantFrom(...SPOT, ...SPOT, CREDIT);
const symbol = fc.constantFrom("AA-USD", "BB-USD");
const quantity = fc.integer({ min: 1, max: 40 }).map((lots) => (lots / 10).toFixed(1));
const price = fc.integer({ min: 9000, max: 11000 }).map((ticks) => (ticks / 100).toFixed(2));
const side = fc.constantFrom("buy", "sell");
const clientOrderId = fc.integer({ min: 1, max: 8 });
const selfTradePrevention = fc.constantFrom("none", "decrement", "cancelOldest", "cancelBoth");

const command = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant("newOrder"),
      account,
      symbol,
      side,
      orderType: fc.constant("limit"),
      quantity,
      price,
      timeInForce: fc.constantFrom("gtc", "gtc", "gtc", "ioc", "fok"),
      clientOrderId,
      selfTradePrevention,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("newOrder"),
      account,
      symbol,
      side,
      orderType: fc.constant("market"),
      quantity,
      timeInForce: fc.constantFrom("ioc", "fok"),
      selfTradePrevention,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("newOrder"),
      account,
      symbol,
      side,
      orderType: fc.constant("stopLimit"),
      quantity,
      price,
      stopPrice: price,
      clientOrderId,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("newOrder"),
      account,
      symbol,
      side,
      orderType: fc.constant("limit"),
      quantity: fc.constant("4"),
      displayQuantity: fc.constant("0.5"),
      price,
      clientOrderId,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("replaceOrder"),
      account,
      clientOrderId,
      quantity,
      price,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("cancelOrder"), account, clientOrderId }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("adjustBalance"),
      account,
      asset: fc.constantFrom(...ASSETS),
      amount: fc.integer({ min: -300, max: 900 }).map(String),
      reference: fc.constant("r"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("setMarketState"),
      symbol,
      state: fc.constantFrom("auction", "continuous", "continuous"),
    }),
  },
);

/** Rates that leave fractions of a unit at nearly every fill, a rebate among them. */
const rates = fc.record({
  takerFeeRate: fc.constantFrom("0", "0.00033333", "0.001", "0.07"),
  makerFeeRate: fc.constantFrom("0", "-0.0001", "0.00025", "0.05"),
});

it("spot balances never fall below zero, holds are gone with their orders, nothing is lost", () => {
  let trades = 0;
  let refused = 0;
  let budgets = 0;
  fc.assert(
    fc.property(
      rates,
      fc.array(command, { minLength: 20, maxLength: 150, size: "max" }),
      (fees, commands) => {
        const exchange: SpotExchange = new SpotExchange(() => {
          for (const number of SPOT) {
            for (const row of exchange.ledger.balances(number)) {
              if (row.freeUnits >= 0 && row.heldUnits >= 0) continue;
              throw new Error(`account ${number}: ${JSON.stringify(row)}`);
            }
          }
        });
        const terms = { tickSize: "0.01", lotSize: "0.1", ...fees };
        exchange.define("AA-USD", terms);
        exchange.define("BB-USD", terms);
        exchange.spot(...SPOT);
        const adjusted = new Map(ASSETS.map((asset) => [asset, 0]));
        const deposits = SPOT.flatMap((number) =>
          ASSETS.map((asset) => ({
            type: "adjustBalance",
            account: number,
            asset,
            amount: asset === "USD" ? "250" : "9",
            reference: "opening",
          })),
        );
        for (const json of [...deposits, ...commands]) {
          for (const event of exchange.send(json)) {
            if (event.type === "trade") trades++;
            if (event.reason === "insufficientBalance") {
              if (event.type === "rejected") refused++;
              else budgets++;
            }
            if (event.type !== "balance") continue;
            const asset = event.asset as string;
            const scale = exchange.directory.asset(exchange.directory.assetIdOf(asset))?.scale ?? 0;
            const units = decimalToUnits(Number(event.amount), 0, 1, scale);
            adjusted.set(asset, (adjusted.get(asset) ?? 0) + units);
          }
          for (const asset of ASSETS) expect(exchange.sum(asset)).toBe(adjusted.get(asset));
        }

        const again = new Ledger();
        for (const record of exchange.records) again.onEvent(record, 0);
        for (const number of exchange.ledger.accounts()) {
          expect(again.balances(number)).toEqual(exchange.ledger.balances(number));
          expect(again.positions(number)).toEqual(exchange.ledger.positions(number));
        }

        for (const number of SPOT) exchange.send({ type: "massCancel", account: number });
        expect(exchange.ledger.heldOrders).toBe(0);
        for (const number of SPOT) {
          for (const row of exchange.ledger.balances(number)) expect(row.heldUnits).toBe(0);
        }
      },
    ),
    { numRuns: Number(process.env.SPOT_RUNS ?? 150) },
  );
  expect(trades).toBeGreaterThan(300);
  expect(refused).toBeGreaterThan(50);
  expect(budgets).toBeGreaterThan(5);
});
