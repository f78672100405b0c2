import { threadId } from "node:worker_threads";
import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import {
  Bell,
  ControlWord,
  type PipelineMemory,
  workerWord,
} from "../../protocol/rings/pipeline-memory.ts";
import { NodeDisk } from "../journal/node-disk.ts";
import { Fence } from "../risk/fence.ts";
import { RiskGate } from "../risk/risk-gate.ts";
import { type ResumedRisk, RiskStage } from "../risk/risk-stage.ts";
import { RiskSuccessor } from "../risk/risk-successor.ts";
import { restoreRisk } from "../snapshot/risk-rows.ts";
import { sharedSnapshot } from "../snapshot/snapshot-format.ts";
import { type IdleStrategy, runStages } from "./stage-loop.ts";

export interface RiskTask {
  readonly memory: PipelineMemory;
  readonly worker: number;
  readonly idle: IdleStrategy;
  /** The file to start from, checked; undefined: from the beginning. */
  readonly snapshot?: SharedArrayBuffer | undefined;
  /** Only for a worker that takes the place of one that died. */
  readonly takesOver?: { readonly dataDirectory: string; readonly checkedSeq: number };
}

/** What a risk task runs, for this thread. */
export function riskStage(task: RiskTask): RiskStage | RiskSuccessor {
  const { memory, worker, takesOver } = task;
  const control = new Int32Array(memory.control);
  const sayThread = () =>
    Atomics.store(control, workerWord(ControlWord.riskThread, worker), threadId);
  if (takesOver !== undefined) {
    sayThread();
    return new RiskSuccessor(memory, worker, { ...takesOver, disk: new NodeDisk() });
  }
  const stage = new RiskStage(memory, worker, resumedRisk(task));
  sayThread(); // it knows its accounts
  return stage;
}

function resumedRisk({ memory, worker, snapshot }: RiskTask): ResumedRisk | undefined {
  const from = sharedSnapshot(snapshot);
  if (from === undefined) return undefined;
  const gate = new RiskGate(worker, memory.riskWorkers, new CommandRing(memory).slotCount);
  restoreRisk(gate, from);
  return { gate, seq: from.place.seq, fence: new Fence(memory, worker) };
}

/**
 * A task that lasts as long as the server: a pool task per order would cost over 100 µs, a slot on
 * the ring well under one.
 */
export function risk(task: RiskTask): number {
  const { memory, worker, idle } = task;
  const stage = riskStage(task);
  runStages(memory, [stage], new Doorbell(memory, Bell.risk + worker), idle);
  return stage.lastSeq;
}
