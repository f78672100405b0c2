import type { EngineUnderTest, InstrumentOptions, Market } from "./market.ts";

/** One rule of the market and an example of it. Throws where the engine does not keep it. */
export interface Scenario {
  readonly name: string;
  readonly instrument?: InstrumentOptions;
  readonly play: (market: Market) => void;
}

export type EngineFactory = () => EngineUnderTest;
