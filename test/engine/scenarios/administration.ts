import { expect } from "vitest";
import { AccountField, RejectReason } from "../../../protocol/generated/enums.ts";
import type { Scenario } from "./rules.ts";

export const administration: readonly Scenario[] = [
  {
    name: "an instrument names its assets, and gives new ones the scale it needs",
    play(market) {
      expect(market.define({ symbol: "BTC-EUR", tickSize: [25, 2], lotSize: [1, 3] })).toEqual([
        "asset BTC scale 3",
        "asset EUR scale 5",
        "instrument BTC-EUR",
      ]);
      expect(market.events[2]).toMatchObject({
        instrumentId: 2,
        tickSize: 25,
        tickSizeScale: 2,
        lotSize: 1,
        lotSizeScale: 3,
        notionalUnit: 25,
        baseAsset: "BTC",
        quoteAsset: "EUR",
        baseAssetScale: 3,
        quoteAssetScale: 5,
        state: 3,
      });
    },
  },
  {
    name: "defined again an instrument keeps its sizes and what is left out",
    instrument: { band: 5, reference: 100 },
    play(market) {
      expect(market.define({ protection: 3 })).toEqual(["instrument ABC-USD"]);
      expect(market.events[0]).toMatchObject({ priceBandTicks: 5, marketProtectionTicks: 3 });
      expect(market.define({ tickSize: [2, 0] })).toEqual(["rejected instrumentFixed"]);
    },
  },
  {
    name: "an asset keeps its scale, and an instrument must fit into it",
    play(market) {
      const asset = { type: "DefineAsset", asset: "GBP", scale: 2 } as const;
      expect(market.send(asset)).toEqual(["asset GBP scale 2"]);
      expect(market.send({ ...asset, scale: 3 })).toEqual(["rejected assetFixed"]);
      expect(market.define({ symbol: "ABC-GBP", tickSize: [1, 3] })).toEqual([
        "rejected unitMismatch",
      ]);
    },
  },
  {
    name: "a balance is adjusted in units of the asset",
    play(market) {
      const adjust = {
        type: "AdjustBalance",
        account: 5,
        asset: "USD",
        reference: "wire",
      } as const;
      market.send({ type: "DefineAsset", asset: "USDC", scale: 6 });
      expect(market.send({ ...adjust, asset: "USDC", amount: -15, amountScale: 1 })).toEqual([
        "balance USDC -1500000",
      ]);
      expect(market.send({ ...adjust, asset: "XXX", amount: 1 })).toEqual([
        "rejected unknownAsset",
      ]);
    },
  },
  {
    name: "mass cancel takes an account's orders off by orderId, where asked on one side only",
    play(market) {
      market.buy("1@100");
      market.sell("1 stop 90", { account: 1 });
      market.buy("1@101");
      market.buy("1@101", { account: 3 });
      expect(market.send({ type: "MassCancel", account: 1, side: 1 })).toEqual([
        "canceled #1 1 massCancel",
        "canceled #3 1 massCancel",
      ]);
      expect(market.send({ type: "MassCancel", account: 1, instrumentId: 1 })).toEqual([
        "canceled #2 1 massCancel",
      ]);
      expect(market.send({ type: "MassCancel", account: 1 })).toEqual([]);
      expect(market.book().bids).toBe("1@101×1");
    },
  },
  {
    name: "the kill switch says so, then cancels what is open",
    play(market) {
      market.buy("1@100");
      expect(market.send({ type: "KillSwitch", account: 1, engaged: true })).toEqual([
        "account 1 killed",
        "canceled #1 1 killSwitch",
      ]);
      expect(market.send({ type: "KillSwitch", account: 1 })).toEqual(["account 1"]);
    },
  },
  {
    name: "the end of a session cancels only where that was asked for",
    play(market) {
      market.buy("1@100");
      expect(market.send({ type: "SessionStart", account: 1 })).toEqual([]);
      expect(market.send({ type: "SessionEnd", account: 1 })).toEqual([]);
      expect(market.send({ type: "SessionEnd", account: 1, cancelOnDisconnect: true })).toEqual([
        "canceled #1 1 cancelOnDisconnect",
      ]);
    },
  },
  {
    name: "account settings are echoed as they now hold",
    play(market) {
      const set = { type: "SetAccount", account: 4 } as const;
      market.send({
        ...set,
        present: AccountField.mode | AccountField.maxOpenOrders | AccountField.maxPosition,
        mode: 1,
        maxOpenOrders: 7,
        maxPosition: 25,
        maxPositionScale: 1,
      });
      const cleared = AccountField.maxOpenOrders;
      market.send({ ...set, present: cleared, cleared });
      expect(market.events).toMatchObject([
        {
          account: 4,
          mode: 1,
          selfTradePrevention: 1,
          instruments: 1,
          present: AccountField.maxPosition,
          maxPosition: 25,
          maxPositionScale: 1,
          maxOpenOrders: 0,
        },
      ]);
      const forInstrument = { ...set, instrumentId: 1, allowed: true };
      market.send({ ...forInstrument, present: AccountField.symbol | AccountField.allowed });
      expect(market.events).toMatchObject([{ account: 4, instrumentId: 1, allowed: true }]);
      market.send({ ...set, present: AccountField.allowed, allowed: true });
      expect(market.events).toMatchObject([{ reason: RejectReason.invalidCombination }]);
    },
  },
  {
    name: "a snapshot counts public events and trades",
    play(market) {
      market.buy("1@100");
      market.sell("1@100");
      expect(market.send({ type: "Snapshot" })).toEqual(["checkpoint 6 events 1 trades"]);
      expect(market.send({ type: "Snapshot" })).toEqual(["checkpoint 6 events 1 trades"]);
    },
  },
];
