import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../engine/snapshot/snapshot-format.ts";
import { findSnapshot, snapshotName, snapshotsPath } from "../../engine/snapshot/snapshot-store.ts";
import { DIRECTORY_ID } from "../engine/journal/records.ts";
import { type Kind, kindsOfFiles } from "./cases.ts";
import { snapshotFile } from "./snapshot-files.ts";
import { SpoiledDisk } from "./spoiled-disk.ts";
import type { JournalFile } from "./table.ts";

const ROOT = "/data";
const OLDER = 100;
const NEWER = 200;
/** Cases of each kind; the file is small, so that these are a good part of all. */
const CASES = 1500;

const other = DIRECTORY_ID.map((byte) => byte ^ 0x5a);
const older = snapshotFile(OLDER, DIRECTORY_ID, 1);
const newer = snapshotFile(NEWER, DIRECTORY_ID, 1);

function spoilable(bytes: Uint8Array): { files: JournalFile[]; kinds: Kind[] } {
  const files = [{ number: 1, bytes: bytes.slice() }];
  const kinds = kindsOfFiles(files, {
    otherDirectory: [{ number: 1, bytes: snapshotFile(NEWER, other, 1) }],
    otherEpoch: [{ number: 1, bytes: snapshotFile(NEWER, DIRECTORY_ID, 2) }],
  });
  return { files, kinds };
}

function find(first: Uint8Array, second: Uint8Array | undefined, refused: string[]) {
  const disk = new SpoiledDisk();
  const path = (seq: number) => `${snapshotsPath(ROOT)}/${snapshotName(seq)}`;
  disk.set(path(NEWER), first);
  disk.set(path(OLDER), second);
  const found: Snapshot | undefined = findSnapshot(disk, ROOT, {
    atMost: Number.MAX_SAFE_INTEGER,
    directoryId: DIRECTORY_ID,
    skips: [],
    onRefused: (file) => refused.push(file),
  });
  expect(disk.changes).toBe(0);
  return found;
}

const { kinds } = spoilable(newer);

describe("a snapshot that was spoiled", () => {
  it.each(kinds.map((kind) => [kind.name, kind] as const))(
    "by %s falls back to the one before, or to none, and is never believed",
    (_, kind) => {
      let passedOver = 0;
      const step = Math.max(1, Math.floor(kind.count / CASES));
      for (let index = 0; index < kind.count; index += step) {
        const spoiled = kind.spoil(index);
        const bytes = spoiled.files[0]?.bytes as Uint8Array;
        const isSame = Buffer.compare(bytes, newer) === 0;
        const refused: string[] = [];
        const found = find(bytes, older, refused);
        const alone = find(bytes, undefined, []);
        spoiled.undo();
        expect(found?.place.seq, spoiled.what).toBe(isSame ? NEWER : OLDER);
        expect(alone?.place.seq, spoiled.what).toBe(isSame ? NEWER : undefined);
        expect(refused.length, spoiled.what).toBe(isSame ? 0 : 1);
        if (!isSame) passedOver++;
      }
      expect(passedOver).toBeGreaterThan(0);
    },
  );

  it("by being another directory's as a whole, or another place's, is passed over", () => {
    expect(find(snapshotFile(NEWER, other, 1), older, [])?.place.seq).toBe(OLDER);
    expect(find(older, older, [])?.place.seq).toBe(OLDER);
  });
});
