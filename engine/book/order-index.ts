// Hot path: no allocation here.
import type { Arena } from "./arena.ts";
import { ORDER } from "./layout.ts";

const {
  clientLow: CLIENT_LOW,
  clientHigh: CLIENT_HIGH,
  idLow: ID_LOW,
  idHigh: ID_HIGH,
  account: ACCOUNT,
  clientNext: CLIENT_NEXT,
  idNext: ID_NEXT,
} = ORDER;

/**
 * Finds open orders by (account, clientOrderId) and by orderId. Two tables of buckets, each the
 * head of a chain through the orders themselves: a removal unlinks and leaves nothing behind, so the
 * tables do not age, and an entry is one word.
 *
 * Client ids are chosen by clients: the hash mixes them with seeds that they do not know (where the
 * order of a chain never shows, so that seeds may differ from run to run), but keeps sixteen ids in
 * a row in one cache line, since most clients count. Order ids are given out by the sequencer in
 * rising order: their low bits are hash enough, and new orders fill the table line by line.
 */
export class OrderIndex {
  readonly #m: Int32Array;
  readonly #clientTable: number;
  readonly #clientMask: number;
  readonly #idTable: number;
  readonly #idMask: number;
  readonly #seed0: number;
  readonly #seed1: number;

  constructor(arena: Arena, seed: number) {
    this.#m = arena.words;
    this.#clientTable = arena.clientTable;
    this.#clientMask = arena.clientMask;
    this.#idTable = arena.idTable;
    this.#idMask = arena.idMask;
    this.#seed0 = Math.imul(seed ^ 0x243f6a88, 0x9e3779b1);
    this.#seed1 = Math.imul(seed ^ 0x85a308d3, 0x85ebca77);
  }

  /** The word that heads the chain of a client id. */
  clientBucket(account: number, low: number, high: number): number {
    let h = Math.imul(high ^ this.#seed0, 0x9e3779b1) ^ account;
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ (low >>> 4);
    h = Math.imul(h ^ this.#seed1, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 16), 0x27d4eb2f);
    return this.#clientTable + (((h ^ (h >>> 15)) << 4) & this.#clientMask) + (low & 15);
  }

  /** The order of a client id in its bucket's chain, or 0. */
  findClient(bucket: number, account: number, low: number, high: number): number {
    const m = this.#m;
    let order = m[bucket] as number;
    while (order !== 0) {
      if (
        m[order + CLIENT_LOW] === low &&
        m[order + CLIENT_HIGH] === high &&
        m[order + ACCOUNT] === account
      ) {
        return order;
      }
      order = m[order + CLIENT_NEXT] as number;
    }
    return 0;
  }

  findId(low: number, high: number): number {
    const m = this.#m;
    let order = m[this.#idTable + (low & this.#idMask)] as number;
    while (order !== 0) {
      if (m[order + ID_LOW] === low && m[order + ID_HIGH] === high) return order;
      order = m[order + ID_NEXT] as number;
    }
    return 0;
  }

  add(order: number): void {
    const m = this.#m;
    const low = m[order + CLIENT_LOW] as number;
    const high = m[order + CLIENT_HIGH] as number;
    if ((low | high) !== 0) {
      const bucket = this.clientBucket(m[order + ACCOUNT] as number, low, high);
      m[order + CLIENT_NEXT] = m[bucket] as number;
      m[bucket] = order;
    }
    const bucket = this.#idTable + ((m[order + ID_LOW] as number) & this.#idMask);
    m[order + ID_NEXT] = m[bucket] as number;
    m[bucket] = order;
  }

  remove(order: number): void {
    const m = this.#m;
    const low = m[order + CLIENT_LOW] as number;
    const high = m[order + CLIENT_HIGH] as number;
    if ((low | high) !== 0) {
      const bucket = this.clientBucket(m[order + ACCOUNT] as number, low, high);
      let at = m[bucket] as number;
      if (at === order) {
        m[bucket] = m[order + CLIENT_NEXT] as number;
      } else {
        while (m[at + CLIENT_NEXT] !== order) at = m[at + CLIENT_NEXT] as number;
        m[at + CLIENT_NEXT] = m[order + CLIENT_NEXT] as number;
      }
    }
    const bucket = this.#idTable + ((m[order + ID_LOW] as number) & this.#idMask);
    let at = m[bucket] as number;
    if (at === order) {
      m[bucket] = m[order + ID_NEXT] as number;
    } else {
      while (m[at + ID_NEXT] !== order) at = m[at + ID_NEXT] as number;
      m[at + ID_NEXT] = m[order + ID_NEXT] as number;
    }
  }
}
