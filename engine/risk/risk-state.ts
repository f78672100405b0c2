import { OrderField, Side } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  ACCOUNT_TEMPLATE_ID,
  Accepted,
  Account,
  CANCELED_TEMPLATE_ID,
  Canceled,
  INSTRUMENT_TEMPLATE_ID,
  Instrument,
  REDUCED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  Reduced,
  Replaced,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { EventHeader } from "../../protocol/generated/headers.ts";
import { Ledger } from "../ledger/ledger.ts";
import { AccountRisk, type Exposure, InstrumentUnits } from "./exposure.ts";
import { OpenOrders } from "./open-orders.ts";

/**
 * The accounts of one risk worker as a pure function of the events: the same whether it follows a
 * live engine, a recovery or a replay. Every worker keeps every instrument and its last price, and
 * the accounts with account % workers === worker.
 */
export class RiskState {
  readonly orders = new OpenOrders();
  readonly ledger: Ledger;
  readonly #worker: number;
  readonly #workers: number;
  readonly #accounts = new Map<number, AccountRisk>();
  readonly #units: (InstrumentUnits | undefined)[] = [];
  readonly #lastPriceTicks: (number | undefined)[] = [];
  readonly #header = new EventHeader();
  readonly #accepted = new Accepted();
  readonly #trade = new Trade();
  readonly #canceled = new Canceled();
  readonly #reduced = new Reduced();
  readonly #replaced = new Replaced();
  readonly #account = new Account();
  readonly #instrument = new Instrument();

  constructor(worker: number, workers: number) {
    this.#worker = worker;
    this.#workers = workers;
    this.ledger = new Ledger(worker, workers);
  }

  owns(account: number): boolean {
    return account % this.#workers === this.#worker;
  }

  account(account: number): AccountRisk {
    let row = this.#accounts.get(account);
    if (row === undefined) {
      row = new AccountRisk(this.ledger.account(account));
      this.#accounts.set(account, row);
    }
    return row;
  }

  accounts(): IterableIterator<AccountRisk> {
    return this.#accounts.values();
  }

  units(instrumentId: number): InstrumentUnits | undefined {
    return this.#units[instrumentId];
  }

  /** undefined: no trade yet. */
  lastPriceTicks(instrumentId: number): number | undefined {
    return this.#lastPriceTicks[instrumentId];
  }

  exposure(account: AccountRisk, instrumentId: number): Exposure {
    const known = account.exposures[instrumentId];
    if (known !== undefined) return known;
    const exposure = account.exposure(instrumentId);
    const units = this.#units[instrumentId];
    if (units !== undefined) exposure.refresh(account.limits, units);
    return exposure;
  }

  /** Takes one event from the ring. */
  absorb(view: DataView, offset: number): void {
    this.ledger.onEvent(view, offset);
    this.#header.wrap(view, offset);
    switch (this.#header.templateId) {
      case ACCEPTED_TEMPLATE_ID:
        if (this.owns(this.#header.account)) this.#onAccepted(view, offset);
        return;
      case TRADE_TEMPLATE_ID:
        this.#onTrade(view, offset);
        return;
      case CANCELED_TEMPLATE_ID:
        if (this.owns(this.#header.account)) this.#onCanceled(view, offset);
        return;
      case REDUCED_TEMPLATE_ID:
        if (this.owns(this.#header.account)) this.#onReduced(view, offset);
        return;
      case REPLACED_TEMPLATE_ID:
        if (this.owns(this.#header.account)) this.#onReplaced(view, offset);
        return;
      case ACCOUNT_TEMPLATE_ID:
        if (this.owns(this.#header.account)) this.#onAccount(view, offset);
        return;
      case INSTRUMENT_TEMPLATE_ID:
        this.#onInstrument(view, offset);
        return;
      default:
        return;
    }
  }

  /** An open order as it stands, from a snapshot. priceTicks: 0 where it has no limit price. */
  restoreOrder(
    orderId: number,
    clientOrderId: number,
    owner: number,
    instrumentId: number,
    side: number,
    totalLots: number,
    leavesLots: number,
    priceTicks: number,
    hasPrice: boolean,
  ): void {
    const account = this.account(owner);
    const exposure = this.exposure(account, instrumentId);
    this.orders.add(
      orderId,
      clientOrderId,
      owner,
      instrumentId,
      side,
      totalLots,
      priceTicks,
      hasPrice,
    );
    this.orders.reduce(this.orders.find(orderId), totalLots - leavesLots);
    account.openOrders++;
    exposure.openOrders++;
    exposure.addOpen(side, leavesLots);
    if (hasPrice) exposure.grossNotional += Math.abs(priceTicks) * leavesLots;
  }

  restoreLastPrice(instrumentId: number, priceTicks: number): void {
    this.#lastPriceTicks[instrumentId] = priceTicks;
  }

  #onAccepted(view: DataView, offset: number): void {
    const event = this.#accepted;
    event.wrap(view, offset);
    const hasPrice = (event.present & OrderField.price) !== 0;
    const account = this.account(event.account);
    const exposure = this.exposure(account, event.instrumentId);
    this.orders.add(
      event.orderId,
      event.clientOrderId,
      event.account,
      event.instrumentId,
      event.side,
      event.quantityLots,
      event.priceTicks,
      hasPrice,
    );
    account.openOrders++;
    exposure.openOrders++;
    exposure.addOpen(event.side, event.quantityLots);
    if (hasPrice) exposure.grossNotional += Math.abs(event.priceTicks) * event.quantityLots;
  }

  #onTrade(view: DataView, offset: number): void {
    const event = this.#trade;
    event.wrap(view, offset);
    this.#lastPriceTicks[event.instrumentId] = event.priceTicks;
    const lots = event.quantityLots;
    if (this.owns(event.account)) this.#fill(event.takerOrderId, lots);
    if (this.owns(event.makerAccount)) this.#fill(event.makerOrderId, lots);
  }

  #fill(orderId: number, lots: number): void {
    const orders = this.orders;
    const slot = orders.find(orderId);
    if (slot < 0) throw new Error(`risk: a trade names order ${orderId}, which is not open`);
    const exposure = this.#takeOff(slot, lots);
    exposure.positionLots += orders.side(slot) === Side.buy ? lots : -lots;
    if (orders.leavesLots(slot) === 0) this.#close(slot, exposure);
  }

  #onCanceled(view: DataView, offset: number): void {
    const event = this.#canceled;
    event.wrap(view, offset);
    const slot = this.orders.find(event.orderId);
    if (slot < 0) throw new Error(`risk: canceled order ${event.orderId} is not open`);
    this.#close(slot, this.#takeOff(slot, event.quantityLots));
  }

  #onReduced(view: DataView, offset: number): void {
    const event = this.#reduced;
    event.wrap(view, offset);
    const slot = this.orders.find(event.orderId);
    if (slot < 0) throw new Error(`risk: reduced order ${event.orderId} is not open`);
    this.#takeOff(slot, event.quantityLots);
  }

  #onReplaced(view: DataView, offset: number): void {
    const event = this.#replaced;
    event.wrap(view, offset);
    const slot = this.orders.find(event.orderId);
    if (slot < 0) throw new Error(`risk: replaced order ${event.orderId} is not open`);
    const exposure = this.#takeOff(slot, this.orders.leavesLots(slot));
    this.orders.replace(slot, event.quantityLots, event.leavesLots, event.priceTicks);
    exposure.addOpen(this.orders.side(slot), event.leavesLots);
    if (this.orders.hasPrice(slot)) {
      exposure.grossNotional += Math.abs(event.priceTicks) * event.leavesLots;
    }
  }

  #onAccount(view: DataView, offset: number): void {
    const event = this.#account;
    event.wrap(view, offset);
    const account = this.account(event.account);
    if (event.instrumentId === 0) {
      account.limits.apply(event);
      account.instruments = event.instruments;
      account.killSwitch = event.killSwitchEngaged;
    } else {
      const exposure = this.exposure(account, event.instrumentId);
      exposure.limits.apply(event);
      exposure.allowed = event.allowed;
      account.hasInstrumentRates ||= exposure.limits.rate !== null;
    }
    for (const exposure of account.exposures) {
      const units = exposure && this.#units[exposure.instrumentId];
      if (units !== undefined) exposure?.refresh(account.limits, units);
    }
  }

  #onInstrument(view: DataView, offset: number): void {
    const event = this.#instrument;
    event.wrap(view, offset);
    if (this.#units[event.instrumentId] === undefined) {
      this.#units[event.instrumentId] = new InstrumentUnits(event);
    }
  }

  #takeOff(slot: number, lots: number): Exposure {
    const orders = this.orders;
    const account = this.account(orders.account(slot));
    const exposure = this.exposure(account, orders.instrumentId(slot));
    exposure.addOpen(orders.side(slot), -lots);
    if (orders.hasPrice(slot)) exposure.grossNotional -= Math.abs(orders.priceTicks(slot)) * lots;
    orders.reduce(slot, lots);
    return exposure;
  }

  #close(slot: number, exposure: Exposure): void {
    this.account(this.orders.account(slot)).openOrders--;
    exposure.openOrders--;
    this.orders.remove(slot);
  }
}
