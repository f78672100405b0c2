// Hot path: no allocation here.
import { ControlWord, type PipelineMemory, RECORD_BYTES, workerWord } from "./pipeline-memory.ts";

/**
 * The engine's end of the event ring. `claim` gives the place for one event, `commit` counts it,
 * `publish` shows all committed events to the consumers. A command may emit more events than the
 * ring holds: a full ring publishes what there is and waits (`onFull`) for the slowest consumer.
 */
export class EventRingWriter {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly #mask: number;
  readonly #slotCount: number;
  readonly #control: Int32Array;
  readonly #consumers: readonly number[];
  readonly #onFull: () => void;
  #committed: number;
  #published: number;
  #cachedSlowest: number;

  /**
   * consumers: control word indexes of the consumers' cursors. onFull: called again and again while
   * there is no room; in a single thread it must make a consumer consume, in a thread of its own it
   * spins or sleeps a little.
   */
  constructor(memory: PipelineMemory, consumers: readonly number[], onFull: () => void) {
    this.view = new DataView(memory.events);
    this.bytes = new Uint8Array(memory.events);
    this.#slotCount = memory.events.byteLength / RECORD_BYTES;
    this.#mask = this.#slotCount - 1;
    this.#control = new Int32Array(memory.control);
    this.#consumers = consumers;
    this.#onFull = onFull;
    this.#committed = Atomics.load(this.#control, ControlWord.eventsPublished);
    this.#published = this.#committed;
    this.#cachedSlowest = this.#committed;
    this.#cachedSlowest = this.#slowest();
  }

  /** Byte offset in `view` where the next event is to be written. */
  claim(): number {
    if (((this.#committed - this.#cachedSlowest) | 0) === this.#slotCount) this.#waitForRoom();
    return (this.#committed & this.#mask) * RECORD_BYTES;
  }

  commit(): void {
    this.#committed = (this.#committed + 1) | 0;
  }

  /** Release: publishes all committed events. */
  publish(): void {
    if (this.#committed === this.#published) return;
    this.#published = this.#committed;
    Atomics.store(this.#control, ControlWord.eventsPublished, this.#committed);
  }

  #waitForRoom(): void {
    this.publish();
    this.#cachedSlowest = this.#slowest();
    while (((this.#committed - this.#cachedSlowest) | 0) === this.#slotCount) {
      this.#onFull();
      this.#cachedSlowest = this.#slowest();
    }
  }

  #slowest(): number {
    let slowest = this.#committed;
    for (let i = 0; i < this.#consumers.length; i++) {
      // Acquire: what the consumer has read may now be overwritten.
      const cursor = Atomics.load(this.#control, this.#consumers[i] as number);
      if (((cursor - slowest) | 0) < 0) slowest = cursor;
    }
    return slowest;
  }
}

/** One consumer's end of the event ring: look at `offset()`s, then `advance`. */
export class EventRingReader {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly #mask: number;
  readonly #control: Int32Array;
  readonly #cursorWord: number;
  #consumed: number;

  /** cursorWord: this consumer's own control word; only this reader writes it. */
  constructor(memory: PipelineMemory, cursorWord: number) {
    this.view = new DataView(memory.events);
    this.bytes = new Uint8Array(memory.events);
    this.#mask = memory.events.byteLength / RECORD_BYTES - 1;
    this.#control = new Int32Array(memory.control);
    this.#cursorWord = cursorWord;
    this.#consumed = Atomics.load(this.#control, cursorWord);
  }

  /** Acquire: events that may be read now. */
  available(): number {
    return (Atomics.load(this.#control, ControlWord.eventsPublished) - this.#consumed) | 0;
  }

  /** Byte offset in `view` of the event `ahead` places after the next one (0: the next). */
  offsetOf(ahead: number): number {
    return ((this.#consumed + ahead) & this.#mask) * RECORD_BYTES;
  }

  /** Release: gives `count` events back to the writer; do not touch them afterwards. */
  advance(count: number): void {
    this.#consumed = (this.#consumed + count) | 0;
    Atomics.store(this.#control, this.#cursorWord, this.#consumed);
  }
}

/** The cursors of all consumers of a pipeline with gateway and event log. */
export function allEventConsumers(memory: PipelineMemory): number[] {
  const words: number[] = [ControlWord.eventsGateway, ControlWord.eventsLogged];
  for (let worker = 0; worker < memory.riskWorkers; worker++) {
    words.push(workerWord(ControlWord.eventsRisk, worker));
  }
  return words;
}
