import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { type JournalOptions, JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { commandBytes, DIRECTORY_ID, writeCommand } from "./records.ts";

const SMALL: JournalOptions = {
  directoryId: DIRECTORY_ID,
  durability: "fsync",
  segmentBytes: 64 * 1024,
  firstSegmentBytes: 32 * 1024,
  maxBlockBytes: 8 * 1024,
};

let root: string;
let directory: string;
const disk = new NodeDisk();
const scratch = new Uint8Array(192);
const scratchView = new DataView(scratch.buffer);

function write(writer: JournalWriter, count: number, perBlock: number): void {
  for (let i = 1; i <= count; i++) {
    const length = writeCommand(scratchView, 0, writer.lastSeq + 1);
    if (!writer.hasRoom(length)) writer.commit();
    writer.append(scratch, 0, length);
    if (i % perBlock === 0) writer.commit();
  }
  writer.commit();
}

/** Reads everything and compares it with what was written; returns the last seq. */
function readAll(fromSeq = 1): number {
  const reader = JournalReader.open(disk, directory, { fromSeq });
  let expected = fromSeq;
  while (reader.next()) {
    expect(reader.seq).toBe(expected);
    const record = reader.bytes.subarray(reader.offset, reader.offset + reader.length);
    expect(Buffer.compare(record, commandBytes(expected))).toBe(0);
    expected++;
  }
  reader.close();
  return expected - 1;
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "crossbook-journal-"));
  directory = `${root}/journal`;
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("a journal", () => {
  it("gives back what was written, over blocks and segments", () => {
    const writer = JournalWriter.open(disk, directory, SMALL);
    write(writer, 3000, 37);
    expect(writer.durableSeq).toBe(3000);
    writer.close();
    expect(disk.list(directory).length).toBeGreaterThan(4);
    expect(readAll()).toBe(3000);
  });

  it("can be read from any command", () => {
    const writer = JournalWriter.open(disk, directory, SMALL);
    write(writer, 2000, 11);
    writer.close();
    for (const from of [1, 2, 11, 12, 500, 1999, 2000, 2001]) {
      expect(readAll(from)).toBe(2000);
    }
  });

  it("goes on in a new epoch after a clean end and after a crash", () => {
    const first = JournalWriter.open(disk, directory, SMALL);
    expect(first.recovery.state).toBe("new");
    write(first, 100, 10);
    first.close();
    const second = JournalWriter.open(disk, directory, SMALL);
    expect(second.recovery).toMatchObject({ state: "closed", lastSeq: 100 });
    expect(second.epoch).toBe(2);
    write(second, 100, 10);
    second.abandon();
    const third = JournalWriter.open(disk, directory, SMALL);
    expect(third.recovery).toMatchObject({ state: "open", lastSeq: 200 });
    expect(third.epoch).toBe(3);
    write(third, 1, 1);
    third.close();
    expect(readAll()).toBe(201);
  });

  it("is followed by a reader while it grows", () => {
    const writer = JournalWriter.open(disk, directory, SMALL);
    const reader = JournalReader.open(disk, directory, { live: true });
    for (let round = 1; round <= 40; round++) {
      write(writer, 50, 7);
      let count = 0;
      while (reader.next()) count++;
      expect(count).toBe(50);
      expect(reader.end?.state).toBe("open");
    }
    writer.close();
    expect(reader.next()).toBe(false);
    expect(reader.end?.state).toBe("closed");
    reader.close();
  });

  it("uses larger segments once zeros have been laid out ahead", () => {
    const writer = JournalWriter.open(disk, directory, { ...SMALL, segmentBytes: 1 << 20 });
    while (writer.idle() > 0);
    write(writer, 2000, 20);
    writer.close();
    expect(disk.list(directory)).toEqual(["00000001.journal", "00000002.journal"]);
    expect(readAll()).toBe(2000);
  });
});
