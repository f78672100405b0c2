import type { ZeroFiller } from "./block-output.ts";
import type { Disk, FileHandle } from "./disk.ts";
import { JournalError } from "./errors.ts";

/** Small enough that a commit that comes in between waits for a millisecond or two. */
const SLICE_BYTES = 256 * 1024;
const zeros = new Uint8Array(SLICE_BYTES);

/** Where the file is until it has its name; recovery removes what is left of one. */
export function sparePath(directory: string): string {
  return `${directory}/spare.new`;
}

/**
 * The next segment file, filled with zeros ahead of its use, a slice at a time: an append to it
 * then changes no file size, and what was never written is known to be empty. A spare that is
 * needed early is used at the size it has.
 */
export class SpareSegment {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #path: string;
  readonly #targetBytes: number;
  readonly #filler: ZeroFiller | undefined;
  #file: FileHandle | undefined;
  #bytes = 0;
  // Not tried again in idle time: the disk may be full, and the current segment still has room.
  #gaveUp = false;

  /** filler: lays it out in another thread; undefined: `fill` does it. */
  constructor(disk: Disk, directory: string, targetBytes: number, filler?: ZeroFiller) {
    this.#disk = disk;
    this.#directory = directory;
    this.#path = sparePath(directory);
    this.#filler = filler;
    this.#targetBytes = targetBytes;
  }

  /** Bytes that are filled and synced. */
  get bytes(): number {
    return this.#filler?.filledBytes ?? this.#bytes;
  }

  /**
   * Fills `bytes` more, at least a slice. Returns what was done; 0: nothing left to do, or another
   * thread does it. `urgent`: more is being written than is laid out.
   */
  fill(bytes = 0, urgent = false): number {
    if (this.#filler !== undefined) {
      this.#filler.fill(this.#path, this.#targetBytes, urgent);
      return 0;
    }
    const end = Math.min(this.#targetBytes, this.#bytes + Math.max(bytes, SLICE_BYTES));
    if (this.#gaveUp || this.#bytes >= end) return 0;
    const before = this.#bytes;
    try {
      this.#fillTo(end);
    } catch {
      this.#gaveUp = true;
    }
    return this.#bytes - before;
  }

  /**
   * Gives the file away, at least `minimumBytes` long, with `header` at its start and under its
   * final name. Throws a JournalError or DiskError.
   */
  take(
    name: string,
    minimumBytes: number,
    header: (bytes: number) => Uint8Array,
  ): { file: FileHandle; bytes: number } {
    const path = `${this.#directory}/${name}`;
    if (this.#disk.stat(path) !== undefined) {
      throw new JournalError("segmentExists", `${path} exists: another process writes here`);
    }
    this.#takeBack();
    this.#fillTo(minimumBytes);
    const file = this.#file as FileHandle;
    const bytes = this.#bytes;
    // A slice that failed half-way may have left more.
    if (this.#disk.bytesOf(file) !== bytes) this.#disk.truncate(file, bytes);
    const encoded = header(bytes);
    this.#disk.writeAt(file, encoded, 0, encoded.length, 0);
    this.#disk.sync(file);
    this.#disk.rename(this.#path, path);
    this.#disk.syncDirectory(this.#directory);
    this.#file = undefined;
    this.#bytes = 0;
    this.#gaveUp = false;
    return { file, bytes };
  }

  /** Takes the unused file away. */
  discard(): void {
    this.#takeBack();
    if (this.#file === undefined) return;
    this.#disk.close(this.#file);
    this.#file = undefined;
    this.#bytes = 0;
    this.#disk.unlink(this.#path);
  }

  /** What another thread has filled is ours from here on. */
  #takeBack(): void {
    if (this.#filler === undefined) return;
    this.#bytes = this.#filler.release();
    const isThere = this.#disk.stat(this.#path) !== undefined;
    if (isThere) this.#file = this.#disk.open(this.#path, "write");
  }

  #fillTo(end: number): void {
    this.#file ??= this.#disk.open(this.#path, "create");
    let done = this.#bytes;
    while (done < end) {
      const count = Math.min(SLICE_BYTES, end - done);
      this.#disk.writeAt(this.#file, zeros, 0, count, done);
      done += count;
    }
    if (done === this.#bytes) return;
    this.#disk.sync(this.#file);
    this.#bytes = done;
  }
}
