/**
 * Where the publisher reads events: the event log's reader, or in tests an array. Only events that
 * may leave the house are in it (their commands are durable), in the order of (seq, index).
 */
export interface EventSource {
  /** The next read starts with the first event after (seq, index); (0, 0) is the beginning. */
  seek(seq: number, index: number): void;
  /**
   * Copies whole records, one right after the other, each as long as its block length says, and
   * returns the bytes copied; 0: there is nothing more yet. `into` holds at least one record. Throws
   * PublishingHalted eventLogDamaged where reading again would not help.
   */
  read(into: Uint8Array): number;
  /**
   * The last `read` met something that looks damaged, or is being written just then: one that comes a
   * little later reads on, or throws.
   */
  readonly isTroubled: boolean;
}

const TROUBLED_MS = 20;

/** As `read`, but 0 means that there is nothing more, not that it is hard to read for a moment. */
export async function readUntroubled(source: EventSource, into: Uint8Array): Promise<number> {
  for (;;) {
    const bytes = source.read(into);
    if (bytes > 0 || !source.isTroubled) return bytes;
    await new Promise((resolve) => setTimeout(resolve, TROUBLED_MS));
  }
}
