import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { AsyncLoop } from "../../gateway/server/async-loop.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, ControlWord, createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { HandOverWorkerData } from "./hand-over.worker.ts";

/**
 * The way of an order between threads without any of its work: from the event loop to a second thread (as
 * to the risk checks), to a third (as to the journal) and back, with the server's own doorbells, cursors
 * and idle strategies.
 */
export class HandOvers {
  readonly #control: Int32Array;
  readonly #first: Doorbell;
  /** In the order in which they were passed. */
  #waiting: (() => void)[] = [];
  #passed = 0;
  #returned = 0;

  private constructor(control: Int32Array, first: Doorbell) {
    this.#control = control;
    this.#first = first;
  }

  static async start(): Promise<HandOvers> {
    const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 64, riskWorkers: 1 });
    const threads: readonly Omit<HandOverWorkerData, "memory">[] = [
      {
        from: ControlWord.published,
        to: ControlWord.riskChecked,
        ownBell: Bell.risk,
        nextBell: Bell.journal,
      },
      {
        from: ControlWord.riskChecked,
        to: ControlWord.durable,
        ownBell: Bell.journal,
        nextBell: Bell.gateway,
      },
    ];
    for (const thread of threads) {
      const workerData: HandOverWorkerData = { memory, ...thread };
      const worker = new Worker(compiledFile("bench/yardsticks/hand-over.worker.js"), {
        workerData,
      });
      await once(worker, "message");
    }
    const control = new Int32Array(memory.control);
    const self = new HandOvers(control, new Doorbell(memory, Bell.risk));
    const loop = new AsyncLoop(
      [{ name: "return", doWork: () => self.#return() }],
      new Doorbell(memory, Bell.gateway),
      (error) => {
        throw error;
      },
    );
    loop.start();
    return self;
  }

  /** `done` is called when both other threads have had it, on this one. */
  pass(done: () => void): void {
    this.#waiting.push(done);
    this.#passed = (this.#passed + 1) | 0;
    Atomics.store(this.#control, ControlWord.published, this.#passed); // release
    this.#first.ring();
  }

  #return(): number {
    const back = Atomics.load(this.#control, ControlWord.durable); // acquire
    const work = (back - this.#returned) | 0;
    if (work === 0) return 0;
    this.#returned = back;
    const done = this.#waiting.splice(0, work);
    for (const call of done) call();
    return work;
  }
}
