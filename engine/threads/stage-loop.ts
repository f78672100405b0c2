import type { Doorbell } from "../../protocol/rings/doorbell.ts";
import { ControlWord, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";

export interface IdleStrategy {
  /** Rounds without work before the thread sleeps. 0: at once; Infinity: never (spare cores only). */
  readonly spins: number;
  /** Longest sleep, in milliseconds: bounds what a lost neighbour can cost. */
  readonly maxSleepMs: number;
}

export const DEFAULT_IDLE: IdleStrategy = { spins: 40, maxSleepMs: 100 };
/** Never sleeps: a core for each thread. */
export const SPINNING: IdleStrategy = { spins: Number.POSITIVE_INFINITY, maxSleepMs: 100 };

/**
 * Runs stages on this thread until the stop word is set and none has work left. Returns then;
 * whatever a stage throws ends the thread.
 */
export function runStages(
  memory: PipelineMemory,
  stages: readonly Stage[],
  bell: Doorbell,
  idle: IdleStrategy = DEFAULT_IDLE,
): void {
  const control = new Int32Array(memory.control);
  let idleRounds = 0;
  for (;;) {
    if (round(stages) > 0) {
      idleRounds = 0;
      continue;
    }
    if (Atomics.load(control, ControlWord.stop) !== 0) return;
    if (idleRounds++ < idle.spins) continue;
    bell.arm();
    // Once more: a producer may have published before it could see the armed bell.
    if (round(stages) > 0 || Atomics.load(control, ControlWord.stop) !== 0) bell.disarm();
    else bell.wait(idle.maxSleepMs);
    idleRounds = 0;
  }
}

function round(stages: readonly Stage[]): number {
  let work = 0;
  for (const stage of stages) work += stage.doWork();
  return work;
}
