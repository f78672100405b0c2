import { describe, expect, it } from "vitest";
import { InstrumentField, MarketState } from "../../protocol/generated/enums.ts";
import { Accepted, MarketStateChanged } from "../../protocol/generated/events.ts";
import {
  DEFINITIONS,
  type Definition,
  instrumentEvent,
  testDirectory,
} from "./json/instruments.ts";

describe("the instrument directory", () => {
  it("finds instruments by id and symbol, assets by id and name", () => {
    const directory = testDirectory();
    expect(directory.idOf("7UP/YEN")).toBe(2);
    expect(directory.idOf("7up/yen")).toBe(0);
    expect(directory.idOf("__proto__")).toBe(0);
    expect(directory.get(1)).toMatchObject({
      symbol: "BTC-USD",
      tickSize: { value: 25, scale: 2 },
      lotSize: { value: 1, scale: 3 },
      quoteAssetScale: 5,
      notionalUnit: 25,
      maxNotional: null,
      priceBandTicks: null,
      state: MarketState.continuous,
    });
    expect(directory.get(0)).toBeUndefined();
    expect(directory.get(3)).toBeUndefined();
    expect(directory.all().map((terms) => terms.symbol)).toEqual(["BTC-USD", "7UP/YEN"]);
    expect(directory.assetIdOf("YEN")).toBe(3);
    expect(directory.asset(3)).toEqual({ id: 3, asset: "YEN", scale: 0 });
    expect(directory.allAssets().map((asset) => asset.asset)).toEqual(["USD", "YEN"]);
  });

  it("follows redefinitions and changes of state, and ignores other events", () => {
    const directory = testDirectory();
    const view = new DataView(new ArrayBuffer(192));
    const state = new MarketStateChanged();
    state.wrap(view, 0);
    state.clear();
    state.instrumentId = 2;
    state.state = MarketState.halted;
    directory.onEvent(view, 0);
    expect(directory.get(2)?.state).toBe(MarketState.halted);
    expect(directory.get(1)?.state).toBe(MarketState.continuous);

    const changed = { ...(DEFINITIONS[1] as Definition), present: InstrumentField.priceBandTicks };
    instrumentEvent(changed, view, 0);
    directory.onEvent(view, 0);
    expect(directory.get(2)?.priceBandTicks).toBe(0);
    expect(directory.all()).toHaveLength(2);

    const accepted = new Accepted();
    accepted.wrap(view, 0);
    accepted.clear();
    directory.onEvent(view, 0);
    expect(directory.all()).toHaveLength(2);
  });
});
