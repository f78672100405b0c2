// A disk in memory that behaves as badly as a real one may. What was not synced is lost, kept, or
// kept in part when the power goes, sector by sector and in any order; directory entries that were
// not synced go back to how they were, the newest first. Calls fail on cue.
import type { Disk, FileHandle, FileStatus, OpenMode } from "../../engine/journal/disk.ts";
import { DiskError, type DiskErrorCode, type DiskOperation } from "../../engine/journal/errors.ts";
import type { Random } from "./random.ts";

export const SECTOR = 512;

/** Thrown by the call in which the power goes, and by every call until `restart`. */
export class PowerLoss extends Error {}

/**
 * `inputOutput`, `diskFull`: nothing happens. `shortWrite`: half of the bytes are written.
 * `syncFailed`: part of the data reaches the disk, and the rest is taken for written from then on.
 * `delay`: the call takes long, and then does what it should.
 */
export interface Fault {
  /** The call with this number fails, counted from 1 over all calls that can fail. */
  readonly atCall: number;
  readonly code: DiskErrorCode | "delay";
}

class FileData {
  /** What a process sees. */
  content = new Uint8Array(0);
  bytes = 0;
  /** What is on the disk. */
  durable = new Uint8Array(0);
  durableBytes = 0;
  /** Versions of sectors since the last sync, oldest first. */
  pending = new Map<number, Uint8Array[]>();
}

/** What entry `path` was before a change that is not synced yet; undefined: there was none. */
interface DirectoryChange {
  readonly directory: string;
  readonly path: string;
  readonly before: FileData | undefined;
  /** A renamed file goes back to this name. */
  readonly renamedFrom?: string;
  /** `path` is a directory that was made. */
  readonly isDirectory?: boolean;
}

export class SimulatedDisk implements Disk {
  /** Calls that can fail or lose power, so far. */
  calls = 0;
  /** Calls that changed something, so far. */
  changes = 0;
  /** Faults that have happened. */
  faultsFired = 0;
  /** What the call was that the last fault hit. */
  lastFaultIn: DiskOperation | undefined;
  /** Set to note what each call is. */
  callLog: DiskOperation[] | undefined;
  /** Called in the midst of a call that is delayed. */
  onDelay: (() => void) | undefined;
  /** Bytes that may still be written. */
  free = Number.MAX_SAFE_INTEGER;
  readonly #random: Random;
  #entries = new Map<string, FileData>();
  readonly #directories = new Set<string>(["/"]);
  #directoryChanges: DirectoryChange[] = [];
  #open = new Map<FileHandle, { path: string; data: FileData; failed: boolean }>();
  #nextHandle = 1;
  #powerLossAt = Number.POSITIVE_INFINITY;
  #isOff = false;
  #faults: readonly Fault[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** The power goes in the call that is `calls` calls away. */
  losePowerAfter(calls: number): void {
    this.#powerLossAt = this.calls + calls;
  }

  failAt(faults: readonly Fault[]): void {
    this.#faults = faults;
  }

  /** What is on the disk after the power was lost, seen by a new process. */
  restart(): void {
    this.#undoDirectoryChanges(this.#random.below(this.#directoryChanges.length + 1));
    for (const data of new Set(this.#entries.values())) this.#settle(data);
    this.#isOff = false;
    this.#powerLossAt = Number.POSITIVE_INFINITY;
    this.#open = new Map();
    this.#faults = [];
  }

  /** The process is gone, the operating system stays: nothing is lost. */
  killProcess(): void {
    this.#open = new Map();
    this.#faults = [];
    this.#powerLossAt = Number.POSITIVE_INFINITY;
    this.#isOff = false;
  }

  /** The same files, all synced. */
  copy(): SimulatedDisk {
    const copy = new SimulatedDisk(this.#random);
    for (const path of this.#directories) copy.#directories.add(path);
    for (const [path, data] of this.#entries) {
      const twin = new FileData();
      twin.content = data.content.slice(0, data.bytes);
      twin.bytes = data.bytes;
      twin.durable = twin.content.slice();
      twin.durableBytes = data.bytes;
      copy.#entries.set(path, twin);
    }
    return copy;
  }

  /** The same disk, unsynced data and entries included, with nothing open and no faults to come. */
  fork(random: Random): SimulatedDisk {
    const fork = new SimulatedDisk(random);
    fork.free = this.free;
    for (const path of this.#directories) fork.#directories.add(path);
    const twins = new Map<FileData, FileData>();
    const twinOf = (data: FileData): FileData => {
      let twin = twins.get(data);
      if (twin === undefined) {
        twin = new FileData();
        twin.content = data.content.slice(0, data.bytes);
        twin.bytes = data.bytes;
        twin.durable = data.durable.slice();
        twin.durableBytes = data.durableBytes;
        // The versions themselves are never written to.
        for (const [sector, versions] of data.pending) twin.pending.set(sector, [...versions]);
        twins.set(data, twin);
      }
      return twin;
    };
    for (const [path, data] of this.#entries) fork.#entries.set(path, twinOf(data));
    fork.#directoryChanges = this.#directoryChanges.map((change) => ({
      ...change,
      before: change.before === undefined ? undefined : twinOf(change.before),
    }));
    return fork;
  }

  /** As `restart`, at its worst: nothing is there that was not synced. */
  restartWithoutUnsynced(): void {
    this.#undoDirectoryChanges(this.#directoryChanges.length);
    for (const data of new Set(this.#entries.values())) {
      data.pending.clear();
      data.content = grown(data.durable.subarray(0, data.durableBytes), data.durableBytes);
      data.bytes = data.durableBytes;
    }
    this.killProcess();
  }

  /** The file's bytes, to be spoiled in place: damage that no call caused. */
  bytesAt(path: string): Uint8Array {
    const data = this.#entries.get(path);
    if (data === undefined) throw new Error(`no file ${path}`);
    return data.content.subarray(0, data.bytes);
  }

  /** Puts other content in a file's place: damage that no call caused. */
  replace(path: string, content: Uint8Array): void {
    const data = new FileData();
    data.content = content.slice();
    data.bytes = content.length;
    data.durable = content.slice();
    data.durableBytes = content.length;
    this.#entries.set(path, data);
  }

  open(path: string, mode: OpenMode): FileHandle {
    this.#call("open", path);
    const existing = this.#entries.get(path);
    if (existing !== undefined && mode === "createNew") {
      throw new DiskError("inputOutput", "open", path);
    }
    if (existing === undefined && (mode === "read" || mode === "write")) {
      throw new DiskError("notFound", "open", path);
    }
    let data = existing;
    if (data === undefined) {
      data = new FileData();
      this.#setEntry(path, data);
    } else if (mode === "create") {
      this.#resize(data, 0);
    }
    const handle = this.#nextHandle++;
    this.#open.set(handle, { path, data, failed: false });
    return handle;
  }

  close(file: FileHandle): void {
    this.#open.delete(file);
  }

  writeAt(
    file: FileHandle,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): void {
    const { path, data } = this.#file(file);
    let count = length;
    let lost = false;
    let failure: DiskError | undefined;
    try {
      this.#call("write", path);
    } catch (error) {
      // The power went while the data was on its way, or a part was taken before it failed.
      lost = error instanceof PowerLoss;
      failure = error instanceof DiskError ? error : undefined;
      if (failure !== undefined && failure.code !== "shortWrite") throw error;
      if (failure !== undefined) count = length >> 1;
    }
    const growth = Math.max(0, position + count - data.bytes);
    if (growth > this.free) {
      count = Math.max(0, count - (growth - this.free));
      failure ??= new DiskError("shortWrite", "write", path);
    }
    this.free -= Math.min(growth, this.free);
    this.changes++;
    this.#write(data, bytes.subarray(offset, offset + count), position);
    if (lost) throw new PowerLoss();
    if (failure !== undefined) throw failure;
  }

  readAt(
    file: FileHandle,
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number {
    const { path, data } = this.#file(file);
    this.#call("read", path);
    const count = Math.max(0, Math.min(length, data.bytes - position));
    into.set(data.content.subarray(position, position + count), offset);
    return count;
  }

  sync(file: FileHandle): void {
    const opened = this.#file(file);
    const { path, data } = opened;
    if (opened.failed) throw new DiskError("syncFailed", "sync", path);
    try {
      this.#call("sync", path);
    } catch (error) {
      if (error instanceof DiskError) {
        opened.failed = true;
        this.#settle(data, false);
        throw new DiskError("syncFailed", "sync", path, error);
      }
      throw error;
    }
    for (const [sector, versions] of data.pending) {
      this.#land(data, sector, versions[versions.length - 1] as Uint8Array);
    }
    data.pending.clear();
    data.durableBytes = data.bytes;
  }

  syncDirectory(path: string): void {
    this.#call("syncDirectory", path);
    this.#directoryChanges = this.#directoryChanges.filter((change) => change.directory !== path);
  }

  rename(from: string, to: string): void {
    this.#call("rename", from);
    const data = this.#entries.get(from);
    if (data === undefined) throw new DiskError("notFound", "rename", from);
    const before = this.#entries.get(to);
    this.#entries.delete(from);
    this.#entries.set(to, data);
    this.#changed({ directory: directoryOf(to), path: to, before, renamedFrom: from });
  }

  unlink(path: string): void {
    this.#call("unlink", path);
    const data = this.#entries.get(path);
    if (data === undefined) throw new DiskError("notFound", "unlink", path);
    this.#entries.delete(path);
    this.#changed({ directory: directoryOf(path), path, before: data });
  }

  list(path: string): string[] {
    this.#call("list", path);
    const names: string[] = [];
    for (const entry of this.#entries.keys()) {
      if (directoryOf(entry) === path) names.push(entry.slice(path.length + 1));
    }
    return names.sort();
  }

  stat(path: string): FileStatus | undefined {
    this.#call("stat", path);
    if (this.#directories.has(path)) return { bytes: 0, isDirectory: true };
    const data = this.#entries.get(path);
    return data === undefined ? undefined : { bytes: data.bytes, isDirectory: false };
  }

  bytesOf(file: FileHandle): number {
    return this.#file(file).data.bytes;
  }

  makeDirectory(path: string): void {
    this.#call("makeDirectory", path);
    if (this.#directories.has(path)) return;
    this.#directories.add(path);
    const directory = directoryOf(path);
    this.#changed({ directory, path, before: undefined, isDirectory: true });
  }

  truncate(file: FileHandle, bytes: number): void {
    const { path, data } = this.#file(file);
    this.#call("truncate", path);
    this.changes++;
    this.#resize(data, bytes);
  }

  freeBytes(path: string): number {
    this.#call("freeBytes", path);
    return this.free;
  }

  #call(operation: DiskOperation, path: string): void {
    if (this.#isOff) throw new PowerLoss();
    this.calls++;
    this.callLog?.push(operation);
    if (this.calls >= this.#powerLossAt) {
      this.#isOff = true;
      throw new PowerLoss();
    }
    const fault = this.#faults.find((candidate) => candidate.atCall === this.calls);
    if (fault === undefined) return;
    this.faultsFired++;
    this.lastFaultIn = operation;
    if (fault.code === "delay") {
      this.onDelay?.();
      return;
    }
    throw new DiskError(fault.code, operation, path);
  }

  #file(file: FileHandle): { path: string; data: FileData; failed: boolean } {
    const opened = this.#open.get(file);
    if (opened === undefined) throw new Error(`file ${file} is not open`);
    return opened;
  }

  #write(data: FileData, bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > data.content.length) data.content = grown(data.content, end);
    data.content.set(bytes, position);
    data.bytes = Math.max(data.bytes, end);
    for (let at = position - (position % SECTOR); at < end; at += SECTOR) {
      const sector = new Uint8Array(SECTOR);
      sector.set(data.content.subarray(at, at + SECTOR));
      const versions = data.pending.get(at);
      if (versions === undefined) data.pending.set(at, [sector]);
      else versions.push(sector);
    }
  }

  #resize(data: FileData, bytes: number): void {
    if (bytes > data.content.length) data.content = grown(data.content, bytes);
    data.content.fill(0, Math.min(bytes, data.bytes));
    data.bytes = bytes;
    for (const sector of data.pending.keys()) if (sector >= bytes) data.pending.delete(sector);
  }

  #land(data: FileData, sector: number, content: Uint8Array): void {
    if (sector + SECTOR > data.durable.length) data.durable = grown(data.durable, sector + SECTOR);
    data.durable.set(content, sector);
  }

  /**
   * Each sector that was not synced keeps the content on the disk or gets one of those written
   * since. `seen`: processes see what is on the disk from then on (the machine restarts).
   */
  #settle(data: FileData, seen = true): void {
    const size = this.#random.chance(50) ? data.bytes : data.durableBytes;
    const calm = this.#random.chance(20);
    for (const [sector, versions] of data.pending) {
      const version = calm ? versions.length : this.#random.below(versions.length + 1);
      if (version > 0) this.#land(data, sector, versions[version - 1] as Uint8Array);
    }
    data.pending.clear();
    if (size > data.durable.length) data.durable = grown(data.durable, size);
    data.durable.fill(0, size);
    data.durableBytes = size;
    if (!seen) return;
    data.content = data.durable.slice();
    data.bytes = size;
  }

  #setEntry(path: string, data: FileData): void {
    this.#entries.set(path, data);
    this.#changed({ directory: directoryOf(path), path, before: undefined });
  }

  #changed(change: DirectoryChange): void {
    this.changes++;
    this.#directoryChanges.push(change);
  }

  /** The newest changes go first: a journaling file system keeps their order. */
  #undoDirectoryChanges(count: number): void {
    for (let i = 0; i < count; i++) this.#undo(this.#directoryChanges.pop() as DirectoryChange);
    this.#directoryChanges = [];
  }

  #undo(change: DirectoryChange): void {
    const { path, before, renamedFrom } = change;
    if (change.isDirectory === true) {
      this.#directories.delete(path);
      for (const entry of this.#entries.keys()) {
        if (directoryOf(entry) === path) this.#entries.delete(entry);
      }
      return;
    }
    const data = this.#entries.get(path);
    if (renamedFrom !== undefined && data !== undefined) this.#entries.set(renamedFrom, data);
    if (before === undefined) this.#entries.delete(path);
    else this.#entries.set(path, before);
  }
}

function directoryOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at <= 0 ? "/" : path.slice(0, at);
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(length, bytes.length * 2));
  larger.set(bytes);
  return larger;
}
