export interface ReconnectOptions {
  /** Milliseconds before the first new attempt; every further one waits twice as long … */
  readonly initialDelayMs: number;
  /** … up to this. */
  readonly maxDelayMs: number;
  /** How long to try; 0: not at all, Infinity: for ever. */
  readonly giveUpAfterMs: number;
}

export const DEFAULT_RECONNECT: ReconnectOptions = {
  initialDelayMs: 50,
  maxDelayMs: 5000,
  giveUpAfterMs: 60_000,
};

/** How long to wait before the next attempt. */
export class BackOff {
  readonly #options: ReconnectOptions;
  #attempts = 0;
  #sinceMs = Number.NaN;

  constructor(options: ReconnectOptions) {
    this.#options = options;
  }

  /** All is well again. */
  reset(): void {
    this.#attempts = 0;
    this.#sinceMs = Number.NaN;
  }

  /** Milliseconds; null: it is time to give up. random: 0 … 1. */
  next(nowMs: number, random: number): number | null {
    const { initialDelayMs, maxDelayMs, giveUpAfterMs } = this.#options;
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = nowMs;
    if (nowMs - this.#sinceMs >= giveUpAfterMs) return null;
    const delayMs = Math.min(maxDelayMs, initialDelayMs * 2 ** this.#attempts++);
    // Clients that lost the same server do not all come back at the same moment.
    return delayMs * (0.5 + random / 2);
  }
}
