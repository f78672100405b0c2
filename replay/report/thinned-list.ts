/** Keeps a bounded number of items, evenly spread over all that were offered. */
export class ThinnedList<Item> {
  readonly #most: number;
  #items: Item[] = [];
  #offered = 0;
  #stride = 1;

  /** most: at least 2. */
  constructor(most: number) {
    this.#most = most;
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  get offered(): number {
    return this.#offered;
  }

  /** make: called only where the item is kept. */
  offer(make: () => Item): void {
    if (this.#offered++ % this.#stride !== 0) return;
    if (this.#items.length === this.#most) {
      this.#items = this.#items.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
      if ((this.#offered - 1) % this.#stride !== 0) return;
    }
    this.#items.push(make());
  }
}
