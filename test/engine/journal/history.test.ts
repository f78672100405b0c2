// What a start leaves unread: the look at its headers, and the reading of it later.
import { describe, expect, it } from "vitest";
import { LogKind, SEGMENT_HEADER_BYTES } from "../../../engine/journal/block-format.ts";
import { directoryIdOf, openMeta, readMeta } from "../../../engine/journal/data-directory.ts";
import type { Disk } from "../../../engine/journal/disk.ts";
import { DamageError, DiskError } from "../../../engine/journal/errors.ts";
import { checkEarlierHeaders, HistoryReader } from "../../../engine/journal/history.ts";
import { segmentNumbers } from "../../../engine/journal/log-cursor.ts";
import { findSegment, readSegmentHeader } from "../../../engine/journal/log-search.ts";
import { inspectJournal, openJournal } from "../../../engine/journal/opening.ts";
import { PackedDisk } from "../../../engine/journal/packed-disk.ts";
import { compressSegments } from "../../../engine/journal/segment-compression.ts";
import {
  encodeSegmentHeader,
  type SegmentHeader,
  segmentName,
} from "../../../engine/journal/segment-format.ts";
import { forgeJournal } from "../../replay/forger.ts";
import { RecordingServer, sendDay } from "../../replay/recorded-directory.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";

const DIRECTORY = "/data";
const PATHS = { journal: `${DIRECTORY}/journal`, events: `${DIRECTORY}/events` };
const KINDS = { journal: LogKind.journal, events: LogKind.events };
const LOGS = ["journal", "events"] as const;
type Log = (typeof LOGS)[number];

function record(): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(3));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, 900);
  server.close();
  return disk;
}

const whole = record();
const last = (disk: Disk, log: Log) =>
  segmentNumbers(disk, PATHS[log], KINDS[log]).at(-1) as number;
const pathOf = (log: Log, number: number) => `${PATHS[log]}/${segmentName(KINDS[log], number)}`;

/** As a start does that goes on from the last segments. */
function look(disk: Disk, log: Log, end: { last?: number; seq?: number } = {}) {
  const id = directoryIdOf(readMeta(disk, DIRECTORY));
  return checkEarlierHeaders(disk, PATHS[log], KINDS[log], id, { last: last(disk, log), ...end });
}

function unreadOf(disk: Disk) {
  return { journal: look(disk, "journal"), events: look(disk, "events") };
}

/** Reads it all; what was found, undefined: nothing. */
function findDamage(
  disk: Disk,
  unread = unreadOf(disk),
  between = () => {},
  skips: readonly number[] = [],
) {
  const reader = new HistoryReader(disk, DIRECTORY, unread, skips);
  try {
    for (let before = 0; reader.step(); before = reader.checkedSeq) {
      expect(reader.checkedSeq).toBeGreaterThanOrEqual(before);
      between();
    }
    expect(reader.checkedSeq).toBe(Number.POSITIVE_INFINITY);
    return undefined;
  } catch (error) {
    return reader.describe(error);
  } finally {
    reader.close();
  }
}

function flip(disk: SimulatedDisk, path: string, at: number): void {
  const bytes = disk.bytesAt(path).slice();
  bytes[at] = (bytes[at] as number) ^ 0x10;
  disk.replace(path, bytes);
}

function forge(disk: SimulatedDisk, path: string, edit: Partial<SegmentHeader>): void {
  const bytes = disk.bytesAt(path).slice();
  bytes.set(encodeSegmentHeader({ ...readSegmentHeader(disk, path), ...edit }));
  disk.replace(path, bytes);
}

function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("history that a start has not read", () => {
  it("is whole where nothing is wrong, and reads nothing of the last segments", () => {
    for (const log of LOGS) expect(last(whole, log)).toBeGreaterThan(3);
    expect(findDamage(whole)).toBeUndefined();
    const disk = whole.copy();
    const unread = unreadOf(disk);
    // Behind their first block it is the start that has read them.
    for (const log of LOGS) {
      const path = pathOf(log, last(disk, log));
      flip(disk, path, disk.bytesAt(path).length - 300);
    }
    expect(findDamage(disk, unread)).toBeUndefined();
  });

  it.each(LOGS)("shows a flipped bit in each earlier segment of the %s", (log) => {
    for (let number = 1; number < last(whole, log); number++) {
      const disk = whole.copy();
      const path = pathOf(log, number);
      const unread = unreadOf(disk);
      const blockBytes = disk.bytesAt(path).length - SEGMENT_HEADER_BYTES;
      const at = SEGMENT_HEADER_BYTES + Math.floor(blockBytes / 3);
      flip(disk, path, at);
      const damage = findDamage(disk, unread);
      expect(damage).toMatchObject({ file: path, seq: expect.any(Number) });
      expect(Math.abs((damage?.offset as number) - at)).toBeLessThanOrEqual(8192);
      expect(damage?.seq).toBeGreaterThanOrEqual(readSegmentHeader(whole, path).previousSeq);
      const next = readSegmentHeader(whole, pathOf(log, number + 1));
      expect(damage?.seq).toBeLessThanOrEqual(next.previousSeq);
    }
  });

  it("is whole while its segments are compressed one by one under the reader", () => {
    const below = whole.copy();
    const disk = new PackedDisk(below);
    const packing = compressSegments(disk, DIRECTORY, Number.MAX_SAFE_INTEGER);
    let packed = 0;
    const damage = findDamage(disk, unreadOf(disk), () => {
      if (packing.next().done !== true) packed++;
    });
    expect(damage).toBeUndefined();
    expect(packed).toBeGreaterThan(4);
    expect(findDamage(disk)).toBeUndefined();
    // And compressed it is read no less closely.
    const packedPath = `${pathOf("journal", 2)}.br`;
    flip(below, packedPath, below.bytesAt(packedPath).length - 100);
    expect(findDamage(disk)?.file).toBe(pathOf("journal", 2));
  });

  it("must lead to the very chain that the start has gone on from", () => {
    for (const log of LOGS) {
      const unread = unreadOf(whole);
      const previousChain = unread[log]?.previousChain.slice() as Uint8Array;
      previousChain[5] = (previousChain[5] as number) ^ 1;
      const other = { ...unread, [log]: { ...unread[log], previousChain } };
      const file = pathOf(log, last(whole, log));
      expect(findDamage(whole, other)).toMatchObject({ file, offset: 0, code: "chain" });
    }
  });

  it.each(LOGS)("names a segment of the %s that has gone", (log) => {
    const disk = whole.copy();
    const first = pathOf(log, 1);
    // As recovery leaves one behind a crash: shorter than it was allocated, which the last may not be.
    forge(disk, first, { allocatedBytes: disk.bytesAt(first).length + 4096 });
    expect(findDamage(disk)).toBeUndefined();
    const unread = unreadOf(disk);
    disk.unlink(pathOf(log, 2));
    const missing = { file: pathOf(log, 2), offset: 0, code: "segmentMissing" };
    expect(findDamage(disk, unread)).toMatchObject(missing);
  });

  it("is looked at where there has never been a command, too, and not beyond where the start began", () => {
    const disk = new SimulatedDisk(new Random(4));
    openMeta(disk, DIRECTORY, { nowUs: 0 });
    const open = () =>
      openJournal(disk, DIRECTORY, inspectJournal(disk, DIRECTORY), { durability: "os" });
    open().close();
    open().close();
    open().abandon(); // nothing in its segment
    const journal = look(disk, "journal");
    expect(journal?.number).toBe(3);
    const unread = { journal, events: undefined };
    open().close(); // the one that runs meanwhile
    expect(findDamage(disk, unread)).toBeUndefined();
    flip(disk, pathOf("journal", 1), SEGMENT_HEADER_BYTES + 50);
    expect(findDamage(disk, unread)).toMatchObject({ file: pathOf("journal", 1), seq: 0 });
  });

  it("shows what the disk does not give, under the disk's code", () => {
    const file = pathOf("events", 2);
    const disk = new Proxy(whole.copy(), {
      get(target, name: keyof SimulatedDisk) {
        const value = target[name];
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (name === "open" && args[0] === file) throw new DiskError("inputOutput", "open", file);
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const damage = findDamage(disk, unreadOf(whole));
    expect(damage).toMatchObject({ file, offset: 0, code: "inputOutput" });
    expect(damage?.seq).toBeGreaterThan(0);
  });

  it("looks at each command, but at none that is taken out", () => {
    const disk = whole.copy();
    forgeJournal(disk, DIRECTORY, 40, (view, offset) => view.setUint16(offset + 2, 60, true));
    const file = pathOf("journal", findSegment(disk, PATHS.journal, LogKind.journal, 40, 0));
    expect(findDamage(disk)).toMatchObject({ file, seq: 39, code: "record" });
    expect(findDamage(disk, unreadOf(disk), () => {}, [700, 40])).toBeUndefined();
  });
});

describe("the headers of earlier segments at the start", () => {
  it("are what the start goes on from, and there are none before the first", () => {
    const log = "journal";
    const found = look(whole, log);
    const header = readSegmentHeader(whole, pathOf(log, last(whole, log)));
    expect(found).toEqual(header);
    for (const end of [{ last: 0 }, { last: 1 }, { seq: 1 }]) {
      expect(look(whole, log, end)).toBeUndefined();
    }
    // As the tail's reader finds its segment: it holds that seq.
    for (const seq of [2, 100, 500, header.previousSeq, header.previousSeq + 1]) {
      const segment = findSegment(whole, PATHS[log], KINDS[log], seq, 0);
      expect(look(whole, log, { seq })?.number ?? 1, `seq ${seq}`).toBe(segment);
    }
  });

  it.each(LOGS)("refuse a flipped bit in any of them of the %s, and nothing else", (log) => {
    for (let number = 1; number <= last(whole, log); number++) {
      const disk = whole.copy();
      flip(disk, pathOf(log, number), 70);
      const error = thrown(() => look(disk, log)) as DamageError;
      expect(error).toBeInstanceOf(DamageError);
      expect(error).toMatchObject({ file: pathOf(log, number), offset: 0, code: "segmentHeader" });
      expect(error.seq > 0).toBe(number > 2);
    }
    const disk = whole.copy();
    flip(disk, pathOf(log, 1), 5000); // bodies are not looked at
    expect(look(disk, log)).toEqual(look(whole, log));
  });

  it.each<[string, number, string, (header: SegmentHeader) => Partial<SegmentHeader>]>([
    ["of another number", 2, "segmentHeader", () => ({ number: 3 })],
    ["of another directory", 2, "otherDirectory", () => ({ directoryId: new Uint8Array(16) })],
    ["that does not begin at the beginning", 1, "segmentHeader", () => ({ firstBlock: 2 })],
    ["with an earlier epoch", 3, "blockOrder", () => ({ epoch: 0 })],
    ["that goes back to an earlier block", 3, "blockOrder", () => ({ firstBlock: 1 })],
    ["that goes back to an earlier seq", 3, "blockOrder", () => ({ previousSeq: 0 })],
  ])("refuse one %s, though its checksum is right", (_, number, code, edit) => {
    for (const log of LOGS) {
      const disk = whole.copy();
      const path = pathOf(log, number);
      forge(disk, path, edit(readSegmentHeader(disk, path)));
      expect(thrown(() => look(disk, log))).toMatchObject({ file: path, offset: 0, code });
    }
  });
});
