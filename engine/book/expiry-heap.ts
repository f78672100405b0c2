// Hot path (of gtd orders): no allocation here.
import type { Arena } from "./arena.ts";
import { DETAIL } from "./layout.ts";

const { expire: EXPIRE, heapPlace: PLACE } = DETAIL;

export type ExpiryHeap = ReturnType<typeof createExpiryHeap>;

/** The open gtd orders, the one that expires first on top: a binary heap over the orders. */
export function createExpiryHeap(arena: Arena) {
  const { words: m, doubles: f, detail, heap } = arena;
  let count = 0;

  /** The order that expires first, or 0. */
  function first(): number {
    return count === 0 ? 0 : (m[heap] as number);
  }

  /** Microseconds. */
  function expireUs(order: number): number {
    return f[(order + detail + EXPIRE) >> 1] as number;
  }

  function add(order: number): void {
    rise(count++, order);
  }

  function remove(order: number): void {
    const place = m[order + detail + PLACE] as number;
    const last = m[heap + --count] as number;
    if (last === order) return;
    // The last order takes the free place and moves to where it belongs: down or up, not both.
    sink(place, last);
    if (m[heap + place] === last) rise(place, last);
  }

  function rise(from: number, order: number): void {
    const time = expireUs(order);
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = m[heap + above] as number;
      if (expireUs(parent) <= time) break;
      put(place, parent);
      place = above;
    }
    put(place, order);
  }

  function sink(from: number, order: number): void {
    const time = expireUs(order);
    let place = from;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= count) break;
      let child = m[heap + below] as number;
      if (below + 1 < count) {
        const other = m[heap + below + 1] as number;
        if (expireUs(other) < expireUs(child)) {
          child = other;
          below++;
        }
      }
      if (expireUs(child) >= time) break;
      put(place, child);
      place = below;
    }
    put(place, order);
  }

  function put(place: number, order: number): void {
    m[heap + place] = order;
    m[order + detail + PLACE] = place;
  }

  return { first, expireUs, add, remove };
}
