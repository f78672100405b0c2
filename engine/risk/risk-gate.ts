import {
  ADJUST_BALANCE_TEMPLATE_ID,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  KILL_SWITCH_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
  NewOrder,
  REPLACE_ORDER_TEMPLATE_ID,
  ReplaceOrder,
  SET_ACCOUNT_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import {
  AccountMode,
  CommandFlag,
  InstrumentAccess,
  OrderField,
  RejectReason,
  Verdict,
} from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import { type AccountRisk, type Exposure, type InstrumentUnits, NO_LIMIT } from "./exposure.ts";
import { InFlight } from "./in-flight.ts";
import { replaceLots, replaceTicks } from "./replace-values.ts";
import { RiskState } from "./risk-state.ts";
import { SpotRules } from "./spot-rules.ts";

/** The verdict needs the engine to have matched every earlier command: absorb, then ask again. */
export const NEEDS_EXACT = -1;

/**
 * The verdict on a command is the one a single thread would give that had finished every earlier
 * command. `check` passes an order at once when even the worst case of what is under way leaves room
 * for it; whatever else it would say, it says only when its state is exact (`absorbedSeq` is the seq
 * before), and answers NEEDS_EXACT until then. So limits hold exactly, and the same class gives the
 * same verdicts in a worker beside the engine, in one thread, and in an audit.
 *
 * Limits of an account hold for each of its instruments (order size, notional, position, collar) or
 * for all together (open orders, gross notional by quote asset, rate); limits of an instrument hold
 * besides. A token of the rate is taken by every order that passes. Balances: see SpotRules.
 */
export class RiskGate {
  readonly state: RiskState;
  readonly #inFlight: InFlight;
  readonly #spot: SpotRules;
  readonly #header = new CommandHeader();
  readonly #order = new NewOrder();
  readonly #replace = new ReplaceOrder();
  #absorbedSeq = 0;
  #lastDefinitionSeq = 0;
  #unseenSeq = 0;
  // What the order under check adds at most; set by check, used by admit.
  #account: AccountRisk | undefined;
  #exposure: Exposure | undefined;
  #side = 0;
  #lots = 0;
  #notional = 0;
  #newOrders = 0;

  /** inFlightCapacity: power of two, at least the commands that can be under way. */
  constructor(worker: number, workers: number, inFlightCapacity: number) {
    this.state = new RiskState(worker, workers);
    this.#spot = new SpotRules(this.state.ledger);
    this.#inFlight = new InFlight(inFlightCapacity);
  }

  get absorbedSeq(): number {
    return this.#absorbedSeq;
  }

  /**
   * What the market buy just checked may spend, in units of the quote asset: to be written into its
   * record (see withBudget). 0: it is no market buy of a spot account, or it is refused.
   */
  get budgetUnits(): number {
    return this.#spot.budgetUnits;
  }

  /** What is under way up to `seq` has not been seen: until it is absorbed, verdicts wait. */
  waitUntil(seq: number): void {
    this.#unseenSeq = seq;
  }

  /** Every command, of any account: a new fee rate changes what orders hold. */
  see(header: CommandHeader): void {
    if (header.templateId === DEFINE_INSTRUMENT_TEMPLATE_ID) this.#lastDefinitionSeq = header.seq;
  }

  /** All events of the commands up to `seq` have been absorbed. */
  settle(seq: number): void {
    this.#absorbedSeq = seq;
    this.#inFlight.settle(seq);
  }

  /**
   * The verdict on the command at `offset`, or NEEDS_EXACT. A refusal is a RejectReason. After
   * RejectReason.none call `admit`.
   */
  check(view: DataView, offset: number): number {
    const header = this.#header;
    header.wrap(view, offset);
    this.#account = undefined;
    this.#exposure = undefined;
    this.#spot.reset();
    switch (header.templateId) {
      case NEW_ORDER_TEMPLATE_ID:
        return this.#checkNewOrder(view, offset);
      case REPLACE_ORDER_TEMPLATE_ID:
        return this.#checkReplace(view, offset);
      case SET_ACCOUNT_TEMPLATE_ID:
      case ADJUST_BALANCE_TEMPLATE_ID:
        return this.#checkSettings(view, offset);
      default:
        return RejectReason.none;
    }
  }

  /** Counts the command just checked as passed and under way, and takes its token. */
  admit(view: DataView, offset: number): void {
    const header = this.#header;
    header.wrap(view, offset);
    const template = header.templateId;
    if (
      template === SET_ACCOUNT_TEMPLATE_ID ||
      template === KILL_SWITCH_TEMPLATE_ID ||
      template === ADJUST_BALANCE_TEMPLATE_ID
    ) {
      this.state.account(header.account).lastSettingsSeq = header.seq;
      return;
    }
    const account = this.#account;
    if (account === undefined) return;
    if (template === REPLACE_ORDER_TEMPLATE_ID) account.lastReplaceSeq = header.seq;
    account.limits.rate?.take(header.timestampUs);
    const exposure = this.#exposure;
    if (exposure === undefined) return;
    exposure.limits.rate?.take(header.timestampUs);
    this.#inFlight.add(
      header.seq,
      account,
      exposure,
      this.#side,
      this.#lots,
      this.#notional,
      this.#newOrders,
      this.#spot.assetId,
      this.#spot.units,
    );
  }

  /**
   * Follows a command whose verdict is known (recovery, replay): takes the tokens it took and counts
   * it as under way. NEEDS_EXACT where the account's state must be exact for that.
   */
  follow(view: DataView, offset: number): number {
    const header = this.#header;
    header.wrap(view, offset);
    if (header.verdict !== Verdict.passed) return RejectReason.none;
    const exact = this.#absorbedSeq >= header.seq - 1;
    // Rates start when their setting is absorbed, and a replace names its order only: both need it.
    const isOrder =
      header.templateId === NEW_ORDER_TEMPLATE_ID ||
      header.templateId === REPLACE_ORDER_TEMPLATE_ID;
    if (isOrder && !exact) {
      const account = this.state.account(header.account);
      if (this.#settingsUnderWay(account) || account.hasInstrumentRates) return NEEDS_EXACT;
      // What the order may hold goes by the instrument's rates.
      if (account.mode === AccountMode.spot && this.#definitionUnderWay()) return NEEDS_EXACT;
    }
    this.check(view, offset);
    this.admit(view, offset);
    return RejectReason.none;
  }

  #settingsUnderWay(account: AccountRisk): boolean {
    return Math.max(account.lastSettingsSeq, this.#unseenSeq) > this.#absorbedSeq;
  }

  #definitionUnderWay(): boolean {
    return this.#lastDefinitionSeq > this.#absorbedSeq;
  }

  /** Refusals of settings and adjustments: rare commands, so their verdicts just wait. */
  #checkSettings(view: DataView, offset: number): number {
    const header = this.#header;
    if (this.#absorbedSeq < header.seq - 1) return NEEDS_EXACT;
    const account = this.state.account(header.account);
    return header.templateId === ADJUST_BALANCE_TEMPLATE_ID
      ? this.#spot.checkAdjustment(account, view, offset)
      : this.#spot.checkSetting(account, view, offset);
  }

  #checkNewOrder(view: DataView, offset: number): number {
    const order = this.#order;
    order.wrap(view, offset);
    const exact = this.#absorbedSeq >= order.seq - 1;
    const account = this.state.account(order.account);
    const hasPrice = (order.present & OrderField.price) !== 0;
    const lots = order.quantityLots;
    const notional = hasPrice ? Math.abs(order.priceTicks) * lots : 0;
    const exposure = this.state.exposure(account, order.instrumentId);
    this.#prepare(account, exposure, order.side, lots, notional, 1);
    if (!exact && this.#settingsUnderWay(account)) return NEEDS_EXACT;
    const units = this.state.units(order.instrumentId);
    if (units === undefined) return exact ? RejectReason.none : NEEDS_EXACT;
    const isSpot = account.mode === AccountMode.spot;
    if (isSpot) {
      if (!exact && this.#definitionUnderWay()) return NEEDS_EXACT;
      this.#spot.measureNewOrder(account, order, hasPrice);
    }

    let reason = this.#standing(account, exposure);
    if (reason === RejectReason.none && account.mode !== AccountMode.none) {
      reason = this.#newOrderLimits(account, exposure, units, order, hasPrice, notional, exact);
    }
    if (reason === RejectReason.none && isSpot) {
      reason = this.#spot.checkNewOrder(account, order, hasPrice, exact);
    }
    if (reason === RejectReason.none) reason = this.#integers(exposure, order.side, lots, notional);
    if (reason === RejectReason.none) reason = this.#rate(account, exposure, order.timestampUs);
    if (reason === RejectReason.none) return reason;
    this.#spot.budgetUnits = 0;
    return exact ? reason : NEEDS_EXACT;
  }

  #newOrderLimits(
    account: AccountRisk,
    exposure: Exposure,
    units: InstrumentUnits,
    order: NewOrder,
    hasPrice: boolean,
    notional: number,
    exact: boolean,
  ): number {
    const lots = order.quantityLots;
    if (lots > exposure.maxOrderLots) return RejectReason.maxOrderQuantity;
    if (notional > exposure.maxOrderNotional) return RejectReason.maxOrderNotional;
    if (hasPrice && this.#outsideCollar(exposure, order.priceTicks, exact)) {
      return RejectReason.priceCollar;
    }
    if (
      account.openOrders + account.pendingOrders + 1 > account.limits.maxOpenOrders ||
      exposure.openOrders + exposure.pendingOrders + 1 > exposure.limits.maxOpenOrders
    ) {
      return RejectReason.maxOpenOrders;
    }
    if (exposure.worstLots(order.side) + lots > exposure.maxPositionLots) {
      return RejectReason.maxPosition;
    }
    if (this.#grossExceeded(account, exposure, units, notional)) {
      return RejectReason.maxGrossNotional;
    }
    return RejectReason.none;
  }

  #checkReplace(view: DataView, offset: number): number {
    const replace = this.#replace;
    replace.wrap(view, offset);
    const exact = this.#absorbedSeq >= replace.seq - 1;
    const account = this.state.account(replace.account);
    this.#account = account;
    // A replace under way may be about the same order, and then nothing of it is known.
    const replaceUnderWay = account.lastReplaceSeq > this.#absorbedSeq;
    if (!exact && (replaceUnderWay || this.#settingsUnderWay(account))) return NEEDS_EXACT;
    if (!exact && account.hasInstrumentRates) return NEEDS_EXACT;
    const orders = this.state.orders;
    let slot: number;
    if (replace.orderId !== 0) slot = orders.find(replace.orderId);
    else {
      // A client's id may pass to a new order that is still under way.
      if (!exact && account.pendingOrders > 0) return NEEDS_EXACT;
      slot = orders.findByClientOrderId(replace.account, replace.clientOrderId);
    }
    if (slot < 0 || orders.account(slot) !== replace.account) {
      return this.#leaveToEngine(account, replace.timestampUs, exact);
    }
    const units = this.state.units(orders.instrumentId(slot));
    if (units === undefined) throw new Error("risk: an open order of an unknown instrument");
    const oldTotal = orders.totalLots(slot);
    const oldLeaves = orders.leavesLots(slot);
    const oldTicks = orders.priceTicks(slot);
    const hasPrice = orders.hasPrice(slot);
    const named = replaceLots(replace, units);
    const ticks = hasPrice ? replaceTicks(replace, units, oldTicks) : 0;
    // A value that does not convert is the engine's to reject.
    if (Number.isNaN(named) || Number.isNaN(ticks)) {
      return this.#leaveToEngine(account, replace.timestampUs, exact);
    }
    const gone = oldTotal - oldLeaves;
    const openQuantity = (replace.flags & CommandFlag.openQuantity) !== 0;
    const newLeaves = named < 0 ? oldLeaves : Math.max(0, openQuantity ? named : named - gone);
    const newTotal = newLeaves + gone;
    const notional = hasPrice ? Math.abs(ticks) * newLeaves : 0;
    const exposure = this.state.exposure(account, orders.instrumentId(slot));
    const side = orders.side(slot);
    this.#prepare(account, exposure, side, newLeaves, notional, 0);
    const isSpot = account.mode === AccountMode.spot;
    if (isSpot) {
      if (!exact && this.#definitionUnderWay()) return NEEDS_EXACT;
      this.#spot.measure(exposure.instrumentId, side, ticks, newLeaves);
    }

    // With an exact state the order gives up what it holds before it takes the new; under way it may
    // hold both at worst, and no exemption for a smaller order is certain.
    const heldLots = exact ? oldLeaves : 0;
    const heldNotional = exact && hasPrice ? Math.abs(oldTicks) * oldLeaves : 0;
    const grows = !exact || newTotal > oldTotal;
    const dearer = !exact || notional > heldNotional;
    let reason = this.#standing(account, exposure);
    if (reason === RejectReason.none && account.mode !== AccountMode.none) {
      if (grows && newTotal > exposure.maxOrderLots) reason = RejectReason.maxOrderQuantity;
      else if (dearer && Math.abs(ticks) * newTotal > exposure.maxOrderNotional) {
        reason = RejectReason.maxOrderNotional;
      } else if (
        hasPrice &&
        (replace.present & OrderField.price) !== 0 &&
        this.#outsideCollar(exposure, ticks, exact)
      ) {
        reason = RejectReason.priceCollar;
      } else if (
        newLeaves > heldLots &&
        exposure.worstLots(side) + newLeaves - heldLots > exposure.maxPositionLots
      ) {
        reason = RejectReason.maxPosition;
      } else if (dearer && this.#grossExceeded(account, exposure, units, notional - heldNotional)) {
        reason = RejectReason.maxGrossNotional;
      }
    }
    if (reason === RejectReason.none && isSpot) {
      reason = this.#spot.checkReplace(account, orders.orderId(slot), ticks, exact);
    }
    if (reason === RejectReason.none) {
      reason = this.#integers(exposure, side, newLeaves - heldLots, notional - heldNotional);
    }
    if (reason === RejectReason.none) reason = this.#rate(account, exposure, replace.timestampUs);
    return reason === RejectReason.none || exact ? reason : NEEDS_EXACT;
  }

  /** The engine will reject it; it still takes a token, so that the rate depends on commands alone. */
  #leaveToEngine(account: AccountRisk, nowUs: number, exact: boolean): number {
    if (!exact) return NEEDS_EXACT;
    if (account.killSwitch) return RejectReason.killSwitch;
    return (account.limits.rate?.has(nowUs) ?? true) ? RejectReason.none : RejectReason.orderRate;
  }

  #prepare(
    account: AccountRisk,
    exposure: Exposure,
    side: number,
    lots: number,
    notional: number,
    newOrders: number,
  ): void {
    this.#account = account;
    this.#exposure = exposure;
    this.#side = side;
    // What the engine rejects for its size must not wear out the sums until then.
    this.#lots = lots <= MAX_INTEGER ? lots : 0;
    this.#notional = notional <= MAX_INTEGER ? notional : 0;
    this.#newOrders = newOrders;
  }

  #standing(account: AccountRisk, exposure: Exposure): number {
    if (account.killSwitch) return RejectReason.killSwitch;
    if (account.instruments === InstrumentAccess.listed && !exposure.allowed) {
      return RejectReason.instrumentNotAllowed;
    }
    return RejectReason.none;
  }

  /** True also when the last price is not certain yet: the caller then asks for an exact state. */
  #outsideCollar(exposure: Exposure, priceTicks: number, exact: boolean): boolean {
    if (exposure.priceCollarTicks === NO_LIMIT) return false;
    if (!exact) return true;
    const last = this.state.lastPriceTicks(exposure.instrumentId);
    return last !== undefined && Math.abs(priceTicks - last) > exposure.priceCollarTicks;
  }

  #grossExceeded(
    account: AccountRisk,
    exposure: Exposure,
    units: InstrumentUnits,
    added: number,
  ): boolean {
    const own = exposure.grossNotional + exposure.pendingNotional + added;
    if (own > exposure.maxGrossNotional) return true;
    const limit = account.limits.maxGrossNotional;
    if (limit === null) return false;
    // Sums over different instruments are taken in the quote asset's units.
    let sum = added * units.notionalUnit;
    for (const other of account.exposures) {
      const otherUnits = other && this.state.units(other.instrumentId);
      if (otherUnits?.quoteAssetId !== units.quoteAssetId || other === undefined) continue;
      sum += (other.grossNotional + other.pendingNotional) * otherUnits.notionalUnit;
    }
    return sum > units.quoteUnits(limit);
  }

  /** Positions and notionals stay safe integers, whatever the limits say. */
  #integers(exposure: Exposure, side: number, lots: number, notional: number): number {
    if (lots > MAX_INTEGER || notional > MAX_INTEGER) return RejectReason.none; // the engine's
    const terms = this.state.ledger.terms(exposure.instrumentId);
    const most = MAX_INTEGER / (terms?.lotUnits ?? 1);
    if (exposure.worstLots(side) + lots > most) return RejectReason.capacity;
    const gross = exposure.grossNotional + exposure.pendingNotional + notional;
    if (gross > MAX_INTEGER) return RejectReason.notionalOutOfRange;
    return RejectReason.none;
  }

  #rate(account: AccountRisk, exposure: Exposure, nowUs: number): number {
    const enough =
      (account.limits.rate?.has(nowUs) ?? true) && (exposure.limits.rate?.has(nowUs) ?? true);
    return enough ? RejectReason.none : RejectReason.orderRate;
  }
}
