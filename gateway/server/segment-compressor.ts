import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import type {
  CompressedMessage,
  CompressWorkerData,
} from "../../engine/threads/compress.worker.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";

/**
 * Compresses old segments in a thread of its own, one run at a time. A run that fails is logged and
 * costs nothing but room: the segments are there as they were, and the next run tries again.
 */
export class SegmentCompressor {
  readonly #dataDirectory: string;
  readonly #log: Logger;
  #worker: Worker | null = null;
  #coveredSeq = 0;
  #doneSeq = 0;
  #stopped = false;

  constructor(dataDirectory: string, log: Logger) {
    this.#dataDirectory = dataDirectory;
    this.#log = log;
  }

  /** What ends at or before `seq` is no longer needed for a start: two snapshots stand behind it. */
  cover(seq: number): void {
    this.#coveredSeq = Math.max(this.#coveredSeq, seq);
    this.#run();
  }

  /** A segment that is half done stays as it was. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#worker?.terminate();
  }

  #run(): void {
    if (this.#stopped || this.#worker !== null || this.#coveredSeq === this.#doneSeq) return;
    const workerData: CompressWorkerData = {
      dataDirectory: this.#dataDirectory,
      coveredSeq: this.#coveredSeq,
    };
    this.#doneSeq = this.#coveredSeq;
    const file = compiledFile("engine/threads/compress.worker.js");
    const worker = new Worker(file, { workerData, name: "compress" });
    this.#worker = worker;
    worker.on("message", ({ segment }: CompressedMessage) => {
      this.#log.info(segment, "a segment is compressed");
    });
    worker.on("error", (err: Error) => this.#log.warn({ err }, "a segment cannot be compressed"));
    worker.on("exit", () => {
      this.#worker = null;
      this.#run();
    });
  }
}
