/** The keys in Redis; docs/redis.md says what is in each. */
export interface StreamKeys {
  /**
   * Hash: who publishes, the last id written to each stream (field: the stream's key), and under
   * PUBLISHED_FIELD how many events have been published in all.
   */
  readonly directory: string;
  /** Hash: instrument id → its last `instrument` event (binary record). */
  readonly instruments: string;
  readonly events: string;
  /** Stream: what stands for the journal, about once a second. */
  readonly anchors: string;
  /** Before a symbol: the stream of its trades. */
  readonly tradesPrefix: string;
}

export const PUBLISHED_FIELD = "published";

export function streamKeys(prefix: string): StreamKeys {
  return {
    directory: `${prefix}:directory`,
    instruments: `${prefix}:instruments`,
    events: `${prefix}:events`,
    anchors: `${prefix}:anchors`,
    tradesPrefix: `${prefix}:trades:`,
  };
}
