import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JournalAnchor } from "../../../engine/journal/anchor.ts";
import { LogKind, toHex } from "../../../engine/journal/block-format.ts";
import { EventLogReader } from "../../../engine/journal/event-log-reader.ts";
import { EventLogStage } from "../../../engine/journal/event-log-stage.ts";
import { EventLogWriter } from "../../../engine/journal/event-log-writer.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { JournalStage } from "../../../engine/journal/journal-stage.ts";
import { JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { LogCursor } from "../../../engine/journal/log-cursor.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { CommandRing } from "../../../protocol/rings/command-ring.ts";
import { EventRingWriter } from "../../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
  workerWord,
} from "../../../protocol/rings/pipeline-memory.ts";
import { DIRECTORY_ID, writeCommand, writeEvent } from "./records.ts";

const disk = new NodeDisk();
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "crossbook-stages-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function openJournal(): JournalWriter {
  return JournalWriter.open(disk, `${root}/journal`, {
    directoryId: DIRECTORY_ID,
    durability: "fsync",
    segmentBytes: 1 << 20,
    firstSegmentBytes: 1 << 20,
    maxBlockBytes: 64 * 1024,
  });
}

function openEvents(journalLastSeq: number): EventLogWriter {
  return EventLogWriter.open(disk, `${root}/events`, {
    directoryId: DIRECTORY_ID,
    epoch: 1,
    journalLastSeq,
    journalDurability: "fsync",
    maxBlockBytes: 8192,
  });
}

/** Sequencer, risk and engine in one: two events a command. */
class Source {
  readonly memory: PipelineMemory;
  readonly ring: CommandRing;
  readonly control: Int32Array;
  readonly events: EventRingWriter;

  constructor(consumers = [ControlWord.eventsLogged as number]) {
    this.memory = createPipelineMemory({ commandSlots: 1024, eventSlots: 2048, riskWorkers: 2 });
    this.ring = new CommandRing(this.memory);
    this.control = new Int32Array(this.memory.control);
    this.events = new EventRingWriter(this.memory, consumers, () => {
      throw new Error("the event ring is full");
    });
  }

  send(from: number, to: number): void {
    for (let seq = from; seq <= to; seq++) {
      writeCommand(this.ring.view, this.ring.offsetOf(seq), seq);
      for (let index = 0; index < 2; index++) {
        writeEvent(this.events.view, this.events.claim(), seq, index);
        this.events.commit();
      }
    }
    this.ring.publish(to);
    Atomics.store(this.control, workerWord(ControlWord.riskChecked, 0), to);
    Atomics.store(this.control, workerWord(ControlWord.riskChecked, 1), to);
    this.events.publish();
    Atomics.store(this.control, ControlWord.matched, to);
  }

  word(word: number): number {
    return Atomics.load(this.control, word);
  }
}

describe("the journal stage", () => {
  it("records up to the slowest risk worker and publishes what is durable", () => {
    const source = new Source();
    const stage = new JournalStage(source.memory, { recoveredSeq: 0, openWriter: openJournal });
    source.send(1, 300);
    Atomics.store(source.control, workerWord(ControlWord.riskChecked, 1), 120);
    while (source.word(ControlWord.durable) < 120) expect(stage.doWork()).toBeGreaterThan(0);
    expect(source.word(ControlWord.durable)).toBe(120);
    expect(stage.writer?.durableSeq).toBe(120);
    Atomics.store(source.control, workerWord(ControlWord.riskChecked, 1), 300);
    while (source.word(ControlWord.durable) < 300) stage.doWork();
    stage.close();
    const reader = JournalReader.open(disk, `${root}/journal`);
    while (reader.next());
    expect(reader.seq).toBe(300);
    expect(reader.end?.state).toBe("closed");
    reader.close();
  });

  it("skips what was recovered and opens the writer when it has passed", () => {
    const before = new Source();
    const first = new JournalStage(before.memory, { recoveredSeq: 0, openWriter: openJournal });
    before.send(1, 200);
    while (before.word(ControlWord.durable) < 200) first.doWork();
    first.writer?.abandon();

    const source = new Source();
    const stage = new JournalStage(source.memory, { recoveredSeq: 200, openWriter: openJournal });
    source.send(1, 150);
    stage.doWork();
    expect(source.word(ControlWord.durable)).toBe(150);
    expect(stage.writer).toBeUndefined();
    source.send(151, 260);
    while (source.word(ControlWord.durable) < 260) stage.doWork();
    expect(stage.writer?.epoch).toBe(2);
    stage.close();
  });

  it("passes everything on with durability none", () => {
    const source = new Source();
    const stage = new JournalStage(source.memory, { recoveredSeq: 0, openWriter: undefined });
    source.send(1, 50);
    expect(stage.doWork()).toBe(50);
    expect(source.word(ControlWord.durable)).toBe(50);
    stage.close();
  });

  it("gives an anchor when it opens, once a second while it grows, with a mark, and at the end", () => {
    const all: JournalAnchor[] = [];
    const run = (from: number, to: number) => {
      const source = new Source();
      let now = 0;
      const stage = new JournalStage(source.memory, {
        recoveredSeq: from - 1,
        openWriter: openJournal,
        nowNs: () => now,
        markAfterNs: 3e8,
        onAnchor: (anchor) => all.push(anchor),
      });
      if (from > 1) source.send(1, from - 1);
      while (source.word(ControlWord.durable) < from - 1) stage.doWork();
      for (let seq = from; seq <= to; seq++) {
        now += 2e8;
        source.send(seq, seq);
        while (source.word(ControlWord.durable) < seq) stage.doWork();
      }
      now += 4e8;
      stage.doWork();
      stage.close();
    };
    run(1, 12);
    // Nothing at the start of an empty journal.
    expect(all.map(({ seq, block }) => [seq, block])).toEqual([
      [5, 5],
      [10, 10],
      [12, 13],
      [12, 14],
    ]);
    run(13, 14);
    expect(all.slice(4).map(({ seq, block }) => [seq, block])).toEqual([
      [12, 14],
      [14, 17],
      [14, 18],
    ]);
    expect(all[4]).toEqual(all[3]);
    const blocks = new LogCursor(disk, `${root}/journal`, LogKind.journal);
    const chains = new Map<number, string>();
    while (blocks.next()) chains.set(blocks.block.blockNumber, toHex(blocks.position.chain));
    blocks.close();
    for (const { block, chain } of all) expect(chain).toBe(chains.get(block));
    expect(all[0]?.timestamp).toBe(1_700_000_000_000_005);
  });

  it("marks the journal once when no commands come", () => {
    const source = new Source();
    let now = 0;
    const stage = new JournalStage(source.memory, {
      recoveredSeq: 0,
      openWriter: openJournal,
      nowNs: () => now,
      markAfterNs: 100,
    });
    source.send(1, 10);
    stage.doWork();
    while (stage.doWork() > 0);
    expect(stage.writer?.blocks).toBe(1);
    now = 1000;
    while (stage.doWork() > 0);
    while (stage.doWork() > 0);
    expect(stage.writer?.blocks).toBe(2);
    stage.close();
  });
});

describe("the event log stage", () => {
  function readEvents(fromSeq = 0, fromIndex = 0): string[] {
    const reader = new EventLogReader(disk, `${root}/events`);
    reader.seek(fromSeq, fromIndex);
    const into = new Uint8Array(1000);
    const view = new DataView(into.buffer);
    const keys: string[] = [];
    for (;;) {
      const bytes = reader.read(into);
      if (bytes === 0) break;
      for (let at = 0; at < bytes; at += view.getUint16(at, true)) {
        keys.push(`${view.getUint32(at + 8, true)}-${view.getUint32(at + 32, true)}`);
      }
    }
    reader.close();
    return keys;
  }

  it("records only the events of durable commands", () => {
    const source = new Source();
    const stage = new EventLogStage(source.memory, { writer: openEvents(0) });
    source.send(1, 100);
    expect(stage.doWork()).toBe(0);
    Atomics.store(source.control, ControlWord.durable, 40);
    while (stage.doWork() > 0);
    expect(readEvents()).toHaveLength(80);
    expect(stage.status.read()).toMatchObject({ lastSeq: 40, lastIndex: 1, eventCount: 80 });
    stage.close();
  });

  it("can be read from any event", () => {
    const source = new Source();
    const stage = new EventLogStage(source.memory, { writer: openEvents(0) });
    source.send(1, 500);
    Atomics.store(source.control, ControlWord.durable, 500);
    while (stage.doWork() > 0);
    stage.close();
    expect(readEvents(250, 1)[0]).toBe("250-1");
    expect(readEvents(250, 2)[0]).toBe("251-0");
    expect(readEvents(500, 1)).toEqual(["500-1"]);
    expect(readEvents(501, 0)).toEqual([]);
  });

  it("appends after a restart only what is missing, with the same hash", () => {
    const whole = new Source();
    const once = new EventLogStage(whole.memory, { writer: undefined });
    whole.send(1, 300);
    Atomics.store(whole.control, ControlWord.durable, 300);
    while (once.doWork() > 0);

    const before = new Source();
    const first = new EventLogStage(before.memory, { writer: openEvents(0) });
    before.send(1, 300);
    Atomics.store(before.control, ControlWord.durable, 200);
    while (first.doWork() > 0);
    first.close();

    const source = new Source();
    const second = new EventLogStage(source.memory, { writer: openEvents(300) });
    source.send(1, 300);
    Atomics.store(source.control, ControlWord.durable, 300);
    while (second.doWork() > 0);
    expect(second.eventHash).toBe(once.eventHash);
    second.close();
    const keys = readEvents();
    expect(keys).toHaveLength(600);
    expect(new Set(keys).size).toBe(600);
  });

  it("stops when replay gives other events than recorded", () => {
    const before = new Source();
    const first = new EventLogStage(before.memory, { writer: openEvents(0) });
    before.send(1, 10);
    Atomics.store(before.control, ControlWord.durable, 10);
    while (first.doWork() > 0);
    first.close();
    const source = new Source();
    const second = new EventLogStage(source.memory, { writer: openEvents(10) });
    source.send(1, 10);
    source.events.view.setUint8(100, source.events.view.getUint8(100) ^ 1);
    Atomics.store(source.control, ControlWord.durable, 10);
    expect(() => second.doWork()).toThrow(/other events than recorded/);
  });

  it("refuses where the log knows of commands that a synced journal has lost", () => {
    const before = new Source();
    const first = new EventLogStage(before.memory, { writer: openEvents(0) });
    before.send(1, 10);
    Atomics.store(before.control, ControlWord.durable, 10);
    while (first.doWork() > 0);
    first.close();
    expect(() => openEvents(9)).toThrow(/lostCommands/);
    expect(readEvents()).toHaveLength(20);
  });
});
