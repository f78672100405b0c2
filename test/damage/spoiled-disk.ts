// The files of a data directory in memory, for reading only: whoever tries to change one is noted
// and stopped. Nothing is copied, so a case costs what recovery costs.
import type { Disk, FileHandle, FileStatus } from "../../engine/journal/disk.ts";
import { DiskError } from "../../engine/journal/errors.ts";

/** Recovery went on to change something: the journal was not refused. */
export class TriedToChange extends Error {}

export class SpoiledDisk implements Disk {
  /** Calls that would have changed something. */
  changes = 0;
  readonly #files = new Map<string, Uint8Array>();
  readonly #names = new Map<string, string[]>();
  readonly #open: Uint8Array[] = [];

  /** Puts a file in place; undefined takes it away. */
  set(path: string, bytes: Uint8Array | undefined): void {
    const isListChanged = this.#files.has(path) !== (bytes !== undefined);
    if (bytes === undefined) this.#files.delete(path);
    else this.#files.set(path, bytes);
    if (isListChanged) this.#names.clear();
  }

  open(path: string): FileHandle {
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw new DiskError("notFound", "open", path);
    // Handles are given out again and again: they are few, and closed in order.
    return this.#open.push(bytes) - 1;
  }

  close(file: FileHandle): void {
    if (file === this.#open.length - 1) this.#open.pop();
  }

  readAt(file: FileHandle, into: Uint8Array, offset: number, length: number, position: number) {
    const bytes = this.#bytes(file);
    const count = Math.max(0, Math.min(length, bytes.length - position));
    if (count > 0) into.set(bytes.subarray(position, position + count), offset);
    return count;
  }

  sync(): void {}

  syncDirectory(): void {}

  list(path: string): string[] {
    let names = this.#names.get(path);
    if (names === undefined) {
      names = [...this.#files.keys()]
        .filter((file) => file.startsWith(`${path}/`))
        .map((file) => file.slice(path.length + 1))
        .filter((name) => !name.includes("/"))
        .sort();
      this.#names.set(path, names);
    }
    return [...names];
  }

  stat(path: string): FileStatus | undefined {
    const bytes = this.#files.get(path);
    if (bytes !== undefined) return { bytes: bytes.length, isDirectory: false };
    const isDirectory = this.list(path).length > 0;
    return isDirectory ? { bytes: 0, isDirectory } : undefined;
  }

  bytesOf(file: FileHandle): number {
    return this.#bytes(file).length;
  }

  freeBytes(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  writeAt(): void {
    this.#refuse();
  }

  rename(): void {
    this.#refuse();
  }

  unlink(): void {
    this.#refuse();
  }

  makeDirectory(): void {
    this.#refuse();
  }

  truncate(): void {
    this.#refuse();
  }

  #bytes(file: FileHandle): Uint8Array {
    const bytes = this.#open[file];
    if (bytes === undefined) throw new Error(`file ${file} is not open`);
    return bytes;
  }

  #refuse(): never {
    this.changes++;
    throw new TriedToChange();
  }
}
