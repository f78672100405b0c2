import { Side } from "../../protocol/generated/enums.ts";
import type { ReferenceEngine } from "./engine.ts";
import type { Order } from "./state.ts";

/** All that a later command could see, as text: equal texts are equal states. */
export function stateText(engine: ReferenceEngine): string {
  const order = ({ instrument, ...fields }: Order) => ({ ...fields, instrument: instrument.id });
  const instruments = engine.instruments.map(({ book, stops, ...settings }) => ({
    ...settings,
    buys: book[Side.buy].map(order),
    sells: book[Side.sell].map(order),
    stops: stops.map(order),
  }));
  const state = {
    instruments,
    assets: engine.assets,
    accounts: [...engine.accountStates],
    trades: engine.tradeCount,
  };
  return JSON.stringify(state, (_, value: unknown) => {
    if (typeof value === "bigint") return value.toString();
    return value instanceof Map ? [...(value as Map<unknown, unknown>)] : value;
  });
}
