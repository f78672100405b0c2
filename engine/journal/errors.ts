// What can go wrong with the files of a data directory. The codes are stable.

/** Exit statuses of the commands that open a data directory (sysexits.h). */
export const EXIT_BAD_DATA = 65;
export const EXIT_NO_INPUT = 66;
export const EXIT_IO_ERROR = 74;
export const EXIT_BUSY = 75;

export type DiskOperation =
  | "open"
  | "close"
  | "write"
  | "read"
  | "sync"
  | "syncDirectory"
  | "rename"
  | "unlink"
  | "list"
  | "stat"
  | "makeDirectory"
  | "truncate"
  | "freeBytes";

/**
 * `shortWrite`: fewer bytes were written than asked for, which is how a full disk shows first.
 * `syncFailed`: final. A later sync may succeed without the data, so it must not be believed.
 */
export type DiskErrorCode = "shortWrite" | "syncFailed" | "diskFull" | "notFound" | "inputOutput";

/** A file operation failed. */
export class DiskError extends Error {
  readonly code: DiskErrorCode;
  readonly operation: DiskOperation;
  readonly path: string;

  constructor(code: DiskErrorCode, operation: DiskOperation, path: string, cause?: unknown) {
    const reason = cause instanceof Error ? `: ${cause.message}` : "";
    super(`${operation} ${path} failed (${code})${reason}`, { cause });
    this.code = code;
    this.operation = operation;
    this.path = path;
  }
}

/**
 * `writeFailed`, `syncFailed`, `createFailed`: the journal cannot go on, nothing more may be
 * acknowledged. `stopped`: called after such a failure. `eventLogDisagrees`: replay gives other
 * events than the log holds. `segmentExists`: another writer is at work in the directory.
 * `otherSchema`: written by a version of this program with other records.
 */
export type JournalErrorCode =
  | "writeFailed"
  | "syncFailed"
  | "createFailed"
  | "stopped"
  | "segmentExists"
  | "eventLogDisagrees"
  | "noJournal"
  | "otherSchema"
  | "badMeta";

/** Fatal for the stage that meets it. */
export class JournalError extends Error {
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** What the bytes on disk show. docs/journal-format.md has the table. */
export type DamageCode =
  | "segmentHeader"
  | "segmentMissing"
  | "otherDirectory"
  | "fileSize"
  | "blockHeader"
  | "blockBody"
  | "blockOrder"
  | "chain"
  | "record"
  | "strayData"
  | "afterClose"
  | "lostSegments"
  | "lostCommands"
  | "snapshot";

/** The data is damaged. Whoever meets it has changed nothing. */
export class DamageError extends Error {
  readonly code: DamageCode;
  readonly file: string;
  /** Byte offset in the file of what is wrong. */
  readonly offset: number;
  /** The last seq that is still whole before it. */
  readonly seq: number;
  /** In words, without the place. */
  readonly what: string;

  constructor(code: DamageCode, file: string, offset: number, seq: number, what: string) {
    super(`${file} is damaged at byte ${offset}, after seq ${seq}: ${what} (${code})`);
    this.code = code;
    this.file = file;
    this.offset = offset;
    this.seq = seq;
    this.what = what;
  }
}

/** Another process writes to the directory. */
export class DirectoryBusyError extends Error {
  readonly code = "directoryBusy";
  readonly exitStatus = EXIT_BUSY;
}

const BAD_DATA: ReadonlySet<JournalErrorCode> = new Set([
  "eventLogDisagrees",
  "badMeta",
  "otherSchema",
]);

/** The exit status that tells a script what happened; undefined: not one of ours. */
export function exitStatusOf(error: unknown): number | undefined {
  if (error instanceof DirectoryBusyError) return EXIT_BUSY;
  if (error instanceof DamageError) return EXIT_BAD_DATA;
  if (error instanceof JournalError) {
    if (error.code === "noJournal") return EXIT_NO_INPUT;
    return BAD_DATA.has(error.code) ? EXIT_BAD_DATA : EXIT_IO_ERROR;
  }
  if (error instanceof DiskError) return EXIT_IO_ERROR;
  return undefined;
}
