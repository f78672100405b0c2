import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { compiledFile } from "../../../protocol/compiled-file.ts";
import type {
  SnapshotFailedMessage,
  SnapshotRequest,
  SnapshotTakenMessage,
  SnapshotWorkerData,
} from "./snapshot.worker.ts";

export type TakenSnapshot = SnapshotTakenMessage["snapshot"];

/**
 * Has snapshots made by a thread of its own, one at a time: of commands that come while one is being
 * made only the last counts. A failure is logged and costs nothing but a longer restart.
 */
export class Snapshotter {
  /** The last one that is on the disk; null: none in this run. */
  last: TakenSnapshot | null = null;
  readonly #data: SnapshotWorkerData;
  readonly #log: Logger;
  readonly #onTaken: (snapshot: TakenSnapshot) => void;
  #worker: Worker | null = null;
  #busy = 0;
  #wanted = 0;
  #waiting: (() => void)[] = [];

  constructor(data: SnapshotWorkerData, log: Logger, onTaken: (snapshot: TakenSnapshot) => void) {
    this.#data = data;
    this.#log = log;
    this.#onTaken = onTaken;
  }

  /** Starts the thread, so that this does not fall into the first snapshot. */
  prepare(): void {
    this.#worker ??= this.#start();
  }

  /** The snapshot command `seq` is durable. */
  want(seq: number): void {
    if (seq <= this.#wanted) return;
    this.#wanted = seq;
    if (this.#busy === 0) this.#next();
  }

  /** Resolves when nothing is under way, or the time is up; then the thread ends. */
  async stop(waitMs: number): Promise<void> {
    if (this.#busy !== 0) {
      let timer: NodeJS.Timeout | undefined;
      const idle = new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        timer = setTimeout(resolve, waitMs);
      });
      await idle;
      clearTimeout(timer);
    }
    if (this.#busy !== 0) {
      this.#log.warn(
        { seq: this.#busy },
        "a snapshot was not finished: the next start takes longer",
      );
    }
    this.#wanted = 0;
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #next(): void {
    this.#busy = this.#wanted;
    this.#worker ??= this.#start();
    this.#worker.postMessage({ type: "take", seq: this.#busy } satisfies SnapshotRequest);
  }

  #start(): Worker {
    const file = compiledFile("gateway/server/snapshot/snapshot.worker.js");
    const worker = new Worker(file, { workerData: this.#data, name: "snapshot" });
    worker.on("message", (message: SnapshotTakenMessage | SnapshotFailedMessage) => {
      if (message.type === "failed") {
        this.#log.error({ seq: message.seq }, `no snapshot: ${message.message}`);
      } else {
        this.last = message.snapshot;
        this.#log.info(message.snapshot, "a snapshot is taken");
        this.#onTaken(message.snapshot);
      }
      this.#done();
    });
    worker.on("error", (err: Error) => {
      this.#log.error({ err, seq: this.#busy }, "the snapshot thread has died");
      this.#worker = null;
      this.#done();
    });
    worker.unref();
    return worker;
  }

  #done(): void {
    const done = this.#busy;
    this.#busy = 0;
    if (this.#wanted > done) {
      this.#next();
      return;
    }
    for (const resolve of this.#waiting) resolve();
    this.#waiting = [];
  }
}
