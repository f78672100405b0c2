import { afterEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../engine/engine.ts";
import { LogKind } from "../../engine/journal/block-format.ts";
import { directoryIdOf, readMeta } from "../../engine/journal/data-directory.ts";
import { EventLogReader } from "../../engine/journal/event-log-reader.ts";
import { recoverEventLog } from "../../engine/journal/event-log-recovery.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { JournalWriter } from "../../engine/journal/journal-writer.ts";
import { segmentNumbers } from "../../engine/journal/log-cursor.ts";
import { findSkips, readSegmentHeader } from "../../engine/journal/log-search.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  MAX_SKIPS,
  segmentName,
} from "../../engine/journal/segment-format.ts";
import type { Skip } from "../../engine/journal/skips.ts";
import { assert } from "../../protocol/assert.ts";
import { NEW_ORDER_TEMPLATE_ID, NewOrder } from "../../protocol/generated/commands.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeEvent } from "../../protocol/json/decode-event.ts";
import { journaledJson } from "../../replay/command-json.ts";
import { checkJournal } from "../../replay/journal-check.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { carryOutSkip, planSkip } from "../../replay/skip.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";
import { forgeEventLog, forgeJournal } from "./forger.ts";
import { RecordingServer, sendDay } from "./recorded-directory.ts";

const DIRECTORY = "/data";
const JOURNAL = `${DIRECTORY}/journal`;
const NOW_US = 1_800_000_000_000_000;

function record(): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  const server = new RecordingServer(disk, DIRECTORY);
  sendDay(server, 300);
  server.abandon();
  return disk;
}

const day = record();
const { lastSeq } = replayDirectory(day, DIRECTORY).result;

/** Seqs of orders that passed the risk checks. */
const orders: number[] = [];
{
  const reader = JournalReader.open(day, JOURNAL);
  const order = new NewOrder();
  while (reader.next()) {
    order.wrap(reader.view, reader.offset);
    const isOrder = order.templateId === NEW_ORDER_TEMPLATE_ID;
    if (isOrder && order.verdict === Verdict.passed) orders.push(reader.seq);
  }
  reader.close();
}

afterEach(() => vi.restoreAllMocks());

/** From here on every engine asserts on these commands, unless they are refused. */
function plant(...seqs: number[]): void {
  const apply = Engine.prototype.apply;
  const order = new NewOrder();
  vi.spyOn(Engine.prototype, "apply").mockImplementation(function (this: Engine, view, offset) {
    order.wrap(view, offset);
    const fails = seqs.includes(order.seq) && order.verdict === Verdict.passed;
    assert(!fails, `planted at seq ${order.seq}`);
    apply.call(this, view, offset);
  });
}

/** What is there when the engine dies at `seq`: a journal that has gone on, events up to there. */
function crashedAt(seq: number): SimulatedDisk {
  const disk = day.copy();
  recoverEventLog(disk, `${DIRECTORY}/events`, {
    directoryId: directoryIdOf(readMeta(disk, DIRECTORY)),
    journalLastSeq: seq - 1,
    journalDurability: "os",
  });
  return disk;
}

function skip(disk: SimulatedDisk, seq: number) {
  const plan = planSkip(disk, DIRECTORY, seq);
  return { plan, done: carryOutSkip(disk, DIRECTORY, plan, NOW_US) };
}

function eventsOf(disk: SimulatedDisk, seq: number): unknown[] {
  const events: unknown[] = [];
  replayDirectory(disk, DIRECTORY, {
    onEvent: (view, offset, run) => {
      const event = decodeEvent(view, offset, run.instruments);
      if (event?.seq === seq) events.push(event);
    },
  });
  return events;
}

const middle = orders.length >> 1;
const [fatal, later] = [orders[middle], orders[middle + 20]] as [number, number];

describe("a command that makes the engine fail", () => {
  it("is one rejection once it is taken out, and everything else is replayed", () => {
    plant(fatal);
    const disk = crashedAt(fatal);
    expect(() => replayDirectory(disk, DIRECTORY)).toThrow(`planted at seq ${fatal}`);
    const { plan, done } = skip(disk, fatal);
    expect(plan).toMatchObject({
      fault: { seq: fatal, message: expect.stringContaining("planted") },
      next: undefined,
      journalLastSeq: lastSeq,
    });
    expect(done).toMatchObject({ epoch: 2, keptEvents: undefined, eventLogCuts: [] });
    const { result } = replayDirectory(disk, DIRECTORY, { verify: true });
    expect(result).toMatchObject({ lastSeq, skipped: [fatal], journal: "closed" });
    expect(result.verified?.unrecorded).toBeGreaterThan(50);
    expect(eventsOf(disk, fatal)).toMatchObject([
      { type: "rejected", index: 0, command: "newOrder", reason: "skipped" },
    ]);
    expect(replayDirectory(disk, DIRECTORY, { toSeq: fatal - 1 }).result.skipped).toEqual([]);
  });

  it("stays in the journal as it was, and the journal says what was taken out and when", () => {
    const disk = crashedAt(fatal);
    const instruments = new InstrumentDirectory();
    const show = (fromDisk: SimulatedDisk) => {
      const reader = JournalReader.open(fromDisk, JOURNAL, { fromSeq: fatal });
      reader.next();
      return journaledJson(reader, instruments);
    };
    const before = show(disk);
    plant(fatal);
    skip(disk, fatal);
    expect(show(disk)).toEqual({ ...before, skipped: true });
    expect(checkJournal(disk, DIRECTORY).skips).toEqual([
      { seq: fatal, skippedAt: NOW_US, record: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
  });

  it("may be followed by another one, which is named and taken out in its turn", () => {
    plant(fatal, later);
    const disk = crashedAt(fatal);
    expect(skip(disk, fatal).plan.next).toMatchObject({ seq: later });
    expect(() => replayDirectory(disk, DIRECTORY)).toThrow(`planted at seq ${later}`);
    skip(disk, later);
    expect(replayDirectory(disk, DIRECTORY).result.skipped).toEqual([fatal, later]);
    expect(checkJournal(disk, DIRECTORY).skips.map(({ seq }) => seq)).toEqual([fatal, later]);
  });

  it("takes what was recorded of it out of the event log, and keeps it", () => {
    plant(fatal);
    const disk = crashedAt(fatal + 1);
    const { plan, done } = skip(disk, fatal);
    expect(plan.events.length).toBeGreaterThan(100);
    expect(done.keptEvents).toBe(`${DIRECTORY}/events/cut-seq-${fatal}.bin`);
    expect(disk.bytesAt(done.keptEvents as string)).toEqual(plan.events);
    const reader = new EventLogReader(disk, `${DIRECTORY}/events`, { live: false });
    reader.seek(fatal, 0);
    expect(reader.read(new Uint8Array(4096))).toBe(0);
    reader.close();
    replayDirectory(disk, DIRECTORY, { verify: true });
  });

  it("may be no command at all", () => {
    const disk = crashedAt(fatal);
    forgeJournal(disk, DIRECTORY, fatal, (view, offset) => view.setUint16(offset + 2, 60, true));
    const refused = `after seq ${fatal - 1}: not a command`;
    expect(() => replayDirectory(disk, DIRECTORY)).toThrow(refused);
    expect(skip(disk, fatal).plan.fault).toEqual({
      seq: fatal,
      message: expect.stringContaining(refused),
    });
    expect(replayDirectory(disk, DIRECTORY, { verify: true }).result.skipped).toEqual([fatal]);
    expect(eventsOf(disk, fatal)).toMatchObject([{ type: "rejected", reason: "skipped" }]);
    const reader = JournalReader.open(disk, JOURNAL, { fromSeq: fatal });
    reader.next();
    expect(journaledJson(reader, new InstrumentDirectory())).toMatchObject({
      seq: fatal,
      skipped: true,
      type: "unknown",
    });
  });
});

describe("what is not taken out", () => {
  const refusals: [string, () => SimulatedDisk, number, string, RegExp][] = [
    ["a seq that is not there", () => crashedAt(fatal), lastSeq + 1, "noSuchSeq", /ends at/],
    ["a command that does not fail", () => day.copy(), fatal, "doesNotFail", /does not make/],
    [
      "a command behind the one that fails first",
      () => {
        plant(fatal);
        return crashedAt(fatal);
      },
      later,
      "doesNotFail",
      new RegExp(`Before it, seq ${fatal} makes it fail`),
    ],
    [
      "a command after which others were reported",
      () => {
        plant(fatal);
        return crashedAt(later);
      },
      fatal,
      "doesNotFail",
      /they were reported/,
    ],
  ];
  it.each(refusals)("%s, and nothing is changed", (_, make, seq, code, message) => {
    const disk = make();
    const changes = disk.changes;
    expect(() => planSkip(disk, DIRECTORY, seq)).toThrow(message);
    expect(() => planSkip(disk, DIRECTORY, seq)).toThrow(expect.objectContaining({ code }));
    expect(disk.changes).toBe(changes);
  });

  it("a command that is taken out already", () => {
    plant(fatal);
    const disk = crashedAt(fatal);
    skip(disk, fatal);
    expect(() => planSkip(disk, DIRECTORY, fatal)).toThrow(
      expect.objectContaining({ code: "isTakenOut" }),
    );
  });
});

describe("the list of what is taken out", () => {
  function skipped(): SimulatedDisk {
    plant(fatal);
    const disk = crashedAt(fatal);
    skip(disk, fatal);
    return disk;
  }

  function lastSegment(disk: SimulatedDisk): string {
    const last = segmentNumbers(disk, JOURNAL, LogKind.journal).at(-1) as number;
    return `${JOURNAL}/${segmentName(LogKind.journal, last)}`;
  }

  /** Writes the last segment's header anew, checksums and all, with another list. */
  function forgeSkips(disk: SimulatedDisk, edit: (skips: readonly Skip[]) => readonly Skip[]) {
    const path = lastSegment(disk);
    const header = readSegmentHeader(disk, path);
    const bytes = disk.bytesAt(path).slice();
    bytes.set(encodeSegmentHeader({ ...header, skips: edit(header.skips) }));
    disk.replace(path, bytes);
  }

  it.each<[string, (skips: readonly Skip[]) => readonly Skip[]]>([
    ["emptied", () => []],
    ["made longer", (skips) => [...skips, { ...(skips[0] as Skip), seq: later }]],
    ["turned to another command", (skips) => [{ ...(skips[0] as Skip), seq: later }]],
    ["given another time", (skips) => [{ ...(skips[0] as Skip), skippedUs: 1 }]],
  ])("is covered by the chain: damage where it was %s", (_, edit) => {
    const disk = skipped();
    forgeSkips(disk, edit);
    expect(() => checkJournal(disk, DIRECTORY)).toThrow(/is damaged/);
  });

  it("goes on from segment to segment and from writer to writer", () => {
    const disk = skipped();
    const meta = readMeta(disk, DIRECTORY);
    const writer = JournalWriter.open(disk, JOURNAL, {
      directoryId: directoryIdOf(meta),
      durability: "fsync",
      knownEpoch: meta.epoch,
      maxBlockBytes: 4096,
      segmentBytes: 8192,
      firstSegmentBytes: 8192,
    });
    for (let i = 0; i < 5; i++) writer.mark();
    writer.abandon();
    expect(segmentNumbers(disk, JOURNAL, LogKind.journal).length).toBeGreaterThan(5);
    expect(readSegmentHeader(disk, lastSegment(disk)).skips).toMatchObject([{ seq: fatal }]);
    expect(checkJournal(disk, DIRECTORY).skips).toMatchObject([{ seq: fatal }]);
    expect(replayDirectory(disk, DIRECTORY).result.skipped).toEqual([fatal]);
  });

  it("counts only once a block has put it into the chain", () => {
    plant(fatal);
    const disk = crashedAt(fatal);
    const { record: bytes } = planSkip(disk, DIRECTORY, fatal);
    const meta = readMeta(disk, DIRECTORY);
    const options = { directoryId: directoryIdOf(meta), durability: "fsync" } as const;
    const taken = { seq: fatal, record: bytes.subarray(0, 32), skippedUs: NOW_US };
    // As where the power fails between the new segment and its first block.
    JournalWriter.open(disk, JOURNAL, { ...options, skip: taken }).abandon();
    expect(readSegmentHeader(disk, lastSegment(disk)).skips).toHaveLength(1);
    expect(findSkips(disk, JOURNAL)).toEqual([]);
    const writer = JournalWriter.open(disk, JOURNAL, options);
    writer.mark();
    writer.close();
    expect(checkJournal(disk, DIRECTORY).skips).toEqual([]);
    skip(disk, fatal);
    expect(checkJournal(disk, DIRECTORY).skips).toMatchObject([{ seq: fatal }]);
  });

  it("must name the very record that stands there", () => {
    plant(fatal);
    const disk = crashedAt(fatal);
    const plan = planSkip(disk, DIRECTORY, fatal);
    const other = plan.record.slice();
    other[50] = (other[50] as number) ^ 1;
    carryOutSkip(disk, DIRECTORY, { ...plan, record: other }, NOW_US);
    expect(() => checkJournal(disk, DIRECTORY)).toThrow("not the command that was taken out");
  });

  it("has room for as many as a header holds", () => {
    const header = readSegmentHeader(day, `${JOURNAL}/00000001.journal`);
    const many = (count: number): Skip[] =>
      Array.from({ length: count }, (_, i) => ({
        seq: i + 1,
        record: new Uint8Array(32).fill(i),
        skippedUs: NOW_US + i,
      }));
    const bytes = encodeSegmentHeader({ ...header, skips: many(MAX_SKIPS) });
    expect(bytes).toHaveLength(4096);
    expect(decodeSegmentHeader(bytes)?.skips).toEqual(many(MAX_SKIPS));
    for (let at = 512; at < 512 + MAX_SKIPS * 48; at += 7) {
      const spoilt = bytes.slice();
      spoilt[at] = (spoilt[at] as number) ^ 4;
      expect(decodeSegmentHeader(spoilt)).toBeUndefined();
    }
  });

  it("lets a forged event log of the whole show nothing but the rejection", () => {
    const disk = skipped();
    forgeEventLog(disk, DIRECTORY);
    const { verified } = replayDirectory(disk, DIRECTORY, { verify: true }).result;
    expect(verified?.unrecorded).toBe(0);
  });
});
