import fs from "node:fs";
import type { Disk, FileHandle, FileStatus, OpenMode } from "./disk.ts";
import { DiskError, type DiskErrorCode, type DiskOperation } from "./errors.ts";
import { PackedDisk } from "./packed-disk.ts";

const FLAGS: Readonly<Record<OpenMode, string>> = {
  read: "r",
  write: "r+",
  create: "w+",
  createNew: "wx+",
};

/** The real disk. Segments that are compressed read as if they were not. */
export class NodeDisk extends PackedDisk {
  constructor() {
    super(new PlainDisk());
  }
}

/** The real disk, with files as they are. */
class PlainDisk implements Disk {
  readonly #paths = new Map<FileHandle, string>();
  readonly #failedSyncs = new Set<FileHandle>();

  open(path: string, mode: OpenMode): FileHandle {
    const file = attempt("open", path, () => fs.openSync(path, FLAGS[mode], 0o640));
    this.#paths.set(file, path);
    this.#failedSyncs.delete(file);
    return file;
  }

  close(file: FileHandle): void {
    const path = this.#path(file);
    this.#paths.delete(file);
    attempt("close", path, () => fs.closeSync(file));
  }

  writeAt(
    file: FileHandle,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    let count: number;
    try {
      count = fs.writeSync(file, bytes, offset, length, position);
    } catch (error) {
      throw diskError("write", this.#path(file), error);
    }
    // A full disk shows as a short count first; writing the rest would only fail a little later.
    if (count !== length) throw new DiskError("shortWrite", "write", this.#path(file));
  }

  readAt(
    file: FileHandle,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    let done = 0;
    try {
      while (done < length) {
        const count = fs.readSync(file, into, offset + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw diskError("read", this.#path(file), error);
    }
    return done;
  }

  sync(file: FileHandle): void {
    if (this.#failedSyncs.has(file)) throw new DiskError("syncFailed", "sync", this.#path(file));
    try {
      fs.fdatasyncSync(file);
    } catch (error) {
      this.#failedSyncs.add(file);
      throw new DiskError("syncFailed", "sync", this.#path(file), error);
    }
  }

  syncDirectory(path: string): void {
    attempt("syncDirectory", path, () => {
      const file = fs.openSync(path, "r");
      try {
        fs.fsyncSync(file);
      } finally {
        fs.closeSync(file);
      }
    });
  }

  rename(from: string, to: string): void {
    attempt("rename", from, () => fs.renameSync(from, to));
  }

  unlink(path: string): void {
    attempt("unlink", path, () => fs.unlinkSync(path));
  }

  list(path: string): string[] {
    return attempt("list", path, () => fs.readdirSync(path)).sort();
  }

  stat(path: string): FileStatus | undefined {
    try {
      const status = fs.statSync(path);
      return { bytes: status.size, isDirectory: status.isDirectory() };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Below a file there is nothing either.
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw diskError("stat", path, error);
    }
  }

  bytesOf(file: FileHandle): number {
    return attempt("stat", this.#path(file), () => fs.fstatSync(file).size);
  }

  makeDirectory(path: string): void {
    if (this.stat(path)?.isDirectory === true) return;
    attempt("makeDirectory", path, () => fs.mkdirSync(path, 0o750));
  }

  truncate(file: FileHandle, bytes: number): void {
    attempt("truncate", this.#path(file), () => fs.ftruncateSync(file, bytes));
  }

  freeBytes(path: string): number {
    const status = attempt("freeBytes", path, () => fs.statfsSync(path));
    return status.bavail * status.bsize;
  }

  #path(file: FileHandle): string {
    return this.#paths.get(file) ?? `file ${file}`;
  }
}

function attempt<Result>(operation: DiskOperation, path: string, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw diskError(operation, path, error);
  }
}

function diskError(operation: DiskOperation, path: string, cause: unknown): DiskError {
  const errno = (cause as NodeJS.ErrnoException).code;
  let code: DiskErrorCode = "inputOutput";
  if (errno === "ENOSPC" || errno === "EDQUOT") code = "diskFull";
  if (errno === "ENOENT") code = "notFound";
  return new DiskError(code, operation, path, cause);
}
