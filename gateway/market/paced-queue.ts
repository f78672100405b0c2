/** How many times as long as it took it rests. */
const RESTS_EACH = 4;

/**
 * Work for many that is ready at the same moment, done at once while it is little, and else in goes with
 * rests in between: whatever else the event loop has to do gets four fifths of the time.
 */
export class PacedQueue<T> {
  readonly #goMs: number;
  readonly #work: (item: T) => void;
  readonly #due = new Set<T>();
  #spentMs = 0; // since the last rest
  #rest: NodeJS.Timeout | null = null;

  /** goMs: how long one go may take. work: for one item, must not throw. */
  constructor(goMs: number, work: (item: T) => void) {
    this.#goMs = goMs;
    this.#work = work;
  }

  /** Now, or after a rest; once, however often it is asked for until then. */
  request(item: T): void {
    if (this.#rest !== null) {
      this.#due.add(item);
      return;
    }
    this.#due.delete(item);
    const startMs = performance.now();
    this.#work(item);
    this.#spentMs += performance.now() - startMs;
    if (this.#spentMs < this.#goMs) return;
    this.#rest = setTimeout(() => this.#goOn(), this.#spentMs * RESTS_EACH);
  }

  forget(item: T): void {
    this.#due.delete(item);
  }

  #goOn(): void {
    this.#rest = null;
    this.#spentMs = 0;
    for (const item of this.#due) {
      if (this.#rest !== null) break;
      this.request(item);
    }
  }
}
