import { Side } from "../../protocol/generated/enums.ts";
import type { ReferenceEngine } from "./engine.ts";
import type { Order } from "./state.ts";

const RATE_UNIT = 100_000_000n;

/** Of what was filled only the sum with what was reduced counts, of the fees only the part of a unit. */
function orderState(order: Order) {
  const { instrument, filledLots, reducedLots, feeBasis, ...fields } = order;
  const fees = (((feeBasis * instrument.notionalUnit) % RATE_UNIT) + RATE_UNIT) % RATE_UNIT;
  return { ...fields, goneLots: filledLots + reducedLots, fees };
}

/** All that a later command could see, as text: equal texts are equal states. */
export function stateText(engine: ReferenceEngine): string {
  const instruments = engine.instruments.map(({ book, stops, ...settings }) => ({
    ...settings,
    buys: book[Side.buy].map(orderState),
    sells: book[Side.sell].map(orderState),
    stops: stops.map(orderState),
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
