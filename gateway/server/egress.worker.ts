import { parentPort, workerData } from "node:worker_threads";
import type { JournalAnchor } from "../../engine/journal/anchor.ts";
import { eventsPath } from "../../engine/journal/data-directory.ts";
import type { OpenedEventLog } from "../../engine/journal/event-log-recovery.ts";
import { EventLogStage, type EventPlace } from "../../engine/journal/event-log-stage.ts";
import { EventLogStatus } from "../../engine/journal/event-log-status.ts";
import { EventLogWriter } from "../../engine/journal/event-log-writer.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { giveWay } from "../../engine/threads/background.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import {
  Bell,
  ControlWord,
  type PipelineMemory,
  RECORD_BYTES,
  widenSeq,
} from "../../protocol/rings/pipeline-memory.ts";
import { locateAnchor } from "../../replay/anchors.ts";
import type { RedisAccess } from "../redis/access.ts";
import { AnchorQueue } from "../redis/anchor-queue.ts";
import { RedisPublisher } from "../redis/publisher.ts";
import { AsyncLoop } from "./async-loop.ts";
import { haltIfDamaged, LogEventSource } from "./log-event-source.ts";

export interface EgressWorkerData {
  readonly memory: PipelineMemory;
  readonly dataDirectory: string;
  readonly directoryId: Uint8Array;
  readonly epoch: number;
  readonly journalLastSeq: number;
  readonly journalDurability: "fsync" | "os" | "none";
  /** false (durability none): events are counted and hashed, not recorded. */
  readonly isRecording: boolean;
  readonly segmentBytes: number;
  readonly status: SharedArrayBuffer;
  /** What the events before the first one have come to; undefined: it is the first of all. */
  readonly from: EventPlace | undefined;
  /** The last snapshot command before that. */
  readonly checkpoint: EventPlace | undefined;
  /** The event log as recovery left it, with all events up to `from`; undefined: there is none yet. */
  readonly log: OpenedEventLog | undefined;
}

/** Main thread to egress. `publish`: recovery is over, the log is whole. */
export type EgressRequest =
  | {
      readonly type: "publish";
      readonly access: RedisAccess;
      readonly directoryId: string;
      readonly epoch: number;
      readonly batchBytes: number;
      readonly keepEntries: number;
    }
  /** The journal holds everything up to here for good. */
  | { readonly type: "anchor"; readonly anchor: JournalAnchor }
  | { readonly type: "stop"; readonly drainMs: number };

/** Egress to main thread, every half second while publishing and when it changes state. */
export interface RedisStatusMessage {
  readonly type: "redisStatus";
  readonly status: RedisPublisher["status"];
}

export interface EgressLogMessage {
  readonly type: "log";
  readonly level: "info" | "warn" | "error";
  readonly fields: object;
  readonly text: string;
}

const STATUS_EVERY_MS = 250;
/**
 * The log and Redis may be so much behind: one write, one batch for all that came meanwhile. What comes
 * after a pause goes out at once.
 */
const MAX_LINGER_MS = 10;
/** Shorter with a small ring: at this rate it must not be full before the end. */
const EVENTS_PER_MS = 4096;

const data = workerData as EgressWorkerData;
const port = parentPort;
if (port === null) throw new Error("the egress stage runs in a worker thread");
giveWay();

const disk = new NodeDisk();
const writer = data.isRecording
  ? EventLogWriter.open(disk, eventsPath(data.dataDirectory), {
      directoryId: data.directoryId,
      epoch: data.epoch,
      journalLastSeq: data.journalLastSeq,
      journalDurability: data.journalDurability,
      segmentBytes: data.segmentBytes,
      opened: data.log,
    })
  : undefined;
const stage = new EventLogStage(data.memory, {
  writer,
  status: new EventLogStatus(data.status),
  from: data.from,
  complete: data.from && { checkpoint: data.checkpoint },
});

let publisher: RedisPublisher | null = null;
let statusTimer: NodeJS.Timeout | null = null;
const anchors = new AnchorQueue((anchor) =>
  locateAnchor(disk, data.dataDirectory, anchor).catch(haltIfDamaged("journalDamaged")),
);
const control = new Int32Array(data.memory.control);

const waking = {
  name: stage.name,
  doWork(): number {
    // Before the events: those of all commands up to there are then in the ring.
    const matched = Atomics.load(control, ControlWord.matched);
    const durable = Atomics.load(control, ControlWord.durable);
    const work = stage.doWork();
    if (work > 0) publisher?.wake();
    if (anchors.isWaiting) noteLogged(work, ((matched - durable) | 0) < 0 ? matched : durable);
    return work;
  },
};

/** done: low 32 bits of the last command whose events could be logged in this round. */
function noteLogged(work: number, done: number): void {
  // Anchors come when the journal is open, so this is near its end.
  const near = Math.max(anchors.loggedSeq, data.journalLastSeq);
  if (work === 0) anchors.loggedSeq = widenSeq(near, done);
  // Events of the last command may still be missing.
  else anchors.loggedSeq = Math.max(anchors.loggedSeq, stage.status.read().lastSeq - 1);
}
const bell = new Doorbell(data.memory, Bell.egress);
function die(error: Error): void {
  // Out of the loop's promise, so that the thread dies of it and the process learns why.
  setImmediate(() => {
    throw error;
  });
}
const eventSlots = data.memory.events.byteLength / RECORD_BYTES;
const lingerMs = Math.min(MAX_LINGER_MS, eventSlots / EVENTS_PER_MS);
const loop = new AsyncLoop([waking], bell, die, { lingerMs });

function log(level: EgressLogMessage["level"]) {
  return (fields: object, text: string) => {
    port?.postMessage({ type: "log", level, fields, text } satisfies EgressLogMessage);
  };
}

function publish(request: Extract<EgressRequest, { type: "publish" }>): void {
  publisher = new RedisPublisher({
    access: request.access,
    source: new LogEventSource(disk, eventsPath(data.dataDirectory)),
    identity: { directoryId: request.directoryId, epoch: request.epoch },
    log: { info: log("info"), warn: log("warn"), error: log("error") },
    batchBytes: request.batchBytes,
    keepEntries: request.keepEntries,
    anchors,
  });
  publisher.start();
  statusTimer = setInterval(sendStatus, STATUS_EVERY_MS);
}

function sendStatus(): void {
  if (publisher === null) return;
  port?.postMessage({ type: "redisStatus", status: publisher.status } satisfies RedisStatusMessage);
}

async function stop(drainMs: number): Promise<void> {
  await publisher?.stop(drainMs);
  if (statusTimer !== null) clearInterval(statusTimer);
  sendStatus();
  await loop.stop();
  stage.close();
  port?.postMessage({ type: "stopped" });
  port?.close();
}

port.on("message", (request: EgressRequest) => {
  if (request.type === "publish") publish(request);
  else if (request.type === "anchor") {
    anchors.add(request.anchor);
    publisher?.wake();
  } else void stop(request.drainMs);
});
loop.start();
port.postMessage({ type: "ready" });
