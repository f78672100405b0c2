// DIR/meta.json: what makes a directory this directory. Cold.
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { DIRECTORY_ID_BYTES, FORMAT_VERSION, toHex } from "./block-format.ts";
import { type Disk, readFile, replaceFile } from "./disk.ts";
import { JournalError } from "./errors.ts";

export interface DirectoryMeta {
  readonly formatVersion: number;
  /** 32 hexadecimal digits, for ever. */
  readonly directoryId: string;
  /** When it was made, ISO 8601. */
  readonly created: string;
  /** Epochs that have begun for certain: a journal that ends in an earlier one has lost files. */
  readonly epoch: number;
  /**
   * What the engine has room for: fixed with the directory, since running out is a reject and a
   * replay must give the same. Absent: the defaults.
   */
  readonly capacity?: EngineRoom;
}

export interface EngineRoom {
  readonly orders: number;
  readonly levels: number;
  readonly instruments: number;
  readonly accounts: number;
  readonly assets: number;
}

export function journalPath(directory: string): string {
  return `${directory}/journal`;
}

export function eventsPath(directory: string): string {
  return `${directory}/events`;
}

/** The directory's meta.json. Throws a JournalError: noJournal where there is none, badMeta. */
export function readMeta(disk: Disk, directory: string): DirectoryMeta {
  const bytes = readFile(disk, `${directory}/meta.json`);
  if (bytes === undefined) {
    throw new JournalError("noJournal", `${directory} is no data directory: no meta.json`);
  }
  let meta: unknown;
  try {
    meta = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new JournalError("badMeta", `${directory}/meta.json is not JSON`, error);
  }
  if (!isMeta(meta)) throw new JournalError("badMeta", `${directory}/meta.json is not ours`);
  if (meta.formatVersion !== FORMAT_VERSION) {
    const message = `${directory} has format ${meta.formatVersion}, not ${FORMAT_VERSION}`;
    throw new JournalError("badMeta", message);
  }
  return meta;
}

/**
 * As `readMeta`, but makes directory and file where there is nothing yet. Throws badMeta where
 * there are logs without a meta.json: it has been lost.
 */
export function openMeta(
  disk: Disk,
  directory: string,
  newDirectory: {
    readonly nowUs: number;
    readonly directoryId?: Uint8Array;
    readonly capacity?: EngineRoom;
  },
): DirectoryMeta {
  if (disk.stat(`${directory}/meta.json`) !== undefined) return readMeta(disk, directory);
  disk.makeDirectory(directory);
  disk.syncDirectory(dirname(directory));
  if (hasSegments(disk, journalPath(directory))) {
    throw new JournalError("badMeta", `${directory} holds a journal, but no meta.json`);
  }
  const id = newDirectory.directoryId ?? randomBytes(DIRECTORY_ID_BYTES);
  const meta: DirectoryMeta = {
    formatVersion: FORMAT_VERSION,
    directoryId: toHex(id),
    created: new Date(newDirectory.nowUs / 1000).toISOString(),
    epoch: 0,
    ...(newDirectory.capacity === undefined ? {} : { capacity: { ...newDirectory.capacity } }),
  };
  writeMeta(disk, directory, meta);
  return meta;
}

/** To be called once the journal's new epoch is on disk. */
export function recordEpoch(disk: Disk, directory: string, epoch: number): void {
  writeMeta(disk, directory, { ...readMeta(disk, directory), epoch });
}

export function directoryIdOf(meta: DirectoryMeta): Uint8Array {
  return Uint8Array.from(Buffer.from(meta.directoryId, "hex"));
}

function writeMeta(disk: Disk, directory: string, meta: DirectoryMeta): void {
  const text = `${JSON.stringify(meta, null, 2)}\n`;
  replaceFile(disk, directory, "meta.json", Buffer.from(text));
}

function hasSegments(disk: Disk, directory: string): boolean {
  return disk.stat(directory) !== undefined && disk.list(directory).length > 0;
}

function isMeta(value: unknown): value is DirectoryMeta {
  if (typeof value !== "object" || value === null) return false;
  const meta = value as Record<string, unknown>;
  return (
    Number.isInteger(meta.formatVersion) &&
    Number.isSafeInteger(meta.epoch) &&
    typeof meta.created === "string" &&
    typeof meta.directoryId === "string" &&
    /^[0-9a-f]{32}$/.test(meta.directoryId) &&
    (meta.capacity === undefined || isRoom(meta.capacity))
  );
}

function isRoom(value: unknown): value is EngineRoom {
  if (typeof value !== "object" || value === null) return false;
  const room = value as Record<string, unknown>;
  return ["orders", "levels", "instruments", "accounts", "assets"].every((name) =>
    Number.isSafeInteger(room[name]),
  );
}
