// A thread that takes a count and passes it on: what a stage costs besides its work.
import { parentPort, workerData } from "node:worker_threads";
import { runStages } from "../../engine/threads/stage-loop.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import type { PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";

export interface HandOverWorkerData {
  readonly memory: PipelineMemory;
  /** Words of its control block. */
  readonly from: number;
  readonly to: number;
  readonly ownBell: number;
  readonly nextBell: number;
}

const { memory, from, to, ownBell, nextBell } = workerData as HandOverWorkerData;
const control = new Int32Array(memory.control);
const next = new Doorbell(memory, nextBell);
let passed = 0;

function doWork(): number {
  const there = Atomics.load(control, from); // acquire
  const work = (there - passed) | 0;
  if (work === 0) return 0;
  passed = there;
  Atomics.store(control, to, there); // release
  next.ring();
  return work;
}

parentPort?.postMessage("ready");
runStages(memory, [{ name: "handOver", doWork }], new Doorbell(memory, ownBell));
