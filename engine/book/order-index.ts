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

export type OrderIndex = ReturnType<typeof createOrderIndex>;

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
export function createOrderIndex(arena: Arena, seed: number) {
  const { words: m, clientTable, idTable, tableBuckets: most } = arena;
  const seed0 = Math.imul(seed ^ 0x243f6a88, 0x9e3779b1);
  const seed1 = Math.imul(seed ^ 0x85a308d3, 0x85ebca77);
  // Both tables have the same number of buckets in use, from LEAST to most. `half` is the largest
  // power of two not above it: buckets below `buckets - half` have been split in this round.
  let buckets = LEAST;
  let half = LEAST;
  let count = 0;

  /** Of the id that a client has given an order; for findClient and add. */
  function clientHash(account: number, low: number, high: number): number {
    const who = Math.imul(account ^ seed0, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    let h = Math.imul((low >>> 4) ^ who ^ seed1, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 16), 0x27d4eb2f);
    return ((h ^ (h >>> 15)) << 4) | (low & 15);
  }

  function idHash(low: number): number {
    const h = Math.imul((low >>> 4) ^ seed0, 0x9e3779b1);
    return ((h ^ (h >>> 15)) << 4) | (low & 15);
  }

  /** Of the buckets in use, the one that a hash belongs to. */
  function bucket(hash: number): number {
    const wide = hash & (half + half - 1);
    return wide < buckets ? wide : wide & (half - 1);
  }

  /** The open order of an account with that client id, or 0. hash: its clientHash. */
  function findClient(hash: number, account: number, low: number, high: number): number {
    let order = m[clientTable + bucket(hash)] as number;
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
  function findId(low: number, high: number): number {
    let order = m[idTable + bucket(idHash(low))] as number;
    while (order !== 0) {
      if (m[order + ID_LOW] === low && m[order + ID_HIGH] === high) return order;
      order = m[order + ID_NEXT] as number;
    }
    return 0;
  }

  /** hash: the clientHash of the order's client id, if it has one. */
  function add(order: number, hash: number): void {
    // Orders without a client id are in one table only: there they would all be in one chain.
    if (((m[order + CLIENT_LOW] as number) | (m[order + CLIENT_HIGH] as number)) !== 0) {
      const client = clientTable + bucket(hash);
      m[order + CLIENT_NEXT] = m[client] as number;
      m[client] = order;
    }
    const id = idTable + bucket(idHash(m[order + ID_LOW] as number));
    m[order + ID_NEXT] = m[id] as number;
    m[id] = order;
    // Two buckets an order: few chains have more than one.
    if (4 * ++count > buckets) grow();
  }

  function remove(order: number): void {
    if (((m[order + CLIENT_LOW] as number) | (m[order + CLIENT_HIGH] as number)) !== 0) {
      const client = clientTable + bucket(clientHashOf(order));
      unlink(client, order, CLIENT_NEXT);
    }
    const id = idTable + bucket(idHash(m[order + ID_LOW] as number));
    unlink(id, order, ID_NEXT);
    if (32 * --count < buckets) shrink();
  }

  function unlink(bucket: number, order: number, link: number): void {
    let from = bucket;
    while (m[from] !== order) from = (m[from] as number) + link;
    m[from] = m[order + link] as number;
  }

  function clientHashOf(order: number): number {
    const low = m[order + CLIENT_LOW] as number;
    return clientHash(m[order + ACCOUNT] as number, low, m[order + CLIENT_HIGH] as number);
  }

  function grow(): void {
    for (let i = 0; i < 4 && buckets < most; i++) {
      const fresh = buckets++;
      splitClients(fresh);
      splitIds(fresh);
      if (buckets === 2 * half) half = buckets;
    }
  }

  /** Orders whose hash has one bit more in common with the fresh bucket move there. */
  function splitClients(fresh: number): void {
    let from = clientTable + (fresh & (half - 1));
    let order = m[from] as number;
    let moved = 0;
    while (order !== 0) {
      const next = m[order + CLIENT_NEXT] as number;
      if (bucket(clientHashOf(order)) === fresh) {
        m[from] = next;
        m[order + CLIENT_NEXT] = moved;
        moved = order;
      } else {
        from = order + CLIENT_NEXT;
      }
      order = next;
    }
    m[clientTable + fresh] = moved;
  }

  function splitIds(fresh: number): void {
    let from = idTable + (fresh & (half - 1));
    let order = m[from] as number;
    let moved = 0;
    while (order !== 0) {
      const next = m[order + ID_NEXT] as number;
      if (bucket(idHash(m[order + ID_LOW] as number)) === fresh) {
        m[from] = next;
        m[order + ID_NEXT] = moved;
        moved = order;
      } else {
        from = order + ID_NEXT;
      }
      order = next;
    }
    m[idTable + fresh] = moved;
  }

  function shrink(): void {
    for (let i = 0; i < 4 && buckets > LEAST; i++) {
      if (buckets === half) half >>= 1;
      const last = --buckets;
      const into = last & (half - 1);
      join(clientTable + into, clientTable + last, CLIENT_NEXT);
      join(idTable + into, idTable + last, ID_NEXT);
    }
  }

  /** Hangs the chain at `last` to the end of the one at `into`. */
  function join(into: number, last: number, link: number): void {
    let end = into;
    while (m[end] !== 0) end = (m[end] as number) + link;
    m[end] = m[last] as number;
    m[last] = 0;
  }

  return { clientHash, clientHashOf, findClient, findId, add, remove };
}
