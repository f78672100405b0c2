/** What a check has found wrong. Counts all, keeps the first: one fault may show a thousand times. */
export class Findings {
  readonly #kept: string[] = [];
  readonly #limit: number;
  count = 0;

  constructor(limit = 30) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.count++;
    if (this.#kept.length < this.#limit) this.#kept.push(text);
  }

  get texts(): readonly string[] {
    const left = this.count - this.#kept.length;
    return left === 0 ? this.#kept : [...this.#kept, `… and ${left} more`];
  }
}
