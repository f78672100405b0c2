/** Requests of one account that are still known by their seq. */
const KNOWN_PER_ACCOUNT = 1024;

interface Requests {
  last: number;
  readonly seqs: Map<number, number>;
}

/**
 * Makes a retry safe: a requestId must rise. Without API keys an account's commands stand for those
 * of one key.
 */
export class RequestIds {
  readonly #accounts = new Map<number, Requests>();

  /** True: the account has used this requestId, or a later one. */
  isDuplicate(account: number, requestId: number): boolean {
    const requests = this.#accounts.get(account);
    return requests !== undefined && requestId <= requests.last;
  }

  /** The seq of the command that had this requestId first; undefined: not known (any more). */
  seqOf(account: number, requestId: number): number | undefined {
    return this.#accounts.get(account)?.seqs.get(requestId);
  }

  /** requestId 0 (none) is ignored. */
  add(account: number, requestId: number, seq: number): void {
    if (requestId === 0) return;
    let requests = this.#accounts.get(account);
    if (requests === undefined) {
      requests = { last: 0, seqs: new Map() };
      this.#accounts.set(account, requests);
    }
    requests.last = Math.max(requests.last, requestId);
    requests.seqs.set(requestId, seq);
    if (requests.seqs.size > KNOWN_PER_ACCOUNT) {
      const [oldest] = requests.seqs.keys();
      if (oldest !== undefined) requests.seqs.delete(oldest);
    }
  }
}
