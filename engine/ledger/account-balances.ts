import { AccountMode } from "../../protocol/generated/enums.ts";

/** What one account holds. Columns by asset id, in the asset's smallest units; positions in lots. */
export class AccountBalances {
  readonly account: number;
  mode: AccountMode = AccountMode.credit;
  /** All of it: adjustments, trades and fees together. Below zero only without mode spot. */
  readonly totals: number[] = [];
  /** The part of it that open orders may still need. */
  readonly held: number[] = [];
  /** What orders under way, which no event has told of yet, may need besides. A gate's own. */
  readonly pending: number[] = [];
  /** By instrument id: bought less sold. undefined: never traded. */
  readonly positions: (number | undefined)[] = [];

  constructor(account: number) {
    this.account = account;
  }

  total(assetId: number): number {
    return this.totals[assetId] ?? 0;
  }

  /** What neither open orders hold nor those under way may need. */
  free(assetId: number): number {
    if (assetId >= this.totals.length) return 0;
    return (
      (this.totals[assetId] as number) -
      (this.held[assetId] as number) -
      (this.pending[assetId] as number)
    );
  }

  addTotal(assetId: number, units: number): void {
    this.#reach(assetId);
    this.totals[assetId] = (this.totals[assetId] as number) + units;
  }

  addHeld(assetId: number, units: number): void {
    this.#reach(assetId);
    this.held[assetId] = (this.held[assetId] as number) + units;
  }

  addPending(assetId: number, units: number): void {
    this.#reach(assetId);
    this.pending[assetId] = (this.pending[assetId] as number) + units;
  }

  addPosition(instrumentId: number, lots: number): void {
    this.positions[instrumentId] = (this.positions[instrumentId] ?? 0) + lots;
  }

  #reach(assetId: number): void {
    while (this.totals.length <= assetId) {
      this.totals.push(0);
      this.held.push(0);
      this.pending.push(0);
    }
  }
}
