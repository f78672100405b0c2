// The snapshot files of a data directory: which there are, which is good, which may go. Cold.
import { sameBytes } from "../journal/block-format.ts";
import { type Disk, readFile } from "../journal/disk.ts";
import { DamageError } from "../journal/errors.ts";
import { openSnapshot, type Snapshot } from "./snapshot-format.ts";

const NAME = /^(\d{16})\.snapshot$/;
const SLICE_BYTES = 1 << 20;
/** Two for recovery: where the newest is damaged the one before serves. */
const FOR_RECOVERY = 2;
/** And the first of every so many commands, so that no place in history is far from one. */
const COMMANDS_APART = 1_000_000;

export function snapshotsPath(directory: string): string {
  return `${directory}/snapshots`;
}

export function snapshotName(seq: number): string {
  return `${String(seq).padStart(16, "0")}.snapshot`;
}

/** The seqs of all snapshots, the newest first. */
export function listSnapshots(disk: Disk, directory: string): number[] {
  const path = snapshotsPath(directory);
  if (disk.stat(path) === undefined) return [];
  const seqs: number[] = [];
  for (const name of disk.list(path)) {
    const match = NAME.exec(name);
    if (match !== null) seqs.push(Number(match[1]));
  }
  return seqs.sort((a, b) => b - a);
}

export interface Wanted {
  /** The last seq that will do. */
  readonly atMost: number;
  readonly directoryId: Uint8Array;
  /** Commands that are taken out of the journal. */
  readonly skips: readonly { readonly seq: number }[];
  /** A file that is passed over, and why. */
  readonly onRefused?: (path: string, why: string) => void;
}

/** The newest good snapshot; undefined: there is none, history starts at its beginning. */
export function findSnapshot(disk: Disk, directory: string, wanted: Wanted): Snapshot | undefined {
  for (const seq of listSnapshots(disk, directory)) {
    if (seq > wanted.atMost) continue;
    const path = `${snapshotsPath(directory)}/${snapshotName(seq)}`;
    try {
      const snapshot = readSnapshot(disk, path);
      const why = unfit(snapshot, seq, wanted);
      if (why === undefined) return snapshot;
      wanted.onRefused?.(path, why);
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      wanted.onRefused?.(path, error.message);
    }
  }
  return undefined;
}

function unfit({ place }: Snapshot, seq: number, wanted: Wanted): string | undefined {
  if (place.seq !== seq) return `it stands at seq ${place.seq}`;
  if (!sameBytes(place.directoryId, wanted.directoryId)) return "it is of another directory";
  const skips = wanted.skips.filter((skip) => skip.seq <= seq).length;
  if (skips !== place.skips) return "a command before it was taken out of the journal since";
  return undefined;
}

export function readSnapshot(disk: Disk, path: string): Snapshot {
  const bytes = readFile(disk, path);
  if (bytes === undefined) throw new DamageError("snapshot", path, 0, 0, "the file is not there");
  return openSnapshot(bytes, path);
}

/**
 * Writes it aside, syncs it, reads it back, lets `verify` look at what was read (it throws where it is
 * not content), and only then gives the file its name. Whatever happens in between leaves the files
 * that were there. Returns the path. Throws a DiskError or a DamageError.
 */
export function writeSnapshot(
  disk: Disk,
  directory: string,
  seq: number,
  bytes: Uint8Array,
  verify: (snapshot: Snapshot) => void,
): string {
  const folder = snapshotsPath(directory);
  if (disk.stat(folder) === undefined) {
    disk.makeDirectory(folder);
    disk.syncDirectory(directory);
  }
  const path = `${folder}/${snapshotName(seq)}`;
  const temporary = `${path}.new`;
  const file = disk.open(temporary, "create");
  try {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      disk.writeAt(file, bytes, at, Math.min(SLICE_BYTES, bytes.length - at), at);
    }
    disk.sync(file);
  } finally {
    disk.close(file);
  }
  const written = readSnapshot(disk, temporary);
  if (!sameBytes(written.bytes, bytes)) {
    throw new DamageError("snapshot", temporary, 0, seq, "read back it is another");
  }
  verify(written);
  disk.rename(temporary, path);
  disk.syncDirectory(folder);
  return path;
}

/** What a crash has left half done. */
export function removeUnfinished(disk: Disk, directory: string): void {
  const folder = snapshotsPath(directory);
  if (disk.stat(folder) === undefined) return;
  for (const name of disk.list(folder)) {
    if (name.endsWith(".new")) disk.unlink(`${folder}/${name}`);
  }
}

export interface Retained {
  /** The newest good ones, that a start may begin with; the newest first. */
  readonly forRecovery: readonly number[];
  readonly removed: readonly number[];
}

/**
 * Removes what is neither one of the newest two nor the first of its million commands. Only good ones
 * count, and damaged ones stay where they are. isGood: for whoever has looked at some of them before.
 */
export function retainSnapshots(
  disk: Disk,
  directory: string,
  isGood = (seq: number) => isGoodSnapshot(disk, directory, seq),
): Retained {
  const seqs = listSnapshots(disk, directory);
  const forRecovery: number[] = [];
  const damaged = new Set<number>();
  for (const seq of seqs) {
    if (forRecovery.length === FOR_RECOVERY) break;
    if (isGood(seq)) forRecovery.push(seq);
    else damaged.add(seq);
  }
  const byMillion = new Map<number, number[]>();
  for (const seq of seqs.toReversed()) {
    if (damaged.has(seq)) continue;
    const million = Math.floor(seq / COMMANDS_APART);
    byMillion.set(million, [...(byMillion.get(million) ?? []), seq]);
  }
  const removed: number[] = [];
  for (const rising of byMillion.values()) {
    // One that is alone goes in no case, so it need not be looked at.
    if (rising.length < 2) continue;
    const first = rising.findIndex((seq) => isGood(seq));
    if (first < 0) continue;
    removed.push(...rising.slice(first + 1).filter((seq) => !forRecovery.includes(seq)));
  }
  removed.sort((a, b) => b - a);
  const folder = snapshotsPath(directory);
  for (const seq of removed) disk.unlink(`${folder}/${snapshotName(seq)}`);
  if (removed.length > 0) disk.syncDirectory(folder);
  return { forRecovery, removed };
}

/** Whether every checksum of the file holds. */
export function isGoodSnapshot(disk: Disk, directory: string, seq: number): boolean {
  try {
    readSnapshot(disk, `${snapshotsPath(directory)}/${snapshotName(seq)}`);
    return true;
  } catch (error) {
    if (error instanceof DamageError) return false;
    throw error;
  }
}
