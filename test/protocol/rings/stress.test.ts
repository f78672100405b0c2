import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { compiledFile } from "../../../protocol/compiled-file.ts";
import { CommandRing } from "../../../protocol/rings/command-ring.ts";
import { EventRingReader } from "../../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
  RECORD_BYTES,
  workerWord,
} from "../../../protocol/rings/pipeline-memory.ts";

const WORDS = RECORD_BYTES / 4;
const COUNT = 30_000;
/** Small rings wrap and fill often; the counters pass 2^31 and then 2^32 on the way. */
const SIZES = { commandSlots: 64, eventSlots: 64, riskWorkers: 1 };

/** As in stress.worker.ts. */
const wordOf = (number: number, word: number) => (Math.imul(number, 0x9e3779b1) + word) | 0;

function start(memory: PipelineMemory, role: string, from: number): Promise<{ faults: number }> {
  const worker = new Worker(compiledFile("test/protocol/rings/stress.worker.js"), {
    workerData: { memory, role, from, count: COUNT },
  });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`${role} ended with ${code}`)));
  });
}

/** Gives the processor away: on a small machine the others need it. */
function nap(memory: PipelineMemory): void {
  Atomics.wait(new Int32Array(memory.control), ControlWord.stop, 0, 1);
}

describe("rings between threads", () => {
  it.each([0, 2147483647 - 5000, -5000])(
    "two consumers get every event whole and in order (counting from %d)",
    async (from) => {
      const memory = createPipelineMemory(SIZES);
      const control = new Int32Array(memory.control);
      for (const word of ["eventsPublished", "eventsGateway", "eventsLogged"] as const) {
        control[ControlWord[word]] = from;
      }
      const reader = new EventRingReader(memory, ControlWord.eventsGateway);
      const others = [start(memory, "produceEvents", from), start(memory, "consumeEvents", from)];
      let faults = 0;
      for (let seen = 0; seen < COUNT; ) {
        const available = reader.available();
        if (available === 0) nap(memory);
        for (let i = 0; i < available; i++, seen++) {
          const at = reader.offsetOf(i);
          for (let word = 0; word < WORDS; word++) {
            if (reader.view.getInt32(at + 4 * word, true) !== wordOf(seen, word)) faults++;
          }
        }
        reader.advance(available);
      }
      expect(faults).toBe(0);
      expect(await Promise.all(others)).toEqual([{ faults: 0 }, { faults: 0 }]);
    },
  );

  it.each([0, 2147483647 - 5000, 4294967296 - 5000])(
    "a command meets risk worker, then engine and journal, and no slot is written too early (from seq %d)",
    async (from) => {
      const memory = createPipelineMemory(SIZES);
      const control = new Int32Array(memory.control);
      for (const word of ["published", "matched", "journaled"] as const) {
        control[ControlWord[word]] = from;
      }
      control[workerWord(ControlWord.riskChecked, 0)] = from;
      const ring = new CommandRing(memory);
      const others = [start(memory, "check", from), start(memory, "match", from)];
      let full = 0;
      for (let seq = from + 1; seq <= from + COUNT; seq++) {
        while (ring.free(seq - 1) === 0) {
          full++;
          nap(memory);
        }
        const at = ring.offsetOf(seq);
        for (let word = 0; word < WORDS; word++) {
          ring.view.setInt32(at + 4 * word, wordOf(seq, word), true);
        }
        ring.publish(seq);
      }
      expect(await Promise.all(others)).toEqual([{ faults: 0 }, { faults: 0 }]);
      expect(full).toBeGreaterThan(0);
    },
  );
});
