/** What an account has of an asset, in the asset's smallest units: free + held = total. */
export interface HeldBalance {
  readonly assetId: number;
  readonly heldUnits: number;
  readonly totalUnits: number;
}

/**
 * Positions and balances as the events tell them. The engine's ledger is one; who puts the gateway
 * together hands it in.
 */
export interface Holdings {
  /** Takes any event. */
  onEvent(view: DataView, offset: number): void;
  /** Numbers of all accounts that hold anything, or did. */
  accounts(): Iterable<number>;
  /** Lots by instrument id: bought less sold. */
  positions(account: number): readonly (readonly [instrumentId: number, lots: number])[];
  balances(account: number): readonly HeldBalance[];
}
