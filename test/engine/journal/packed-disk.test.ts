import { createHash } from "node:crypto";
import { brotliDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { LogKind } from "../../../engine/journal/block-format.ts";
import { crc32c } from "../../../engine/journal/checksum.ts";
import { directoryIdOf, readMeta } from "../../../engine/journal/data-directory.ts";
import { DiskError } from "../../../engine/journal/errors.ts";
import { EventLogReader } from "../../../engine/journal/event-log-reader.ts";
import { recoverEventLog } from "../../../engine/journal/event-log-recovery.ts";
import { truncateJournal } from "../../../engine/journal/journal-truncation.ts";
import { segmentNumbers } from "../../../engine/journal/log-cursor.ts";
import { PackedDisk } from "../../../engine/journal/packed-disk.ts";
import { FRAME_BYTES, PackedSegment } from "../../../engine/journal/packed-segment.ts";
import { compressSegments } from "../../../engine/journal/segment-compression.ts";
import { segmentName } from "../../../engine/journal/segment-format.ts";
import { checkJournal } from "../../../replay/journal-check.ts";
import { replayDirectory } from "../../../replay/replay.ts";
import { RecordingServer, sendDay } from "../../replay/recorded-directory.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";

const DIRECTORY = "/data";
const JOURNAL = `${DIRECTORY}/journal`;
const EVENTS = `${DIRECTORY}/events`;
const ALL = Number.MAX_SAFE_INTEGER;

function record(): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, 600);
  server.close();
  return disk;
}

const plain = record();
const expected = replayDirectory(plain, DIRECTORY, { verify: true }).result;
const segments = segmentNumbers(plain, JOURNAL, LogKind.journal).length;

function compressed(): { disk: PackedDisk; below: SimulatedDisk } {
  const below = plain.copy();
  const disk = new PackedDisk(below);
  for (const _ of compressSegments(disk, DIRECTORY, ALL));
  return { disk, below };
}

const journalPath = (number: number) => `${JOURNAL}/${segmentName(LogKind.journal, number)}`;

describe("compressed segments", () => {
  it("give the same journal, chain, events and state, and take less room", () => {
    expect(segments).toBeGreaterThan(3);
    const { disk, below } = compressed();
    expect(replayDirectory(disk, DIRECTORY, { verify: true }).result).toEqual(expected);
    expect(checkJournal(disk, DIRECTORY)).toEqual(checkJournal(plain, DIRECTORY));
    const names = below.list(JOURNAL);
    expect(names.filter((name) => name.endsWith(".br"))).toHaveLength(segments - 1);
    expect(names).toContain(segmentName(LogKind.journal, segments));
    expect(disk.list(JOURNAL)).toEqual(plain.list(JOURNAL));
    const bytes = (path: string) => below.bytesAt(path).length;
    const packed = names.filter((name) => name.endsWith(".br"));
    const sum = packed.reduce((total, name) => total + bytes(`${JOURNAL}/${name}`), 0);
    const before = packed.reduce(
      (total, name) => total + plain.bytesAt(`${JOURNAL}/${name.slice(0, -3)}`).length,
      0,
    );
    expect(sum).toBeLessThan(before / 4);
  });

  it("are only those that end at or before what is covered, and not the last one", () => {
    const below = plain.copy();
    const disk = new PackedDisk(below);
    expect([...compressSegments(disk, DIRECTORY, 0)]).toEqual([]);
    const done = [...compressSegments(disk, DIRECTORY, 300)].map(({ path }) => path);
    expect(done.length).toBeGreaterThan(1);
    for (const path of done) {
      expect(disk.isPacked(path)).toBe(true);
      expect(below.bytesAt(`${path}.br`).length).toBeGreaterThan(0);
    }
    const reader = new EventLogReader(disk, EVENTS, { live: false });
    reader.seek(2, 0);
    expect(reader.read(new Uint8Array(1 << 20))).toBeGreaterThan(0);
    reader.close();
    // Done once, they are left alone; the rest follows.
    const rest = [...compressSegments(disk, DIRECTORY, ALL)].map(({ path }) => path);
    expect(rest.filter((path) => done.includes(path))).toEqual([]);
    expect([...compressSegments(disk, DIRECTORY, ALL)]).toEqual([]);
    expect(replayDirectory(disk, DIRECTORY, { verify: true }).result).toEqual(expected);
  });

  it("read the same anywhere, over the borders of frames too", () => {
    const below = new SimulatedDisk(new Random(1));
    below.makeDirectory("/logs");
    const path = "/logs/00000007.journal";
    const random = new Random(5);
    const bytes = new Uint8Array(3 * FRAME_BYTES + 12_345);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i % 7 === 0 ? random.below(256) : i >> 12;
    const file = below.open(path, "create");
    below.writeAt(file, bytes, 0, bytes.length, 0);
    below.sync(file);
    below.close(file);
    const disk = new PackedDisk(below);
    expect(disk.pack(path).bytes).toBe(bytes.length);
    expect(below.stat(path)).toBeUndefined();
    expect(disk.stat(path)).toEqual({ bytes: bytes.length, isDirectory: false });
    const packed = disk.open(path, "read");
    expect(disk.bytesOf(packed)).toBe(bytes.length);
    const into = new Uint8Array(2 * FRAME_BYTES + 100);
    const places = [0, 4095, 4096, FRAME_BYTES + 4000, 3 * FRAME_BYTES, bytes.length - 10, ALL];
    for (const position of places) {
      const count = disk.readAt(packed, into, 50, into.length - 50, position);
      expect(count).toBe(Math.max(0, Math.min(into.length - 50, bytes.length - position)));
      const same = Buffer.compare(
        into.subarray(50, 50 + count),
        bytes.subarray(position, position + count),
      );
      expect(same).toBe(0);
    }
    disk.close(packed);
    expect(() => disk.open("/logs/00000008.journal", "read")).toThrow(/notFound/);
  });
});

describe("the file of a compressed segment", () => {
  it("is what docs/journal-format.md says, read by its table alone", () => {
    const { below } = compressed();
    const file = Buffer.from(below.bytesAt(`${journalPath(2)}.br`));
    const original = Buffer.from(plain.bytesAt(journalPath(2)));
    expect(file.toString("latin1", 0, 8)).toBe("CROSSPAK");
    expect([file.readUInt16LE(8), file.readUInt8(10)]).toEqual([1, 1]);
    expect(file.subarray(11, 16).every((byte) => byte === 0)).toBe(true);
    expect(Number(file.readBigUInt64LE(16))).toBe(original.length);
    expect(file.readUInt32LE(24)).toBe(1_048_576);
    const frames = file.readUInt32LE(28);
    expect(file.subarray(32, 64)).toEqual(createHash("sha256").update(original).digest());
    const words = 16 + frames;
    const checked = new Int32Array(Uint8Array.from(file.subarray(0, words * 4)).buffer);
    expect(file.readInt32LE(words * 4)).toBe(crc32c(checked, 0, words, 0));
    let at = words * 4 + 4;
    const parts: Buffer[] = [];
    for (let i = 0; i < frames; i++) {
      const length = file.readUInt32LE(64 + 4 * i);
      parts.push(brotliDecompressSync(file.subarray(at, at + length)));
      at += length;
    }
    expect(at).toBe(file.length);
    expect(parts[0]).toHaveLength(4096);
    expect(Buffer.concat(parts).equals(original)).toBe(true);
  });
});

describe("a power loss while a segment is compressed", () => {
  it("leaves the segment there and whole, whatever the moment", () => {
    let losses = 0;
    for (let calls = 1; ; calls++) {
      const below = plain.copy();
      below.losePowerAfter(calls);
      let done = false;
      try {
        new PackedDisk(below).pack(journalPath(2));
        done = true;
      } catch {
        losses++;
      }
      below.restart();
      const disk = new PackedDisk(below);
      const file = disk.open(journalPath(2), "read");
      const bytes = new Uint8Array(disk.bytesOf(file));
      disk.readAt(file, bytes, 0, bytes.length, 0);
      disk.close(file);
      expect(Buffer.compare(bytes, plain.bytesAt(journalPath(2)))).toBe(0);
      // And again, from whatever was left.
      if (!disk.isPacked(journalPath(2))) disk.pack(journalPath(2));
      expect(checkJournal(disk, DIRECTORY).anchor).toEqual(checkJournal(plain, DIRECTORY).anchor);
      if (done) break;
    }
    expect(losses).toBeGreaterThan(8);
  });

  it("or a disk that fails, which is said", () => {
    let failures = 0;
    for (const code of ["diskFull", "shortWrite", "syncFailed", "inputOutput"] as const) {
      for (let atCall = 1; atCall <= 16; atCall++) {
        const below = plain.copy();
        below.failAt([{ atCall, code }]);
        const disk = new PackedDisk(below);
        try {
          disk.pack(journalPath(2));
        } catch (error) {
          failures++;
          expect(error).toBeInstanceOf(DiskError);
        }
        const again = new PackedDisk(below.copy());
        expect(checkJournal(again, DIRECTORY).state).toBe("closed");
      }
    }
    expect(failures).toBeGreaterThan(20);
  });
});

describe("damage to a compressed segment", () => {
  it("is refused wherever a bit flips, as damage of that segment", () => {
    const { below } = compressed();
    const path = `${journalPath(2)}.br`;
    const good = below.bytesAt(path).slice();
    const random = new Random(9);
    const places = [0, 9, 16, 24, 28, 40, 64, 70];
    for (let i = 0; i < 60; i++) places.push(random.below(good.length));
    let refused = 0;
    for (const at of places) {
      const bytes = good.slice();
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      below.replace(path, bytes);
      const disk = new PackedDisk(below);
      try {
        // The digest is not looked at here: the segment's own checksums are.
        const check = checkJournal(disk, DIRECTORY);
        expect(check.anchor).toEqual(checkJournal(plain, DIRECTORY).anchor);
      } catch (error) {
        expect((error as Error).message).toMatch(/(?:0000000[23]\.journal) is damaged/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(40);
    below.replace(path, good.subarray(0, good.length - 1));
    expect(() => checkJournal(new PackedDisk(below), DIRECTORY)).toThrow(/is damaged/);
    below.replace(path, new Uint8Array(0));
    expect(() => checkJournal(new PackedDisk(below), DIRECTORY)).toThrow(
      "00000002.journal is damaged at byte 0",
    );
  });

  it("is truncated like any other, and the compressed file is kept", () => {
    const { disk, below } = compressed();
    const path = `${journalPath(2)}.br`;
    const bytes = below.bytesAt(path).slice();
    const at = bytes.length - 200;
    bytes[at] = (bytes[at] as number) ^ 255;
    below.replace(path, bytes);
    expect(() => checkJournal(disk, DIRECTORY)).toThrow(/is damaged/);
    const cut = truncateJournal(disk, DIRECTORY, 0);
    expect(cut?.damage).toContain("00000002.journal is damaged");
    expect(below.bytesAt(`${JOURNAL}/cut-00000002.journal.br`)).toEqual(bytes);
    const check = checkJournal(disk, DIRECTORY);
    expect(check.lastSeq).toBe(cut?.lastSeq);
    replayDirectory(disk, DIRECTORY, { verify: true });
  });
});

describe("recovery among compressed segments", () => {
  it("cuts an event log that goes too far back into one", () => {
    const { disk } = compressed();
    const { recovery } = recoverEventLog(disk, EVENTS, {
      directoryId: directoryIdOf(readMeta(disk, DIRECTORY)),
      journalLastSeq: 40,
      journalDurability: "os",
    });
    expect(recovery.lastSeq).toBeLessThanOrEqual(40);
    expect(recovery.lastSeq).toBeGreaterThan(30);
    expect(recovery.cuts.length).toBeGreaterThan(1);
    const left = segmentNumbers(disk, EVENTS, LogKind.events);
    expect(left.at(-1)).toBe(recovery.lastSegment);
    const reader = new EventLogReader(disk, EVENTS, { live: false });
    let bytes = 0;
    for (let n = 1; n > 0; bytes += n) n = reader.read(new Uint8Array(1 << 16));
    expect(bytes).toBeGreaterThan(1000);
    expect(reader.position?.lastSeq).toBe(recovery.lastSeq);
    reader.close();
  });

  it("takes the plain file where both are there, and both go together", () => {
    const below = plain.copy();
    const disk = new PackedDisk(below);
    const path = journalPath(2);
    disk.pack(path);
    below.replace(path, new Uint8Array([1, 2, 3]));
    expect(disk.isPacked(path)).toBe(false);
    expect(disk.stat(path)?.bytes).toBe(3);
    disk.rename(path, `${JOURNAL}/cut-00000002.journal`);
    expect(disk.stat(path)).toBeUndefined();
    below.replace(path, plain.bytesAt(path));
    disk.pack(path);
    below.replace(path, new Uint8Array([1]));
    disk.unlink(path);
    expect(below.list(JOURNAL).filter((name) => name.startsWith("00000002"))).toEqual([]);
    expect(() => disk.unlink(path)).toThrow(/notFound/);
  });

  it("notices a file that does not give what was packed", () => {
    const { below } = compressed();
    const path = `${journalPath(2)}.br`;
    const segment = new PackedSegment(below, path);
    expect(segment.isWhole()).toBe(true);
    segment.close();
    const bytes = below.bytesAt(path).slice();
    bytes[bytes.length - 50] = (bytes[bytes.length - 50] as number) ^ 16;
    below.replace(path, bytes);
    const spoilt = new PackedSegment(below, path);
    expect(spoilt.isWhole()).toBe(false);
    spoilt.close();
  });
});
