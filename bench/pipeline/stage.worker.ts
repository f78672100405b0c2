// One stage of the pipeline bench on a thread of its own: the server's own stages, with a note of
// which thread of the kernel runs them.
import { parentPort, workerData } from "node:worker_threads";
import type { EngineCapacity } from "../../engine/engine.ts";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import { journalPath } from "../../engine/journal/data-directory.ts";
import { JournalStage } from "../../engine/journal/journal-stage.ts";
import { JournalWriter } from "../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { sparePath } from "../../engine/journal/spare-segment.ts";
import { DiskThread } from "../../engine/threads/disk-thread.ts";
import { EngineStage } from "../../engine/threads/engine-stage.ts";
import { riskStage } from "../../engine/threads/risk.worker.ts";
import { type IdleStrategy, runStages } from "../../engine/threads/stage-loop.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import { NamedThreads } from "../thread-cpu.ts";
import { EmptyEngineStage } from "./empty-engine-stage.ts";
import { RecycledSegments } from "./recycled-segments.ts";

export interface JournalSetup {
  readonly directory: string;
  readonly durability: "fsync" | "os" | "none";
  readonly segments: "recycled" | "fresh";
  readonly segmentBytes: number;
}

export interface StageWorkerData {
  readonly memory: PipelineMemory;
  readonly idle: IdleStrategy;
  readonly role:
    | { readonly name: "engine" | "emptyEngine"; readonly capacity: EngineCapacity }
    | { readonly name: "risk"; readonly worker: number }
    | ({ readonly name: "journal" } & JournalSetup);
  /** Of NamedThreads, and this thread's place there. */
  readonly threads: SharedArrayBuffer;
  readonly place: number;
}

const { memory, idle, role, threads, place } = workerData as StageWorkerData;
NamedThreads.tell(threads, place);

function run(stage: Stage, bell: number): void {
  parentPort?.postMessage({ type: "ready" });
  runStages(memory, [stage], new Doorbell(memory, bell), idle);
}

function runJournal(setup: JournalSetup): void {
  const { durability, segmentBytes } = setup;
  if (durability === "none") {
    run(new JournalStage(memory, { recoveredSeq: 0, openWriter: undefined }), Bell.journal);
    return;
  }
  const directory = journalPath(setup.directory);
  const disk = new DiskThread(sparePath(directory));
  const filler =
    setup.segments === "recycled" ? new RecycledSegments(directory, segmentBytes) : disk;
  const openWriter = () =>
    JournalWriter.open(new NodeDisk(), directory, {
      directoryId: new Uint8Array(16).fill(1),
      durability,
      segmentBytes,
      firstSegmentBytes: segmentBytes,
      output: disk,
      filler,
    });
  const stage = new JournalStage(memory, { recoveredSeq: 0, openWriter });
  run(stage, Bell.journal);
  stage.close();
  disk.stop();
}

if (role.name === "journal") runJournal(role);
else if (role.name === "risk") {
  run(riskStage({ memory, worker: role.worker, idle }), Bell.risk + role.worker);
} else {
  raiseInliningBudget();
  const Engine = role.name === "engine" ? EngineStage : EmptyEngineStage;
  run(new Engine(memory, role.capacity), Bell.engine);
}
