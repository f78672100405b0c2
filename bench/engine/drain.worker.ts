// The second thread of the engine bench: takes every event out of the ring and looks at it.
import { parentPort, workerData } from "node:worker_threads";
import { EVENT_HEADER_SEQ_OFFSET } from "../../protocol/generated/headers.ts";
import { EventRingReader } from "../../protocol/rings/event-ring.ts";
import { ControlWord, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";

const memory = workerData as PipelineMemory;
const control = new Int32Array(memory.control);
const reader = new EventRingReader(memory, ControlWord.eventsGateway);
const pause = new Int32Array(new SharedArrayBuffer(4)); // nobody notifies it: a short sleep
const IDLE_ROUNDS = 2_000;
const PAUSE_MS = 0.05;

parentPort?.postMessage("ready");
let seqSum = 0;
let idle = 0;
while (Atomics.load(control, ControlWord.stop) === 0) {
  const available = reader.available();
  if (available === 0) {
    if (++idle > IDLE_ROUNDS) Atomics.wait(pause, 0, 0, PAUSE_MS);
    continue;
  }
  idle = 0;
  for (let n = 0; n < available; n++) {
    const at = reader.offsetOf(n);
    seqSum = (seqSum + reader.view.getInt32(at + EVENT_HEADER_SEQ_OFFSET, true)) | 0;
  }
  reader.advance(available);
}
// Used, so that the loop above cannot be left out.
if (!Number.isInteger(seqSum)) throw new Error("the sum of integers is an integer");
