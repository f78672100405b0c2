import {
  AccountMode,
  InstrumentAccess,
  SelfTradePrevention,
  Side,
} from "../../protocol/generated/enums.ts";
import type { AccountState } from "./accounts.ts";
import type { ReferenceEngine } from "./engine.ts";
import type { Order } from "./state.ts";

const RATE_UNIT = 100_000_000n;

/** Of what was filled only the sum with what was reduced counts, of the fees only the part of a unit. */
function orderState(order: Order) {
  const { instrument, filledLots, reducedLots, feeBasis, ...fields } = order;
  const fees = (((feeBasis * instrument.notionalUnit) % RATE_UNIT) + RATE_UNIT) % RATE_UNIT;
  return { ...fields, goneLots: filledLots + reducedLots, fees };
}

/** An account that was only ever seen: it takes a place in the table and says nothing else. */
function hasDefaults(account: AccountState): boolean {
  return (
    account.present === 0 &&
    account.selfTradePrevention === SelfTradePrevention.none &&
    account.mode === AccountMode.credit &&
    account.instruments === InstrumentAccess.all &&
    !account.killSwitchEngaged &&
    account.byInstrument.size === 0
  );
}

function bySideAndStopPrice(a: Order, b: Order): number {
  return a.side - b.side || Number(a.stopPriceTicks) - Number(b.stopPriceTicks);
}

function byNumber([a]: [number, unknown], [b]: [number, unknown]): number {
  return a - b;
}

/** All that a later command could see, as text: equal texts are equal states. */
export function stateText(engine: ReferenceEngine): string {
  const instruments = engine.instruments.map(({ book, stops, ...settings }) => ({
    ...settings,
    buys: book[Side.buy].map(orderState),
    sells: book[Side.sell].map(orderState),
    // Age counts among stops of one side and stop price only.
    stops: stops.toSorted(bySideAndStopPrice).map(orderState),
  }));
  const state = {
    instruments,
    assets: engine.assets,
    accounts: [...engine.accountStates]
      .filter(([, account]) => !hasDefaults(account))
      .map(([number, { byInstrument, ...settings }]) => {
        return { number, ...settings, byInstrument: [...byInstrument].sort(byNumber) };
      })
      .sort((a, b) => a.number - b.number),
    trades: engine.tradeCount,
  };
  return JSON.stringify(state, (_, value: unknown) => {
    return typeof value === "bigint" ? value.toString() : value;
  });
}
