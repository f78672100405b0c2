import { describe, expect, test } from "vitest";
import { runBookStream } from "../../bench/books/run.ts";
import { BOOK_STREAMS, type BookStream, ordinary } from "../../bench/books/streams.ts";
import { DEFAULT_CAPACITY, Engine } from "../../engine/engine.ts";
import { NEW_ORDER_TEMPLATE_ID } from "../../protocol/generated/commands.ts";
import {
  REJECTED_TEMPLATE_ID,
  Rejected,
  TRADE_TEMPLATE_ID,
  TRIGGERED_TEMPLATE_ID,
} from "../../protocol/generated/events.ts";
import { EventRingReader, EventRingWriter } from "../../protocol/rings/event-ring.ts";
import { ControlWord, createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";

/** Events by template; orders that were refused count as -1. */
function eventsOf(stream: BookStream): Map<number, number> {
  const counts = new Map<number, number>();
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 1 << 15, riskWorkers: 1 });
  const writer = new EventRingWriter(memory, [ControlWord.eventsGateway], () => {
    throw new Error("the ring holds the events of the longest sweep");
  });
  const reader = new EventRingReader(memory, ControlWord.eventsGateway);
  const engine = new Engine(DEFAULT_CAPACITY, writer);
  const rejected = new Rejected();
  for (let i = 0; i < stream.count; i++) {
    engine.apply(stream.view, stream.offsets[i] as number);
    writer.publish();
    const available = reader.available();
    for (let n = 0; n < available; n++) {
      const at = reader.offsetOf(n);
      let template = reader.view.getUint16(at + 2, true);
      rejected.wrap(reader.view, at);
      if (template === REJECTED_TEMPLATE_ID && rejected.command === NEW_ORDER_TEMPLATE_ID) {
        template = -1;
      }
      counts.set(template, (counts.get(template) ?? 0) + 1);
    }
    reader.advance(available);
  }
  return counts;
}

describe("books made to be slow", () => {
  test.each([
    ["sweeps over 10,000 levels", TRADE_TEMPLATE_ID, 200_000],
    ["icebergs that show one lot", TRADE_TEMPLATE_ID, 200_000],
  ])("%s do what their names say", (name, template, count) => {
    const events = eventsOf((BOOK_STREAMS[name] as () => BookStream)());
    expect(events.get(template)).toBe(count);
    expect(events.get(-1)).toBeUndefined();
  });

  test("an ordinary book takes all orders and keeps its size", () => {
    const events = eventsOf(ordinary(1_000, 20_000));
    expect(events.get(-1)).toBeUndefined();
    expect(events.get(TRADE_TEMPLATE_ID)).toBeGreaterThan(1_000);
    expect(events.get(TRIGGERED_TEMPLATE_ID)).toBeUndefined();
  });

  test("a run says what an event cost", () => {
    const run = runBookStream("icebergs that show one lot");
    expect(run).toMatchObject({ commands: 220, events: 200_220 });
    expect(run.nsPerEvent).toBeGreaterThan(0);
    expect(() => runBookStream("no such")).toThrow(RangeError);
  });
});
