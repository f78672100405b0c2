import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { RiskStage } from "../risk/risk-stage.ts";
import { type IdleStrategy, runStages } from "./stage-loop.ts";

export interface RiskTask {
  readonly memory: PipelineMemory;
  readonly worker: number;
  readonly idle: IdleStrategy;
}

/**
 * A task that lasts as long as the server: a pool task per order would cost over 100 µs, a slot on
 * the ring well under one.
 */
export function risk(task: RiskTask): number {
  const stage = new RiskStage(task.memory, task.worker);
  runStages(task.memory, [stage], new Doorbell(task.memory, Bell.risk + task.worker), task.idle);
  return stage.lastSeq;
}
