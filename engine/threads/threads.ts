import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, ControlWord, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { EngineWorkerData } from "./engine.worker.ts";

/** Reports the unexpected end of a thread: the process must say why and exit. */
export type OnThreadDeath = (role: string, error: Error) => void;

/** What a worker thread says to the main thread when it can take part. */
export interface ReadyMessage {
  readonly type: "ready";
}

/**
 * A thread that is meant to live until the stop word is set. Its death before that is reported once;
 * an error it throws on start rejects `ready` instead.
 */
export class StageThread<Ready extends ReadyMessage = ReadyMessage> {
  readonly role: string;
  readonly ready: Promise<Ready>;
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  #stopping = false;

  constructor(role: string, file: URL, workerData: unknown, onDeath: OnThreadDeath) {
    this.role = role;
    this.#worker = new Worker(file, { workerData, name: role });
    this.#exited = once(this.#worker, "exit");
    let started = false;
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on("message", (message: Ready) => {
        if (message.type !== "ready") return;
        started = true;
        resolve(message);
      });
      this.#worker.on("error", (error: Error) => {
        if (!started) reject(error);
        else if (!this.#stopping) onDeath(role, error);
        this.#stopping = true;
      });
      this.#worker.on("exit", (code) => {
        const error = new Error(`thread ${role} ended unexpectedly with code ${code}`);
        if (!started) reject(error);
        else if (!this.#stopping) onDeath(role, error);
      });
    });
  }

  /** Other messages than `ready`. */
  onMessage(listener: (message: { readonly type: string }) => void): void {
    this.#worker.on("message", listener);
  }

  post(message: unknown): void {
    this.#worker.postMessage(message);
  }

  /** The stop word is set: its end is no news from now on. */
  async stopped(): Promise<void> {
    this.#stopping = true;
    await this.#exited;
  }

  stopping(): void {
    this.#stopping = true;
  }
}

export function startEngineThread(data: EngineWorkerData, onDeath: OnThreadDeath): StageThread {
  return new StageThread("engine", compiledFile("engine/threads/engine.worker.js"), data, onDeath);
}

/** Ends all stage loops: each returns once it has no work left. */
export function setStopWord(memory: PipelineMemory): void {
  Atomics.store(new Int32Array(memory.control), ControlWord.stop, 1);
  for (let bell = 0; bell < Bell.risk + memory.riskWorkers; bell++) {
    new Doorbell(memory, bell).ring();
  }
}
