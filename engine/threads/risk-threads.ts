import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { compiledFile } from "../../protocol/compiled-file.ts";
import {
  ControlWord,
  type PipelineMemory,
  RECORD_BYTES,
  widenSeq,
  workerWord,
} from "../../protocol/rings/pipeline-memory.ts";
import type { RiskTask } from "./risk.worker.ts";
import type { IdleStrategy } from "./stage-loop.ts";
import type { OnThreadDeath } from "./threads.ts";

const LOOK_EVERY_MS = 50;
const READY_POLL_MS = 1;
const HANG_TIMEOUT_MS = 2000;
/** An engine that waits for room asks many times in a millisecond: after so long it is another wait. */
const NEXT_WAIT_MS = 50;
/** A worker that dies so often without having been at work between: the fault is not the thread's. */
const MOST_DEATHS_IN_A_ROW = 3;

export interface RiskThreadsOptions {
  readonly memory: PipelineMemory;
  readonly idle: IdleStrategy;
  /** The process cannot go on. */
  readonly onDeath: OnThreadDeath;
  /** Of the journal and event log; undefined: nothing is recorded, so nothing can be rebuilt. */
  readonly dataDirectory?: string | undefined;
  /** A worker that does not move for so long while it could is taken for dead. Default: 2000. */
  readonly hangTimeoutMs?: number;
  readonly onChange?: (news: RiskNews) => void;
  /** Module of the task, and limits of its threads; default: the real one, none. */
  readonly file?: URL;
  /** The file to start from, checked; undefined: from the beginning. */
  readonly snapshot?: SharedArrayBuffer | undefined;
  readonly resourceLimits?: { readonly maxOldGenerationSizeMb: number };
}

/** `died`: its accounts' orders are refused from now on; `rebuilt`: they are checked again. */
export interface RiskNews {
  readonly what: "died" | "rebuilt";
  readonly worker: number;
  readonly reason?: string;
  /** How long its accounts were without it. */
  readonly downMs?: number;
}

interface Place {
  thread: Worker | undefined;
  running: Promise<void>;
  deathsInARow: number;
  downSinceMs: number;
  /** The cursor when last looked at, and for how many looks it has not moved. */
  checked: number;
  standsFor: number;
  isTakenOver: boolean;
  /** Events it had taken when the ring was last looked at, and since when it was full. */
  taken: number;
  fullSinceMs: number;
}

/**
 * The risk workers: one pool task each, for the life of the server. Once they are supervised, a
 * worker that dies or hangs gets a successor, which takes its place at once and rebuilds its state;
 * before that (in recovery) its death ends the process as any other thread's does.
 */
export class RiskThreads {
  /** Deaths that a successor has answered, since the start. */
  restarts = 0;
  readonly #options: RiskThreadsOptions;
  readonly #memory: PipelineMemory;
  readonly #control: Int32Array;
  readonly #pool: Piscina;
  readonly #places: Place[] = [];
  #lastSeq: () => number = () => 0;
  #look: NodeJS.Timeout | undefined;
  #roomCheckedMs = 0;
  #stopping = false;

  constructor(options: RiskThreadsOptions) {
    const { memory, resourceLimits, dataDirectory } = options;
    // One to spare, so that a successor need not wait for a thread to start: all others wait for it.
    const threads = memory.riskWorkers + (dataDirectory === undefined ? 0 : 1);
    this.#options = options;
    this.#memory = memory;
    this.#control = new Int32Array(memory.control);
    this.#pool = new Piscina({
      filename: (options.file ?? compiledFile("engine/threads/risk.worker.js")).href,
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      // A successor waits for its thread.
      maxQueue: Number.POSITIVE_INFINITY,
      atomics: "disabled",
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
    });
    // A thread without a task may die too: the pool starts another.
    this.#pool.on("error", () => undefined);
    for (let worker = 0; worker < memory.riskWorkers; worker++) {
      this.#places.push({
        thread: undefined,
        running: Promise.resolve(),
        deathsInARow: 0,
        downSinceMs: 0,
        checked: 0,
        standsFor: 0,
        isTakenOver: false,
        taken: 0,
        fullSinceMs: 0,
      });
      this.#run({ memory, worker, idle: options.idle, snapshot: options.snapshot });
    }
  }

  /** Resolves when every worker has taken its place. A death before is told to onDeath. */
  async ready(): Promise<void> {
    const isThere = (_: Place, worker: number) => this.#word(ControlWord.riskThread, worker) !== 0;
    while (!this.#stopping && !this.#places.every(isThere)) {
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  /** From now on deaths are answered. lastSeq: of the sequencer. */
  supervise(lastSeq: () => number): void {
    this.#lastSeq = lastSeq;
    this.#look = setInterval(() => this.#lookAtAll(), LOOK_EVERY_MS);
    this.#look.unref();
  }

  /** Workers whose accounts are being rebuilt. */
  get rebuilding(): number {
    return this.#places.filter((place) => place.isTakenOver).length;
  }

  /** The thread that a worker's task runs on; undefined: not started yet. */
  threadOf(worker: number): Worker | undefined {
    const id = Atomics.load(this.#control, workerWord(ControlWord.riskThread, worker));
    return this.#pool.threads.find(({ threadId }) => threadId === id);
  }

  /**
   * For an engine on the main thread that waits for room in the event ring: while it waits, nobody
   * here hears of a death. Throws where a worker has taken no event for twice the time that a hang may
   * last: the process must end then.
   */
  checkRoom(): void {
    const { hangTimeoutMs = HANG_TIMEOUT_MS } = this.#options;
    const published = Atomics.load(this.#control, ControlWord.eventsPublished);
    const slots = this.#memory.events.byteLength / RECORD_BYTES;
    const nowMs = performance.now();
    const hasGoneOn = nowMs - this.#roomCheckedMs > NEXT_WAIT_MS;
    this.#roomCheckedMs = nowMs;
    this.#places.forEach((place, worker) => {
      const taken = this.#word(ControlWord.eventsRisk, worker);
      if (hasGoneOn || ((published - taken) | 0) < slots || taken !== place.taken) {
        place.taken = taken;
        place.fullSinceMs = nowMs;
      } else if (nowMs - place.fullSinceMs > 2 * hangTimeoutMs) {
        throw new Error(`risk-${worker} takes no events, and their ring is full`);
      }
    });
  }

  stopping(): void {
    this.#stopping = true;
    clearInterval(this.#look);
  }

  async stopped(): Promise<void> {
    this.stopping();
    await Promise.all(this.#places.map(({ running }) => running));
    await this.#pool.destroy();
  }

  #run(task: RiskTask): void {
    const place = this.#places[task.worker] as Place;
    const ended = new Error("the risk task ended early");
    const run: Promise<unknown> = this.#pool.run(task, { name: "risk" });
    place.running = run.then(
      () => this.#onEnd(task.worker, ended),
      (error: Error) => this.#onEnd(task.worker, error),
    );
  }

  async #onEnd(worker: number, error: Error): Promise<void> {
    if (this.#stopping) return;
    const { dataDirectory, onDeath } = this.#options;
    const place = this.#places[worker] as Place;
    if (this.#look === undefined || dataDirectory === undefined) {
      onDeath(`risk-${worker}`, error);
      return;
    }
    place.deathsInARow++;
    if (place.deathsInARow > MOST_DEATHS_IN_A_ROW) {
      onDeath(`risk-${worker}`, error);
      return;
    }
    // The fence first: whatever it still does, it does not move its cursor any more.
    Atomics.add(this.#control, workerWord(ControlWord.riskGeneration, worker), 1);
    Atomics.store(this.#control, workerWord(ControlWord.riskRebuilding, worker), 1);
    // And only when it has really ended is there another one.
    await (place.thread ?? this.threadOf(worker))?.terminate();
    if (this.#stopping) return;
    place.thread = undefined;
    place.standsFor = 0;
    if (!place.isTakenOver) place.downSinceMs = performance.now();
    place.isTakenOver = true;
    this.restarts++;
    const low = Atomics.load(this.#control, workerWord(ControlWord.riskChecked, worker));
    // No cursor is further behind than the ring is long.
    const slots = this.#memory.commands.byteLength / RECORD_BYTES;
    const checkedSeq = widenSeq(this.#lastSeq() - slots, low);
    this.#options.onChange?.({ what: "died", worker, reason: error.message });
    this.#run({
      memory: this.#memory,
      worker,
      idle: this.#options.idle,
      takesOver: { dataDirectory, checkedSeq },
    });
  }

  #lookAtAll(): void {
    this.#places.forEach((place, worker) => {
      place.thread = this.threadOf(worker) ?? place.thread;
      const isRebuilding = this.#word(ControlWord.riskRebuilding, worker) !== 0;
      if (place.isTakenOver && !isRebuilding) {
        place.isTakenOver = false;
        place.deathsInARow = 0;
        const downMs = Math.round(performance.now() - place.downSinceMs);
        this.#options.onChange?.({ what: "rebuilt", worker, downMs });
      }
      if (this.#stands(place, worker)) place.standsFor++;
      else place.standsFor = 0;
      const { hangTimeoutMs = HANG_TIMEOUT_MS } = this.#options;
      // Looks are counted, not time: a process that was stopped as a whole has not hung.
      if (place.standsFor * LOOK_EVERY_MS < hangTimeoutMs) return;
      place.standsFor = 0;
      void place.thread?.terminate(); // its task rejects then
    });
  }

  /** It has commands to look at, need not wait for the engine, and has not moved since the last look. */
  #stands(place: Place, worker: number): boolean {
    const checked = this.#word(ControlWord.riskChecked, worker);
    const hasMoved = checked !== place.checked;
    place.checked = checked;
    if (hasMoved || checked === Atomics.load(this.#control, ControlWord.published)) return false;
    const waits = this.#word(ControlWord.riskWaits, worker) !== 0;
    return !waits || Atomics.load(this.#control, ControlWord.matched) === checked;
  }

  #word(group: number, worker: number): number {
    return Atomics.load(this.#control, workerWord(group, worker));
  }
}
