/**
 * Where the publisher reads events: the event log's reader, or in tests an array. Only events that
 * may leave the house are in it (their commands are durable), in the order of (seq, index).
 */
export interface EventSource {
  /** The next read starts with the first event after (seq, index); (0, 0) is the beginning. */
  seek(seq: number, index: number): void;
  /**
   * Copies whole records, one right after the other, each as long as its block length says, and
   * returns the bytes copied; 0: there is nothing more yet. `into` holds at least one record.
   */
  read(into: Uint8Array): number;
}
