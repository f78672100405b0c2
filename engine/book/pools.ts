// Hot path: no allocation after the start.
import { assert } from "../../protocol/assert.ts";
import { type Arena, HEADER } from "./arena.ts";
import { LEVEL, LEVEL_WORDS, NODE_WORDS, ORDER, ORDER_WORDS } from "./layout.ts";

const { next: NEXT } = ORDER;
const { side: LEVEL_SIDE } = LEVEL;
const {
  freeOrder: FREE_ORDER,
  freshOrder: FRESH_ORDER,
  ordersUsed: ORDERS_USED,
  freeLevel: FREE_LEVEL,
  freshLevel: FRESH_LEVEL,
  levelsUsed: LEVELS_USED,
  freeNode: FREE_NODE,
  freshNode: FRESH_NODE,
  levelsPromised: LEVELS_PROMISED,
} = HEADER;
const ORDER_STRIDE = ORDER_WORDS;
const LEVEL_STRIDE = LEVEL_WORDS;
const NODE_STRIDE = NODE_WORDS;

export type Pools = ReturnType<typeof createPools>;

/**
 * Pools of orders, levels and index nodes. They hand out the record that came back last, which is
 * the one that the cache still has.
 */
export function createPools(arena: Arena) {
  const { words: m, ordersEnd, levelsEnd, nodesEnd } = arena;
  const { orders: orderCapacity, levels: levelCapacity } = arena.capacity;
  const enoughLevels = levelCapacity >= orderCapacity;

  function hasOrder(): boolean {
    return (m[ORDERS_USED] as number) < orderCapacity;
  }

  /** Only where hasOrder. */
  function claimOrder(): number {
    m[ORDERS_USED] = (m[ORDERS_USED] as number) + 1;
    const order = m[FREE_ORDER] as number;
    if (order !== 0) {
      m[FREE_ORDER] = m[order + NEXT] as number;
      return order;
    }
    return freshOrder();
  }

  function freshOrder(): number {
    const order = m[FRESH_ORDER] as number;
    assert(order < ordersEnd, "whoever was let in finds an order");
    m[FRESH_ORDER] = order + ORDER_STRIDE;
    return order;
  }

  /** The record may be claimed again at once: read what you need before. */
  function releaseOrder(order: number): void {
    m[order + NEXT] = m[FREE_ORDER] as number;
    m[FREE_ORDER] = order;
    m[ORDERS_USED] = (m[ORDERS_USED] as number) - 1;
  }

  /**
   * Whether one more order may stay. An order needs a level where it waits and one where it rests;
   * whoever passed this never fails to get them, since stopLimits keep one promised. With as many
   * levels as orders there is always one: an order stands in one queue at a time.
   */
  function hasLevel(): boolean {
    if (enoughLevels) return true;
    return (m[LEVELS_USED] as number) + (m[LEVELS_PROMISED] as number) + 2 <= levelCapacity;
  }

  function promiseLevel(): void {
    m[LEVELS_PROMISED] = (m[LEVELS_PROMISED] as number) + 1;
  }

  function withdrawPromise(): void {
    m[LEVELS_PROMISED] = (m[LEVELS_PROMISED] as number) - 1;
  }

  function claimLevel(): number {
    m[LEVELS_USED] = (m[LEVELS_USED] as number) + 1;
    const level = m[FREE_LEVEL] as number;
    if (level !== 0) {
      m[FREE_LEVEL] = m[level + LEVEL_SIDE] as number;
      return level;
    }
    const fresh = m[FRESH_LEVEL] as number;
    assert(fresh < levelsEnd, "whoever may stay finds a price level");
    m[FRESH_LEVEL] = fresh + LEVEL_STRIDE;
    return fresh;
  }

  function releaseLevel(level: number): void {
    m[level + LEVEL_SIDE] = m[FREE_LEVEL] as number;
    m[FREE_LEVEL] = level;
    m[LEVELS_USED] = (m[LEVELS_USED] as number) - 1;
  }

  /** Every node has two children at least, so there are fewer nodes than levels. */
  function claimNode(): number {
    const node = m[FREE_NODE] as number;
    if (node !== 0) {
      m[FREE_NODE] = m[node] as number;
      return node;
    }
    const fresh = m[FRESH_NODE] as number;
    assert(fresh < nodesEnd, "there are fewer index nodes than price levels");
    m[FRESH_NODE] = fresh + NODE_STRIDE;
    return fresh;
  }

  function releaseNode(node: number): void {
    m[node] = m[FREE_NODE] as number;
    m[FREE_NODE] = node;
  }

  return {
    hasOrder,
    claimOrder,
    releaseOrder,
    hasLevel,
    promiseLevel,
    withdrawPromise,
    claimLevel,
    releaseLevel,
    claimNode,
    releaseNode,
  };
}
