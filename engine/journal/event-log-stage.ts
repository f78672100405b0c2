// Hot path: no allocation here.
import { RunningHash } from "../../protocol/event-hash.ts";
import {
  CHECKPOINT_EVENT_COUNT_OFFSET,
  CHECKPOINT_STATE_HASH0_OFFSET,
  CHECKPOINT_TEMPLATE_ID,
  CHECKPOINT_TRADE_COUNT_OFFSET,
} from "../../protocol/generated/events.ts";
import { EventRingReader } from "../../protocol/rings/event-ring.ts";
import { ControlWord, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import { getNumber } from "./block-format.ts";
import { JournalError } from "./errors.ts";
import { EventLogStatus } from "./event-log-status.ts";
import { EVENT_INDEX_OFFSET, type EventLogWriter } from "./event-log-writer.ts";

const MAX_EVENTS = 4096;

export interface EventLogStageOptions {
  /** undefined: nothing is recorded (durability `none`), but events are counted and hashed. */
  readonly writer: EventLogWriter | undefined;
  readonly status?: EventLogStatus;
  /** Where a replay starts in the middle: what the events up to there have come to. */
  readonly from?: EventPlace | undefined;
  /** The log holds every event up to `from`, and no other. checkpoint: the last snapshot command. */
  readonly complete?: { readonly checkpoint: EventPlace | undefined } | undefined;
}

/** The checkpoint of a snapshot command, and count and hash of the public events before it. */
export interface EventPlace {
  readonly seq: number;
  readonly eventCount: number;
  readonly tradeCount: number;
  readonly eventHash: Int32Array;
  readonly stateHash: Uint32Array;
}

/**
 * Records the events of durable commands, those that the log does not hold yet. Starts at the first
 * event of all; what replay gives again is compared with what the log says it recorded.
 */
export class EventLogStage implements Stage {
  readonly name = "eventLog";
  readonly status: EventLogStatus;
  /** Public events so far. */
  eventCount = 0;
  readonly #reader: EventRingReader;
  readonly #control: Int32Array;
  readonly #writer: EventLogWriter | undefined;
  readonly #hash = new RunningHash();
  readonly #hashState = new Int32Array(4);
  // Up to here the log holds the events already.
  readonly #heldSeq: number;
  readonly #heldIndex: number;
  #isCatchingUp: boolean;

  constructor(memory: PipelineMemory, options: EventLogStageOptions) {
    this.#reader = new EventRingReader(memory, ControlWord.eventsLogged);
    this.#control = new Int32Array(memory.control);
    this.#writer = options.writer;
    this.status = options.status ?? new EventLogStatus();
    this.#heldSeq = options.writer?.lastSeq ?? 0;
    this.#heldIndex = options.writer?.lastIndex ?? 0;
    this.#isCatchingUp = this.#heldSeq > 0;
    this.status.begin();
    this.status.setLast(this.#heldSeq, this.#heldIndex);
    if (options.from !== undefined && options.complete === undefined) this.#startFrom(options.from);
    if (options.from !== undefined && options.complete !== undefined) {
      this.#count(options.from);
      if (options.complete.checkpoint !== undefined) this.#startAt(options.complete.checkpoint);
      this.#isCatchingUp = false;
    }
    this.status.end();
  }

  #startFrom(from: EventPlace): void {
    this.#count(from);
    this.#startAt(from);
    // A checkpoint is the only event of its command.
    if (this.#heldSeq === from.seq && this.#isCatchingUp) this.#catchUp(from.seq, 0);
  }

  #count({ eventCount, eventHash }: EventPlace): void {
    this.eventCount = eventCount;
    this.#hash.restore(eventHash, 0);
    this.status.setEvents(eventCount, this.#hash);
  }

  #startAt({ seq, eventCount, tradeCount, eventHash, stateHash }: EventPlace): void {
    const words = new DataView(stateHash.slice().buffer);
    const hash = { word: (index: number) => eventHash[index] as number };
    this.status.setCheckpoint(seq, eventCount, tradeCount, words, 0, hash);
  }

  /** The running hash over the public events so far, 32 hexadecimal digits. Cold. */
  get eventHash(): string {
    return this.#hash.hex();
  }

  /** Throws a JournalError: writeFailed, or eventLogDisagrees. */
  doWork(): number {
    const available = Math.min(this.#reader.available(), MAX_EVENTS);
    if (available === 0) return 0;
    // Acquire: the commands up to here are as durable as was asked for.
    const durable = Atomics.load(this.#control, ControlWord.durable);
    const { view } = this.#reader;
    let count = 0;
    let seq = 0;
    let index = 0;
    while (count < available) {
      const offset = this.#reader.offsetOf(count);
      if (((durable - view.getInt32(offset + 8, true)) | 0) < 0) break;
      seq = getNumber(view, offset + 8);
      index = view.getUint32(offset + EVENT_INDEX_OFFSET, true);
      this.#take(view, offset, seq, index);
      count++;
    }
    if (count === 0) return 0;
    this.#writer?.flush(this.#hash, this.eventCount);
    this.#publish(seq, index);
    this.#reader.advance(count); // release
    return count;
  }

  close(): void {
    this.#writer?.close();
  }

  #take(view: DataView, offset: number, seq: number, index: number): void {
    const length = view.getUint16(offset, true);
    const writer = this.#isCatchingUp ? undefined : this.#writer;
    if (writer !== undefined && !writer.hasRoom(length)) writer.flush(this.#hash, this.eventCount);
    if (view.getUint16(offset + 2, true) === CHECKPOINT_TEMPLATE_ID) {
      this.#check(view, offset, seq);
    } else {
      this.#hash.update(view, offset, length);
      this.eventCount++;
    }
    if (writer !== undefined) writer.append(this.#reader.bytes, offset, length);
    else if (this.#isCatchingUp) this.#catchUp(seq, index);
  }

  /** The engine counts too; the two must agree. */
  #check(view: DataView, offset: number, seq: number): void {
    const eventCount = getNumber(view, offset + CHECKPOINT_EVENT_COUNT_OFFSET);
    if (eventCount !== this.eventCount) {
      const message = `at seq ${seq} the engine counts ${eventCount} events, the log ${this.eventCount}`;
      throw new JournalError("eventLogDisagrees", message);
    }
    const tradeCount = getNumber(view, offset + CHECKPOINT_TRADE_COUNT_OFFSET);
    const hashOffset = offset + CHECKPOINT_STATE_HASH0_OFFSET;
    this.status.begin();
    this.status.setCheckpoint(seq, eventCount, tradeCount, view, hashOffset, this.#hash);
    this.status.end();
  }

  /** At the last event that the log holds, count and hash must be what the log says. */
  #catchUp(seq: number, index: number): void {
    const isHeld = seq < this.#heldSeq || (seq === this.#heldSeq && index < this.#heldIndex);
    if (isHeld) return;
    this.#isCatchingUp = false;
    const recorded = (this.#writer as EventLogWriter).recovery;
    this.#hash.save(this.#hashState, 0);
    let isSame = seq === this.#heldSeq && index === this.#heldIndex;
    isSame &&= this.eventCount === recorded.eventCount;
    for (let i = 0; i < 4; i++) isSame &&= this.#hashState[i] === recorded.hashState[i];
    if (isSame) return;
    throw new JournalError(
      "eventLogDisagrees",
      `up to seq ${this.#heldSeq}, event ${this.#heldIndex}, replay gives other events than recorded`,
    );
  }

  #publish(seq: number, index: number): void {
    this.status.begin();
    if (!this.#isCatchingUp) this.status.setLast(seq, index);
    this.status.setEvents(this.eventCount, this.#hash);
    this.status.end();
  }
}
