import { describe, expect, it } from "vitest";
import type { FileHandle } from "../../engine/journal/disk.ts";
import { DiskError } from "../../engine/journal/errors.ts";
import { openTail } from "../../engine/snapshot/journal-tail.ts";
import { openSnapshot } from "../../engine/snapshot/snapshot-format.ts";
import { findSnapshot, writeSnapshot } from "../../engine/snapshot/snapshot-store.ts";
import { DIRECTORY_ID } from "../engine/journal/records.ts";
import { Random } from "../simulation/random.ts";
import { PowerLoss, SimulatedDisk } from "../simulation/simulated-disk.ts";
import { directoryWith, HERE, makeJournal, ROOT } from "./journals.ts";
import { snapshotFile } from "./snapshot-files.ts";

const older = snapshotFile(100, DIRECTORY_ID, 1);
const newer = snapshotFile(200, DIRECTORY_ID, 1);
const write = (disk: SimulatedDisk) => writeSnapshot(disk, ROOT, 200, newer, () => {});

function withOlder(seed: number): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(seed));
  disk.makeDirectory(ROOT);
  writeSnapshot(disk, ROOT, 100, older, () => {});
  return disk.copy();
}

/** The seq of the snapshot that a start would take; its bytes must be those that were written. */
function newest(disk: SimulatedDisk): { seq: number; refused: number } {
  let refused = 0;
  const found = findSnapshot(disk, ROOT, {
    atMost: 1000,
    directoryId: DIRECTORY_ID,
    skips: [],
    onRefused: () => refused++,
  });
  const seq = found?.place.seq ?? 0;
  expect(Buffer.compare(found?.bytes ?? older, seq === 200 ? newer : older)).toBe(0);
  return { seq, refused };
}

describe("writing a snapshot", () => {
  it("leaves the one before, or the new one whole, when the power goes at any call", () => {
    const seen = new Set<number>();
    for (let seed = 1; seed <= 30; seed++) {
      const whole = withOlder(seed);
      write(whole);
      for (let call = 1; call <= whole.calls; call++) {
        const disk = withOlder(seed);
        disk.losePowerAfter(call);
        expect(() => write(disk)).toThrow(PowerLoss);
        disk.restart();
        const { seq, refused } = newest(disk);
        // Under its own name there is never half a snapshot.
        expect(refused, `seed ${seed}, call ${call}`).toBe(0);
        seen.add(seq);
      }
    }
    expect([...seen].sort()).toEqual([100, 200]);
  });

  it("is on the disk, under its name, when it is done", () => {
    const disk = withOlder(1);
    write(disk);
    disk.restartWithoutUnsynced();
    expect(newest(disk)).toEqual({ seq: 200, refused: 0 });
  });

  it("leaves the one before when a call fails", () => {
    const whole = withOlder(1);
    write(whole);
    for (let atCall = 1; atCall <= whole.calls; atCall++) {
      const disk = withOlder(1);
      disk.failAt([{ atCall, code: "inputOutput" }]);
      expect(() => write(disk)).toThrow(DiskError);
      disk.restart();
      expect(newest(disk).refused).toBe(0);
    }
  });

  it("gives no name to one that reads otherwise than it was written", () => {
    class LyingDisk extends SimulatedDisk {
      lies = 0;

      override writeAt(
        file: FileHandle,
        bytes: Uint8Array,
        offset: number,
        length: number,
        position: number,
      ): void {
        const copy = bytes.slice(offset, offset + length);
        copy[300] = (copy[300] as number) ^ 1;
        this.lies++;
        super.writeAt(file, copy, 0, length, position);
      }
    }
    const disk = new LyingDisk(new Random(1));
    disk.makeDirectory(ROOT);
    expect(() => write(disk)).toThrow(/snapshot/);
    expect(disk.lies).toBe(1);
    expect(newest(disk)).toEqual({ seq: 0, refused: 0 });
  });
});

describe("the journal behind a snapshot", () => {
  it("must be the one that the snapshot was made of", () => {
    const journal = makeJournal("several", "crashed", HERE);
    const disk = directoryWith(journal, journal.files);
    const { place } = openSnapshot(newer, "a snapshot of another history");
    const elsewhere = { ...place, seq: 20, blockNumber: 1 };
    expect(() => openTail(disk, ROOT, elsewhere)).toThrow(/made of another journal/);
  });
});
