import { directoryIdOf, journalPath, readMeta } from "../engine/journal/data-directory.ts";
import type { Disk } from "../engine/journal/disk.ts";
import { DamageError } from "../engine/journal/errors.ts";
import { findSkips } from "../engine/journal/log-search.ts";
import type { Snapshot } from "../engine/snapshot/snapshot-format.ts";
import {
  findSnapshot,
  listSnapshots,
  readSnapshot,
  snapshotName,
  snapshotsPath,
} from "../engine/snapshot/snapshot-store.ts";
import type { EngineRun } from "./engine-run.ts";
import { ReplayError } from "./errors.ts";

/** The best snapshot to start from for a replay up to `toSeq`; undefined: there is none. */
export function snapshotBefore(
  disk: Disk,
  directory: string,
  toSeq: number,
  onRefused: (path: string, why: string) => void,
): Snapshot | undefined {
  return findSnapshot(disk, directory, {
    atMost: toSeq,
    directoryId: directoryIdOf(readMeta(disk, directory)),
    skips: findSkips(disk, journalPath(directory)),
    onRefused,
  });
}

/** Holds the snapshots on the way against what a replay comes to. */
export class SnapshotComparison {
  /** Those that are as the replay has it. */
  compared = 0;
  readonly #disk: Disk;
  readonly #directory: string;
  /** Still to come, the next one last. */
  readonly #seqs: number[];

  /** Of the snapshots behind `fromSeq`, up to `toSeq`. */
  constructor(disk: Disk, directory: string, fromSeq: number, toSeq: number) {
    this.#disk = disk;
    this.#directory = directory;
    const all = listSnapshots(disk, directory);
    this.#seqs = all.filter((seq) => seq > fromSeq && seq <= toSeq);
  }

  /**
   * After the command `seq`. Throws a ReplayError snapshotDiffers where a snapshot stands there that
   * is damaged, or has another state or other events behind it.
   */
  afterCommand(seq: number, run: EngineRun): void {
    if (this.#seqs[this.#seqs.length - 1] !== seq) return;
    this.#seqs.pop();
    const path = `${snapshotsPath(this.#directory)}/${snapshotName(seq)}`;
    let snapshot: Snapshot;
    try {
      snapshot = readSnapshot(this.#disk, path);
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      throw new ReplayError("snapshotDiffers", error.message);
    }
    const { place } = snapshot;
    const eventHash = new Int32Array(4);
    run.saveEventHash(eventHash);
    const stateHash = Array.from(place.stateHash, (word) => word.toString(16).padStart(8, "0"));
    const isSame =
      place.seq === seq &&
      place.eventCount === run.engine.eventCount &&
      place.tradeCount === run.engine.tradeCount &&
      eventHash.every((word, i) => word === place.eventHash[i]) &&
      stateHash.join("") === run.stateHash();
    if (!isSame) {
      throw new ReplayError("snapshotDiffers", `${path} is not what the replay comes to`);
    }
    this.compared++;
  }
}
