/** Tokens that come back with time. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  /** perSecond 0: no limit. Starts full. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = perSecond === 0 ? Number.POSITIVE_INFINITY : Math.max(1, burst);
    this.#tokens = this.#burst;
    this.#atMs = nowMs;
  }

  /** False: too often; nothing is taken then. */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  isFull(nowMs: number): boolean {
    return this.#tokens + (nowMs - this.#atMs) * this.#perMs >= this.#burst;
  }
}

/** Cancels have a budget of their own: who has spent the other can still get out. */
export class RateBudget {
  readonly #orders: TokenBucket;
  readonly #cancels: TokenBucket;
  users = 0;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#orders = new TokenBucket(perSecond, burst, nowMs);
    this.#cancels = new TokenBucket(perSecond, burst, nowMs);
  }

  take(isCancel: boolean, nowMs: number): boolean {
    return (isCancel ? this.#cancels : this.#orders).take(nowMs);
  }

  isFull(nowMs: number): boolean {
    return this.#orders.isFull(nowMs) && this.#cancels.isFull(nowMs);
  }
}

export interface RateLimitOptions {
  /** Messages a second; 0: no limit. */
  readonly sessionPerSecond: number;
  readonly keyPerSecond: number;
  readonly addressPerSecond: number;
  /** How long a limit may be saved up. */
  readonly burstMs: number;
}

/**
 * Budgets by name (address, key). One that nobody uses is kept until it is full again: otherwise a
 * new connection would buy new tokens.
 */
export class SharedBudgets<Name> {
  readonly #byName = new Map<Name, RateBudget>();
  readonly #perSecond: number;
  readonly #burst: number;

  constructor(perSecond: number, burstMs: number) {
    this.#perSecond = perSecond;
    this.#burst = (perSecond * burstMs) / 1000;
  }

  /** Give it back with `release`, as often as it was acquired. */
  acquire(name: Name, nowMs: number): RateBudget {
    let budget = this.#byName.get(name);
    if (budget === undefined) {
      budget = new RateBudget(this.#perSecond, this.#burst, nowMs);
      this.#byName.set(name, budget);
    }
    budget.users++;
    return budget;
  }

  release(name: Name): void {
    const budget = this.#byName.get(name);
    if (budget !== undefined) budget.users--;
  }

  users(name: Name): number {
    return this.#byName.get(name)?.users ?? 0;
  }

  /** Forgets what makes no difference any more. Now and then. */
  prune(nowMs: number): void {
    for (const [name, budget] of this.#byName) {
      if (budget.users === 0 && budget.isFull(nowMs)) this.#byName.delete(name);
    }
  }
}
