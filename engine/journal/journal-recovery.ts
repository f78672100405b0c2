// What a writer does before it may append: find the end of the journal, judge it, and make good
// what a crash may leave. Each step can be repeated, so a crash in here is like any other.
import { dirname } from "node:path";
import { LogKind, sameBytes } from "./block-format.ts";
import { type Disk, replaceFile } from "./disk.ts";
import { DamageError } from "./errors.ts";
import {
  type EndState,
  LogCursor,
  type LogEnd,
  LogPosition,
  segmentNumbers,
} from "./log-cursor.ts";
import { findSkips } from "./log-search.ts";
import type { Durability } from "./segment-format.ts";
import { NO_SKIPS, type Skip } from "./skips.ts";

export interface CutTail {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  /** The file that keeps the cut bytes. */
  readonly keptIn: string;
}

export interface JournalRecovery {
  /** `new`: there was no journal. */
  readonly state: EndState | "new";
  readonly lastSeq: number;
  readonly lastSegment: number;
  readonly lastPath: string | undefined;
  /** End of the last whole block in that file. */
  readonly lastOffset: number;
  readonly lastTimestampUs: number;
  /** Of the writer before. */
  readonly durability: Durability;
  /** Commands that are taken out. */
  readonly skips: readonly Skip[];
  /** undefined: nothing was cut. */
  readonly cut: CutTail | undefined;
}

export interface RecoveryOptions {
  readonly directoryId: Uint8Array;
  readonly knownEpoch?: number;
  readonly expectedLastSeq?: number;
}

/** Without changing anything: how the journal ends. undefined: there is none. Throws DamageError. */
export function findJournalEnd(
  disk: Disk,
  directory: string,
  options: { readonly sync?: boolean; readonly live?: boolean; readonly knownEpoch?: number } = {},
): { cursor: LogCursor; end: LogEnd } | undefined {
  const last = segmentNumbers(disk, directory, LogKind.journal).at(-1);
  const knownEpoch = options.knownEpoch ?? 0;
  if (last === undefined) {
    if (knownEpoch === 0) return undefined;
    throw new DamageError("lostSegments", directory, 0, 0, `no segments, but ${knownEpoch} starts`);
  }
  const cursor = new LogCursor(disk, directory, LogKind.journal, { ...options, segment: last });
  try {
    walk(cursor, () => nameSeq(disk, directory, last));
    if (cursor.position.epoch < knownEpoch) {
      const what = `ends in epoch ${cursor.position.epoch}, but epoch ${knownEpoch} has begun`;
      throw new DamageError("lostSegments", cursor.path, 0, cursor.position.lastSeq, what);
    }
  } finally {
    cursor.close();
  }
  return { cursor, end: cursor.end as LogEnd };
}

/** To the end. `onHeader`: called where the first header is damaged, so that no seq is known yet. */
function walk(cursor: LogCursor, onHeader: () => void): void {
  try {
    while (cursor.next());
  } catch (error) {
    if (error instanceof DamageError && cursor.segment === undefined) onHeader();
    throw error;
  }
}

/** Throws the DamageError for segment `number` again, now with the seq where the one before ends. */
function nameSeq(disk: Disk, directory: string, number: number): void {
  if (number === 1) return;
  const before = new LogCursor(disk, directory, LogKind.journal, { segment: number - 1 });
  try {
    while (before.next());
  } finally {
    before.close();
  }
}

/** Leaves a journal that ends in a whole block. Throws a DamageError, having changed nothing. */
export function recoverJournal(
  disk: Disk,
  directory: string,
  options: RecoveryOptions,
): { recovery: JournalRecovery; position: LogPosition } {
  const isNew = disk.stat(directory) === undefined;
  if (!isNew) disk.syncDirectory(directory); // what is listed must also be on the disk
  const found = findJournalEnd(disk, directory, { ...options, sync: true });
  if (found === undefined) return startJournal(disk, directory, options);

  const { cursor, end } = found;
  const { position } = cursor;
  if (!sameBytes(position.directoryId, options.directoryId)) {
    const what = "the journal of another directory";
    throw new DamageError("otherDirectory", end.path, 0, position.lastSeq, what);
  }
  const expected = options.expectedLastSeq ?? position.lastSeq;
  if (position.lastSeq !== expected) {
    const what = `ends at seq ${position.lastSeq}, but ${expected} was read before`;
    throw new DamageError("lostCommands", end.path, end.offset, position.lastSeq, what);
  }
  const skips = findSkips(disk, directory);
  const cut = end.state === "torn" ? cutTail(disk, directory, end) : undefined;
  const block = lastBlock(cursor, end);
  if (block !== undefined) settleBlock(disk, block);
  removeLeftovers(disk, directory);
  const recovery: JournalRecovery = {
    state: end.state,
    lastSeq: position.lastSeq,
    lastSegment: end.segment,
    lastPath: end.path,
    lastOffset: end.offset,
    lastTimestampUs: position.lastTimestampUs,
    durability: cursor.segment?.durability ?? "fsync",
    skips,
    cut,
  };
  return { recovery, position };
}

function startJournal(
  disk: Disk,
  directory: string,
  options: RecoveryOptions,
): { recovery: JournalRecovery; position: LogPosition } {
  const position = new LogPosition();
  position.directoryId.set(options.directoryId);
  if ((options.expectedLastSeq ?? 0) !== 0) {
    const what = `no segments, but ${options.expectedLastSeq} commands were read before`;
    throw new DamageError("lostCommands", directory, 0, 0, what);
  }
  disk.makeDirectory(directory);
  disk.syncDirectory(dirname(directory));
  removeLeftovers(disk, directory);
  const recovery: JournalRecovery = {
    state: "new",
    lastSeq: 0,
    lastSegment: 0,
    lastPath: undefined,
    lastOffset: 0,
    lastTimestampUs: 0,
    durability: "fsync",
    skips: NO_SKIPS,
    cut: undefined,
  };
  return { recovery, position };
}

/** Keeps the torn bytes in a file of their own, then makes their place empty again. */
function cutTail(disk: Disk, directory: string, end: LogEnd): CutTail {
  const length = end.tornEnd - end.offset;
  const file = disk.open(end.path, "write");
  try {
    const bytes = new Uint8Array(length);
    const count = disk.readAt(file, bytes, 0, length, end.offset);
    const name = `cut-${String(end.segment).padStart(8, "0")}-${end.offset}.bin`;
    const keptIn = `${directory}/${name}`;
    // A second crash in here finds the place half emptied: what was kept first is the fuller.
    if (disk.stat(keptIn) === undefined)
      replaceFile(disk, directory, name, bytes.subarray(0, count));
    bytes.fill(0);
    disk.writeAt(file, bytes, 0, count, end.offset);
    disk.sync(file);
    return { path: end.path, offset: end.offset, bytes: count, keptIn };
  } finally {
    disk.close(file);
  }
}

/** Where a block stands. */
export interface BlockPlace {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The last whole block, which may not have reached the disk, be it the one that closes the journal;
 * undefined: there is no block in the last segment, whose header was synced before its name.
 */
export function lastBlock(cursor: LogCursor, end: LogEnd): BlockPlace | undefined {
  if (cursor.blockOffset === 0) return undefined;
  return { path: end.path, from: cursor.blockOffset, to: end.offset };
}

/**
 * Writes a block once more and syncs it. It can be read, but its sync may have failed before the
 * crash, and after a failed sync the operating system may take the pages for written.
 */
export function settleBlock(disk: Disk, block: BlockPlace): void {
  const length = block.to - block.from;
  const bytes = new Uint8Array(length);
  const file = disk.open(block.path, "write");
  try {
    disk.readAt(file, bytes, 0, length, block.from);
    // Sector by sector the same bytes: a crash in between changes nothing.
    disk.writeAt(file, bytes, 0, length, block.from);
    disk.sync(file);
  } finally {
    disk.close(file);
  }
}

/** Gives back what the segment of the writer before was allocated and did not use. */
export function giveBackRest(disk: Disk, { lastPath, lastOffset }: JournalRecovery): void {
  if (lastPath === undefined) return;
  const file = disk.open(lastPath, "write");
  try {
    if (disk.bytesOf(file) > lastOffset) {
      disk.truncate(file, lastOffset);
      disk.sync(file);
    }
  } finally {
    disk.close(file);
  }
}

/** Files that were not finished when the writer before ended. */
function removeLeftovers(disk: Disk, directory: string): void {
  for (const name of disk.list(directory)) {
    if (name.endsWith(".new")) disk.unlink(`${directory}/${name}`);
  }
}
