// Hot path: no allocation here.
import type { Arena } from "./arena.ts";
import { LEVEL, NODE, SIDE } from "./layout.ts";

const { rank: RANK, parent: LEVEL_PARENT, side: LEVEL_SIDE } = LEVEL;
const { bits: BITS, shift: SHIFT, prefix: PREFIX, parent: PARENT, children: CHILDREN } = NODE;
const { root: ROOT, best: BEST, levels: LEVELS } = SIDE;

const SIGN = -2147483648; // turns the order of signed integers into that of their bits

/**
 * The occupied prices of every side, in order: a trie over the 32 bits of the rank, five bits a
 * node, without nodes that have only one child. So an empty range of prices costs neither time nor
 * memory however wide it is, there are fewer nodes than levels, and seven steps are the most that a
 * search takes; a book around one price takes two or three.
 *
 * Finding a level by its price is a walk down the same trie: a hash beside it was slower (see
 * docs/decisions/0002-price-index.md).
 */
export class PriceIndex {
  readonly #arena: Arena;
  readonly #m: Int32Array;
  readonly #nodes: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#m = arena.words;
    this.#nodes = arena.nodes;
  }

  /** The level of a rank, or 0. */
  find(side: number, rank: number): number {
    const m = this.#m;
    const nodes = this.#nodes;
    const bits = rank ^ SIGN;
    let at = m[side + ROOT] as number;
    while (at >= nodes) {
      at = m[at + CHILDREN + ((bits >>> (m[at + SHIFT] as number)) & 31)] as number;
    }
    return at !== 0 && m[at + RANK] === rank ? at : 0;
  }

  /** The level of a rank; a new one, empty, where there was none. Its price and totals are unset. */
  findOrAdd(side: number, rank: number): number {
    const m = this.#m;
    const nodes = this.#nodes;
    const bits = rank ^ SIGN;
    let node = 0;
    let at = m[side + ROOT] as number;
    while (at >= nodes) {
      node = at;
      at = m[at + CHILDREN + ((bits >>> (m[at + SHIFT] as number)) & 31)] as number;
    }
    if (at !== 0 && m[at + RANK] === rank) return at;
    return this.#add(side, rank, node, at);
  }

  /** node: the last one on the way down; at: the level found there, or 0. */
  #add(side: number, rank: number, node: number, at: number): number {
    const m = this.#m;
    const level = this.#arena.claimLevel();
    m[level + RANK] = rank;
    m[level + LEVEL_SIDE] = side;
    m[side + LEVELS] = (m[side + LEVELS] as number) + 1;
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
    if (at === 0 && (difference >>> (m[node + SHIFT] as number)) >>> 5 === 0) {
      // An empty place in a node that is on the way: the common case in a dense book.
      const digit = (bits >>> (m[node + SHIFT] as number)) & 31;
      m[node + CHILDREN + digit] = level;
      m[node + BITS] = (m[node + BITS] as number) | (1 << digit);
      m[level + LEVEL_PARENT] = node;
      return level;
    }
    this.#split(side, level, bits, difference);
    return level;
  }

  /** Puts a new node where the rank leaves the way, with the level and what was there below it. */
  #split(side: number, level: number, bits: number, difference: number): void {
    const m = this.#m;
    const nodes = this.#nodes;
    const highest = 31 - Math.clz32(difference);
    const shift = highest - (highest % 5);
    let above = 0;
    let below = m[side + ROOT] as number;
    while (below >= nodes && (m[below + SHIFT] as number) > shift) {
      above = below;
      below = m[below + CHILDREN + ((bits >>> (m[below + SHIFT] as number)) & 31)] as number;
    }
    const node = this.#arena.claimNode();
    const rank = m[level + RANK] as number;
    const isNode = below >= nodes;
    const belowBits = (m[isNode ? below + PREFIX : below + RANK] as number) ^ SIGN;
    const digit = (bits >>> shift) & 31;
    const belowDigit = (belowBits >>> shift) & 31;
    m.fill(0, node + CHILDREN, node + CHILDREN + 32);
    m[node + BITS] = (1 << digit) | (1 << belowDigit);
    m[node + SHIFT] = shift;
    m[node + PREFIX] = rank;
    m[node + PARENT] = above;
    m[node + CHILDREN + digit] = level;
    m[node + CHILDREN + belowDigit] = below;
    m[level + LEVEL_PARENT] = node;
    m[isNode ? below + PARENT : below + LEVEL_PARENT] = node;
    if (above === 0) m[side + ROOT] = node;
    else m[above + CHILDREN + ((bits >>> (m[above + SHIFT] as number)) & 31)] = node;
  }

  /** Takes out a level that has become empty, and gives it back to the pool. */
  remove(level: number): void {
    const m = this.#m;
    const side = m[level + LEVEL_SIDE] as number;
    const node = m[level + LEVEL_PARENT] as number;
    m[side + LEVELS] = (m[side + LEVELS] as number) - 1;
    if (node === 0) {
      m[side + ROOT] = 0;
      m[side + BEST] = 0;
      this.#arena.releaseLevel(level);
      return;
    }
    const digit = (((m[level + RANK] as number) ^ SIGN) >>> (m[node + SHIFT] as number)) & 31;
    const rest = (m[node + BITS] as number) & ~(1 << digit);
    m[node + BITS] = rest;
    m[node + CHILDREN + digit] = 0;
    const first = m[node + CHILDREN + 31 - Math.clz32(rest & -rest)] as number;
    // The best level is the first below its node, and so is its successor once it is gone.
    if (m[side + BEST] === level) m[side + BEST] = this.#firstBelow(first);
    if ((rest & (rest - 1)) === 0) this.#collapse(side, node, first);
    this.#arena.releaseLevel(level);
  }

  /** A node with one child left gives its place to the child. */
  #collapse(side: number, node: number, child: number): void {
    const m = this.#m;
    const above = m[node + PARENT] as number;
    if (child >= this.#nodes) m[child + PARENT] = above;
    else m[child + LEVEL_PARENT] = above;
    if (above === 0) {
      m[side + ROOT] = child;
    } else {
      const bits = (m[node + PREFIX] as number) ^ SIGN;
      m[above + CHILDREN + ((bits >>> (m[above + SHIFT] as number)) & 31)] = child;
    }
    this.#arena.releaseNode(node);
  }

  #firstBelow(reference: number): number {
    const m = this.#m;
    const nodes = this.#nodes;
    let at = reference;
    while (at >= nodes) {
      const bits = m[at + BITS] as number;
      at = m[at + CHILDREN + 31 - Math.clz32(bits & -bits)] as number;
    }
    return at;
  }

  /** The next worse level of the same side, or 0. */
  next(level: number): number {
    const m = this.#m;
    const bits = (m[level + RANK] as number) ^ SIGN;
    let node = m[level + LEVEL_PARENT] as number;
    while (node !== 0) {
      const digit = (bits >>> (m[node + SHIFT] as number)) & 31;
      // Children behind this one; a shift by 32 would be none, hence in two steps.
      const behind = (m[node + BITS] as number) & ((-1 << digit) << 1);
      if (behind !== 0) {
        return this.#firstBelow(m[node + CHILDREN + 31 - Math.clz32(behind & -behind)] as number);
      }
      node = m[node + PARENT] as number;
    }
    return 0;
  }
}
