// The other threads of the ring stress tests: see stress.test.ts.
import { parentPort, workerData } from "node:worker_threads";
import { CommandRing } from "../../../protocol/rings/command-ring.ts";
import { EventRingReader, EventRingWriter } from "../../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  type PipelineMemory,
  RECORD_BYTES,
} from "../../../protocol/rings/pipeline-memory.ts";

export type StressRole = "produceEvents" | "consumeEvents" | "check" | "match";

export interface StressTask {
  readonly memory: PipelineMemory;
  readonly role: StressRole;
  readonly from: number;
  readonly count: number;
}

const { memory, role, from, count } = workerData as StressTask;
const control = new Int32Array(memory.control);
const WORDS = RECORD_BYTES / 4;

/** Every word of a record depends on its number: a torn or overtaken record shows. */
const wordOf = (number: number, word: number) => (Math.imul(number, 0x9e3779b1) + word) | 0;

function nap(): void {
  Atomics.wait(control, ControlWord.stop, 0, 1);
}

function produceEvents(): { faults: number } {
  const writer = new EventRingWriter(
    memory,
    [ControlWord.eventsGateway, ControlWord.eventsLogged],
    nap,
  );
  for (let i = 0; i < count; i++) {
    const at = writer.claim();
    for (let word = 0; word < WORDS; word++) {
      writer.view.setInt32(at + 4 * word, wordOf(i, word), true);
    }
    writer.commit();
    if (i % 7 === 0) writer.publish();
  }
  writer.publish();
  return { faults: 0 };
}

function consumeEvents(): { faults: number } {
  const reader = new EventRingReader(memory, ControlWord.eventsLogged);
  let faults = 0;
  for (let seen = 0; seen < count; ) {
    const available = reader.available();
    if (available === 0) nap();
    for (let i = 0; i < available; i++, seen++) {
      const at = reader.offsetOf(i);
      for (let word = 0; word < WORDS; word++) {
        if (reader.view.getInt32(at + 4 * word, true) !== wordOf(seen, word)) faults++;
      }
    }
    reader.advance(available);
  }
  return { faults };
}

/** Risk worker: sees each command once, in order, and writes its verdict into the slot. */
function check(): { faults: number } {
  const ring = new CommandRing(memory);
  let faults = 0;
  let next = from + 1;
  while (next <= from + count) {
    let ready = (Atomics.load(control, ControlWord.published) - (next - 1)) | 0;
    if (ready === 0) nap();
    for (; ready > 0; ready--, next++) {
      const at = ring.offsetOf(next);
      for (let word = 1; word < WORDS; word++) {
        if (ring.view.getInt32(at + 4 * word, true) !== wordOf(next, word)) faults++;
      }
      ring.view.setInt32(at, ~next, true);
      Atomics.store(control, ControlWord.riskChecked, next | 0);
    }
  }
  return { faults };
}

/** Engine and journal: take a command only with its verdict, then give the slot back. */
function match(): { faults: number } {
  const ring = new CommandRing(memory);
  let faults = 0;
  let next = from + 1;
  while (next <= from + count) {
    let ready = (ring.checked() - (next - 1)) | 0;
    if (ready === 0) nap();
    for (; ready > 0; ready--, next++) {
      const at = ring.offsetOf(next);
      if (ring.view.getInt32(at, true) !== ~next) faults++;
      for (let word = 1; word < WORDS; word++) {
        if (ring.view.getInt32(at + 4 * word, true) !== wordOf(next, word)) faults++;
      }
      if (next % 3 === 0) Atomics.store(control, ControlWord.journaled, next | 0);
      Atomics.store(control, ControlWord.matched, next | 0);
    }
    Atomics.store(control, ControlWord.journaled, (next - 1) | 0);
  }
  return { faults };
}

const roles = { produceEvents, consumeEvents, check, match };
parentPort?.postMessage(roles[role]());
