// Hot path: no allocation here, but where a replace of an account with rates by instrument is followed.
import {
  NEW_ORDER_TEMPLATE_ID,
  NewOrder,
  REPLACE_ORDER_TEMPLATE_ID,
  ReplaceOrder,
} from "../../protocol/generated/commands.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import type { AccountRisk } from "./exposure.ts";
import { replaceLots, replaceTicks } from "./replace-values.ts";
import type { RiskState } from "./risk-state.ts";

/** An open order as a replace finds it. */
export interface FoundOrder {
  readonly instrumentId: number;
  /** It has a limit price. */
  readonly hasPrice: boolean;
}

/**
 * Takes the tokens that journaled commands took, as RiskGate.follow does, and nothing else: for whoever
 * has all other state of the risk checks from elsewhere. The state need know no orders.
 */
export class RateFollower {
  readonly #state: RiskState;
  readonly #find: (
    account: number,
    orderId: number,
    clientOrderId: number,
  ) => FoundOrder | undefined;
  readonly #rated = new Map<number, AccountRisk>();
  readonly #header = new CommandHeader();
  readonly #order = new NewOrder();
  readonly #replace = new ReplaceOrder();

  /** find: the account's open order, before the command that is followed. */
  constructor(
    state: RiskState,
    find: (account: number, orderId: number, clientOrderId: number) => FoundOrder | undefined,
  ) {
    this.#state = state;
    this.#find = find;
  }

  /** Settings have changed: looks again whose orders take tokens. Cold. */
  refresh(): void {
    this.#rated.clear();
    for (const account of this.#state.accounts()) {
      if (account.limits.rate === null && !account.hasInstrumentRates) continue;
      this.#rated.set(account.account, account);
    }
  }

  /** Every command, before it is matched; all earlier settings must have been absorbed. */
  follow(view: DataView, offset: number): void {
    if (this.#rated.size === 0) return;
    const header = this.#header;
    header.wrap(view, offset);
    if (header.verdict !== Verdict.passed) return;
    const template = header.templateId;
    if (template !== NEW_ORDER_TEMPLATE_ID && template !== REPLACE_ORDER_TEMPLATE_ID) return;
    const account = this.#rated.get(header.account);
    if (account === undefined) return;
    account.limits.rate?.take(header.timestampUs);
    if (!account.hasInstrumentRates) return;
    const instrumentId =
      template === NEW_ORDER_TEMPLATE_ID
        ? this.#ofNewOrder(view, offset)
        : this.#ofReplace(view, offset);
    account.exposures[instrumentId]?.limits.rate?.take(header.timestampUs);
  }

  #ofNewOrder(view: DataView, offset: number): number {
    this.#order.wrap(view, offset);
    return this.#order.instrumentId;
  }

  /** 0: a replace that the engine rejects before it looks at an instrument. */
  #ofReplace(view: DataView, offset: number): number {
    const replace = this.#replace;
    replace.wrap(view, offset);
    const order = this.#find(replace.account, replace.orderId, replace.clientOrderId);
    if (order === undefined) return 0;
    const units = this.#state.units(order.instrumentId);
    if (units === undefined) return 0;
    const ticks = order.hasPrice ? replaceTicks(replace, units, 0) : 0;
    const converts = !Number.isNaN(replaceLots(replace, units)) && !Number.isNaN(ticks);
    return converts ? order.instrumentId : 0;
  }
}
