import { parentPort, workerData } from "node:worker_threads";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import type { JournalAnchor } from "../journal/anchor.ts";
import { journalPath, recordEpoch } from "../journal/data-directory.ts";
import type { JournalCounters } from "../journal/journal-counters.ts";
import { JournalStage } from "../journal/journal-stage.ts";
import { JournalWriter } from "../journal/journal-writer.ts";
import { NodeDisk } from "../journal/node-disk.ts";
import { sparePath } from "../journal/spare-segment.ts";
import { DiskSpaceStage } from "./disk-space-stage.ts";
import { DiskThread } from "./disk-thread.ts";
import { type IdleStrategy, runStages } from "./stage-loop.ts";

export interface JournalWorkerData {
  readonly memory: PipelineMemory;
  readonly dataDirectory: string;
  readonly directoryId: Uint8Array;
  readonly knownEpoch: number;
  readonly durability: "fsync" | "os" | "none";
  readonly segmentBytes: number;
  readonly diskLowBytes: number;
  /** Commands up to here come from the journal itself. */
  readonly recoveredSeq: number;
  readonly counters: JournalCounters;
  readonly idle: IdleStrategy;
}

/** The writer is open: the journal of this epoch has begun. */
export interface JournalOpenedMessage {
  readonly type: "journalOpened";
  readonly epoch: number;
  /** What a crash has left behind and recovery put aside; null: nothing. */
  readonly cut: { readonly path: string; readonly bytes: number; readonly keptIn: string } | null;
}

/** See JournalStageOptions.onAnchor. */
export interface JournalAnchorMessage {
  readonly type: "journalAnchor";
  readonly anchor: JournalAnchor;
}

const data = workerData as JournalWorkerData;
const { memory, durability, dataDirectory } = data;
const disk = new NodeDisk();
const diskThread =
  durability === "none" ? undefined : new DiskThread(sparePath(journalPath(dataDirectory)));

function openWriter(sync: "fsync" | "os"): JournalWriter {
  const writer = JournalWriter.open(disk, journalPath(dataDirectory), {
    directoryId: data.directoryId,
    durability: sync,
    segmentBytes: data.segmentBytes,
    output: diskThread,
    filler: diskThread,
    syncer: diskThread,
    knownEpoch: data.knownEpoch,
    expectedLastSeq: data.recoveredSeq,
  });
  recordEpoch(disk, dataDirectory, writer.epoch);
  const message: JournalOpenedMessage = {
    type: "journalOpened",
    epoch: writer.epoch,
    cut: writer.recovery.cut ?? null,
  };
  parentPort?.postMessage(message);
  return writer;
}

const journal = new JournalStage(memory, {
  recoveredSeq: data.recoveredSeq,
  openWriter: durability === "none" ? undefined : () => openWriter(durability),
  counters: data.counters,
  onAnchor: (anchor) => {
    parentPort?.postMessage({ type: "journalAnchor", anchor } satisfies JournalAnchorMessage);
  },
});
const stages: Stage[] = [journal];
if (durability !== "none") {
  stages.push(new DiskSpaceStage(memory, disk, dataDirectory, data.diskLowBytes));
}
parentPort?.postMessage({ type: "ready" });
runStages(memory, stages, new Doorbell(memory, Bell.journal), data.idle);
journal.close();
diskThread?.stop();
