import { beforeEach, describe, expect, it } from "vitest";
import type { BackgroundSync } from "../../../engine/journal/block-output.ts";
import type { FileHandle } from "../../../engine/journal/disk.ts";
import { DiskError } from "../../../engine/journal/errors.ts";
import { JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";
import { DIRECTORY_ID } from "./records.ts";
import { appendCommands } from "./small-journal.ts";

const MIB = 1 << 20;
/** Of a command on the disk, about: enough of them fill a block. */
const COMMANDS_A_BLOCK = 4000;

/** A disk that notes when a file is closed. */
class NotingDisk extends SimulatedDisk {
  notes: string[] = [];

  override close(file: FileHandle): void {
    this.notes.push(`close ${file}`);
    super.close(file);
  }
}

/** A background sync that stays under way until somebody waits for it. */
class Syncer implements BackgroundSync {
  isSyncing = false;
  failure: DiskError | null = null;
  readonly #calls: string[];

  constructor(calls: string[]) {
    this.#calls = calls;
  }

  beginSync(file: FileHandle): void {
    this.isSyncing = true;
    this.#calls.push(`begin ${file}`);
  }

  finishSync(): void {
    if (this.isSyncing) this.#calls.push("finished");
    this.isSyncing = false;
    if (this.failure !== null) throw this.failure;
  }
}

let disk: NotingDisk;
let syncer: Syncer;

beforeEach(() => {
  disk = new NotingDisk(new Random(1));
  syncer = new Syncer(disk.notes);
});

function open(durability: "fsync" | "os", segmentBytes = 6 * MIB): JournalWriter {
  const writer = JournalWriter.open(disk, "/journal", {
    directoryId: DIRECTORY_ID,
    durability,
    segmentBytes,
    firstSegmentBytes: segmentBytes,
    syncer,
  });
  disk.notes.length = 0;
  return writer;
}

/** Until a sync is under way; undefined: none began in so many blocks. */
function writeUntilSyncing(writer: JournalWriter, blocks = 12): string | undefined {
  for (let i = 0; i < blocks; i++) {
    appendCommands(writer, COMMANDS_A_BLOCK);
    writer.commit();
    if (syncer.isSyncing) return disk.notes.at(-1);
  }
  return undefined;
}

describe("a journal with durability os", () => {
  it("syncs in the background, and waits for that before it closes a full segment", () => {
    const writer = open("os");
    const begun = writeUntilSyncing(writer);
    const file = begun?.split(" ")[1];
    expect(disk.notes).toEqual([`begin ${file}`]);
    const segment = writer.segmentNumber;
    while (writer.segmentNumber === segment) {
      appendCommands(writer, COMMANDS_A_BLOCK);
      writer.commit();
    }
    expect(disk.notes.slice(0, 3)).toEqual([`begin ${file}`, "finished", `close ${file}`]);
    writer.close();
  });

  it.each(["close", "abandon"] as const)("waits for it when it ends (%s)", (how) => {
    const writer = open("os");
    const file = writeUntilSyncing(writer)?.split(" ")[1];
    writer[how]();
    expect(disk.notes.slice(0, 2)).toEqual([`begin ${file}`, "finished"]);
    expect(disk.notes).toContain(`close ${file}`);
  });

  it("stops where one has failed, and not only at the end of the segment", () => {
    const writer = open("os", 16 * MIB);
    writeUntilSyncing(writer);
    syncer.isSyncing = false; // done
    syncer.failure = new DiskError("syncFailed", "sync", "/journal/00000001.journal");
    expect(() => writeUntilSyncing(writer)).toThrow(/syncFailed/);
    expect(writer.segmentRoom).toBeGreaterThan(6 * MIB);
    expect(() => writer.idle()).toThrow(/the journal has stopped/);
  });
});

it("a journal with durability fsync needs none", () => {
  const writer = open("fsync");
  expect(writeUntilSyncing(writer, 20)).toBe(undefined);
  expect(writer.segmentNumber).toBeGreaterThan(1);
  writer.close();
});
