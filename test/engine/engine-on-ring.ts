import { Engine, type EngineCapacity } from "../../engine/engine.ts";
import { EventRingReader, EventRingWriter } from "../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  RECORD_BYTES,
} from "../../protocol/rings/pipeline-memory.ts";
import {
  type PlainCommand,
  type PlainEvent,
  readEvent,
  writeRecord,
} from "../reference/records.ts";

/** The real engine with an event ring of its own, in one thread: plain commands in, plain events out. */
export class EngineOnRing {
  readonly engine: Engine;
  readonly #view = new DataView(new ArrayBuffer(RECORD_BYTES));
  readonly #writer: EventRingWriter;
  readonly #reader: EventRingReader;
  #events: PlainEvent[] = [];

  /** The ring is as small as a ring can be: a sweep is soon longer. */
  constructor(capacity: EngineCapacity, hashSeed = 0) {
    const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 64, riskWorkers: 1 });
    // What the engine does not write shows.
    new Uint8Array(memory.events).fill(0xa5);
    this.#reader = new EventRingReader(memory, ControlWord.eventsGateway);
    this.#writer = new EventRingWriter(memory, [ControlWord.eventsGateway], () => this.#drain());
    this.engine = new Engine(capacity, this.#writer, hashSeed);
  }

  apply(command: PlainCommand): PlainEvent[] {
    this.#events = [];
    writeRecord(command, this.#view, 0);
    this.engine.apply(this.#view, 0);
    this.#writer.publish();
    this.#drain();
    return this.#events;
  }

  bookRows(instrumentId: number) {
    return this.engine.bookRows(instrumentId);
  }

  #drain(): void {
    const count = this.#reader.available();
    for (let i = 0; i < count; i++) {
      this.#events.push(readEvent(this.#reader.view, this.#reader.offsetOf(i)));
    }
    this.#reader.advance(count);
  }
}
