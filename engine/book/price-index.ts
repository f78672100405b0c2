// Hot path: no allocation after the start.
import type { Arena } from "./arena.ts";
import { INSTRUMENT, LEVEL, NODE, SIDE } from "./layout.ts";
import type { Pools } from "./pools.ts";

const { rank: RANK, price: PRICE, parent: LEVEL_PARENT, side: LEVEL_SIDE } = LEVEL;
const { head: HEAD, tail: TAIL, count: COUNT, total: TOTAL, own: OWN } = LEVEL;
const { instrumentId: LEVEL_INSTRUMENT } = LEVEL;
const { id: ID } = INSTRUMENT;
const { bits: BITS, shift: SHIFT, prefix: PREFIX, parent: PARENT, children: CHILDREN } = NODE;
const { root: ROOT, best: BEST, instrument: SIDE_INSTRUMENT } = SIDE;

const SIGN = -2147483648; // turns the order of signed integers into that of their bits

export type PriceIndex = ReturnType<typeof createPriceIndex>;

/**
 * The occupied prices of every side, in order: a trie over the 32 bits of the rank, five bits a
 * node, without nodes that have only one child. So an empty range of prices costs neither time nor
 * memory however wide it is, there are fewer nodes than levels, and seven steps are the most that a
 * search takes; a book around one price takes two or three. The walk down finds a level by its price
 * as well: docs/decisions/0004-price-index.md has what else was tried.
 */
export function createPriceIndex(arena: Arena, pools: Pools) {
  const { words: m, doubles: f, nodes } = arena;
  const { claimLevel, releaseLevel, claimNode, releaseNode } = pools;

  /** The level of a rank; a new one, with an empty queue, where there was none. */
  function findOrAdd(side: number, rank: number, price: number): number {
    const bits = rank ^ SIGN;
    let node = 0;
    let at = m[side + ROOT] as number;
    while (at >= nodes) {
      node = at;
      at = m[at + CHILDREN + ((bits >>> (m[at + SHIFT] as number)) & 31)] as number;
    }
    if (at !== 0 && m[at + RANK] === rank) return at;
    return add(side, rank, price, node, at);
  }

  /** node: the last one on the way down; at: the level found there, or 0. */
  function add(side: number, rank: number, price: number, node: number, at: number): number {
    const level = claimLevel();
    m[level + RANK] = rank;
    m[level + PRICE] = price;
    m[level + LEVEL_SIDE] = side;
    m[level + HEAD] = level;
    m[level + TAIL] = level;
    m[level + COUNT] = 0;
    m[level + LEVEL_INSTRUMENT] = m[(m[side + SIDE_INSTRUMENT] as number) + ID] as number;
    f[(level + TOTAL) >> 1] = 0;
    f[(level + OWN) >> 1] = 0;
    const best = m[side + BEST] as number;
    if (best === 0) {
      m[level + LEVEL_PARENT] = 0;
      m[side + ROOT] = level;
      m[side + BEST] = level;
      return level;
    }
    if (rank < (m[best + RANK] as number)) m[side + BEST] = level;
    const bits = rank ^ SIGN;
    const difference = rank ^ (m[at === 0 ? node + PREFIX : at + RANK] as number);
    // Two shifts, since one by 35 would be one by 3.
    if (at === 0 && (difference >>> (m[node + SHIFT] as number)) >>> 5 === 0) {
      // An empty place in a node that is on the way: the common case in a dense book.
      const digit = (bits >>> (m[node + SHIFT] as number)) & 31;
      m[node + CHILDREN + digit] = level;
      m[node + BITS] = (m[node + BITS] as number) | (1 << digit);
      m[level + LEVEL_PARENT] = node;
    } else {
      split(side, level, bits, difference);
    }
    return level;
  }

  /** Puts a new node where the rank leaves the way, with the level and what was there below it. */
  function split(side: number, level: number, bits: number, difference: number): void {
    const highest = 31 - Math.clz32(difference);
    const shift = highest - (highest % 5);
    let above = 0;
    let below = m[side + ROOT] as number;
    while (below >= nodes && (m[below + SHIFT] as number) > shift) {
      above = below;
      below = m[below + CHILDREN + ((bits >>> (m[below + SHIFT] as number)) & 31)] as number;
    }
    const node = claimNode();
    const isNode = below >= nodes;
    const belowBits = (m[isNode ? below + PREFIX : below + RANK] as number) ^ SIGN;
    const digit = (bits >>> shift) & 31;
    const belowDigit = (belowBits >>> shift) & 31;
    for (let i = 0; i < 32; i++) m[node + CHILDREN + i] = 0;
    m[node + BITS] = (1 << digit) | (1 << belowDigit);
    m[node + SHIFT] = shift;
    m[node + PREFIX] = m[level + RANK] as number;
    m[node + PARENT] = above;
    m[node + CHILDREN + digit] = level;
    m[node + CHILDREN + belowDigit] = below;
    m[level + LEVEL_PARENT] = node;
    m[isNode ? below + PARENT : below + LEVEL_PARENT] = node;
    if (above === 0) m[side + ROOT] = node;
    else m[above + CHILDREN + ((bits >>> (m[above + SHIFT] as number)) & 31)] = node;
  }

  /** Takes out a level that has become empty, and gives it back to the pool. */
  function remove(level: number): void {
    const side = m[level + LEVEL_SIDE] as number;
    const node = m[level + LEVEL_PARENT] as number;
    if (node === 0) {
      m[side + ROOT] = 0;
      m[side + BEST] = 0;
      releaseLevel(level);
      return;
    }
    const digit = (((m[level + RANK] as number) ^ SIGN) >>> (m[node + SHIFT] as number)) & 31;
    const rest = (m[node + BITS] as number) & ~(1 << digit);
    m[node + BITS] = rest;
    m[node + CHILDREN + digit] = 0;
    const first = m[node + CHILDREN + 31 - Math.clz32(rest & -rest)] as number;
    // The best level is the first below its node, and so is its successor once it is gone.
    if (m[side + BEST] === level) m[side + BEST] = firstBelow(first);
    if ((rest & (rest - 1)) === 0) collapse(side, node, first);
    releaseLevel(level);
  }

  /** A node with one child left gives its place to the child. */
  function collapse(side: number, node: number, child: number): void {
    const above = m[node + PARENT] as number;
    if (child >= nodes) m[child + PARENT] = above;
    else m[child + LEVEL_PARENT] = above;
    if (above === 0) {
      m[side + ROOT] = child;
    } else {
      const bits = (m[node + PREFIX] as number) ^ SIGN;
      m[above + CHILDREN + ((bits >>> (m[above + SHIFT] as number)) & 31)] = child;
    }
    releaseNode(node);
  }

  function firstBelow(reference: number): number {
    let at = reference;
    while (at >= nodes) {
      const bits = m[at + BITS] as number;
      at = m[at + CHILDREN + 31 - Math.clz32(bits & -bits)] as number;
    }
    return at;
  }

  /** The next worse level of the same side, or 0. */
  function next(level: number): number {
    const bits = (m[level + RANK] as number) ^ SIGN;
    let node = m[level + LEVEL_PARENT] as number;
    while (node !== 0) {
      const digit = (bits >>> (m[node + SHIFT] as number)) & 31;
      // Children behind this one; a shift by 32 would be none, hence in two steps.
      const behind = (m[node + BITS] as number) & ((-1 << digit) << 1);
      if (behind !== 0) {
        return firstBelow(m[node + CHILDREN + 31 - Math.clz32(behind & -behind)] as number);
      }
      node = m[node + PARENT] as number;
    }
    return 0;
  }

  return { findOrAdd, remove, next };
}
