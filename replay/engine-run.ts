// The engine in one thread, without stages: commands in, events to a function.
import { Engine, type EngineCapacity } from "../engine/engine.ts";
import { EngineFault } from "../engine/engine-fault.ts";
import { raiseInliningBudget } from "../engine/inlining.ts";
import { getNumber } from "../engine/journal/block-format.ts";
import { SectionId } from "../engine/snapshot/rows.ts";
import type { Snapshot } from "../engine/snapshot/snapshot-format.ts";
import { InvariantError } from "../protocol/assert.ts";
import { RunningHash } from "../protocol/event-hash.ts";
import {
  ASSET_LENGTH,
  CHECKPOINT_TEMPLATE_ID,
  INSTRUMENT_LENGTH,
} from "../protocol/generated/events.ts";
import { InstrumentDirectory } from "../protocol/instrument-directory.ts";
import { EventRingReader, EventRingWriter } from "../protocol/rings/event-ring.ts";
import { ControlWord, createPipelineMemory } from "../protocol/rings/pipeline-memory.ts";

const COMMAND_SLOTS = 64;
const EVENT_SLOTS = 1 << 12;
const COMMANDS_AHEAD = 256;

/** Takes one event; the record is valid during the call only. */
export type EventFunction = (view: DataView, offset: number) => void;

export class EngineRun {
  readonly engine: Engine;
  /** As of the last event. */
  readonly instruments = new InstrumentDirectory();
  readonly #writer: EventRingWriter;
  readonly #reader: EventRingReader;
  readonly #hash = new RunningHash();
  readonly #onEvent: EventFunction;
  readonly #hashWords = new Uint32Array(4);
  #ahead = 0; // commands whose events have not been given out

  constructor(capacity: EngineCapacity, onEvent: EventFunction) {
    const memory = createPipelineMemory({
      commandSlots: COMMAND_SLOTS,
      eventSlots: EVENT_SLOTS,
      riskWorkers: 1,
    });
    this.#writer = new EventRingWriter(memory, [ControlWord.eventsLogged], () => this.#consume());
    this.#reader = new EventRingReader(memory, ControlWord.eventsLogged);
    this.#onEvent = onEvent;
    raiseInliningBudget();
    this.engine = new Engine(capacity, this.#writer);
  }

  /** Before the first command: goes on where the snapshot stands. Throws a DamageError. */
  restore({ rows, place }: Snapshot): void {
    this.engine.restore(rows, place);
    this.#hash.restore(place.eventHash, 0);
    for (const at of rows.rows(SectionId.assets, ASSET_LENGTH)) {
      this.instruments.onEvent(rows.view, at);
    }
    for (const at of rows.rows(SectionId.instruments, INSTRUMENT_LENGTH)) {
      this.instruments.onEvent(rows.view, at);
    }
  }

  /** Applies one command with its verdict; all its events have been given out on return. */
  apply(view: DataView, offset: number): void {
    this.#take(view, offset);
    this.#writer.publish();
    this.#consume();
  }

  /**
   * As `apply`, for whoever does not look at events command by command: they are given out later, in
   * order, by `giveOut` at the latest. Saves the hand-over that `apply` makes for each command.
   */
  applyAhead(view: DataView, offset: number): void {
    this.#take(view, offset);
    this.#ahead++;
    if (this.#ahead === COMMANDS_AHEAD) this.giveOut();
  }

  /** Throws an EngineFault; what whoever takes the events throws goes through as it is. */
  #take(view: DataView, offset: number): void {
    try {
      this.engine.apply(view, offset);
    } catch (error) {
      const isFault =
        error instanceof InvariantError ||
        error instanceof RangeError ||
        error instanceof TypeError;
      throw isFault ? new EngineFault(getNumber(view, offset + 8), error) : error;
    }
  }

  /** Gives out the events of all commands so far. */
  giveOut(): void {
    this.#ahead = 0;
    this.#writer.publish();
    this.#consume();
  }

  /** 32 hexadecimal digits. Takes time in the number of open orders. */
  stateHash(): string {
    this.engine.stateHash(this.#hashWords);
    return Array.from(this.#hashWords, (word) => word.toString(16).padStart(8, "0")).join("");
  }

  /** Over the public events so far, 32 hexadecimal digits. */
  eventHash(): string {
    return this.#hash.hex();
  }

  /** The state of that hash as four words, to compare with what a log has recorded. */
  saveEventHash(into: Int32Array): void {
    this.#hash.save(into, 0);
  }

  #consume(): void {
    const { view } = this.#reader;
    const count = this.#reader.available();
    for (let i = 0; i < count; i++) {
      const offset = this.#reader.offsetOf(i);
      if (view.getUint16(offset + 2, true) !== CHECKPOINT_TEMPLATE_ID) {
        this.#hash.update(view, offset, view.getUint16(offset, true));
        this.instruments.onEvent(view, offset);
      }
      this.#onEvent(view, offset);
    }
    if (count > 0) this.#reader.advance(count);
  }
}
