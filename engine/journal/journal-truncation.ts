// An operator's answer to a journal that refuses: go back to the last whole block. Loses what comes
// after it, acknowledged or not, so nothing does it by itself; the bytes are kept.
import { listSnapshots, snapshotName, snapshotsPath } from "../snapshot/snapshot-store.ts";
import { LogKind } from "./block-format.ts";
import { directoryIdOf, eventsPath, journalPath, readMeta, recordEpoch } from "./data-directory.ts";
import { type Disk, replaceFile } from "./disk.ts";
import { DamageError } from "./errors.ts";
import { recoverEventLog } from "./event-log-recovery.ts";
import { JournalWriter } from "./journal-writer.ts";
import { LogCursor } from "./log-cursor.ts";
import { segmentName, segmentNumber } from "./segment-format.ts";

const ZEROS = new Uint8Array(1 << 20);

export interface Truncation {
  /** What was wrong, in words. */
  readonly damage: string;
  /** The journal now ends here. */
  readonly lastSeq: number;
  /** Files that keep what was cut. */
  readonly kept: readonly string[];
  /** What was cut from the event log, in words. */
  readonly events: readonly string[];
  /** A new epoch has begun, so that nobody takes the journal for the one it was. */
  readonly epoch: number;
}

/**
 * Cuts everything after the last whole block before the damage, in journal and event log, and begins
 * a new epoch. undefined: nothing is damaged, nothing was changed. The caller holds the directory's
 * lock. May be repeated after a crash.
 */
export function truncateJournal(
  disk: Disk,
  directory: string,
  nowUs: number,
): Truncation | undefined {
  const meta = readMeta(disk, directory);
  const path = journalPath(directory);
  const found = findDamage(disk, path, meta.epoch);
  if (found === undefined) return undefined;
  const { damage, cursor, numbers } = found;

  const kept: string[] = [];
  const last = cursor?.nextOffset ? cursor.segmentNumber : 0;
  const lastSeq = last > 0 ? (cursor?.position.lastSeq ?? 0) : 0;
  const directoryId = directoryIdOf(meta);
  // The event log first: cut short it is written again, but while it is ahead nothing starts.
  const { recovery } = recoverEventLog(disk, eventsPath(directory), {
    directoryId,
    journalLastSeq: lastSeq,
    journalDurability: "os", // that the log is ahead is no news here
  });
  // Snapshots behind the cut are of a history that is none any more.
  keepSnapshots(disk, directory, lastSeq, kept);
  // The last file first: a crash in between leaves no gap.
  for (const number of numbers.filter((candidate) => candidate > last).reverse()) {
    const from = `${path}/${segmentName(LogKind.journal, number)}`;
    const to = `${path}/cut-${segmentName(LogKind.journal, number)}`;
    disk.rename(from, to);
    disk.syncDirectory(path);
    kept.push(to);
  }
  if (cursor !== undefined && last > 0) keepRest(disk, path, cursor, kept);
  const writer = JournalWriter.open(disk, path, {
    directoryId,
    durability: "fsync",
    epochAbove: meta.epoch,
    expectedLastSeq: lastSeq,
    nowUs: () => nowUs,
  });
  writer.close();
  recordEpoch(disk, directory, writer.epoch);
  return { damage: damage.message, lastSeq, kept, events: recovery.cuts, epoch: writer.epoch };
}

function findDamage(
  disk: Disk,
  path: string,
  knownEpoch: number,
): { damage: DamageError; cursor: LogCursor | undefined; numbers: number[] } | undefined {
  const numbers = presentNumbers(disk, path);
  const first = numbers[0];
  if (first !== 1) {
    if (first === undefined && knownEpoch === 0) return undefined;
    const file = `${path}/${segmentName(LogKind.journal, 1)}`;
    const damage = new DamageError("segmentMissing", file, 0, 0, "the first segment is missing");
    return { damage, cursor: undefined, numbers };
  }
  const cursor = new LogCursor(disk, path, LogKind.journal, { segment: 1, sync: true });
  try {
    while (cursor.next());
    // A gap in the numbers ends the walk as a last segment would.
    const isLast = numbers.at(-1) === cursor.segmentNumber;
    if (isLast && cursor.position.epoch >= knownEpoch) return undefined;
    const { lastSeq } = cursor.position;
    const what = "segments that should follow are missing";
    const damage = new DamageError("lostSegments", cursor.path, cursor.nextOffset, lastSeq, what);
    return { damage, cursor, numbers };
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    return { damage: error, cursor, numbers };
  } finally {
    cursor.close();
  }
}

/** Copies what stands after the last whole block, then makes its place empty. */
function keepRest(disk: Disk, path: string, cursor: LogCursor, kept: string[]): void {
  const offset = cursor.nextOffset;
  const file = disk.open(cursor.path, "write");
  try {
    const size = disk.bytesOf(file);
    const rest = new Uint8Array(Math.max(0, size - offset));
    disk.readAt(file, rest, 0, rest.length, offset);
    const filled = rest.findLastIndex((byte) => byte !== 0) + 1;
    if (filled > 0) {
      const name = `cut-${String(cursor.segmentNumber).padStart(8, "0")}-${offset}.bin`;
      if (disk.stat(`${path}/${name}`) === undefined) {
        replaceFile(disk, path, name, rest.subarray(0, filled));
      }
      kept.push(`${path}/${name}`);
    }
    disk.truncate(file, offset);
    const end = cursor.isClosed ? offset : (cursor.segment?.allocatedBytes ?? offset);
    for (let at = offset; at < end; at += ZEROS.length) {
      disk.writeAt(file, ZEROS, 0, Math.min(ZEROS.length, end - at), at);
    }
    disk.sync(file);
  } finally {
    disk.close(file);
  }
}

function keepSnapshots(disk: Disk, directory: string, lastSeq: number, kept: string[]): void {
  const folder = snapshotsPath(directory);
  const behind = listSnapshots(disk, directory).filter((seq) => seq > lastSeq);
  for (const seq of behind) {
    const to = `${folder}/cut-${snapshotName(seq)}`;
    disk.rename(`${folder}/${snapshotName(seq)}`, to);
    kept.push(to);
  }
  if (behind.length > 0) disk.syncDirectory(folder);
}

function presentNumbers(disk: Disk, path: string): number[] {
  if (disk.stat(path) === undefined) return [];
  return disk
    .list(path)
    .map((name) => segmentNumber(LogKind.journal, name))
    .filter((number) => number !== undefined)
    .sort((a, b) => a - b);
}
