// How a server or a tool opens the logs of a data directory. Cold.
import { directoryIdOf, eventsPath, journalPath, readMeta, recordEpoch } from "./data-directory.ts";
import type { Disk } from "./disk.ts";
import { type EventLogOptions, EventLogWriter } from "./event-log-writer.ts";
import { type BlockPlace, findJournalEnd, lastBlock, settleBlock } from "./journal-recovery.ts";
import { type JournalOptions, JournalWriter } from "./journal-writer.ts";
import type { EndState } from "./log-cursor.ts";
import type { Durability } from "./segment-format.ts";

/** How the journal ended, before anything is changed. */
export interface JournalEnd {
  readonly state: EndState | "new";
  readonly lastSeq: number;
  /** Never before this is a new command stamped. */
  readonly lastTimestampUs: number;
  /** Of the writer before; a new writer has a higher one. */
  readonly epoch: number;
  readonly durability: Durability;
  /** Number of the segment that it ends in; 0: there is none. */
  readonly segment: number;
  /** Can be read, but may not be on the disk: see settleJournal. */
  readonly unsettled: BlockPlace | undefined;
}

const NEW_JOURNAL: JournalEnd = {
  state: "new",
  lastSeq: 0,
  lastTimestampUs: 0,
  epoch: 0,
  durability: "fsync",
  segment: 0,
  unsettled: undefined,
};

/** `directory`: with a meta.json (openMeta). Changes nothing. Throws a DamageError. */
export function inspectJournal(disk: Disk, directory: string): JournalEnd {
  const knownEpoch = readMeta(disk, directory).epoch;
  const found = findJournalEnd(disk, journalPath(directory), { sync: true, knownEpoch });
  if (found === undefined) return NEW_JOURNAL;
  const { position, segment } = found.cursor;
  return {
    state: found.end.state,
    lastSeq: position.lastSeq,
    lastTimestampUs: position.lastTimestampUs,
    epoch: position.epoch,
    durability: segment?.durability ?? "fsync",
    segment: found.end.segment,
    unsettled: lastBlock(found.cursor, found.end),
  };
}

/**
 * Before anything that stands in the journal is told to anybody, or is replayed to who might tell:
 * makes sure of its last block, without changing a byte. Opening the journal does so too, but comes
 * after the replay.
 */
export function settleJournal(disk: Disk, end: JournalEnd): void {
  if (end.unsettled !== undefined) settleBlock(disk, end.unsettled);
}

/**
 * Opens the event log for writing. Before the journal is opened, and thus before anything of it is
 * changed: the log may show that the journal has lost commands.
 */
export function openEventLog(
  disk: Disk,
  directory: string,
  end: JournalEnd,
  options: Pick<EventLogOptions, "segmentBytes" | "maxBlockBytes" | "nowUs"> = {},
): EventLogWriter {
  return EventLogWriter.open(disk, eventsPath(directory), {
    ...options,
    directoryId: directoryIdOf(readMeta(disk, directory)),
    epoch: end.epoch + 1,
    journalLastSeq: end.lastSeq,
    journalDurability: end.durability,
  });
}

/** Opens the journal for writing and begins a new epoch. */
export function openJournal(
  disk: Disk,
  directory: string,
  end: JournalEnd,
  options: Omit<JournalOptions, "directoryId" | "knownEpoch" | "expectedLastSeq">,
): JournalWriter {
  const meta = readMeta(disk, directory);
  const writer = JournalWriter.open(disk, journalPath(directory), {
    ...options,
    directoryId: directoryIdOf(meta),
    knownEpoch: meta.epoch,
    expectedLastSeq: end.lastSeq,
  });
  recordEpoch(disk, directory, writer.epoch);
  return writer;
}
