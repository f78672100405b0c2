import { decimalToUnits } from "../../protocol/decimal.ts";
import {
  ADJUST_BALANCE_TEMPLATE_ID,
  AdjustBalance,
  KILL_SWITCH_TEMPLATE_ID,
  KillSwitch,
  SET_ACCOUNT_TEMPLATE_ID,
  SetAccount,
} from "../../protocol/generated/commands.ts";
import {
  AccountField,
  type AccountMode,
  CancelReason,
  InstrumentAccess,
  RejectReason,
  type SelfTradePrevention,
} from "../../protocol/generated/enums.ts";
import {
  ACCOUNT_LENGTH,
  ACCOUNT_TEMPLATE_ID,
  Account,
  BALANCE_LENGTH,
  BALANCE_TEMPLATE_ID,
  Balance,
} from "../../protocol/generated/events.ts";
import { SCALE_DOES_NOT_FIT } from "../../protocol/terms.ts";
import type { Book } from "../book/book.ts";
import { ACCOUNT } from "../book/layout.ts";
import type { EventWriter } from "../events/event-writer.ts";
import type { Cancels } from "../matching/cancels.ts";
import type { Instruments } from "./instruments.ts";

/** The limits that take a decimal: value × 10^-scale, of a unit that depends on the instrument. */
const DECIMALS = [
  ["maxOrderQuantity", "maxOrderQuantityScale"],
  ["maxOrderNotional", "maxOrderNotionalScale"],
  ["maxPosition", "maxPositionScale"],
  ["maxGrossNotional", "maxGrossNotionalScale"],
] as const;
const INTEGERS = ["maxOpenOrders", "priceCollarTicks"] as const;
const LIMITS =
  AccountField.maxOrderQuantity |
  AccountField.maxOrderNotional |
  AccountField.maxOpenOrders |
  AccountField.maxPosition |
  AccountField.maxGrossNotional |
  AccountField.priceCollarTicks |
  AccountField.orderRate;
const OF_ACCOUNT = AccountField.selfTradePrevention | AccountField.mode | AccountField.instruments;

/** What is set for an account, or for an account in one instrument. A limit of 0 may be one. */
export class Settings {
  /** AccountField bits of the limits that hold. */
  present = 0;
  maxOrderQuantity = 0;
  maxOrderNotional = 0;
  maxPosition = 0;
  maxGrossNotional = 0;
  maxOrderQuantityScale = 0;
  maxOrderNotionalScale = 0;
  maxPositionScale = 0;
  maxGrossNotionalScale = 0;
  maxOpenOrders = 0;
  priceCollarTicks = 0;
  orderRatePerSecond = 0;
  orderRateBurst = 0;
  instruments: InstrumentAccess = InstrumentAccess.all;
  allowed = false;
}

/**
 * Settings of accounts. The engine goes by the mode and by the default of self-trade prevention;
 * limits are kept to be reported and restored, and it is the risk stage that holds orders to them.
 */
export class AccountSettings {
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #cancels: Cancels;
  readonly #instruments: Instruments;
  /** By account, then by instrument id (0: the account as a whole). */
  readonly #settings = new Map<number, Map<number, Settings>>();
  readonly #set = new SetAccount();
  readonly #kill = new KillSwitch();
  readonly #adjust = new AdjustBalance();

  constructor(book: Book, events: EventWriter, cancels: Cancels, instruments: Instruments) {
    this.#book = book;
    this.#events = events;
    this.#cancels = cancels;
    this.#instruments = instruments;
  }

  /** By account number and instrument id, in rising order. */
  sorted(): [account: number, instrumentId: number, settings: Settings][] {
    const rows: [number, number, Settings][] = [];
    for (const [account, byInstrument] of this.#settings) {
      for (const [id, settings] of byInstrument) rows.push([account, id, settings]);
    }
    return rows.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  }

  setAccount(view: DataView, offset: number): void {
    const command = this.#set;
    command.wrap(view, offset);
    const { present, cleared } = command;
    const withSymbol = (present & AccountField.symbol) !== 0;
    const named = command.instrumentId || this.#instruments.idOf(command.symbol);
    const id = withSymbol ? named : 0;
    const reason = this.#check(command, withSymbol, id);
    const record = reason === RejectReason.none ? this.#record(command.account) : 0;
    if (record === 0) {
      const shown = reason === RejectReason.none ? RejectReason.capacity : reason;
      this.#events.rejected(command.instrumentId, 0, SET_ACCOUNT_TEMPLATE_ID, shown);
      return;
    }
    const settings = this.#of(command.account, id);
    settings.present &= ~(cleared & LIMITS);
    settings.present |= present & ~cleared & LIMITS;
    for (const [name, scale] of DECIMALS) {
      if ((present & ~cleared & AccountField[name]) === 0) continue;
      settings[name] = command[name];
      settings[scale] = command[scale];
    }
    for (const name of INTEGERS) {
      if ((present & ~cleared & AccountField[name]) !== 0) settings[name] = command[name];
    }
    if ((present & ~cleared & AccountField.orderRate) !== 0) {
      settings.orderRatePerSecond = command.orderRatePerSecond;
      settings.orderRateBurst = command.orderRateBurst;
    }
    const m = this.#book.arena.words;
    if ((present & AccountField.selfTradePrevention) !== 0) {
      m[record + ACCOUNT.selfTradePrevention] = command.selfTradePrevention;
    }
    if ((present & AccountField.mode) !== 0) m[record + ACCOUNT.mode] = command.mode;
    if ((present & AccountField.instruments) !== 0) settings.instruments = command.instruments;
    if ((present & AccountField.allowed) !== 0) settings.allowed = command.allowed;
    this.#accountEvent(command.account, id, record, settings);
  }

  #check(command: SetAccount, withSymbol: boolean, id: number): RejectReason {
    const { present, cleared } = command;
    if (withSymbol && (id === 0 || id > this.#instruments.count)) return RejectReason.unknownSymbol;
    if ((present & (withSymbol ? OF_ACCOUNT : AccountField.allowed)) !== 0) {
      return RejectReason.invalidCombination;
    }
    for (const [name, scale] of DECIMALS) {
      if ((present & ~cleared & AccountField[name]) === 0) continue;
      if (command[scale] === SCALE_DOES_NOT_FIT || command[name] < 0) {
        return RejectReason.amountOutOfRange;
      }
    }
    return RejectReason.none;
  }

  killSwitch(view: DataView, offset: number): void {
    const command = this.#kill;
    command.wrap(view, offset);
    const account = command.account;
    const engaged = command.engaged;
    const record = this.#record(account);
    if (record === 0) {
      this.#events.rejected(
        command.instrumentId,
        0,
        KILL_SWITCH_TEMPLATE_ID,
        RejectReason.capacity,
      );
      return;
    }
    this.#book.arena.words[record + ACCOUNT.killSwitch] = engaged ? 1 : 0;
    this.#accountEvent(account, 0, record, this.#of(account, 0));
    if (engaged) this.#cancels.cancelAccount(account | 0, 0, 0, CancelReason.killSwitch);
  }

  adjustBalance(view: DataView, offset: number): void {
    const command = this.#adjust;
    command.wrap(view, offset);
    const asset = this.#instruments.assets.find(command.asset);
    if (asset === undefined) {
      this.#events.rejected(
        command.instrumentId,
        0,
        ADJUST_BALANCE_TEMPLATE_ID,
        RejectReason.unknownAsset,
      );
      return;
    }
    const units = decimalToUnits(command.amount, command.amountScale, 1, asset.scale);
    if (!Number.isFinite(units)) {
      const finer = Number.isNaN(units);
      const reason = finer ? RejectReason.unitMismatch : RejectReason.amountOutOfRange;
      this.#events.rejected(command.instrumentId, 0, ADJUST_BALANCE_TEMPLATE_ID, reason);
      return;
    }
    const at = this.#events.cold(BALANCE_LENGTH, BALANCE_TEMPLATE_ID, 0, command.account);
    const event = new Balance();
    event.wrap(this.#events.view, at);
    event.asset = asset.name;
    event.reference = command.reference;
    event.amountUnits = units;
    event.assetId = asset.id;
    event.assetScale = asset.scale;
  }

  #record(account: number): number {
    const record = this.#book.accounts.findOrAdd(account | 0);
    return record;
  }

  #of(account: number, instrumentId: number): Settings {
    let byInstrument = this.#settings.get(account);
    if (byInstrument === undefined) {
      byInstrument = new Map();
      this.#settings.set(account, byInstrument);
    }
    let settings = byInstrument.get(instrumentId);
    if (settings === undefined) {
      settings = new Settings();
      byInstrument.set(instrumentId, settings);
    }
    return settings;
  }

  #accountEvent(account: number, id: number, record: number, settings: Settings): void {
    const offset = this.#events.cold(ACCOUNT_LENGTH, ACCOUNT_TEMPLATE_ID, id, account | 0);
    const event = new Account();
    event.wrap(this.#events.view, offset);
    this.#fill(event, id, record, settings);
  }

  /** The fields of an `account` event that says what holds now; its seq and time are the caller's. */
  describe(event: Account, account: number, id: number, settings: Settings): void {
    event.account = account;
    event.instrumentId = id;
    this.#fill(event, id, this.#record(account), settings);
  }

  /** As it was described. The account is known already, with what is set for it as a whole. */
  restore(event: Account): void {
    const settings = this.#of(event.account, event.instrumentId);
    settings.present = event.present;
    for (const [name, scale] of DECIMALS) {
      settings[name] = event[name];
      settings[scale] = event[scale];
    }
    for (const name of INTEGERS) settings[name] = event[name];
    settings.orderRatePerSecond = event.orderRatePerSecond;
    settings.orderRateBurst = event.orderRateBurst;
    if (event.instrumentId === 0) settings.instruments = event.instruments;
    else settings.allowed = event.allowed;
  }

  /** Everything after the header, which the caller has written. */
  #fill(event: Account, id: number, record: number, settings: Settings): void {
    const m = this.#book.arena.words;
    event.present = settings.present;
    for (const [name, scale] of DECIMALS) {
      if ((settings.present & AccountField[name]) === 0) continue;
      event[name] = settings[name];
      event[scale] = settings[scale];
    }
    for (const name of INTEGERS) {
      if ((settings.present & AccountField[name]) !== 0) event[name] = settings[name];
    }
    if ((settings.present & AccountField.orderRate) !== 0) {
      event.orderRatePerSecond = settings.orderRatePerSecond;
      event.orderRateBurst = settings.orderRateBurst;
    }
    if (id === 0) {
      const prevention = m[record + ACCOUNT.selfTradePrevention] as SelfTradePrevention;
      const mode = m[record + ACCOUNT.mode] as AccountMode;
      event.selfTradePrevention = prevention;
      event.mode = mode;
      event.instruments = settings.instruments;
      event.killSwitchEngaged = m[record + ACCOUNT.killSwitch] !== 0;
    } else {
      event.allowed = settings.allowed;
    }
  }
}
