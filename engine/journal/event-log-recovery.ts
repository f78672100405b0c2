// Finds the end of the event log, and what cannot be used: blocks a crash has damaged, and blocks
// beyond the end of the journal. Replay writes the events again. Looking changes nothing, so that a
// journal that turns out to be damaged finds the log as it was; cutting comes after.
import { LogKind, SEGMENT_HEADER_BYTES, sameBytes } from "./block-format.ts";
import type { Disk, FileHandle } from "./disk.ts";
import { DamageError } from "./errors.ts";
import { LogCursor, LogPosition } from "./log-cursor.ts";
import { type Durability, segmentName, segmentNumber } from "./segment-format.ts";

const SETTLE_BYTES = 1 << 20;

export interface EventLogRecovery {
  /** Last event kept; 0, 0 in an empty log. */
  readonly lastSeq: number;
  readonly lastIndex: number;
  /** Public events kept, and the state of the running hash after them. */
  readonly eventCount: number;
  readonly hashState: Int32Array;
  readonly lastSegment: number;
  /** What was cut, in words; empty: nothing. */
  readonly cuts: readonly string[];
}

export interface EventLogRecoveryOptions {
  readonly directoryId: Uint8Array;
  readonly journalLastSeq: number;
  readonly journalDurability: Durability;
}

/** Where the event log ends, and what stands behind that. */
export interface EventLogFinding {
  readonly directory: string;
  readonly directoryId: Uint8Array;
  /** After the last event that is kept. */
  readonly position: LogPosition;
  /** 0: nothing is kept. */
  readonly lastSegment: number;
  /** Bytes of that one which are kept. */
  readonly keptBytes: number;
  readonly why: string;
  /** Segments that go, in that order. */
  readonly removals: readonly { readonly path: string; readonly why: string }[];
}

/** The log as a writer takes it over. */
export interface OpenedEventLog {
  readonly recovery: EventLogRecovery;
  readonly position: LogPosition;
}

export function recoverEventLog(
  disk: Disk,
  directory: string,
  options: EventLogRecoveryOptions,
): OpenedEventLog {
  return cutEventLog(disk, inspectEventLog(disk, directory, options));
}

/** Throws a DamageError where the log shows that the journal has lost commands. Changes nothing. */
export function inspectEventLog(
  disk: Disk,
  directory: string,
  options: EventLogRecoveryOptions,
): EventLogFinding {
  const removals: { path: string; why: string }[] = [];
  let kept: KeptSegment | undefined;
  for (const number of presentSegments(disk, directory, removals).reverse()) {
    const found = examineSegment(disk, directory, number, options);
    if (found.bytes > SEGMENT_HEADER_BYTES) {
      kept = found;
      break;
    }
    removals.push({ path: found.path, why: found.why });
  }
  const position = kept?.position ?? new LogPosition();
  position.directoryId.set(options.directoryId);
  return {
    directory,
    directoryId: options.directoryId,
    position,
    lastSegment: kept?.number ?? 0,
    keptBytes: kept?.bytes ?? 0,
    why: kept?.why ?? "",
    removals,
  };
}

/** Leaves a log that ends where it was found to end, whole and on the disk. */
export function cutEventLog(disk: Disk, finding: EventLogFinding): OpenedEventLog {
  const { directory, lastSegment, keptBytes, position } = finding;
  const cuts: string[] = [];
  disk.makeDirectory(directory);
  for (const name of disk.list(directory)) {
    if (name.endsWith(".new")) disk.unlink(`${directory}/${name}`);
  }
  for (const { path, why } of finding.removals) {
    disk.unlink(path);
    // Before an earlier segment is cut: else a power loss could bring this one back behind the cut.
    disk.syncDirectory(directory);
    cuts.push(`${path}: ${why}`);
  }
  if (lastSegment > 0) {
    const path = `${directory}/${segmentName(LogKind.events, lastSegment)}`;
    const file = disk.open(path, "write");
    try {
      const bytes = disk.bytesOf(file);
      if (bytes > keptBytes) {
        disk.truncate(file, keptBytes);
        cuts.push(`${bytes - keptBytes} bytes of ${path} from ${keptBytes}: ${finding.why}`);
      }
      settle(disk, file, keptBytes);
    } finally {
      disk.close(file);
    }
  }
  disk.syncDirectory(directory);
  return { recovery: describe(position, lastSegment, cuts), position };
}

/** What opening a log that ends at `position` would say. */
export function describe(
  position: LogPosition,
  lastSegment: number,
  cuts: readonly string[],
): EventLogRecovery {
  return {
    lastSeq: position.lastSeq,
    lastIndex: position.lastIndex,
    eventCount: position.eventCount,
    hashState: position.hashState.slice(),
    lastSegment,
    cuts,
  };
}

/** Numbers from 1 up to the first gap; what lies beyond a gap is of no use. */
function presentSegments(
  disk: Disk,
  directory: string,
  removals: { path: string; why: string }[],
): number[] {
  if (disk.stat(directory) === undefined) return [];
  const numbers: number[] = [];
  for (const name of disk.list(directory)) {
    const number = segmentNumber(LogKind.events, name);
    if (number !== undefined) numbers.push(number);
  }
  numbers.sort((a, b) => a - b);
  const whole = numbers.filter((number, i) => number === i + 1);
  for (const number of numbers.slice(whole.length)) {
    const path = `${directory}/${segmentName(LogKind.events, number)}`;
    removals.push({ path, why: "after a gap" });
  }
  return whole;
}

interface KeptSegment {
  readonly path: string;
  readonly number: number;
  readonly position: LogPosition;
  /** Up to the end of the last good block; no more than a header: it has none. */
  readonly bytes: number;
  /** Why it ends there, where more follows. */
  readonly why: string;
}

function examineSegment(
  disk: Disk,
  directory: string,
  number: number,
  options: EventLogRecoveryOptions,
): KeptSegment {
  const path = `${directory}/${segmentName(LogKind.events, number)}`;
  const cursor = new LogCursor(disk, directory, LogKind.events, { segment: number });
  const kept = new LogPosition();
  let keptBytes = 0;
  let why = "a block that did not arrive whole";
  try {
    // Reading one block further than is kept: `kept` follows a step behind.
    while (cursor.next()) {
      if (!sameBytes(cursor.position.directoryId, options.directoryId)) {
        throw new DamageError("otherDirectory", path, 0, 0, "the log of another directory");
      }
      if (cursor.position.lastSeq > options.journalLastSeq) {
        why = `events after seq ${options.journalLastSeq}, where the journal ends`;
        refuseLoss(cursor, options);
        break;
      }
      kept.copy(cursor.position);
      keptBytes = cursor.blockOffset + cursor.block.bytes;
    }
  } catch (error) {
    const isUnfit = error instanceof DamageError && error.code !== "otherDirectory";
    if (!isUnfit || error.code === "lostCommands") throw error;
    why = error.message;
  } finally {
    cursor.close();
  }
  return { path, number, position: kept, bytes: keptBytes, why };
}

/**
 * Only the last segment is ever looked at, so it must be whole on the disk before the next one
 * begins. It is written once more, unchanged: a sync of it may have failed before the crash, and
 * after that the operating system may take pages for written that are not.
 */
function settle(disk: Disk, file: FileHandle, length: number): void {
  const piece = new Uint8Array(Math.min(length, SETTLE_BYTES));
  for (let at = 0; at < length; at += piece.length) {
    const count = disk.readAt(file, piece, 0, Math.min(piece.length, length - at), at);
    disk.writeAt(file, piece, 0, count, at);
  }
  disk.sync(file);
}

/**
 * Only durable commands are logged. A log that knows of more than the journal shows that
 * acknowledged commands are gone; with durability `os` a power loss may do that, with fsync not.
 */
function refuseLoss(cursor: LogCursor, options: EventLogRecoveryOptions): void {
  if (options.journalDurability !== "fsync") return;
  const { path, blockOffset, position } = cursor;
  const what = `the log knows of seq ${position.lastSeq}; the journal ends before it`;
  throw new DamageError("lostCommands", path, blockOffset, options.journalLastSeq, what);
}
