import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventLogReader } from "../../../engine/journal/event-log-reader.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";

const BUILT = new URL("../../../dist/", import.meta.url).href;
const COMMANDS = 40_000;
const TIMEOUT_MS = 25_000;

/** Writes journal and event log as fast as it can, in blocks and segments of all sizes. */
const WRITER = `
  const { JournalWriter } = await import("${BUILT}engine/journal/journal-writer.js");
  const { EventLogWriter } = await import("${BUILT}engine/journal/event-log-writer.js");
  const { NodeDisk } = await import("${BUILT}engine/journal/node-disk.js");
  const { RunningHash } = await import("${BUILT}protocol/event-hash.js");
  const { SCHEMA_WORD } = await import("${BUILT}protocol/generated/support.js");
  const [, root, count] = process.argv;
  const disk = new NodeDisk();
  const directoryId = new Uint8Array(16).fill(9);
  const sizes = { segmentBytes: 300_000, maxBlockBytes: 65536 };
  const journal = JournalWriter.open(disk, root + "/journal", {
    ...sizes, directoryId, durability: "os", firstSegmentBytes: 100_000,
  });
  const events = EventLogWriter.open(disk, root + "/events", {
    ...sizes, directoryId, epoch: 1, journalLastSeq: 0, journalDurability: "os",
  });
  const hash = new RunningHash();
  const bytes = new Uint8Array(192);
  const view = new DataView(bytes.buffer);
  function record(length, template, seq) {
    bytes.fill(seq & 255);
    view.setUint16(0, length, true);
    view.setUint16(2, template, true);
    view.setUint32(4, SCHEMA_WORD, true);
    view.setUint32(8, seq, true);
    view.setUint32(12, 0, true);
  }
  for (let seq = 1; seq <= Number(count); seq++) {
    record(120, 1, seq);
    view.setUint8(44, 1);
    if (!journal.hasRoom(120)) journal.commit();
    journal.append(bytes, 0, 120);
    for (let index = 0; index < 2; index++) {
      record(136, 66, seq);
      view.setUint32(32, index, true);
      if (!events.hasRoom(136)) events.flush(hash, 2 * seq);
      events.append(bytes, 0, 136);
    }
    if (seq % 97 < 50 || seq % 1000 === 0) { journal.commit(); events.flush(hash, 2 * seq); }
  }
  journal.commit();
  events.flush(hash, 2 * Number(count));
  journal.close();
  events.close();
`;

let root: string;
let child: ChildProcess;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "crossbook-live-"));
  child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, root, String(COMMANDS)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
});

afterEach(() => {
  child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

describe("beside a writer in another process", () => {
  it("the event log is read whole, in order, without waiting for the end", async () => {
    const reader = new EventLogReader(new NodeDisk(), `${root}/events`);
    const into = new Uint8Array(20_000);
    const view = new DataView(into.buffer);
    const deadline = Date.now() + TIMEOUT_MS;
    let events = 0;
    let emptyReads = 0;
    while (events < 2 * COMMANDS && Date.now() < deadline) {
      // The writer makes the directory first.
      const bytes = new NodeDisk().stat(`${root}/events`) === undefined ? 0 : reader.read(into);
      if (bytes === 0) {
        emptyReads++;
        await pause();
      }
      for (let at = 0; at < bytes; at += 136) {
        const seq = (events >> 1) + 1;
        const isRight =
          view.getUint32(at + 8, true) === seq &&
          view.getUint32(at + 32, true) === (events & 1) &&
          view.getUint8(at + 135) === (seq & 255);
        if (!isRight) throw new Error(`event ${events} is wrong`);
        events++;
      }
    }
    expect(events).toBe(2 * COMMANDS);
    expect(emptyReads).toBeGreaterThan(0);
    reader.close();
  });

  it("the journal is read whole, in order, over its segments", async () => {
    const disk = new NodeDisk();
    while (disk.stat(`${root}/journal/00000001.journal`) === undefined) await pause();
    const reader = JournalReader.open(disk, `${root}/journal`, { live: true });
    const deadline = Date.now() + TIMEOUT_MS;
    let seq = 0;
    while (reader.end?.state !== "closed" && Date.now() < deadline) {
      while (reader.next()) {
        seq++;
        const isRight =
          reader.seq === seq && reader.view.getUint8(reader.offset + 119) === (seq & 255);
        if (!isRight) throw new Error(`command ${seq} is wrong`);
      }
      await pause();
    }
    expect(seq).toBe(COMMANDS);
    expect(reader.segment?.number).toBeGreaterThan(3);
    reader.close();
  });
});
