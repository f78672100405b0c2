import type { Ledger } from "../engine/ledger/ledger.ts";
import { formatDecimal, formatUnits } from "../protocol/decimal.ts";
import type { InstrumentDirectory } from "../protocol/instrument-directory.ts";

/** What an account holds, in decimals: for printing. */
export function holdingsJson(
  ledger: Ledger,
  directory: InstrumentDirectory,
  account: number,
): Record<string, unknown> {
  const positions = ledger.positions(account).flatMap(([id, lots]) => {
    const terms = directory.get(id);
    if (terms === undefined) return [];
    return [
      {
        symbol: terms.symbol,
        position: formatUnits(lots, terms.lotSize.value, terms.lotSize.scale),
      },
    ];
  });
  const balances = ledger.balances(account).flatMap((row) => {
    const terms = directory.asset(row.assetId);
    if (terms === undefined) return [];
    return [
      {
        asset: terms.asset,
        free: formatDecimal(row.freeUnits, terms.scale),
        held: formatDecimal(row.heldUnits, terms.scale),
        total: formatDecimal(row.totalUnits, terms.scale),
      },
    ];
  });
  return { type: "holdings", account, positions, balances };
}
