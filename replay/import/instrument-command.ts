import { DefineInstrument } from "../../protocol/generated/commands.ts";
import { InstrumentField } from "../../protocol/generated/enums.ts";

const definition = new DefineInstrument();

/** Writes a defineInstrument with tick 1 and lot 1; returns its block length. */
export function encodeUnitInstrument(symbol: string, view: DataView, offset: number): number {
  definition.wrap(view, offset);
  definition.clear();
  definition.symbol = symbol;
  definition.tickSize = 1;
  definition.lotSize = 1;
  definition.baseAsset = symbol;
  definition.quoteAsset = "USD";
  definition.present =
    InstrumentField.tickSize |
    InstrumentField.lotSize |
    InstrumentField.baseAsset |
    InstrumentField.quoteAsset;
  return definition.blockLength;
}
