/** Long enough that the rest between two is not all there is, short enough to give way soon. */
const SLICE_MS = 20;

/**
 * Keeps work that nobody waits for to a part of a core: after each slice of it a rest, as long as the slice
 * has taken. Says when and how long; whoever works does the resting.
 */
export class Pace {
  readonly #nowMs: () => number;
  readonly #restsEach: number;
  #startedMs: number;

  /** restsEach: how many times as long as it has worked it rests. */
  constructor(restsEach = 1, nowMs: () => number = () => performance.now()) {
    this.#restsEach = restsEach;
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  /** After each small piece of work: milliseconds to rest now, 0: none. */
  restMs(): number {
    const busyMs = this.#nowMs() - this.#startedMs;
    return busyMs < SLICE_MS ? 0 : busyMs * this.#restsEach;
  }

  /** After a rest. */
  goOn(): void {
    this.#startedMs = this.#nowMs();
  }
}
