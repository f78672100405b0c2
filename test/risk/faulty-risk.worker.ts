// A risk worker that fails on cue, otherwise the real one.
import { type RiskTask, riskStage } from "../../engine/threads/risk.worker.ts";
import { runStages } from "../../engine/threads/stage-loop.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";

export const Fault = { none: 0, hang: 1, outOfMemory: 2, exception: 3 } as const;

/** Beside the memory that all stages share: per worker the fault to come, and how many came. */
export interface FaultyMemory extends PipelineMemory {
  readonly faults: SharedArrayBuffer;
}

export const WORDS_A_WORKER = 2;

class FaultStage implements Stage {
  readonly name = "fault";
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(faults: SharedArrayBuffer, worker: number) {
    this.#words = new Int32Array(faults);
    this.#at = worker * WORDS_A_WORKER;
  }

  doWork(): number {
    const fault = Atomics.exchange(this.#words, this.#at, Fault.none);
    if (fault === Fault.none) return 0;
    Atomics.add(this.#words, this.#at + 1, 1);
    if (fault === Fault.exception) throw new Error("a fault on cue");
    // Small pieces: what large ones ask for at once may be more than a heap has left to end in order,
    // and from Node 24 on that ends the process.
    let hoard: object | null = null;
    for (;;) if (fault === Fault.outOfMemory) hoard = { hoard };
  }
}

export function risk(task: RiskTask): number {
  const { memory, worker, idle } = task;
  const fault = new FaultStage((memory as FaultyMemory).faults, worker);
  const stage = riskStage(task);
  runStages(memory, [fault, stage], new Doorbell(memory, Bell.risk + worker), idle);
  return stage.lastSeq;
}
