// Hot path: no allocation here.
import { assert } from "../../protocol/assert.ts";
import type { AccountRisk, Exposure } from "./exposure.ts";

/**
 * The orders that have passed and are not yet absorbed, oldest first: what each can still add at
 * most to its account. A ring as large as the command ring, which bounds what can be under way.
 */
export class InFlight {
  readonly #mask: number;
  readonly #seq: Float64Array;
  readonly #lots: Float64Array;
  readonly #notional: Float64Array;
  readonly #side: Uint8Array;
  readonly #orders: Uint8Array;
  readonly #assetId: Uint32Array;
  readonly #units: Float64Array;
  readonly #accounts: (AccountRisk | undefined)[];
  readonly #exposures: (Exposure | undefined)[];
  #head = 0;
  #tail = 0;

  /** capacity: power of two. */
  constructor(capacity: number) {
    this.#mask = capacity - 1;
    this.#seq = new Float64Array(capacity);
    this.#lots = new Float64Array(capacity);
    this.#notional = new Float64Array(capacity);
    this.#side = new Uint8Array(capacity);
    this.#orders = new Uint8Array(capacity);
    this.#assetId = new Uint32Array(capacity);
    this.#units = new Float64Array(capacity);
    this.#accounts = new Array<AccountRisk | undefined>(capacity).fill(undefined);
    this.#exposures = new Array<Exposure | undefined>(capacity).fill(undefined);
  }

  /** newOrders: 1 for a newOrder, 0 for a replace. units: of the asset, that it may come to hold. */
  add(
    seq: number,
    account: AccountRisk,
    exposure: Exposure,
    side: number,
    lots: number,
    notional: number,
    newOrders: number,
    assetId: number,
    units: number,
  ): void {
    assert(this.#tail - this.#head <= this.#mask, "no more is under way than the ring holds");
    const at = this.#tail++ & this.#mask;
    this.#seq[at] = seq;
    this.#lots[at] = lots;
    this.#notional[at] = notional;
    this.#side[at] = side;
    this.#orders[at] = newOrders;
    this.#accounts[at] = account;
    this.#exposures[at] = exposure;
    exposure.addPending(side, lots, notional);
    exposure.pendingOrders += newOrders;
    account.pendingOrders += newOrders;
    this.#assetId[at] = assetId;
    this.#units[at] = units;
    if (units !== 0) account.balances.addPending(assetId, units);
  }

  /** Forgets what is absorbed: everything up to and including `seq`. */
  settle(seq: number): void {
    while (this.#head < this.#tail) {
      const at = this.#head & this.#mask;
      if ((this.#seq[at] as number) > seq) return;
      const exposure = this.#exposures[at] as Exposure;
      const account = this.#accounts[at] as AccountRisk;
      exposure.addPending(
        this.#side[at] as number,
        -(this.#lots[at] as number),
        -(this.#notional[at] as number),
      );
      exposure.pendingOrders -= this.#orders[at] as number;
      account.pendingOrders -= this.#orders[at] as number;
      const units = this.#units[at] as number;
      if (units !== 0) account.balances.addPending(this.#assetId[at] as number, -units);
      this.#accounts[at] = undefined;
      this.#exposures[at] = undefined;
      this.#head++;
    }
  }
}
