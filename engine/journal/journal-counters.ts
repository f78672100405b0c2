// What the journal thread counts, where the metrics can read it. Whole numbers in 64-bit floats:
// one writer, and a reader sees the old value or the new one.

export const JournalCounter = {
  commands: 0,
  blocks: 1,
  bytes: 2,
  /** Time from the start of the last write to the end of its sync, in nanoseconds. */
  lastCommitNs: 3,
  /** The longest since the start. */
  maxCommitNs: 4,
  totalCommitNs: 5,
  epoch: 6,
} as const;
const COUNTERS = 7;

export type JournalCounters = Float64Array<SharedArrayBuffer>;

export function createJournalCounters(): JournalCounters {
  return new Float64Array(new SharedArrayBuffer(COUNTERS * 8));
}
