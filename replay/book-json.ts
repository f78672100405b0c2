import { formatUnits } from "../protocol/decimal.ts";
import type { EngineRun } from "./engine-run.ts";
import { ReplayError } from "./errors.ts";

export interface BookJson {
  readonly type: "book";
  readonly symbol: string;
  /** [price, quantity, orders], best first, shown quantity. */
  readonly bids: [string, string, number][];
  readonly asks: [string, string, number][];
}

/** The book as it stands. Throws a ReplayError noSuchSymbol. */
export function bookJson(run: EngineRun, symbol: string): BookJson {
  const terms = run.instruments.get(run.instruments.idOf(symbol));
  if (terms === undefined) throw new ReplayError("noSuchSymbol", `there is no ${symbol} here`);
  const { tickSize, lotSize } = terms;
  const { bids, asks } = run.engine.bookRows(terms.id);
  const row = ({ priceTicks, lots, orders }: (typeof bids)[number]): [string, string, number] => [
    formatUnits(priceTicks, tickSize.value, tickSize.scale),
    formatUnits(lots, lotSize.value, lotSize.scale),
    orders,
  ];
  return { type: "book", symbol, bids: bids.map(row), asks: asks.map(row) };
}
