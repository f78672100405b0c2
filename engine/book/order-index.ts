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

/** Fewest buckets; a power of two. */
const LEAST = 1024;

/**
 * Finds open orders by (account, clientOrderId) and by orderId. Two hash tables of buckets, each
 * bucket the head of a chain through the orders themselves: a removal unlinks and leaves nothing
 * behind, so the tables do not age, and an entry is one word.
 *
 * A table has as many buckets in use as fit its orders, so that a small book stays in a small cache.
 * It grows by linear hashing (W. Litwin, 1980): an insertion splits at most two buckets, the next
 * ones in line, and nobody ever waits for a whole table to be moved. It shrinks the same way.
 *
 * Client ids are chosen by clients, and orders live as long as clients like: both hashes mix in seeds
 * that clients do not know. The order of a chain never shows, so seeds may differ from run to run.
 * Sixteen ids in a row share a cache line, since most clients count, and order ids rise anyway.
 */
export class OrderIndex {
  readonly #m: Int32Array;
  readonly #clientTable: number;
  readonly #idTable: number;
  readonly #most: number;
  readonly #seed0: number;
  readonly #seed1: number;
  // Both tables have the same number of buckets in use: from LEAST to most. The buckets from 0 have
  // been split already in this round where they are below `#buckets - #half`.
  #buckets = LEAST;
  /** Largest power of two that is not above #buckets. */
  #half = LEAST;
  #count = 0;

  constructor(arena: Arena, seed: number) {
    this.#m = arena.words;
    this.#clientTable = arena.clientTable;
    this.#idTable = arena.idTable;
    this.#most = arena.tableBuckets;
    this.#seed0 = Math.imul(seed ^ 0x243f6a88, 0x9e3779b1);
    this.#seed1 = Math.imul(seed ^ 0x85a308d3, 0x85ebca77);
  }

  #clientHash(account: number, low: number, high: number): number {
    let h = Math.imul(high ^ this.#seed0, 0x9e3779b1) ^ account;
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b) ^ (low >>> 4);
    h = Math.imul(h ^ this.#seed1, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 16), 0x27d4eb2f);
    return ((h ^ (h >>> 15)) << 4) | (low & 15);
  }

  #idHash(low: number): number {
    const h = Math.imul((low >>> 4) ^ this.#seed0, 0x9e3779b1);
    return ((h ^ (h >>> 15)) << 4) | (low & 15);
  }

  /** Of the buckets in use, the one that a hash belongs to. */
  #bucket(hash: number): number {
    const half = this.#half;
    const bucket = hash & (half + half - 1);
    return bucket < this.#buckets ? bucket : bucket & (half - 1);
  }

  /** The open order of an account with that client id, or 0. */
  findClient(account: number, low: number, high: number): number {
    const m = this.#m;
    let order = m[this.#clientTable + this.#bucket(this.#clientHash(account, low, high))] as number;
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

  /** The open order with that orderId, or 0. */
  findId(low: number, high: number): number {
    const m = this.#m;
    let order = m[this.#idTable + this.#bucket(this.#idHash(low))] as number;
    while (order !== 0) {
      if (m[order + ID_LOW] === low && m[order + ID_HIGH] === high) return order;
      order = m[order + ID_NEXT] as number;
    }
    return 0;
  }

  add(order: number): void {
    const m = this.#m;
    // Orders without a client id are in one table only: there they would all be in one chain.
    if (((m[order + CLIENT_LOW] as number) | (m[order + CLIENT_HIGH] as number)) !== 0) {
      const client = this.#clientTable + this.#bucket(this.#clientHashOf(order));
      m[order + CLIENT_NEXT] = m[client] as number;
      m[client] = order;
    }
    const id = this.#idTable + this.#bucket(this.#idHash(m[order + ID_LOW] as number));
    m[order + ID_NEXT] = m[id] as number;
    m[id] = order;
    // Two buckets an order: few chains have more than one.
    if (2 * ++this.#count > this.#buckets) this.#grow();
  }

  remove(order: number): void {
    const m = this.#m;
    if (((m[order + CLIENT_LOW] as number) | (m[order + CLIENT_HIGH] as number)) !== 0) {
      const client = this.#clientTable + this.#bucket(this.#clientHashOf(order));
      this.#unlink(client, order, CLIENT_NEXT);
    }
    const id = this.#idTable + this.#bucket(this.#idHash(m[order + ID_LOW] as number));
    this.#unlink(id, order, ID_NEXT);
    if (16 * --this.#count < this.#buckets) this.#shrink();
  }

  #unlink(bucket: number, order: number, link: number): void {
    const m = this.#m;
    let from = bucket;
    while (m[from] !== order) from = (m[from] as number) + link;
    m[from] = m[order + link] as number;
  }

  #clientHashOf(order: number): number {
    const m = this.#m;
    const low = m[order + CLIENT_LOW] as number;
    return this.#clientHash(m[order + ACCOUNT] as number, low, m[order + CLIENT_HIGH] as number);
  }

  #grow(): void {
    for (let i = 0; i < 2 && this.#buckets < this.#most; i++) {
      const fresh = this.#buckets++;
      this.#splitClients(fresh);
      this.#splitIds(fresh);
      if (this.#buckets === 2 * this.#half) this.#half = this.#buckets;
    }
  }

  /** Orders whose hash has one bit more in common with the fresh bucket move there. */
  #splitClients(fresh: number): void {
    const m = this.#m;
    let from = this.#clientTable + (fresh & (this.#half - 1));
    let order = m[from] as number;
    let moved = 0;
    while (order !== 0) {
      const next = m[order + CLIENT_NEXT] as number;
      if (this.#bucket(this.#clientHashOf(order)) === fresh) {
        m[from] = next;
        m[order + CLIENT_NEXT] = moved;
        moved = order;
      } else {
        from = order + CLIENT_NEXT;
      }
      order = next;
    }
    m[this.#clientTable + fresh] = moved;
  }

  #splitIds(fresh: number): void {
    const m = this.#m;
    let from = this.#idTable + (fresh & (this.#half - 1));
    let order = m[from] as number;
    let moved = 0;
    while (order !== 0) {
      const next = m[order + ID_NEXT] as number;
      if (this.#bucket(this.#idHash(m[order + ID_LOW] as number)) === fresh) {
        m[from] = next;
        m[order + ID_NEXT] = moved;
        moved = order;
      } else {
        from = order + ID_NEXT;
      }
      order = next;
    }
    m[this.#idTable + fresh] = moved;
  }

  #shrink(): void {
    for (let i = 0; i < 2 && this.#buckets > LEAST; i++) {
      if (this.#buckets === this.#half) this.#half >>= 1;
      const last = --this.#buckets;
      const into = last & (this.#half - 1);
      this.#join(this.#clientTable + into, this.#clientTable + last, CLIENT_NEXT);
      this.#join(this.#idTable + into, this.#idTable + last, ID_NEXT);
    }
  }

  /** Hangs the chain at `last` to the end of the one at `into`. */
  #join(into: number, last: number, link: number): void {
    const m = this.#m;
    let end = into;
    while (m[end] !== 0) end = (m[end] as number) + link;
    m[end] = m[last] as number;
    m[last] = 0;
  }
}
