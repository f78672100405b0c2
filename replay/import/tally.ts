/** Takes the commands of an import, in order. Each is what `crossbook run` reads as one line. */
export type CommandSink = (command: Readonly<Record<string, unknown>>) => void;

/** What an import did and what it left out, by reason, in the order in which it first happened. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(what: string, count = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
  }

  count(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** One line an entry: "11332 executions of hidden orders". */
  lines(): string[] {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`);
  }
}
