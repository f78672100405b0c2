import { decimalToUnits } from "../../protocol/decimal.ts";
import { AdjustBalance, type NewOrder, SetAccount } from "../../protocol/generated/commands.ts";
import {
  AccountField,
  AccountMode,
  CommandFlag,
  OrderType,
  RejectReason,
  Side,
} from "../../protocol/generated/enums.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import { holdOf, type Ledger } from "../ledger/ledger.ts";
import type { AccountRisk } from "./exposure.ts";

/**
 * What mode spot asks of orders, and what keeps balances from falling below zero. With a state that
 * is not exact, what is free may still grow (a cancel, a fill), so a refusal then only says that it
 * is not certain; orders under way count with all that they may come to hold.
 */
export class SpotRules {
  /** The asset that the order under check holds, and how much of it at most. */
  assetId = 0;
  units = 0;
  /** Of a market buy that passes. */
  budgetUnits = 0;
  readonly #ledger: Ledger;
  readonly #setting = new SetAccount();
  readonly #adjustment = new AdjustBalance();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Before each check: nothing is held, unless it is measured. */
  reset(): void {
    this.assetId = 0;
    this.units = 0;
    this.budgetUnits = 0;
  }

  /** What an order holds at these terms. priceTicks: 0 where it has none. */
  measure(instrumentId: number, side: number, priceTicks: number, lots: number): void {
    const terms = this.#ledger.terms(instrumentId);
    if (terms === undefined) throw new Error("risk: an order of an instrument not defined");
    const buys = side === Side.buy;
    this.assetId = buys ? terms.quoteAssetId : terms.baseAssetId;
    this.units = holdOf(terms, buys, priceTicks, lots);
  }

  measureNewOrder(account: AccountRisk, order: NewOrder, hasPrice: boolean): void {
    this.measure(
      order.instrumentId,
      order.side,
      hasPrice ? order.priceTicks : 0,
      order.quantityLots,
    );
    if (hasPrice || order.side !== Side.buy) return;
    // All that is free; where the verdict is known already (recovery), what was free then.
    const isKnown = (order.flags & CommandFlag.budget) !== 0;
    this.units = isKnown ? order.displayLots : account.balances.free(this.assetId);
  }

  /** After the other limits, and after measureNewOrder. */
  checkNewOrder(
    account: AccountRisk,
    order: NewOrder,
    hasPrice: boolean,
    exact: boolean,
  ): RejectReason {
    if (order.orderType === OrderType.stop) return RejectReason.invalidCombination;
    if (hasPrice && order.priceTicks < 0) return RejectReason.priceOutOfRange;
    const free = account.balances.free(this.assetId);
    if (hasPrice || order.side !== Side.buy) {
      return this.units > free ? RejectReason.insufficientBalance : RejectReason.none;
    }
    // A market buy: its budget must be to the unit what is free, and there must be something.
    if (!exact || free <= 0) return RejectReason.insufficientBalance;
    this.budgetUnits = free;
    return RejectReason.none;
  }

  /** With an exact state the order gives up what it holds before it takes the new. */
  checkReplace(
    account: AccountRisk,
    orderId: number,
    priceTicks: number,
    exact: boolean,
  ): RejectReason {
    if (priceTicks < 0) return RejectReason.priceOutOfRange;
    const added = this.units - (exact ? this.#ledger.heldBy(orderId) : 0);
    const fits = added <= 0 || added <= account.balances.free(this.assetId);
    return fits ? RejectReason.none : RejectReason.insufficientBalance;
  }

  /** With an exact state. Open orders of another mode hold nothing, so there may be none. */
  checkSetting(account: AccountRisk, view: DataView, offset: number): RejectReason {
    const command = this.#setting;
    command.wrap(view, offset);
    const becomesSpot =
      (command.present & AccountField.mode) !== 0 &&
      (command.present & AccountField.symbol) === 0 &&
      command.mode === AccountMode.spot &&
      account.mode !== AccountMode.spot;
    return becomesSpot && account.openOrders > 0
      ? RejectReason.invalidCombination
      : RejectReason.none;
  }

  /** With an exact state. What does not convert is the engine's to reject. */
  checkAdjustment(account: AccountRisk, view: DataView, offset: number): RejectReason {
    const command = this.#adjustment;
    command.wrap(view, offset);
    const asset = this.#ledger.assetNamed(command.asset);
    if (asset === undefined) return RejectReason.none;
    const units = decimalToUnits(command.amount, command.amountScale, 1, asset.scale);
    if (!Number.isFinite(units)) return RejectReason.none;
    const { balances } = account;
    if (Math.abs(balances.total(asset.id) + units) > MAX_INTEGER) {
      return RejectReason.amountOutOfRange;
    }
    const takesFromSpot = account.mode === AccountMode.spot && units < 0;
    return takesFromSpot && balances.free(asset.id) + units < 0
      ? RejectReason.insufficientBalance
      : RejectReason.none;
  }
}
