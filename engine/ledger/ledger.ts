// Hot path: no allocation here, except when an account, an asset or a table is new.
import { AccountMode, OrderField, Side } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  ACCOUNT_TEMPLATE_ID,
  Accepted,
  Account,
  ASSET_TEMPLATE_ID,
  Asset,
  BALANCE_TEMPLATE_ID,
  Balance,
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
import { VENUE_ACCOUNT } from "../../protocol/terms.ts";
import { AccountBalances } from "./account-balances.ts";
import { HeldOrders } from "./held-orders.ts";
import { worstFee } from "./worst-fee.ts";

/** An instrument as settlement sees it. */
export interface SettlementTerms {
  readonly baseAssetId: number;
  readonly quoteAssetId: number;
  /** Smallest units of the base asset in one lot. */
  readonly lotUnits: number;
  /** Smallest units of the quote asset in one tick × lot. */
  readonly notionalUnit: number;
  /** The most a fill can cost, in 10^-8 of its notional; not below 0. */
  readonly worstRateE8: number;
}

export interface LedgerAsset {
  readonly id: number;
  readonly name: string;
  /** Decimals of the smallest unit. */
  readonly scale: number;
}

/** What is held for an open order, in smallest units of its base (a sell) or quote asset (a buy). */
export interface HoldRow {
  readonly orderId: number;
  readonly account: number;
  readonly instrumentId: number;
  readonly side: number;
  readonly priceTicks: number;
  readonly leavesLots: number;
  readonly units: number;
  readonly feeUnits: number;
}

/** What an account has of an asset, in the asset's smallest units: free + held = total. */
export interface BalanceRow {
  readonly assetId: number;
  readonly freeUnits: number;
  readonly heldUnits: number;
  readonly totalUnits: number;
}

/**
 * Balances, holds and positions as a pure function of the events: the same beside a live engine, in
 * a recovery and in a replay. Every trade moves base and quote from one account to the other and its
 * fees to the venue (account 0), whatever the accounts' modes: over all accounts an asset adds up to
 * what was adjusted.
 *
 * Open orders of spot accounts hold what they may come to need: a sell its base, a buy |price| ×
 * leaves and the worst fee on it. A fill never takes more than its order held for it, so what is
 * free never falls by a fill; a dead order holds nothing. A market buy holds nothing: it is over with
 * its command, and its budget is bound by its verdict.
 */
export class Ledger {
  readonly #worker: number;
  readonly #workers: number;
  readonly #accounts = new Map<number, AccountBalances>();
  readonly #terms: (SettlementTerms | undefined)[] = [];
  readonly #assets: (LedgerAsset | undefined)[] = [];
  readonly #orders = new HeldOrders();
  #spotAccounts = 0;
  readonly #header = new EventHeader();
  readonly #accepted = new Accepted();
  readonly #trade = new Trade();
  readonly #canceled = new Canceled();
  readonly #reduced = new Reduced();
  readonly #replaced = new Replaced();
  readonly #account = new Account();
  readonly #instrument = new Instrument();
  readonly #asset = new Asset();
  readonly #balance = new Balance();

  /** Keeps the accounts with account % workers === worker; by default all. */
  constructor(worker = 0, workers = 1) {
    this.#worker = worker;
    this.#workers = workers;
  }

  account(account: number): AccountBalances {
    let row = this.#accounts.get(account);
    if (row === undefined) {
      row = new AccountBalances(account);
      this.#accounts.set(account, row);
    }
    return row;
  }

  /** Numbers of the accounts that were ever seen. */
  accounts(): Iterable<number> {
    return this.#accounts.keys();
  }

  /** undefined: not defined yet. */
  terms(instrumentId: number): SettlementTerms | undefined {
    return this.#terms[instrumentId];
  }

  assetNamed(name: string): LedgerAsset | undefined {
    return this.#assets.find((asset) => asset?.name === name);
  }

  /** Whether events about single orders, but for trades, may change anything. */
  get followsOrders(): boolean {
    return this.#spotAccounts > 0 || this.#orders.count > 0;
  }

  /** Orders for which something is held. */
  get heldOrders(): number {
    return this.#orders.count;
  }

  /** Units that an open order holds: base of a sell, quote of a buy with its fees. */
  heldBy(orderId: number): number {
    const slot = this.#orders.find(orderId);
    if (slot < 0) return 0;
    return (this.#orders.units[slot] as number) + (this.#orders.feeUnits[slot] as number);
  }

  /** One row for each asset that the account has or had. */
  balances(account: number): BalanceRow[] {
    const row = this.#accounts.get(account);
    if (row === undefined) return [];
    const rows: BalanceRow[] = [];
    row.totals.forEach((totalUnits, assetId) => {
      if (this.#assets[assetId] === undefined) return;
      const heldUnits = row.held[assetId] as number;
      if (totalUnits === 0 && heldUnits === 0) return;
      rows.push({ assetId, freeUnits: totalUnits - heldUnits, heldUnits, totalUnits });
    });
    return rows;
  }

  /** Lots by instrument id, of the instruments that the account has traded. */
  positions(account: number): [instrumentId: number, lots: number][] {
    const rows: [number, number][] = [];
    this.#accounts.get(account)?.positions.forEach((lots, id) => {
      if (lots !== undefined) rows.push([id, lots]);
    });
    return rows;
  }

  /** What open orders hold, in no order. Cold. */
  *holds(): Generator<HoldRow> {
    const orders = this.#orders;
    for (const slot of orders.slots()) {
      yield {
        orderId: orders.orderId(slot),
        account: (orders.owner[slot] as AccountBalances).account,
        instrumentId: orders.instrumentId[slot] as number,
        side: orders.side[slot] as number,
        priceTicks: orders.priceTicks[slot] as number,
        leavesLots: orders.leavesLots[slot] as number,
        units: orders.units[slot] as number,
        feeUnits: orders.feeUnits[slot] as number,
      };
    }
  }

  /** From a snapshot; instruments and settings are known. Accounts of other workers are passed over. */
  restoreHold(row: HoldRow): void {
    if (!this.#owns(row.account)) return;
    const { orderId, instrumentId, side, priceTicks, leavesLots, units, feeUnits } = row;
    const owner = this.account(row.account);
    const terms = this.#terms[instrumentId];
    if (terms === undefined) throw new Error("ledger: an order of an instrument not defined");
    const slot = this.#orders.add(orderId, owner, instrumentId, side, priceTicks, leavesLots);
    this.#set(slot, terms, side === Side.buy, units, feeUnits);
  }

  restoreTotal(account: number, assetId: number, units: number): void {
    if (this.#owns(account)) this.account(account).addTotal(assetId, units);
  }

  restorePosition(account: number, instrumentId: number, lots: number): void {
    if (this.#owns(account)) this.account(account).addPosition(instrumentId, lots);
  }

  /** Takes any event. */
  onEvent(view: DataView, offset: number): void {
    const header = this.#header;
    header.wrap(view, offset);
    switch (header.templateId) {
      case TRADE_TEMPLATE_ID:
        this.#onTrade(view, offset);
        return;
      case ACCEPTED_TEMPLATE_ID:
        if (this.#spotAccounts > 0) this.#onAccepted(view, offset);
        return;
      case CANCELED_TEMPLATE_ID:
        if (this.#orders.count > 0) this.#onCanceled(view, offset);
        return;
      case REDUCED_TEMPLATE_ID:
        if (this.#orders.count > 0) this.#onReduced(view, offset);
        return;
      case REPLACED_TEMPLATE_ID:
        if (this.#spotAccounts > 0 || this.#orders.count > 0) this.#onReplaced(view, offset);
        return;
      case BALANCE_TEMPLATE_ID:
        this.#onBalance(view, offset);
        return;
      case ACCOUNT_TEMPLATE_ID:
        this.#onAccount(view, offset);
        return;
      case INSTRUMENT_TEMPLATE_ID:
        this.#onInstrument(view, offset);
        return;
      case ASSET_TEMPLATE_ID:
        this.#onAsset(view, offset);
        return;
      default:
        return;
    }
  }

  #owns(account: number): boolean {
    return account % this.#workers === this.#worker;
  }

  #onTrade(view: DataView, offset: number): void {
    const event = this.#trade;
    event.wrap(view, offset);
    const id = event.instrumentId;
    const terms = this.#terms[id];
    if (terms === undefined) throw new Error(`ledger: a trade of instrument ${id}, not defined`);
    const lots = event.quantityLots;
    const quoteUnits = event.priceTicks * lots * terms.notionalUnit;
    const { takerFeeUnits, makerFeeUnits } = event;
    // In an auction the buyer stands in the taker's place.
    const takerBuys = event.aggressorSide !== Side.sell;
    if (this.#owns(event.account)) {
      const order = event.takerOrderId;
      this.#settle(event.account, id, terms, order, takerBuys, lots, quoteUnits, takerFeeUnits);
    }
    if (this.#owns(event.makerAccount)) {
      const order = event.makerOrderId;
      const maker = event.makerAccount;
      this.#settle(maker, id, terms, order, !takerBuys, lots, quoteUnits, makerFeeUnits);
    }
    const fees = takerFeeUnits + makerFeeUnits;
    if (fees !== 0 && this.#owns(VENUE_ACCOUNT)) {
      this.account(VENUE_ACCOUNT).addTotal(terms.quoteAssetId, fees);
    }
  }

  #settle(
    account: number,
    instrumentId: number,
    terms: SettlementTerms,
    orderId: number,
    buys: boolean,
    lots: number,
    quoteUnits: number,
    feeUnits: number,
  ): void {
    const row = this.account(account);
    const sign = buys ? 1 : -1;
    row.addPosition(instrumentId, sign * lots);
    row.addTotal(terms.baseAssetId, sign * lots * terms.lotUnits);
    row.addTotal(terms.quoteAssetId, -sign * quoteUnits - feeUnits);
    const slot = this.#orders.find(orderId);
    if (slot >= 0) this.#takeOff(slot, lots, feeUnits);
  }

  #onAccepted(view: DataView, offset: number): void {
    const event = this.#accepted;
    event.wrap(view, offset);
    if (!this.#owns(event.account)) return;
    const row = this.account(event.account);
    if (row.mode !== AccountMode.spot) return;
    const hasPrice = (event.present & OrderField.price) !== 0;
    if (!hasPrice && event.side === Side.buy) return;
    const { orderId, instrumentId, side, priceTicks, quantityLots } = event;
    const slot = this.#orders.add(orderId, row, instrumentId, side, priceTicks, quantityLots);
    this.#hold(slot, Number.POSITIVE_INFINITY);
  }

  #onCanceled(view: DataView, offset: number): void {
    this.#canceled.wrap(view, offset);
    const slot = this.#orders.find(this.#canceled.orderId);
    if (slot >= 0) this.#close(slot);
  }

  #onReduced(view: DataView, offset: number): void {
    this.#reduced.wrap(view, offset);
    const slot = this.#orders.find(this.#reduced.orderId);
    if (slot >= 0) this.#takeOff(slot, this.#reduced.quantityLots, 0);
  }

  #onReplaced(view: DataView, offset: number): void {
    const event = this.#replaced;
    event.wrap(view, offset);
    if (!this.#owns(event.account)) return;
    const orders = this.#orders;
    const row = this.account(event.account);
    let slot = orders.find(event.orderId);
    if (row.mode !== AccountMode.spot) {
      // Open since before the account left this mode: from now on nothing is held for it.
      if (slot >= 0) this.#close(slot);
      return;
    }
    const { orderId, instrumentId, side, priceTicks, leavesLots } = event;
    if (slot < 0) slot = orders.add(orderId, row, instrumentId, side, priceTicks, leavesLots);
    orders.priceTicks[slot] = priceTicks;
    orders.leavesLots[slot] = leavesLots;
    this.#hold(slot, Number.POSITIVE_INFINITY);
  }

  #onBalance(view: DataView, offset: number): void {
    const event = this.#balance;
    event.wrap(view, offset);
    if (this.#owns(event.account)) {
      this.account(event.account).addTotal(event.assetId, event.amountUnits);
    }
  }

  #onAccount(view: DataView, offset: number): void {
    const event = this.#account;
    event.wrap(view, offset);
    if (!this.#owns(event.account) || event.instrumentId !== 0) return;
    const row = this.account(event.account);
    if (row.mode === AccountMode.spot) this.#spotAccounts--;
    row.mode = event.mode;
    if (row.mode === AccountMode.spot) this.#spotAccounts++;
  }

  #onInstrument(view: DataView, offset: number): void {
    const event = this.#instrument;
    event.wrap(view, offset);
    const id = event.instrumentId;
    const worstRateE8 = Math.max(event.takerFeeRateE8, event.makerFeeRateE8, 0);
    const previous = this.#terms[id];
    this.#terms[id] = {
      baseAssetId: event.baseAssetId,
      quoteAssetId: event.quoteAssetId,
      // The base asset's scale is at least as fine as the lot's.
      lotUnits: event.lotSize * 10 ** (event.baseAssetScale - event.lotSizeScale),
      notionalUnit: event.notionalUnit,
      worstRateE8,
    };
    if (previous === undefined || previous.worstRateE8 === worstRateE8) return;
    // Fills pay the new rates from now on. What is free may fall below zero by what a rise adds.
    for (const slot of this.#orders.slots()) {
      if (this.#orders.instrumentId[slot] === id) this.#hold(slot, Number.POSITIVE_INFINITY);
    }
  }

  #onAsset(view: DataView, offset: number): void {
    const event = this.#asset;
    event.wrap(view, offset);
    this.#assets[event.assetId] = { id: event.assetId, name: event.asset, scale: event.scale };
  }

  /** The order's leaves fall by `lots`, of which fills paid `feeUnits`. */
  #takeOff(slot: number, lots: number, feeUnits: number): void {
    const orders = this.#orders;
    const leaves = (orders.leavesLots[slot] as number) - lots;
    if (leaves === 0) {
      this.#close(slot);
      return;
    }
    orders.leavesLots[slot] = leaves;
    // What was held for fees bounds those of all fills together, so what they paid comes off it.
    this.#hold(slot, (orders.feeUnits[slot] as number) - feeUnits);
  }

  /** Holds what the leaves may need now, and no more fees than `mostFeeUnits`. */
  #hold(slot: number, mostFeeUnits: number): void {
    const orders = this.#orders;
    const terms = this.#terms[orders.instrumentId[slot] as number];
    if (terms === undefined) throw new Error("ledger: an order of an instrument not defined");
    const buys = orders.side[slot] === Side.buy;
    const units = heldUnits(
      terms,
      buys,
      orders.priceTicks[slot] as number,
      orders.leavesLots[slot] as number,
    );
    const fees = buys ? Math.min(worstFee(units, terms.worstRateE8), mostFeeUnits) : 0;
    this.#set(slot, terms, buys, units, fees);
  }

  #close(slot: number): void {
    const orders = this.#orders;
    const terms = this.#terms[orders.instrumentId[slot] as number] as SettlementTerms;
    this.#set(slot, terms, orders.side[slot] === Side.buy, 0, 0);
    orders.remove(slot);
  }

  #set(slot: number, terms: SettlementTerms, buys: boolean, units: number, feeUnits: number): void {
    const orders = this.#orders;
    const before = (orders.units[slot] as number) + (orders.feeUnits[slot] as number);
    orders.units[slot] = units;
    orders.feeUnits[slot] = feeUnits;
    const owner = orders.owner[slot] as AccountBalances;
    owner.addHeld(buys ? terms.quoteAssetId : terms.baseAssetId, units + feeUnits - before);
  }
}

/** Base units of a sell; quote units of a buy without fees. */
function heldUnits(
  terms: SettlementTerms,
  buys: boolean,
  priceTicks: number,
  lots: number,
): number {
  return buys ? Math.abs(priceTicks) * lots * terms.notionalUnit : lots * terms.lotUnits;
}

/** What an order of a spot account holds when it comes in; may be beyond 2^53 where it is refused. */
export function holdOf(
  terms: SettlementTerms,
  buys: boolean,
  priceTicks: number,
  lots: number,
): number {
  const units = heldUnits(terms, buys, priceTicks, lots);
  // Beyond the safe integers nobody has as much, with or without a fee.
  if (!buys || units > Number.MAX_SAFE_INTEGER) return units;
  return units + worstFee(units, terms.worstRateE8);
}
