import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import type { UnreadHistory } from "../../engine/journal/history.ts";
import type { HistoryMessage, HistoryWorkerData } from "../../engine/threads/history.worker.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import type { ServerStatus } from "../http/server-status.ts";

export interface HistoryOptions extends UnreadHistory {
  readonly dataDirectory: string;
  /** Seqs of commands that are taken out of the journal. */
  readonly skips: readonly number[];
  /** At the start: up to here everything is read when the check is at its end. */
  readonly lastSeq: number;
  /** How many times as long as it has worked the thread rests. */
  readonly restsEach?: number;
}

/**
 * Has everything read that a start has not: a snapshot stands for it, so damage there is found by nobody
 * until it is needed. In a thread of its own that gives way, once; then the thread is gone. Damage is
 * said, and nothing else is done about it: what is in memory is right.
 */
export class HistoryCheck {
  status: ServerStatus["history"] = { state: "checking", checkedSeq: 0, damage: null };
  readonly #log: Logger;
  #worker: Worker | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  begin(options: HistoryOptions): void {
    const { journal, events, dataDirectory, skips, lastSeq, restsEach } = options;
    if (journal === undefined && events === undefined) {
      this.#whole(lastSeq);
      return;
    }
    const startedMs = performance.now();
    const unread = { journal, events };
    const rests = restsEach === undefined ? {} : { restsEach };
    const workerData: HistoryWorkerData = { dataDirectory, unread, skips, ...rests };
    const file = compiledFile("engine/threads/history.worker.js");
    const worker = new Worker(file, { workerData, name: "history" });
    this.#worker = worker;
    worker.on("message", (message: HistoryMessage) => {
      if (message.type === "checked") this.status = { ...this.status, checkedSeq: message.seq };
      else if (message.type === "damaged") this.#damaged(message.damage);
      else {
        this.#whole(lastSeq);
        const seconds = Math.round(performance.now() - startedMs) / 1000;
        this.#log.info({ lastSeq, seconds }, "all that the start had left unread is whole");
      }
    });
    worker.on("error", (error: Error) => {
      const { checkedSeq: seq } = this.status;
      const what = error.message;
      this.#damaged({ file: dataDirectory, offset: 0, seq, code: "checkFailed", what });
    });
    worker.on("exit", () => {
      this.#worker = null;
    });
    worker.unref();
  }

  /** There is a thread at work. */
  get isReading(): boolean {
    return this.#worker !== null;
  }

  /** Ends the thread, wherever it is. */
  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #whole(checkedSeq: number): void {
    this.status = { state: "whole", checkedSeq, damage: null };
  }

  #damaged(damage: NonNullable<ServerStatus["history"]["damage"]>): void {
    this.status = { state: "damaged", checkedSeq: damage.seq, damage };
    this.#log.error(damage, "an earlier part of the journal or the event log is damaged");
  }
}
