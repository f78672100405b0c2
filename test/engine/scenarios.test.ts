import { describe, it } from "vitest";
import { ReferenceEngine } from "../reference/engine.ts";
import { EngineOnRing } from "./engine-on-ring.ts";
import { administration } from "./scenarios/administration.ts";
import { auctionsAndStates, fees } from "./scenarios/auctions-and-states.ts";
import { icebergsAndReplace } from "./scenarios/icebergs-and-replace.ts";
import { limits, SCENARIO_ORDERS } from "./scenarios/limits.ts";
import { Market } from "./scenarios/market.ts";
import type { EngineFactory, Scenario } from "./scenarios/rules.ts";
import { selfTradePrevention, stops } from "./scenarios/stops-and-prevention.ts";
import { trading } from "./scenarios/trading.ts";

const CAPACITY = { orders: SCENARIO_ORDERS, levels: 100, instruments: 4, accounts: 16, assets: 16 };

const ENGINES: Record<string, EngineFactory> = {
  "the reference": () => new ReferenceEngine(CAPACITY),
  "the engine": () => new EngineOnRing(CAPACITY),
};

const SCENARIOS: Record<string, readonly Scenario[]> = {
  trading,
  "icebergs and replace": icebergsAndReplace,
  stops,
  "self-trade prevention": selfTradePrevention,
  "auctions and market states": auctionsAndStates,
  fees,
  limits,
  administration,
};

describe.each(Object.entries(ENGINES))("%s", (_, create) => {
  describe.each(Object.entries(SCENARIOS))("%s", (_theme, scenarios) => {
    it.each(scenarios)("$name", ({ instrument, play }) => play(new Market(create(), instrument)));
  });
});
