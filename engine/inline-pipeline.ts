// Hot path: no allocation here.
import { assert } from "../protocol/assert.ts";
import { CommandRing } from "../protocol/rings/command-ring.ts";
import { EventRingReader, EventRingWriter } from "../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
  workerWord,
} from "../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../protocol/stage.ts";
import { Engine, type EngineCapacity } from "./engine.ts";
import { JournalStage } from "./journal/journal-stage.ts";
import { RiskStage } from "./risk/risk-stage.ts";
import { Sequencer } from "./sequencer.ts";

/** Stages that record what passes; without them nothing is recorded and all is durable at once. */
export interface Recorders {
  readonly journal: JournalStage;
  /** Consumes the cursor `eventsLogged`. */
  readonly eventLog: Stage;
}

export interface InlinePipelineOptions {
  readonly capacity: EngineCapacity;
  /** Power of two: commands that may wait for the disk together. */
  readonly commandSlots?: number;
  /** Power of two. */
  readonly eventSlots?: number;
  readonly recorders?: (memory: PipelineMemory) => Recorders;
  /** Each event once, as soon as its command is matched. */
  readonly onMatched: (view: DataView, offset: number) => void;
  /** Each event once, in order, when its command is as durable as was asked for. */
  readonly onDurable: (view: DataView, offset: number) => void;
}

/**
 * The whole pipeline in one thread: the same stages on the same rings as in the server, run in turn.
 * Every command is checked and matched before the next one is taken; recording happens in batches.
 */
export class InlinePipeline {
  readonly engine: Engine;
  /** Where commands are written, at `next()`. */
  readonly view: DataView;
  readonly #options: InlinePipelineOptions;
  readonly #sequencer: Sequencer;
  readonly #ring: CommandRing;
  readonly #control: Int32Array;
  readonly #risk: RiskStage;
  readonly #journal: JournalStage;
  readonly #eventLog: Stage | undefined;
  readonly #events: EventRingWriter;
  readonly #reader: EventRingReader;
  #stampUs = 0;
  /** Events that onMatched has had and onDurable has not. */
  #ahead = 0;

  constructor(options: InlinePipelineOptions) {
    const memory = createPipelineMemory({
      commandSlots: options.commandSlots ?? 4096,
      eventSlots: options.eventSlots ?? 16384,
      riskWorkers: 1,
    });
    this.#options = options;
    this.#control = new Int32Array(memory.control);
    this.#sequencer = new Sequencer(memory, () => this.#stampUs);
    this.#ring = new CommandRing(memory);
    this.#risk = new RiskStage(memory, 0);
    const recorders = options.recorders?.(memory);
    this.#journal =
      recorders?.journal ?? new JournalStage(memory, { recoveredSeq: 0, openWriter: undefined });
    this.#eventLog = recorders?.eventLog;
    const consumers = [ControlWord.eventsGateway, workerWord(ControlWord.eventsRisk, 0)];
    if (this.#eventLog !== undefined) consumers.push(ControlWord.eventsLogged);
    this.#events = new EventRingWriter(memory, consumers, () => this.#makeRoom());
    this.#reader = new EventRingReader(memory, ControlWord.eventsGateway);
    this.engine = new Engine(options.capacity, this.#events);
    this.view = this.#ring.view;
  }

  get lastSeq(): number {
    return this.#sequencer.lastSeq;
  }

  get lastTimestampUs(): number {
    return this.#sequencer.lastTimestampUs;
  }

  /** Byte offset in `view` for the next command. */
  next(): number {
    if (this.#sequencer.free() === 0) this.settle();
    return this.#sequencer.next();
  }

  /**
   * Sequences the command that was written at `next()`, with this timestamp (or the last one, if that
   * is later), and matches it. Returns its seq.
   */
  commit(timestampUs: number): number {
    this.#stampUs = timestampUs;
    const seq = this.#sequencer.commit();
    this.#match(seq);
    return seq;
  }

  /** A command that has its place, time and verdict already: see Sequencer.replay. */
  replay(source: DataView, offset: number, length: number): void {
    this.next();
    this.#sequencer.replay(source, offset, length);
    this.#match(this.#sequencer.lastSeq);
  }

  /** Makes everything durable and gives it to onDurable. */
  settle(): void {
    const { lastSeq } = this.#sequencer;
    while (this.#ahead > 0 || Atomics.load(this.#control, ControlWord.durable) !== (lastSeq | 0)) {
      assert(this.#record() > 0, "what is matched can be recorded and given out");
    }
  }

  #match(seq: number): void {
    const offset = this.#ring.offsetOf(seq);
    while (((this.#ring.checked() - seq) | 0) < 0) {
      assert(this.#risk.doWork() > 0, "a verdict needs nothing but the commands before");
    }
    this.engine.apply(this.view, offset);
    this.#events.publish();
    Atomics.store(this.#control, ControlWord.matched, seq | 0);
    this.#look();
    if (this.#eventLog === undefined) this.#record();
  }

  /** The event ring is full in the middle of a command. */
  #makeRoom(): void {
    this.#risk.doWork(); // absorbs
    this.#look();
    this.#record();
  }

  #record(): number {
    let work = this.#journal.doWork();
    work += this.#eventLog?.doWork() ?? 0;
    return work + this.#giveOut();
  }

  #look(): void {
    const available = this.#reader.available();
    for (; this.#ahead < available; this.#ahead++) {
      this.#options.onMatched(this.#reader.view, this.#reader.offsetOf(this.#ahead));
    }
  }

  #giveOut(): number {
    const { view } = this.#reader;
    const durable = Atomics.load(this.#control, ControlWord.durable);
    let count = 0;
    while (count < this.#ahead) {
      const offset = this.#reader.offsetOf(count);
      if (((durable - view.getInt32(offset + 8, true)) | 0) < 0) break;
      this.#options.onDurable(view, offset);
      count++;
    }
    if (count === 0) return 0;
    this.#ahead -= count;
    this.#reader.advance(count);
    return count;
  }
}
