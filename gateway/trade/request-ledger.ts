// Hot path: no allocation here, but once for each key.

/** Requests of each key whose seq is remembered. */
export const WINDOW = 128;

export interface KeyRequests {
  last: number;
  lastSeq: number;
  /** requestId and seq in turn, in a ring. */
  readonly recent: Float64Array;
  count: number;
}

/**
 * The last requestId of each key, so that a command that is sent again does nothing. A view of the
 * sequenced commands: intake and recovery tell it of every one.
 */
export class RequestLedger {
  readonly #byKey = new Map<number, KeyRequests>();

  /** Every sequenced command, in order; those without a key or a requestId are ignored. */
  onCommand(keyNumber: number, requestId: number, seq: number): void {
    if (requestId === 0 || keyNumber === 0) return;
    let requests = this.#byKey.get(keyNumber);
    if (requests === undefined) {
      requests = { last: 0, lastSeq: 0, recent: new Float64Array(WINDOW * 2), count: 0 };
      this.#byKey.set(keyNumber, requests);
    }
    requests.last = requestId;
    requests.lastSeq = seq;
    const at = (requests.count++ % WINDOW) * 2;
    requests.recent[at] = requestId;
    requests.recent[at + 1] = seq;
  }

  /** By key number, for a snapshot. */
  all(): ReadonlyMap<number, Readonly<KeyRequests>> {
    return this.#byKey;
  }

  restore(keyNumber: number, requests: KeyRequests): void {
    this.#byKey.set(keyNumber, requests);
  }

  /** 0: none yet. */
  lastRequestId(keyNumber: number): number {
    return this.#byKey.get(keyNumber)?.last ?? 0;
  }

  /** Seq of the last request; 0: none yet. */
  lastRequestSeq(keyNumber: number): number {
    return this.#byKey.get(keyNumber)?.lastSeq ?? 0;
  }

  /** 0: not known any more (or never given). */
  seqOf(keyNumber: number, requestId: number): number {
    const requests = this.#byKey.get(keyNumber);
    if (requests === undefined) return 0;
    const { recent } = requests;
    for (let at = 0; at < recent.length; at += 2) {
      if (recent[at] === requestId) return recent[at + 1] as number;
    }
    return 0;
  }
}
