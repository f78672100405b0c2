import {
  AccountField,
  type AccountMode,
  InstrumentAccess,
  Side,
} from "../../protocol/generated/enums.ts";
import type { Account, Instrument } from "../../protocol/generated/events.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import type { AccountBalances } from "../ledger/account-balances.ts";
import { TokenBucket } from "./token-bucket.ts";

export const NO_LIMIT = Number.POSITIVE_INFINITY;

/** value × 10^-scale; null: no limit. */
export interface DecimalLimit {
  readonly value: number;
  readonly scale: number;
}

/** Limits as an `account` event states them, for an account or for one of its instruments. */
export class LimitSet {
  maxOrderQuantity: DecimalLimit | null = null;
  maxOrderNotional: DecimalLimit | null = null;
  maxPosition: DecimalLimit | null = null;
  maxGrossNotional: DecimalLimit | null = null;
  maxOpenOrders = NO_LIMIT;
  priceCollarTicks = NO_LIMIT;
  rate: TokenBucket | null = null;

  apply(event: Account): void {
    const has = (field: number) => (event.present & field) !== 0;
    const decimal = (field: number, value: number, scale: number) =>
      has(field) ? { value, scale } : null;
    this.maxOrderQuantity = decimal(
      AccountField.maxOrderQuantity,
      event.maxOrderQuantity,
      event.maxOrderQuantityScale,
    );
    this.maxOrderNotional = decimal(
      AccountField.maxOrderNotional,
      event.maxOrderNotional,
      event.maxOrderNotionalScale,
    );
    this.maxPosition = decimal(AccountField.maxPosition, event.maxPosition, event.maxPositionScale);
    this.maxGrossNotional = decimal(
      AccountField.maxGrossNotional,
      event.maxGrossNotional,
      event.maxGrossNotionalScale,
    );
    this.maxOpenOrders = has(AccountField.maxOpenOrders) ? event.maxOpenOrders : NO_LIMIT;
    this.priceCollarTicks = has(AccountField.priceCollarTicks) ? event.priceCollarTicks : NO_LIMIT;
    if (!has(AccountField.orderRate)) this.rate = null;
    else if (
      this.rate?.perSecond !== event.orderRatePerSecond ||
      this.rate.burst !== event.orderRateBurst
    ) {
      this.rate = new TokenBucket(
        event.orderRatePerSecond,
        event.orderRateBurst,
        event.timestampUs,
      );
    }
  }
}

/** What risk needs to know of an instrument. */
export class InstrumentUnits {
  readonly tickSize: DecimalLimit;
  readonly lotSize: DecimalLimit;
  readonly quoteAssetId: number;
  readonly quoteAssetScale: number;
  /** Smallest units of the quote asset in one tick × lot. */
  readonly notionalUnit: number;

  constructor(event: Instrument) {
    this.tickSize = { value: event.tickSize, scale: event.tickSizeScale };
    this.lotSize = { value: event.lotSize, scale: event.lotSizeScale };
    this.quoteAssetId = event.quoteAssetId;
    this.quoteAssetScale = event.quoteAssetScale;
    this.notionalUnit = event.notionalUnit;
  }

  /** A decimal quantity as whole lots, rounded down; NO_LIMIT where there is none. Cold. */
  lots(limit: DecimalLimit | null): number {
    return limit === null
      ? NO_LIMIT
      : wholeUnits(limit, BigInt(this.lotSize.value), this.lotSize.scale);
  }

  /** A decimal amount of the quote asset as ticks × lots, rounded down. Cold. */
  notional(limit: DecimalLimit | null): number {
    if (limit === null) return NO_LIMIT;
    const unit = BigInt(this.tickSize.value) * BigInt(this.lotSize.value);
    return wholeUnits(limit, unit, this.tickSize.scale + this.lotSize.scale);
  }

  /** A decimal amount of the quote asset as its smallest units, rounded down. Cold. */
  quoteUnits(limit: DecimalLimit): number {
    return wholeUnits(limit, 1n, this.quoteAssetScale);
  }
}

function wholeUnits(limit: DecimalLimit, unit: bigint, unitScale: number): number {
  const whole =
    (BigInt(limit.value) * 10n ** BigInt(unitScale)) / (unit * 10n ** BigInt(limit.scale));
  return whole > BigInt(MAX_INTEGER) ? MAX_INTEGER : Number(whole);
}

/**
 * One account in one instrument. Exact fields are what the absorbed events say; pending fields are
 * the most that commands under way (passed, but not yet absorbed) can add.
 */
export class Exposure {
  readonly instrumentId: number;
  readonly limits = new LimitSet();
  allowed = false;

  positionLots = 0;
  openBuyLots = 0;
  openSellLots = 0;
  /** Σ |price ticks| × leaves lots over open orders with a limit price. */
  grossNotional = 0;
  openOrders = 0;

  pendingBuyLots = 0;
  pendingSellLots = 0;
  pendingNotional = 0;
  pendingOrders = 0;

  // The limits in force, in lots and ticks × lots: the tighter of the account's and the instrument's.
  maxOrderLots: number = NO_LIMIT;
  maxOrderNotional: number = NO_LIMIT;
  maxPositionLots: number = NO_LIMIT;
  maxGrossNotional: number = NO_LIMIT;
  priceCollarTicks = NO_LIMIT;

  constructor(instrumentId: number) {
    this.instrumentId = instrumentId;
  }

  /** After a change of limits, or when the instrument becomes known. Cold. */
  refresh(account: LimitSet, units: InstrumentUnits): void {
    const own = this.limits;
    this.maxOrderLots = Math.min(
      units.lots(account.maxOrderQuantity),
      units.lots(own.maxOrderQuantity),
    );
    this.maxOrderNotional = Math.min(
      units.notional(account.maxOrderNotional),
      units.notional(own.maxOrderNotional),
    );
    this.maxPositionLots = Math.min(units.lots(account.maxPosition), units.lots(own.maxPosition));
    this.maxGrossNotional = units.notional(own.maxGrossNotional);
    this.priceCollarTicks = Math.min(account.priceCollarTicks, own.priceCollarTicks);
  }

  /** Lots open on a side and what fills of it would lead to, at worst, before a new order. */
  worstLots(side: number): number {
    return side === Side.buy
      ? this.positionLots + this.openBuyLots + this.pendingBuyLots
      : this.openSellLots + this.pendingSellLots - this.positionLots;
  }

  addOpen(side: number, lots: number): void {
    if (side === Side.buy) this.openBuyLots += lots;
    else this.openSellLots += lots;
  }

  addPending(side: number, lots: number, notional: number): void {
    if (side === Side.buy) this.pendingBuyLots += lots;
    else this.pendingSellLots += lots;
    this.pendingNotional += notional;
  }
}

/** One account: its settings, its totals, and its exposures by instrument. */
export class AccountRisk {
  readonly account: number;
  readonly balances: AccountBalances;
  readonly limits = new LimitSet();
  readonly exposures: (Exposure | undefined)[] = [];
  killSwitch = false;
  instruments: InstrumentAccess = InstrumentAccess.all;
  openOrders = 0;
  pendingOrders = 0;
  /** The last command under way that may change settings or adjust a balance; 0: none seen. */
  lastSettingsSeq = 0;
  /** The last replace that passed; 0: none seen. */
  lastReplaceSeq = 0;
  hasInstrumentRates = false;

  constructor(balances: AccountBalances) {
    this.account = balances.account;
    this.balances = balances;
  }

  get mode(): AccountMode {
    return this.balances.mode;
  }

  exposure(instrumentId: number): Exposure {
    let exposure = this.exposures[instrumentId];
    if (exposure === undefined) {
      exposure = new Exposure(instrumentId);
      this.exposures[instrumentId] = exposure;
    }
    return exposure;
  }
}
