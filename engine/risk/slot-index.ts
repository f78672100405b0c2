// Hot path: no allocation here, except when a table grows.

/** What a SlotIndex is keyed by: the owner keeps the keys in its own columns. */
export interface SlotKeys {
  /** A 32-bit hash of the key of `slot`. */
  hashOf(slot: number): number;
}

/** Spreads the two words of a safe integer and a salt over 32 bits (finaliser of MurmurHash3). */
export function hashNumber(value: number, salt: number): number {
  let h = Math.imul((value | 0) ^ salt, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ (value / 4294967296), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Open addressing with linear probing; holds slot numbers, the keys stay in the owner's columns.
 * Removal shifts later entries back (Knuth, TAOCP 3, 6.4 R), so that no tombstones pile up.
 */
export class SlotIndex {
  readonly #keys: SlotKeys;
  #table: Int32Array; // slot + 1; 0: empty
  #mask: number;
  #count = 0;

  constructor(keys: SlotKeys, capacity = 1024) {
    this.#keys = keys;
    this.#table = new Int32Array(capacity);
    this.#mask = capacity - 1;
  }

  /** The first candidate position for a hash. Walk with `next` until `slotAt` is −1. */
  start(hash: number): number {
    return hash & this.#mask;
  }

  next(position: number): number {
    return (position + 1) & this.#mask;
  }

  /** −1: the key is not in the table. */
  slotAt(position: number): number {
    return (this.#table[position] as number) - 1;
  }

  insert(slot: number): void {
    if (this.#count * 2 >= this.#table.length) this.#grow();
    this.#count++;
    this.#place(slot);
  }

  /** The slot's key must still be in the owner's columns. */
  remove(slot: number): void {
    let hole = this.start(this.#keys.hashOf(slot));
    while (this.slotAt(hole) !== slot) {
      if (this.slotAt(hole) < 0) return;
      hole = this.next(hole);
    }
    this.#count--;
    let position = this.next(hole);
    for (;;) {
      const other = this.slotAt(position);
      if (other < 0) break;
      const home = this.start(this.#keys.hashOf(other));
      // `other` may move into the hole unless its home lies cyclically after the hole.
      if (((position - home) & this.#mask) >= ((position - hole) & this.#mask)) {
        this.#table[hole] = other + 1;
        hole = position;
      }
      position = this.next(position);
    }
    this.#table[hole] = 0;
  }

  #place(slot: number): void {
    let position = this.start(this.#keys.hashOf(slot));
    while (this.#table[position] !== 0) position = this.next(position);
    this.#table[position] = slot + 1;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2);
    this.#mask = this.#table.length - 1;
    for (let i = 0; i < old.length; i++) {
      const entry = old[i] as number;
      if (entry !== 0) this.#place(entry - 1);
    }
  }
}
