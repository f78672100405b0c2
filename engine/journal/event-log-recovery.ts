// Finds the end of the event log and cuts what cannot be used: blocks a crash has damaged, and
// blocks beyond the end of the journal. Replay writes the events again.
import { dirname } from "node:path";
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

export function recoverEventLog(
  disk: Disk,
  directory: string,
  options: EventLogRecoveryOptions,
): { recovery: EventLogRecovery; position: LogPosition } {
  disk.makeDirectory(directory);
  const cuts: string[] = [];
  let kept: LogPosition | undefined;
  let number = 0;
  for (number of presentSegments(disk, directory, cuts).reverse()) {
    kept = keepSegment(disk, directory, number, options, cuts);
    if (kept !== undefined) break;
  }
  disk.syncDirectory(directory);
  const lastSegment = kept === undefined ? 0 : number;
  const position = kept ?? new LogPosition();
  position.directoryId.set(options.directoryId);
  const recovery: EventLogRecovery = {
    lastSeq: position.lastSeq,
    lastIndex: position.lastIndex,
    eventCount: position.eventCount,
    hashState: position.hashState.slice(),
    lastSegment,
    cuts,
  };
  return { recovery, position };
}

/** Numbers from 1 up to the first gap; what lies beyond a gap is of no use and is removed. */
function presentSegments(disk: Disk, directory: string, cuts: string[]): number[] {
  const numbers: number[] = [];
  for (const name of disk.list(directory)) {
    const number = segmentNumber(LogKind.events, name);
    if (number !== undefined) numbers.push(number);
    else if (name.endsWith(".new")) disk.unlink(`${directory}/${name}`);
  }
  numbers.sort((a, b) => a - b);
  const whole = numbers.filter((number, i) => number === i + 1);
  for (const number of numbers.slice(whole.length)) {
    remove(disk, `${directory}/${segmentName(LogKind.events, number)}`, "after a gap", cuts);
  }
  return whole;
}

/** The position after the last good block; undefined: the segment had none and is gone. */
function keepSegment(
  disk: Disk,
  directory: string,
  number: number,
  options: EventLogRecoveryOptions,
  cuts: string[],
): LogPosition | undefined {
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
  if (keptBytes <= SEGMENT_HEADER_BYTES) {
    remove(disk, path, why, cuts);
    return undefined;
  }
  const file = disk.open(path, "write");
  try {
    const bytes = disk.bytesOf(file);
    if (bytes > keptBytes) {
      disk.truncate(file, keptBytes);
      cuts.push(`${bytes - keptBytes} bytes of ${path} from ${keptBytes}: ${why}`);
    }
    settle(disk, file, keptBytes);
  } finally {
    disk.close(file);
  }
  return kept;
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

function remove(disk: Disk, path: string, why: string, cuts: string[]): void {
  disk.unlink(path);
  // Before an earlier segment is cut: else a power loss could bring this one back behind the cut.
  disk.syncDirectory(dirname(path));
  cuts.push(`${path}: ${why}`);
}
