/**
 * Order rate on command time. Tokens are counted in millionths so that `perSecond` tokens arrive in
 * a second of microsecond stamps without a fraction; everything is an integer, so a replay comes to
 * the same verdicts.
 */
export class TokenBucket {
  readonly perSecond: number;
  readonly burst: number;
  #microTokens: number;
  #atUs: number;

  /** Starts full at `nowUs`. perSecond and burst: tokens, at least 1. */
  constructor(perSecond: number, burst: number, nowUs: number) {
    this.perSecond = perSecond;
    this.burst = burst;
    this.#microTokens = burst * 1_000_000;
    this.#atUs = nowUs;
  }

  /** What it holds, in millionths of a token, and since when. */
  get microTokens(): number {
    return this.#microTokens;
  }

  get atUs(): number {
    return this.#atUs;
  }

  restore(microTokens: number, atUs: number): void {
    this.#microTokens = microTokens;
    this.#atUs = atUs;
  }

  has(nowUs: number): boolean {
    return this.#at(nowUs) >= 1_000_000;
  }

  take(nowUs: number): void {
    this.#microTokens = this.#at(nowUs) - 1_000_000;
    this.#atUs = nowUs;
  }

  #at(nowUs: number): number {
    const full = this.burst * 1_000_000;
    const elapsedUs = nowUs - this.#atUs;
    // Divide first: elapsed × rate may leave the safe integers after a long silence.
    if (elapsedUs >= full / this.perSecond) return full;
    return Math.min(full, this.#microTokens + elapsedUs * this.perSecond);
  }
}
