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
  selfTradePrevention: PREVENTION,
  mode: MODE,
} = ACCOUNT;
const { holder: HOLDER, older: OLDER, newer: NEWER } = ORDER;

export type AccountTable = ReturnType<typeof createAccountTable>;

/**
 * The accounts that have traded or have settings, found by number (open addressing; an account
 * never goes), and the list of each one's open orders by orderId, through the orders themselves:
 * whatever cancels an account's orders costs nothing for those of others.
 */
export function createAccountTable(arena: Arena) {
  const { words: m, accountTable: table, accountMask: mask } = arena;

  /** number: as an int32. 0: not known. */
  function find(number: number): number {
    let at = start(number);
    for (;;) {
      const record = m[table + at] as number;
      if (record === 0 || m[record + NUMBER] === number) return record;
      at = (at + 1) & mask;
    }
  }

  /** 0: no room for another account. */
  function findOrAdd(number: number): number {
    let at = start(number);
    for (;;) {
      const record = m[table + at] as number;
      if (record !== 0) {
        if (m[record + NUMBER] === number) return record;
        at = (at + 1) & mask;
        continue;
      }
      const claimed = arena.claimAccount();
      if (claimed === 0) return 0;
      m[claimed + NUMBER] = number;
      m[claimed + PREVENTION] = DEFAULT_PREVENTION;
      m[claimed + MODE] = DEFAULT_MODE;
      m[claimed + OLDEST] = claimed;
      m[claimed + NEWEST] = claimed;
      m[table + at] = claimed;
      return claimed;
    }
  }

  /** Sixteen numbers in a row share a cache line: accounts are given out in order. */
  function start(number: number): number {
    const h = Math.imul(number >>> 4, 0x9e3779b1);
    return (((h ^ (h >>> 15)) << 4) | (number & 15)) & mask;
  }

  /** The order is the account's newest: orders are added in the command that made them. */
  function addOrder(order: number): void {
    const record = m[order + HOLDER] as number;
    const newest = m[record + NEWEST] as number;
    m[order + OLDER] = newest;
    m[order + NEWER] = record;
    m[newest + NEWER] = order;
    m[record + NEWEST] = order;
  }

  function removeOrder(order: number): void {
    const older = m[order + OLDER] as number;
    const newer = m[order + NEWER] as number;
    m[older + NEWER] = newer;
    m[newer + OLDER] = older;
  }

  return { find, findOrAdd, addOrder, removeOrder };
}
