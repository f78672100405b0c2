// The pipeline with real risk threads; the other stages run on this thread, on a real disk.
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { openMeta } from "../../engine/journal/data-directory.ts";
import { EventLogStage } from "../../engine/journal/event-log-stage.ts";
import { JournalStage } from "../../engine/journal/journal-stage.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import {
  inspectJournal,
  openEventLog,
  openJournal,
  settleJournal,
} from "../../engine/journal/opening.ts";
import { Ledger } from "../../engine/ledger/ledger.ts";
import { Sequencer } from "../../engine/sequencer.ts";
import { EngineStage } from "../../engine/threads/engine-stage.ts";
import { type RiskNews, RiskThreads } from "../../engine/threads/risk-threads.ts";
import { setStopWord } from "../../engine/threads/threads.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { EventRingReader } from "../../protocol/rings/event-ring.ts";
import { ControlWord, createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { type FaultyMemory, WORDS_A_WORKER } from "./faulty-risk.worker.ts";

export const CAPACITY = {
  ...DEFAULT_CAPACITY,
  orders: 65_536,
  levels: 4096,
  instruments: 4,
  accounts: 4096,
  assets: 8,
};
const HEAP_MB = 48;

export interface LiveOptions {
  readonly directory: string;
  readonly workers: number;
  readonly hangTimeoutMs?: number;
  /** Each event once, in order. */
  readonly onEvent?: (view: DataView, offset: number) => void;
  readonly onNews?: (news: RiskNews) => void;
}

export class LivePipeline {
  readonly ledger = new Ledger();
  readonly instruments = new InstrumentDirectory();
  readonly threads: RiskThreads;
  readonly memory: FaultyMemory;
  /** What ended the pipeline, where something did. */
  fault: Error | null = null;
  readonly #faults: Int32Array;
  readonly #control: Int32Array;
  readonly #sequencer: Sequencer;
  readonly #gateway: EventRingReader;
  readonly #engine: EngineStage;
  readonly #journal: JournalStage;
  readonly #log: EventLogStage;
  readonly #onEvent: (view: DataView, offset: number) => void;

  /** directory: empty. */
  constructor({ directory, workers, hangTimeoutMs, onEvent, onNews }: LiveOptions) {
    const disk = new NodeDisk();
    openMeta(disk, directory, { nowUs: Date.now() * 1000, capacity: CAPACITY });
    const end = inspectJournal(disk, directory);
    settleJournal(disk, end);
    this.memory = {
      ...createPipelineMemory({ commandSlots: 1024, eventSlots: 8192, riskWorkers: workers }),
      faults: new SharedArrayBuffer(4 * WORDS_A_WORKER * workers),
    };
    const { memory } = this;
    this.#faults = new Int32Array(memory.faults);
    this.#control = new Int32Array(memory.control);
    this.#sequencer = new Sequencer(memory, () => Date.now() * 1000);
    this.#gateway = new EventRingReader(memory, ControlWord.eventsGateway);
    this.#engine = new EngineStage(memory, CAPACITY);
    this.#log = new EventLogStage(memory, { writer: openEventLog(disk, directory, end, {}) });
    this.#journal = new JournalStage(memory, {
      recoveredSeq: 0,
      openWriter: () => openJournal(disk, directory, end, { durability: "os" }),
    });
    this.#onEvent = onEvent ?? (() => {});
    this.threads = new RiskThreads({
      memory,
      idle: { spins: 40, maxSleepMs: 5 },
      dataDirectory: directory,
      onDeath: (role, error) => {
        this.fault = new Error(`${role}: ${error.message}`, { cause: error });
      },
      file: compiledFile("test/risk/faulty-risk.worker.js"),
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      ...(hangTimeoutMs === undefined ? {} : { hangTimeoutMs }),
      ...(onNews === undefined ? {} : { onChange: onNews }),
    });
    this.threads.supervise(() => this.#sequencer.lastSeq);
  }

  get lastSeq(): number {
    return this.#sequencer.lastSeq;
  }

  /** False: the ring is full. */
  trySend(json: Record<string, unknown>): boolean {
    if (this.#sequencer.free() === 0) return false;
    const offset = this.#sequencer.next();
    const rights = { admin: true, accountRequired: true };
    encodeCommand({ account: 1, ...json }, this.instruments, this.#sequencer.view, offset, rights);
    this.#sequencer.commit();
    return true;
  }

  async send(json: Record<string, unknown>): Promise<void> {
    while (!this.trySend(json)) await this.turn();
  }

  /** One round of all stages, and a turn for the event loop. */
  async turn(): Promise<void> {
    if (this.fault !== null) throw this.fault;
    const work = this.round();
    // The workers need the processor too.
    await new Promise((resolve) => (work > 0 ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }

  round(): number {
    let work = this.#engine.doWork() + this.#journal.doWork() + this.#log.doWork();
    const count = this.#gateway.available();
    for (let i = 0; i < count; i++) {
      const offset = this.#gateway.offsetOf(i);
      this.instruments.onEvent(this.#gateway.view, offset);
      this.ledger.onEvent(this.#gateway.view, offset);
      this.#onEvent(this.#gateway.view, offset);
    }
    this.#gateway.advance(count);
    work += count;
    return work;
  }

  /** Until everything that was sent is matched, logged and seen. */
  async settle(): Promise<void> {
    const last = this.lastSeq | 0;
    const word = (index: number) => Atomics.load(this.#control, index);
    while (
      word(ControlWord.matched) !== last ||
      word(ControlWord.durable) !== last ||
      word(ControlWord.eventsLogged) !== word(ControlWord.eventsPublished) ||
      word(ControlWord.eventsGateway) !== word(ControlWord.eventsPublished)
    ) {
      await this.turn();
    }
  }

  /** The worker's next round fails so (see Fault). */
  cue(worker: number, fault: number): void {
    Atomics.store(this.#faults, worker * WORDS_A_WORKER, fault);
  }

  /** Faults that came, of those on cue. */
  faultsOf(worker: number): number {
    return Atomics.load(this.#faults, worker * WORDS_A_WORKER + 1);
  }

  async close(): Promise<void> {
    await this.settle();
    this.threads.stopping();
    setStopWord(this.memory);
    await this.threads.stopped();
    this.#journal.close();
    this.#log.close();
  }
}
