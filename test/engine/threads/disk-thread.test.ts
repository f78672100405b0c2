import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chainOf } from "../../../engine/journal/block-builder.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { sparePath } from "../../../engine/journal/spare-segment.ts";
import { DiskThread } from "../../../engine/threads/disk-thread.ts";
import { commandBytes, DIRECTORY_ID } from "../journal/records.ts";

const SEGMENT_BYTES = 2 << 20;

let folder: string;
let thread: DiskThread;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-disk-thread-"));
  thread = new DiskThread(sparePath(`${folder}/journal`));
});

afterEach(() => {
  thread.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Puts a block of the thread's first buffer on the file; returns what `finish` gives. */
function put(file: number, name: string, length: number): Uint8Array {
  thread.start({ buffer: 0, length, file, path: name, position: 0, sync: true });
  const chain = new Uint8Array(32);
  thread.finish(chain);
  return chain;
}

describe("the disk thread", () => {
  it("writes a block where it belongs and gives its chain value", () => {
    const name = path.join(folder, "file");
    const file = fs.openSync(name, "w+");
    thread.buffers[0].fill(7, 0, 8192);
    const expected = new Uint8Array(32);
    chainOf(thread.buffers[0].subarray(0, 8192), expected);
    expect(put(file, name, 8192)).toEqual(expected);
    expect(fs.readFileSync(name)).toEqual(Buffer.alloc(8192, 7));
    fs.closeSync(file);
  });

  it("tells a full disk, a failed sync and a file that is not there from each other", () => {
    const full = fs.openSync("/dev/full", "r+");
    expect(() => put(full, "/dev/full", 4096)).toThrow(/write \/dev\/full failed \(diskFull\)/);
    fs.closeSync(full);
    const unsynced = fs.openSync("/dev/null", "r+"); // takes every byte and refuses to sync
    expect(() => put(unsynced, "/dev/null", 4096)).toThrow(
      /sync \/dev\/null failed \(syncFailed\)/,
    );
    fs.closeSync(unsynced);
    expect(() => put(unsynced, "closed", 4096)).toThrow(/write closed failed \(inputOutput\)/);
  });

  it("lays the next segment out while blocks are written, and gives it away", async () => {
    const spare = sparePath(`${folder}/journal`);
    fs.mkdirSync(`${folder}/journal`);
    thread.fill(spare, SEGMENT_BYTES, false);
    const name = path.join(folder, "file");
    const file = fs.openSync(name, "w+");
    for (let block = 0; block < 20; block++) put(file, name, 65536);
    fs.closeSync(file);
    await expect.poll(() => thread.filledBytes).toBe(SEGMENT_BYTES);
    expect(thread.release()).toBe(SEGMENT_BYTES);
    expect(fs.readFileSync(spare).equals(Buffer.alloc(SEGMENT_BYTES))).toBe(true);
    expect(thread.filledBytes).toBe(0);
    thread.fill(spare, 262_144, true);
    await expect.poll(() => thread.filledBytes).toBe(262_144);
    expect(fs.statSync(spare).size).toBe(262_144);
  });

  it("syncs a file in the background and says how it went", () => {
    const name = path.join(folder, "file");
    const file = fs.openSync(name, "w+");
    expect(thread.isSyncing).toBe(false);
    thread.beginSync(file, name);
    put(file, name, 65536);
    thread.finishSync();
    expect(thread.isSyncing).toBe(false);
    fs.closeSync(file);
    const unsynced = fs.openSync("/dev/null", "r+"); // takes every byte and refuses to sync
    thread.beginSync(unsynced, "/dev/null");
    expect(() => thread.finishSync()).toThrow(/sync \/dev\/null failed \(syncFailed\)/);
    fs.closeSync(unsynced);
  });

  it("whose end is noticed: nothing waits for it any more", () => {
    const name = path.join(folder, "file");
    const file = fs.openSync(name, "w+");
    thread.stop();
    expect(() => put(file, name, 4096)).toThrow(/the disk thread has ended/);
    fs.closeSync(file);
  });
});

describe("a journal with a disk thread", () => {
  it("holds every command, in large blocks over several segments, while some are in flight", () => {
    const disk = new NodeDisk();
    const writer = JournalWriter.open(disk, `${folder}/journal`, {
      directoryId: DIRECTORY_ID,
      durability: "fsync",
      segmentBytes: SEGMENT_BYTES,
      firstSegmentBytes: SEGMENT_BYTES,
      maxBlockBytes: 512 * 1024,
      output: thread,
      filler: thread,
    });
    let flights = 0;
    let seq = 0;
    for (let block = 0; block < 24; block++) {
      const commands = block % 5 === 0 ? 3 : 4000; // small ones in between do not fly
      for (let n = 0; n < commands; n++) {
        const bytes = commandBytes(seq + 1);
        if (!writer.hasRoom(bytes.length)) break;
        writer.append(bytes, 0, bytes.length);
        seq++;
      }
      const before = writer.durableSeq;
      writer.settle();
      writer.begin();
      if (writer.isInFlight) {
        flights++;
        expect(writer.durableSeq).toBeLessThan(seq);
      }
      expect(writer.durableSeq).toBeGreaterThanOrEqual(before);
    }
    writer.settle();
    expect(writer.durableSeq).toBe(seq);
    expect(writer.segmentNumber).toBeGreaterThan(2);
    expect(flights).toBeGreaterThan(15);
    const anchor = writer.anchor();
    writer.close();
    expect(fs.readdirSync(`${folder}/journal`).every((name) => name.endsWith(".journal"))).toBe(
      true,
    );

    const reader = JournalReader.open(disk, `${folder}/journal`);
    while (reader.next()) {
      const record = reader.bytes.subarray(reader.offset, reader.offset + reader.length);
      expect(Buffer.from(record).equals(commandBytes(reader.seq))).toBe(true);
      if (reader.seq === seq) {
        expect(Buffer.from(reader.position.chain).toString("hex")).toBe(anchor.chain);
      }
    }
    expect(reader.seq).toBe(seq);
    expect(reader.end?.state).toBe("closed");
    reader.close();
  });
});
