// Hot path: no allocation here.
import {
  EVENT_HEADER_ACCOUNT_OFFSET,
  EVENT_HEADER_INDEX_OFFSET,
} from "../../protocol/generated/headers.ts";
import { EventRingReader } from "../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  type PipelineMemory,
  widenSeq,
} from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import type { RecentEvents } from "./recent-events.ts";

/** Someone who wants to know of durable events. */
export interface EventListener {
  /** owner: account that the event's command is about (0: the venue). */
  onEvent(view: DataView, offset: number, owner: number): void;
  /** Every event of the commands up to seq has been given. */
  onCommandsComplete(seq: number): void;
  /** Nothing more for now: a good moment to send. */
  onRoundEnd(): void;
}

const MAX_EVENTS_A_ROUND = 4096;
/** An engine that waits for room looks every fraction of a millisecond: give it back in pieces. */
const EVENTS_A_PIECE = 256;

/**
 * The gateway's place at the event ring: takes the events of durable commands, keeps the last ones,
 * and tells the views always, the sessions once the server is live.
 */
export class GatewayStage implements Stage {
  readonly name = "gateway";
  /** Every event of the commands up to here has been given to the listeners. */
  completeSeq = 0;
  /** False during recovery: views are rebuilt, nobody is told. */
  isLive = false;
  readonly #reader: EventRingReader;
  readonly #words: Int32Array;
  readonly #control: Int32Array;
  readonly #recent: RecentEvents;
  readonly #views: readonly EventListener[];
  readonly #sessions: readonly EventListener[];
  #owner = 0;
  #isWorking = false;

  /** views come before sessions, so that what is sent can be converted with what is known. */
  constructor(
    memory: PipelineMemory,
    recent: RecentEvents,
    views: readonly EventListener[],
    sessions: readonly EventListener[],
  ) {
    this.#reader = new EventRingReader(memory, ControlWord.eventsGateway);
    this.#words = new Int32Array(memory.events);
    this.#control = new Int32Array(memory.control);
    this.#recent = recent;
    this.#views = views;
    this.#sessions = sessions;
  }

  /** Also called after inbound messages; a call from within itself does nothing. */
  doWork(): number {
    if (this.#isWorking) return 0;
    this.#isWorking = true;
    try {
      return this.#round();
    } finally {
      this.#isWorking = false;
    }
  }

  #round(): number {
    // Acquire, and in this order: whoever sees a command matched or durable sees its events too.
    const matched = Atomics.load(this.#control, ControlWord.matched);
    const durable = Atomics.load(this.#control, ControlWord.durable);
    const available = this.#reader.available();
    const limit = Math.min(available, MAX_EVENTS_A_ROUND);
    const { view } = this.#reader;
    const completeBefore = this.completeSeq;
    let taken = 0;
    let pending = 0; // taken and not yet given back
    while (taken < limit) {
      const offset = this.#reader.offsetOf(pending);
      const seqLow = view.getInt32(offset + 8, true);
      if (((durable - seqLow) | 0) < 0) break;
      this.#complete(widenSeq(this.completeSeq, (seqLow - 1) | 0));
      this.#take(view, offset);
      taken++;
      if (++pending === EVENTS_A_PIECE) {
        this.#reader.advance(pending);
        pending = 0;
      }
    }
    if (pending > 0) this.#reader.advance(pending);
    if (taken === available || taken < limit) {
      const whole = ((matched - durable) | 0) < 0 ? matched : durable;
      this.#complete(widenSeq(this.completeSeq, whole));
    }
    if (taken > 0 || this.completeSeq !== completeBefore) this.#endRound();
    return taken;
  }

  #endRound(): void {
    for (let i = 0; i < this.#views.length; i++) (this.#views[i] as EventListener).onRoundEnd();
    if (!this.isLive) return;
    for (let i = 0; i < this.#sessions.length; i++) {
      (this.#sessions[i] as EventListener).onRoundEnd();
    }
  }

  #take(view: DataView, offset: number): void {
    const index = view.getUint32(offset + EVENT_HEADER_INDEX_OFFSET, true);
    if (index === 0) this.#owner = view.getUint32(offset + EVENT_HEADER_ACCOUNT_OFFSET, true);
    this.#recent.push(this.#words, offset, this.#owner);
    for (let i = 0; i < this.#views.length; i++) {
      (this.#views[i] as EventListener).onEvent(view, offset, this.#owner);
    }
    if (!this.isLive) return;
    for (let i = 0; i < this.#sessions.length; i++) {
      (this.#sessions[i] as EventListener).onEvent(view, offset, this.#owner);
    }
  }

  #complete(seq: number): void {
    if (seq <= this.completeSeq) return;
    this.completeSeq = seq;
    for (let i = 0; i < this.#views.length; i++) {
      (this.#views[i] as EventListener).onCommandsComplete(seq);
    }
    if (!this.isLive) return;
    for (let i = 0; i < this.#sessions.length; i++) {
      (this.#sessions[i] as EventListener).onCommandsComplete(seq);
    }
  }
}
