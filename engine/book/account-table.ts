// Hot path: no allocation here.
import { AccountMode, SelfTradePrevention } from "../../protocol/generated/enums.ts";
import type { Arena } from "./arena.ts";
import { ACCOUNT, ORDER } from "./layout.ts";

/** Settings of an account for which nothing was set. */
export const DEFAULT_PREVENTION = SelfTradePrevention.none;
export const DEFAULT_MODE = AccountMode.credit;

const {
  number: NUMBER,
  oldest: OLDEST,
  newest: NEWEST,
  openOrders: OPEN_ORDERS,
  selfTradePrevention: PREVENTION,
  mode: MODE,
} = ACCOUNT;
const { holder: HOLDER, older: OLDER, newer: NEWER } = ORDER;

/**
 * The accounts that have traded or have settings, found by number (open addressing; an account
 * never goes), and the list of each one's open orders by orderId, through the orders themselves:
 * whatever cancels an account's orders costs nothing for those of others.
 */
export class AccountTable {
  readonly #arena: Arena;
  readonly #m: Int32Array;
  readonly #table: number;
  readonly #mask: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#m = arena.words;
    this.#table = arena.accountTable;
    this.#mask = arena.accountMask;
  }

  /** number: as an int32. 0: not known. */
  find(number: number): number {
    const m = this.#m;
    let at = this.#start(number);
    for (;;) {
      const record = m[this.#table + at] as number;
      if (record === 0 || m[record + NUMBER] === number) return record;
      at = (at + 1) & this.#mask;
    }
  }

  /** 0: no room for another account. */
  findOrAdd(number: number): number {
    const m = this.#m;
    let at = this.#start(number);
    for (;;) {
      const record = m[this.#table + at] as number;
      if (record !== 0) {
        if (m[record + NUMBER] === number) return record;
        at = (at + 1) & this.#mask;
        continue;
      }
      const claimed = this.#arena.claimAccount();
      if (claimed === 0) return 0;
      m[claimed + NUMBER] = number;
      m[claimed + PREVENTION] = DEFAULT_PREVENTION;
      m[claimed + MODE] = DEFAULT_MODE;
      m[this.#table + at] = claimed;
      return claimed;
    }
  }

  #start(number: number): number {
    const h = Math.imul(number, 0x9e3779b1);
    return (h ^ (h >>> 15)) & this.#mask;
  }

  /** The order is the account's newest: orders are added in the command that made them. */
  addOrder(order: number): void {
    const m = this.#m;
    const record = m[order + HOLDER] as number;
    const newest = m[record + NEWEST] as number;
    m[order + OLDER] = newest;
    m[order + NEWER] = 0;
    if (newest === 0) m[record + OLDEST] = order;
    else m[newest + NEWER] = order;
    m[record + NEWEST] = order;
    m[record + OPEN_ORDERS] = (m[record + OPEN_ORDERS] as number) + 1;
  }

  removeOrder(order: number): void {
    const m = this.#m;
    const record = m[order + HOLDER] as number;
    const older = m[order + OLDER] as number;
    const newer = m[order + NEWER] as number;
    if (older === 0) m[record + OLDEST] = newer;
    else m[older + NEWER] = newer;
    if (newer === 0) m[record + NEWEST] = older;
    else m[newer + OLDER] = older;
    m[record + OPEN_ORDERS] = (m[record + OPEN_ORDERS] as number) - 1;
  }
}
