import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CommandRing } from "../../../protocol/rings/command-ring.ts";
import { Doorbell } from "../../../protocol/rings/doorbell.ts";
import {
  allEventConsumers,
  EventRingReader,
  EventRingWriter,
} from "../../../protocol/rings/event-ring.ts";
import {
  Bell,
  ControlWord,
  createPipelineMemory,
  MAX_RISK_WORKERS,
  type PipelineMemory,
  RECORD_BYTES,
  widenSeq,
  workerWord,
} from "../../../protocol/rings/pipeline-memory.ts";

const SIZES = { commandSlots: 64, eventSlots: 64, riskWorkers: 2 };

function control(memory: PipelineMemory): Int32Array {
  return new Int32Array(memory.control);
}

describe("pipeline memory", () => {
  it.each([
    [{ ...SIZES, commandSlots: 63 }, "commandSlots"],
    [{ ...SIZES, eventSlots: 32 }, "eventSlots"],
    [{ ...SIZES, riskWorkers: 0 }, "riskWorkers"],
    [{ ...SIZES, riskWorkers: MAX_RISK_WORKERS + 1 }, "riskWorkers"],
  ])("%j is refused by name", (sizes, name) => {
    expect(() => createPipelineMemory(sizes)).toThrow(name);
  });

  it("gives every control word a cache line of its own, within the memory", () => {
    const words: number[] = [];
    for (const [name, word] of Object.entries(ControlWord)) {
      const count = /^risk|^eventsRisk/.test(name) ? MAX_RISK_WORKERS : 1;
      for (let worker = 0; worker < count; worker++) words.push(workerWord(word, worker));
    }
    for (let bell = 1; bell < Bell.risk + MAX_RISK_WORKERS; bell++) {
      words.push(workerWord(ControlWord.bells, bell));
    }
    const lines = words.map((word) => Math.floor((word * 4) / 128));
    expect(new Set(lines).size).toBe(words.length);
    expect(Math.max(...words)).toBeLessThan(control(createPipelineMemory(SIZES)).length);
  });

  it("widens the low half of a seq, over the wrap too", () => {
    expect(widenSeq(4294967295, 0)).toBe(4294967296);
    expect(widenSeq(2147483647, -2147483648)).toBe(2147483648);
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seq, ahead) => {
        const later = Math.min(seq + ahead, Number.MAX_SAFE_INTEGER);
        expect(widenSeq(seq, later | 0)).toBe(later);
      }),
    );
  });
});

describe("the command ring", () => {
  it("is full when the slower of engine and journal is a whole ring behind", () => {
    const memory = createPipelineMemory(SIZES);
    const ring = new CommandRing(memory);
    const words = control(memory);
    expect(ring.free(0)).toBe(64);
    expect(ring.free(63)).toBe(1);
    expect(ring.free(64)).toBe(0);
    words[ControlWord.matched] = 10;
    expect(ring.free(64)).toBe(0);
    words[ControlWord.journaled] = 7;
    expect(ring.free(64)).toBe(7);
  });

  it("never shows room that is not there, wherever the cursors stand", () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat().filter((seq) => seq > 1000),
        fc.array(fc.tuple(fc.nat(70), fc.nat(70), fc.nat(70)), { maxLength: 60, size: "max" }),
        (start, steps) => {
          const memory = createPipelineMemory(SIZES);
          const words = control(memory);
          let seq = start - 1000;
          let matched = seq;
          let journaled = seq;
          words[ControlWord.matched] = seq | 0;
          words[ControlWord.journaled] = seq | 0;
          const ring = new CommandRing(memory);
          ring.free(seq); // a ring that goes on after a restart
          for (const [published, byEngine, byJournal] of steps) {
            const room = 64 - (seq - Math.min(matched, journaled));
            const free = ring.free(seq);
            expect(free).toBeLessThanOrEqual(room);
            if (room > 0) expect(free).toBeGreaterThan(0);
            seq += Math.min(published, free);
            matched = Math.min(seq, matched + byEngine);
            journaled = Math.min(seq, journaled + byJournal);
            words[ControlWord.matched] = matched | 0;
            words[ControlWord.journaled] = journaled | 0;
          }
        },
      ),
    );
  });

  it("gives neighbours different slots and a seq the same slot a ring later", () => {
    const ring = new CommandRing(createPipelineMemory(SIZES));
    expect(ring.offsetOf(5)).toBe(5 * RECORD_BYTES);
    expect(ring.offsetOf(5 + 64)).toBe(ring.offsetOf(5));
    expect(ring.offsetOf(4294967296)).toBe(0);
    expect(ring.offsetOf(4294967295)).toBe(63 * RECORD_BYTES);
  });

  it("has checked what its slowest risk worker has, over the wrap too", () => {
    const memory = createPipelineMemory(SIZES);
    const ring = new CommandRing(memory);
    const words = control(memory);
    words[workerWord(ControlWord.riskChecked, 0)] = 9;
    words[workerWord(ControlWord.riskChecked, 1)] = 7;
    expect(ring.checked()).toBe(7);
    words[workerWord(ControlWord.riskChecked, 0)] = -2147483648;
    words[workerWord(ControlWord.riskChecked, 1)] = 2147483647;
    expect(ring.checked()).toBe(2147483647);
  });
});

describe("the event ring", () => {
  it("shows events only when they are published", () => {
    const memory = createPipelineMemory(SIZES);
    const writer = new EventRingWriter(memory, [ControlWord.eventsGateway], () => {});
    const reader = new EventRingReader(memory, ControlWord.eventsGateway);
    writer.view.setUint32(writer.claim(), 41, true);
    writer.commit();
    writer.view.setUint32(writer.claim(), 42, true);
    writer.commit();
    expect(reader.available()).toBe(0);
    writer.publish();
    expect(reader.available()).toBe(2);
    expect(reader.view.getUint32(reader.offsetOf(1), true)).toBe(42);
    reader.advance(2);
    expect(reader.available()).toBe(0);
  });

  it("one command may emit more than the ring holds: a full ring asks for room, loses nothing", () => {
    const memory = createPipelineMemory(SIZES);
    const words = control(memory);
    // The counters are about to wrap.
    for (const word of [ControlWord.eventsPublished, ...allEventConsumers(memory)]) {
      words[word] = 2147483647 - 100;
    }
    const seen: number[] = [];
    let asked = 0;
    const consumers = allEventConsumers(memory);
    const readers = consumers.map((word) => new EventRingReader(memory, word));
    const writer = new EventRingWriter(memory, consumers, () => {
      asked++;
      // The slowest decides: one reader a call.
      const reader = readers[asked % readers.length] as EventRingReader;
      const count = reader.available();
      for (let i = 0; i < count && reader === readers[0]; i++) {
        seen.push(reader.view.getUint32(reader.offsetOf(i), true));
      }
      reader.advance(count);
    });
    for (let i = 0; i < 1000; i++) {
      writer.view.setUint32(writer.claim(), i, true);
      writer.commit();
    }
    writer.publish();
    const last = readers[0] as EventRingReader;
    for (let i = 0; i < last.available(); i++) {
      seen.push(last.view.getUint32(last.offsetOf(i), true));
    }
    expect(asked).toBeGreaterThan(10);
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it("without consumers never fills", () => {
    const memory = createPipelineMemory(SIZES);
    const writer = new EventRingWriter(memory, [], () => {
      throw new Error("asked for room");
    });
    for (let i = 0; i < 200; i++) {
      writer.claim();
      writer.commit();
    }
    writer.publish();
    expect(control(memory)[ControlWord.eventsPublished]).toBe(200);
  });
});

describe("a doorbell", () => {
  it("wakes a sleeper that has armed it, and only then", async () => {
    const memory = createPipelineMemory(SIZES);
    const bell = new Doorbell(memory, Bell.gateway);
    bell.ring(); // nobody sleeps: nothing is left over
    bell.arm();
    const sleep = bell.waitAsync(10_000);
    expect(sleep).not.toBeNull();
    bell.ring();
    expect(await sleep).toBe("ok");
    bell.arm();
    bell.ring();
    expect(bell.waitAsync(10_000)).toBeNull(); // rung between arming and waiting
    bell.arm();
    const started = performance.now();
    bell.wait(20);
    expect(performance.now() - started).toBeGreaterThan(10);
  });
});
