// The only way of the journal, the event log and recovery to files. Tests put a simulated disk in
// its place: one that loses unsynced writes, tears them by sector, flips bits and fails on cue.

/** A name for an open file, valid until `close`. */
export type FileHandle = number;

/**
 * `read`: an existing file. `write`: an existing file, to read and write. `create`: the same, empty
 * and made anew. `createNew`: fails where the file exists.
 */
export type OpenMode = "read" | "write" | "create" | "createNew";

export interface FileStatus {
  readonly bytes: number;
  readonly isDirectory: boolean;
}

/**
 * Synchronous: the journal thread has nothing better to do than to wait for its disk. Every failure
 * is thrown as a DiskError; a short write is a failure.
 */
export interface Disk {
  open(path: string, mode: OpenMode): FileHandle;
  close(file: FileHandle): void;
  /** Writes all of `bytes[offset, offset + length)` at `position`, or throws. */
  writeAt(
    file: FileHandle,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void;
  /** Bytes read; fewer than `length` only at the end of the file. */
  readAt(
    file: FileHandle,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  /** fdatasync. A failure is final for this file: every later call throws too. */
  sync(file: FileHandle): void;
  /** Makes creations, renames and unlinks in the directory durable. */
  syncDirectory(path: string): void;
  /** Replaces what is at `to`. */
  rename(from: string, to: string): void;
  unlink(path: string): void;
  /** Names in the directory, sorted. */
  list(path: string): string[];
  /** undefined: nothing there. */
  stat(path: string): FileStatus | undefined;
  bytesOf(file: FileHandle): number;
  /** The parents must exist; an existing directory is fine. */
  makeDirectory(path: string): void;
  truncate(file: FileHandle, bytes: number): void;
  /** Bytes that may still be written to the file system of `path`. */
  freeBytes(path: string): number;
}

/**
 * Replaces the file at `path` by `bytes`: after a crash there is the old one or the new one, never
 * half of one.
 */
export function replaceFile(disk: Disk, directory: string, name: string, bytes: Uint8Array): void {
  const temporary = `${directory}/${name}.new`;
  const file = disk.open(temporary, "create");
  try {
    disk.writeAt(file, bytes, 0, bytes.length, 0);
    disk.sync(file);
  } finally {
    disk.close(file);
  }
  disk.rename(temporary, `${directory}/${name}`);
  disk.syncDirectory(directory);
}

/** The whole file, or undefined where there is none. */
export function readFile(disk: Disk, path: string): Uint8Array | undefined {
  if (disk.stat(path) === undefined) return undefined;
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(disk.bytesOf(file));
    const count = disk.readAt(file, bytes, 0, bytes.length, 0);
    return bytes.subarray(0, count);
  } finally {
    disk.close(file);
  }
}
