import { randomInt } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { EngineCapacity } from "../engine.ts";
import { raiseInliningBudget } from "../inlining.ts";
import { sharedSnapshot } from "../snapshot/snapshot-format.ts";
import { EngineStage } from "./engine-stage.ts";
import { type IdleStrategy, runStages } from "./stage-loop.ts";

export interface EngineWorkerData {
  readonly memory: PipelineMemory;
  readonly capacity: EngineCapacity;
  readonly idle: IdleStrategy;
  /** The file to start from, checked; undefined: from the beginning. */
  readonly snapshot: SharedArrayBuffer | undefined;
}

const { memory, capacity, idle, snapshot } = workerData as EngineWorkerData;
raiseInliningBudget();
// Clients choose ids, but not where the hash puts them. It shows in nothing that comes out.
const hashSeed = randomInt(2 ** 32);
const stage = new EngineStage(memory, capacity, hashSeed, sharedSnapshot(snapshot));
parentPort?.postMessage({ type: "ready" });
runStages(memory, [stage], new Doorbell(memory, Bell.engine), idle);
