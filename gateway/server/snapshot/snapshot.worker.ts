import { parentPort, workerData } from "node:worker_threads";
import type { EngineCapacity } from "../../../engine/engine.ts";
import { toHex } from "../../../engine/journal/block-format.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import {
  isGoodSnapshot,
  removeUnfinished,
  retainSnapshots,
  writeSnapshot,
} from "../../../engine/snapshot/snapshot-store.ts";
import { giveWay } from "../../../engine/threads/background.ts";
import { Shadow } from "./shadow.ts";

export interface SnapshotWorkerData {
  readonly dataDirectory: string;
  readonly capacity: EngineCapacity;
}

/** Main thread to worker: all commands up to seq are durable. */
export interface SnapshotRequest {
  readonly type: "take";
  readonly seq: number;
}

/** Worker to main thread. */
export interface SnapshotTakenMessage {
  readonly type: "taken";
  readonly snapshot: {
    readonly seq: number;
    readonly path: string;
    readonly bytes: number;
    /** 32 hexadecimal digits. */
    readonly stateHash: string;
    readonly eventHash: string;
    readonly events: number;
    readonly trades: number;
    readonly chain: string;
    /** To come to the command, and then to write and verify the file. */
    readonly followMs: number;
    readonly writeMs: number;
    readonly removed: readonly number[];
    /** Good ones that a start may begin with, this one first. */
    readonly forRecovery: readonly number[];
  };
}

export interface SnapshotFailedMessage {
  readonly type: "failed";
  readonly seq: number;
  readonly message: string;
}

/** Commands between two looks at the messages. */
const SLICE = 4096;
/** The journal has the command, but its reader may be a moment behind. */
const NAP_MS = 5;

const { dataDirectory, capacity } = workerData as SnapshotWorkerData;
const disk = new NodeDisk();
giveWay();
let shadow: Shadow | null = null;
/** Each file is read once for this. */
const looked = new Map<number, boolean>();

function isGood(seq: number): boolean {
  const known = looked.get(seq) ?? isGoodSnapshot(disk, dataDirectory, seq);
  looked.set(seq, known);
  return known;
}

async function take(seq: number): Promise<void> {
  const startedMs = performance.now();
  if (shadow === null) {
    removeUnfinished(disk, dataDirectory);
    shadow = new Shadow(disk, dataDirectory, { capacity, atMost: seq, live: true });
  }
  while (shadow.lastSeq < seq) {
    const count = shadow.advance(seq, SLICE);
    await new Promise((resolve) => setTimeout(resolve, count === 0 ? NAP_MS : 0));
  }
  const followedMs = performance.now();
  const { bytes, place } = shadow.snapshot();
  const check = shadow;
  const path = writeSnapshot(disk, dataDirectory, place.seq, bytes, (snapshot) =>
    check.verify(snapshot),
  );
  looked.set(place.seq, true); // it was read back
  const { removed, forRecovery } = retainSnapshots(disk, dataDirectory, isGood);
  const words = Array.from(place.stateHash, (word) => word.toString(16).padStart(8, "0"));
  const message: SnapshotTakenMessage = {
    type: "taken",
    snapshot: {
      seq: place.seq,
      path,
      bytes: bytes.length,
      stateHash: words.join(""),
      eventHash: check.eventHash,
      events: place.eventCount,
      trades: place.tradeCount,
      chain: toHex(place.chain),
      followMs: Math.round(followedMs - startedMs),
      writeMs: Math.round(performance.now() - followedMs),
      removed,
      forRecovery,
    },
  };
  parentPort?.postMessage(message);
}

parentPort?.on("message", ({ seq }: SnapshotRequest) => {
  take(seq).catch((error: unknown) => {
    // What it has followed may be half a command old: the next one starts from the files again.
    shadow?.close();
    shadow = null;
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ type: "failed", seq, message } satisfies SnapshotFailedMessage);
  });
});
