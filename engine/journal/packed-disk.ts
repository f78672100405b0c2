import { dirname } from "node:path";
import type { Disk, FileHandle, FileStatus, OpenMode } from "./disk.ts";
import { DiskError } from "./errors.ts";
import { PackedSegment, packSegment } from "./packed-segment.ts";

/** What a compressed segment's name has behind that of the segment. */
export const PACKED_ENDING = ".br";
const SEGMENT = /\/\d{8}\.(?:journal|events)$/;
const PACKED_NAME = /^(\d{8}\.(?:journal|events))\.br$/;
const COPY_BYTES = 1 << 20;

/**
 * A disk on which a segment reads the same whether it is compressed or not: `00000001.journal` may be
 * there as `00000001.journal.br`. Where both are there, as after a crash, the plain one counts. A
 * compressed one that is opened for writing is unpacked first. Everything else goes to the disk below
 * unchanged, and so do its handles.
 */
export class PackedDisk implements Disk {
  readonly #disk: Disk;
  /** Handles below zero. */
  readonly #packed = new Map<FileHandle, PackedSegment>();
  #lastHandle = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  open(path: string, mode: OpenMode): FileHandle {
    if (!SEGMENT.test(path) || mode === "create" || mode === "createNew") {
      return this.#disk.open(path, mode);
    }
    try {
      return this.#disk.open(path, mode);
    } catch (error) {
      if (!isMissing(error) || this.#disk.stat(path + PACKED_ENDING) === undefined) throw error;
    }
    if (mode === "write") {
      this.#unpack(path);
      return this.#disk.open(path, mode);
    }
    const segment = new PackedSegment(this.#disk, path + PACKED_ENDING);
    const handle = --this.#lastHandle;
    this.#packed.set(handle, segment);
    return handle;
  }

  close(file: FileHandle): void {
    const segment = this.#packed.get(file);
    this.#packed.delete(file);
    if (segment === undefined) this.#disk.close(file);
    else segment.close();
  }

  writeAt(
    file: FileHandle,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    this.#disk.writeAt(file, bytes, offset, length, position);
  }

  readAt(
    file: FileHandle,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    const segment = file < 0 ? this.#packed.get(file) : undefined;
    if (segment === undefined) return this.#disk.readAt(file, into, offset, length, position);
    return segment.readAt(into, offset, length, position);
  }

  sync(file: FileHandle): void {
    const segment = file < 0 ? this.#packed.get(file) : undefined;
    if (segment === undefined) this.#disk.sync(file);
    else segment.sync();
  }

  syncDirectory(path: string): void {
    this.#disk.syncDirectory(path);
  }

  rename(from: string, to: string): void {
    const packed = from + PACKED_ENDING;
    const isPacked = SEGMENT.test(from) && this.#disk.stat(packed) !== undefined;
    const isPlain = !isPacked || this.#disk.stat(from) !== undefined;
    // Else it would stand in the segment's place afterwards.
    if (isPacked && isPlain) this.#disk.unlink(packed);
    if (isPlain) this.#disk.rename(from, to);
    else this.#disk.rename(packed, to + PACKED_ENDING);
  }

  unlink(path: string): void {
    const packed = path + PACKED_ENDING;
    const isPacked = SEGMENT.test(path) && this.#disk.stat(packed) !== undefined;
    // The plain one last: it counts while both are there.
    if (isPacked) this.#disk.unlink(packed);
    if (!isPacked || this.#disk.stat(path) !== undefined) this.#disk.unlink(path);
  }

  list(path: string): string[] {
    const names = this.#disk.list(path);
    if (!names.some((name) => name.includes(PACKED_ENDING))) return names;
    // A segment that is being compressed changes its name meanwhile: what is missed once is seen then.
    const all = [...names, ...this.#disk.list(path)];
    return [...new Set(all.map((name) => PACKED_NAME.exec(name)?.[1] ?? name))].sort();
  }

  stat(path: string): FileStatus | undefined {
    const status = this.#disk.stat(path);
    if (status !== undefined || !SEGMENT.test(path)) return status;
    if (this.#disk.stat(path + PACKED_ENDING) === undefined) return undefined;
    const segment = new PackedSegment(this.#disk, path + PACKED_ENDING);
    segment.close();
    return { bytes: segment.bytes, isDirectory: false };
  }

  bytesOf(file: FileHandle): number {
    const segment = file < 0 ? this.#packed.get(file) : undefined;
    return segment?.bytes ?? this.#disk.bytesOf(file);
  }

  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path);
  }

  truncate(file: FileHandle, bytes: number): void {
    this.#disk.truncate(file, bytes);
  }

  freeBytes(path: string): number {
    return this.#disk.freeBytes(path);
  }

  /** Whether the segment at `path` is there in its compressed form only. */
  isPacked(path: string): boolean {
    return (
      this.#disk.stat(path) === undefined && this.#disk.stat(path + PACKED_ENDING) !== undefined
    );
  }

  /**
   * Compresses the segment at `path`, which must be complete. The plain file goes only when the
   * compressed one is on the disk, has been read back and gives the same bytes; after a crash at any
   * point the segment is there. Throws a DiskError.
   */
  pack(path: string): { readonly bytes: number; readonly packedBytes: number } {
    const temporary = `${path}${PACKED_ENDING}.new`;
    const sizes = packSegment(this.#disk, path, temporary);
    const copy = new PackedSegment(this.#disk, temporary);
    try {
      if (copy.bytes !== sizes.bytes || !copy.isWhole()) {
        throw new DiskError("inputOutput", "read", temporary, new Error("it reads otherwise"));
      }
    } finally {
      copy.close();
    }
    this.#disk.rename(temporary, path + PACKED_ENDING);
    this.#disk.syncDirectory(dirname(path));
    this.#disk.unlink(path);
    this.#disk.syncDirectory(dirname(path));
    return sizes;
  }

  /** The plain file again. One that cannot be unpacked in full is kept beside it. */
  #unpack(path: string): void {
    const packedPath = path + PACKED_ENDING;
    const segment = new PackedSegment(this.#disk, packedPath);
    let isWhole: boolean;
    try {
      isWhole = segment.isWhole();
      const temporary = `${path}.new`;
      const file = this.#disk.open(temporary, "create");
      try {
        const bytes = new Uint8Array(COPY_BYTES);
        for (let at = 0; at < segment.bytes; at += bytes.length) {
          const count = segment.readAt(bytes, 0, bytes.length, at);
          this.#disk.writeAt(file, bytes, 0, count, at);
        }
        this.#disk.sync(file);
      } finally {
        this.#disk.close(file);
      }
      this.#disk.rename(temporary, path);
    } finally {
      segment.close();
    }
    const directory = dirname(path);
    this.#disk.syncDirectory(directory);
    if (isWhole) this.#disk.unlink(packedPath);
    else {
      const name = packedPath.slice(directory.length + 1);
      this.#disk.rename(packedPath, `${directory}/cut-${name}`);
    }
    this.#disk.syncDirectory(directory);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof DiskError && error.code === "notFound";
}
