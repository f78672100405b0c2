/** A small seeded generator (xorshift32): tests that draw numbers can be run again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** u32 */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** 0 … bound−1; bound ≤ 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() / 4294967296) * bound);
  }

  /** 0 … 2^53−1, all magnitudes alike. */
  safeInteger(): number {
    const wide = (this.next() & 0x1fffff) * 4294967296 + this.next();
    return Math.floor(wide / 2 ** this.below(54));
  }

  /** ±2^53−1, all magnitudes alike. */
  signed(): number {
    const value = this.safeInteger();
    return this.below(2) === 0 || value === 0 ? value : -value;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
