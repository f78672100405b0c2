import { parentPort, workerData } from "node:worker_threads";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { EngineCapacity } from "../engine.ts";
import { EngineStage } from "./engine-stage.ts";
import { type IdleStrategy, runStages } from "./stage-loop.ts";

export interface EngineWorkerData {
  readonly memory: PipelineMemory;
  readonly capacity: EngineCapacity;
  readonly idle: IdleStrategy;
}

const { memory, capacity, idle } = workerData as EngineWorkerData;
const stage = new EngineStage(memory, capacity);
parentPort?.postMessage({ type: "ready" });
runStages(memory, [stage], new Doorbell(memory, Bell.engine), idle);
