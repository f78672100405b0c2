import { RunningHash } from "../protocol/event-hash.ts";
import { AccountField } from "../protocol/generated/enums.ts";
import type { AccountSettings, Settings } from "./admin/account-settings.ts";
import type { InstrumentTerms } from "./admin/definition.ts";
import type { Instruments } from "./admin/instruments.ts";
import { COMMAND_BASE, TALLY } from "./book/arena.ts";
import type { Book } from "./book/book.ts";
import {
  ACCOUNT,
  ACCOUNT_WORDS,
  COMMAND,
  DETAIL,
  FLAG,
  HAS,
  INSTRUMENT,
  LEVEL,
  ORDER,
  SIDE,
  SIDE_WORDS,
  SUMS,
} from "./book/layout.ts";

const GTD = 3;

/**
 * A hash over everything that the rules can see later, and nothing else: no places in memory, no
 * order of hash chains, no free lists. Two engines that came to the same state in different ways,
 * from genesis or from a snapshot, have the same.
 */
export class StateHash {
  readonly #book: Book;
  readonly #instruments: Instruments;
  readonly #settings: AccountSettings;
  #hash = new RunningHash();

  constructor(book: Book, instruments: Instruments, settings: AccountSettings) {
    this.#book = book;
    this.#instruments = instruments;
    this.#settings = settings;
  }

  /** Four u32 words. Takes time in the number of open orders. */
  compute(into: Uint32Array): void {
    this.#hash = new RunningHash();
    const f = this.#book.arena.doubles;
    this.#hash.updateNumber(this.#book.arena.wide(COMMAND_BASE + COMMAND.seq));
    this.#hash.updateNumber(this.#book.arena.wide(COMMAND_BASE + COMMAND.timestamp));
    this.#hash.updateNumber(f[TALLY.events >> 1] as number);
    this.#hash.updateNumber(f[TALLY.trades >> 1] as number);
    for (const asset of this.#instruments.assets.all()) {
      this.#text(asset.name);
      this.#hash.updateWord(asset.scale);
    }
    this.#instruments.all().forEach((terms, index) => {
      this.#instrument(terms, this.#book.arena.instrument(index + 1));
    });
    this.#accounts();
    for (let i = 0; i < 4; i++) into[i] = this.#hash.word(i);
  }

  #instrument(terms: InstrumentTerms, at: number): void {
    const m = this.#book.arena.words;
    const hash = this.#hash;
    this.#text(terms.symbol);
    this.#text(terms.baseAsset);
    this.#text(terms.quoteAsset);
    for (const value of [
      terms.tickSize.value,
      terms.tickSize.scale,
      terms.lotSize.value,
      terms.lotSize.scale,
      terms.notionalUnit,
      terms.minLots,
      terms.maxLots,
      terms.maxNotional,
      terms.makerFeeRateE8,
      terms.takerFeeRateE8,
    ]) {
      hash.updateNumber(value);
    }
    for (const limit of [
      terms.referencePriceTicks,
      terms.priceBandTicks,
      terms.marketProtectionTicks,
    ]) {
      hash.updateNumber(limit ?? -1);
      hash.updateWord(limit === null ? 0 : 1);
    }
    hash.updateWord(m[at + INSTRUMENT.state] as number);
    const traded = ((m[at + INSTRUMENT.flags] as number) & HAS.lastPrice) !== 0;
    hash.updateWord(traded ? 1 : 0);
    hash.updateWord(traded ? (m[at + INSTRUMENT.lastPrice] as number) : 0);
    for (let side = 0; side < 4; side++) {
      hash.updateWord(side);
      let level = m[at + INSTRUMENT.sides + side * SIDE_WORDS + SIDE.best] as number;
      for (; level !== 0; level = this.#book.prices.next(level)) {
        hash.updateWord(m[level + LEVEL.price] as number);
        let order = m[level + LEVEL.head] as number;
        for (; order !== level; order = m[order + ORDER.next] as number) this.#order(order);
      }
    }
  }

  #order(order: number): void {
    const m = this.#book.arena.words;
    const f = this.#book.arena.doubles;
    const hash = this.#hash;
    const flags = m[order + ORDER.flags] as number;
    const detail = order + this.#book.arena.detail;
    const sums = (order >> 2) + this.#book.arena.sums;
    hash.updateWord(m[order + ORDER.idLow] as number);
    hash.updateWord(m[order + ORDER.idHigh] as number);
    hash.updateWord(m[order + ORDER.clientLow] as number);
    hash.updateWord(m[order + ORDER.clientHigh] as number);
    hash.updateWord(m[order + ORDER.account] as number);
    hash.updateWord(flags);
    hash.updateNumber(f[(order + ORDER.open) >> 1] as number);
    hash.updateNumber(f[(sums + SUMS.quantity) >> 1] as number);
    hash.updateWord(m[sums + SUMS.feeRest] as number);
    if ((flags & FLAG.iceberg) !== 0) {
      hash.updateNumber(f[(detail + DETAIL.display) >> 1] as number);
      hash.updateNumber(f[(detail + DETAIL.hidden) >> 1] as number);
    }
    if ((flags & FLAG.minimum) !== 0) {
      hash.updateNumber(f[(detail + DETAIL.minimum) >> 1] as number);
    }
    if ((flags & FLAG.waiting) !== 0) hash.updateWord(m[sums + SUMS.limit] as number);
    if (((flags >> FLAG.timeInForceShift) & FLAG.timeInForceMask) === GTD) {
      hash.updateNumber(f[(detail + DETAIL.expire) >> 1] as number);
    }
  }

  /** Every account that is known, by number: those that only ever traded take up room as well. */
  #accounts(): void {
    const m = this.#book.arena.words;
    const { accounts, accountCount } = this.#book.arena;
    const numbers = new Uint32Array(accountCount);
    for (let i = 0; i < accountCount; i++) {
      numbers[i] = m[accounts + i * ACCOUNT_WORDS + ACCOUNT.number] as number;
    }
    for (const number of numbers.sort()) {
      const record = this.#book.accounts.find(number | 0);
      this.#hash.updateWord(m[record + ACCOUNT.number] as number);
      this.#hash.updateWord(m[record + ACCOUNT.selfTradePrevention] as number);
      this.#hash.updateWord(m[record + ACCOUNT.mode] as number);
      this.#hash.updateWord(m[record + ACCOUNT.killSwitch] as number);
    }
    for (const [account, id, settings] of this.#settings.sorted()) {
      this.#hash.updateWord(account);
      this.#hash.updateWord(id);
      this.#limits(settings);
    }
  }

  /** What was once set and does not hold any more is not part of the state. */
  #limits(settings: Settings): void {
    const { present } = settings;
    const limit = (field: number, value: number, scale = 0): void => {
      this.#hash.updateNumber((present & field) === 0 ? 0 : value);
      this.#hash.updateWord((present & field) === 0 ? 0 : scale);
    };
    this.#hash.updateWord(present);
    const { maxOrderQuantityScale, maxOrderNotionalScale, maxPositionScale } = settings;
    limit(AccountField.maxOrderQuantity, settings.maxOrderQuantity, maxOrderQuantityScale);
    limit(AccountField.maxOrderNotional, settings.maxOrderNotional, maxOrderNotionalScale);
    limit(AccountField.maxPosition, settings.maxPosition, maxPositionScale);
    limit(AccountField.maxGrossNotional, settings.maxGrossNotional, settings.maxGrossNotionalScale);
    limit(AccountField.maxOpenOrders, settings.maxOpenOrders);
    limit(AccountField.priceCollarTicks, settings.priceCollarTicks);
    limit(AccountField.orderRate, settings.orderRatePerSecond);
    limit(AccountField.orderRate, settings.orderRateBurst);
    this.#hash.updateWord(settings.instruments);
    this.#hash.updateWord(settings.allowed ? 1 : 0);
  }

  #text(text: string): void {
    this.#hash.updateWord(text.length);
    for (let i = 0; i < text.length; i++) this.#hash.updateWord(text.charCodeAt(i));
  }
}
