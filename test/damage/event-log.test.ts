import { describe, expect, it } from "vitest";
import { EventLogReader } from "../../engine/journal/event-log-reader.ts";
import { JournalPipeline, ROOT } from "../simulation/journal-pipeline.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";

const SETTINGS = { maxBlockBytes: 4096, segmentBytes: 16384 };
const EVENTS = `${ROOT}/events`;

/** A directory with a few files of events; the journal ended by a crash or closed. */
function recorded(isClosed: boolean): { disk: SimulatedDisk; last: string; eventHash: string } {
  const disk = new SimulatedDisk(new Random(1));
  const pipeline = new JournalPipeline(disk, SETTINGS);
  for (let round = 0; round < 20; round++) {
    pipeline.send(10, 1);
    pipeline.work();
  }
  const { eventHash } = pipeline.events;
  if (isClosed) pipeline.close();
  const copy = disk.copy();
  const names = copy.list(EVENTS);
  expect(names.length).toBeGreaterThan(2);
  return { disk: copy, last: `${EVENTS}/${names.at(-1)}`, eventHash };
}

/** A start makes the log whole again, with the events that were there. */
function expectWhole(disk: SimulatedDisk, eventHash: string, what: string): void {
  const pipeline = new JournalPipeline(disk, SETTINGS);
  expect(pipeline.events.eventHash, what).toBe(eventHash);
  pipeline.close();
  const reader = new EventLogReader(disk, EVENTS, { live: false, bufferBytes: 4096 });
  const into = new Uint8Array(4096);
  while (reader.read(into) > 0);
  expect(reader.position?.lastSeq, what).toBe(pipeline.lastSeq);
  reader.close();
}

describe.each([
  ["closed cleanly", true],
  ["cut off by a crash", false],
] as const)("the last file of an event log beside a journal %s", (_, isClosed) => {
  const { disk, last, eventHash } = recorded(isClosed);
  const { length } = disk.bytesAt(last);

  it("is written again from where it was cut short", () => {
    for (let bytes = 0; bytes < length; bytes += 37) {
      const copy = disk.copy();
      copy.replace(last, disk.bytesAt(last).slice(0, bytes));
      expectWhole(copy, eventHash, `cut to ${bytes} bytes`);
    }
  });

  it("is written again from where a bit was flipped", () => {
    for (let bit = 0; bit < length * 8; bit += 331) {
      const copy = disk.copy();
      const bytes = copy.bytesAt(last);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expectWhole(copy, eventHash, `bit ${bit}`);
    }
  });

  it("is written again where sectors are empty, or the file is not there", () => {
    for (let at = 0; at < length; at += 512) {
      const copy = disk.copy();
      copy.bytesAt(last).fill(0, at, at + 512);
      expectWhole(copy, eventHash, `sector ${at}`);
    }
    const copy = disk.copy();
    copy.unlink(last);
    expectWhole(copy, eventHash, "no file");
  });
});
