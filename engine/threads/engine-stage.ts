import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { allEventConsumers, EventRingWriter } from "../../protocol/rings/event-ring.ts";
import {
  Bell,
  ControlWord,
  type PipelineMemory,
  widenSeq,
  workerWord,
} from "../../protocol/rings/pipeline-memory.ts";
import { ReceiptColumn, StageStamps } from "../../protocol/rings/receipts.ts";
import type { Stage } from "../../protocol/stage.ts";
import { Engine, type EngineCapacity } from "../engine.ts";
import { EngineFault } from "../engine-fault.ts";
import type { Snapshot } from "../snapshot/snapshot-format.ts";

/** Commands between two stores of the cursors: large enough to amortise, small enough to be prompt. */
const BATCH = 16;
/** How long the engine naps while a consumer is behind by a whole ring. */
const FULL_NAP_MS = 0.05;
/** Expiries beyond the year 2106 need no timer. */
const LAST_SECOND_US = 4_294_967_295 * 1_000_000;

/**
 * The engine on the rings: takes commands that all risk workers have passed, in order, and publishes
 * their events and then the `matched` cursor, so that who sees the cursor sees the events.
 */
export class EngineStage implements Stage {
  readonly name = "engine";
  readonly engine: Engine;
  /** Times the engine had to wait for a slow consumer of events. */
  fullWaits = 0;
  /** What to do besides waiting: a consumer on the same thread must consume meanwhile. */
  whenFull: () => void = () => undefined;
  readonly #ring: CommandRing;
  readonly #events: EventRingWriter;
  readonly #control: Int32Array;
  readonly #eventSlots: number;
  readonly #stamps: StageStamps;
  readonly #gatewayBell: Doorbell;
  readonly #egressBell: Doorbell;
  readonly #riskBells: Doorbell[] = [];
  readonly #napWord = new Int32Array(new SharedArrayBuffer(4));
  #seq = 0;
  #expirySecond = -1;

  /** hashSeed: see Engine. from: where it starts; the commands up to its seq are behind. */
  constructor(memory: PipelineMemory, capacity: EngineCapacity, hashSeed = 0, from?: Snapshot) {
    this.#ring = new CommandRing(memory);
    this.#control = new Int32Array(memory.control);
    this.#events = new EventRingWriter(memory, allEventConsumers(memory), () => this.#onFull());
    this.#eventSlots = memory.events.byteLength / this.#ring.slotBytes;
    this.engine = new Engine(capacity, this.#events, hashSeed);
    if (from !== undefined) {
      this.engine.restore(from.rows, from.place);
      this.#seq = from.place.seq;
    }
    this.#expirySecond = this.#firstExpiry();
    Atomics.store(this.#control, ControlWord.nextExpiry, this.#expirySecond);
    this.#stamps = new StageStamps(memory, ReceiptColumn.matched);
    this.#gatewayBell = new Doorbell(memory, Bell.gateway);
    this.#egressBell = new Doorbell(memory, Bell.egress);
    for (let worker = 0; worker < memory.riskWorkers; worker++) {
      this.#riskBells.push(new Doorbell(memory, Bell.risk + worker));
    }
  }

  doWork(): number {
    const checked = widenSeq(this.#seq, this.#ring.checked());
    const end = Math.min(checked, this.#seq + BATCH);
    const work = end - this.#seq;
    if (work === 0) return 0;
    let seq = this.#seq + 1;
    try {
      for (; seq <= end; seq++) this.engine.apply(this.#ring.view, this.#ring.offsetOf(seq));
    } catch (error) {
      throw new EngineFault(seq, error); // an operator has to know which command it was
    }
    this.#seq = end;
    this.#events.publish();
    const expirySecond = this.#firstExpiry();
    if (expirySecond !== this.#expirySecond) {
      this.#expirySecond = expirySecond;
      Atomics.store(this.#control, ControlWord.nextExpiry, expirySecond);
    }
    this.#stamps.reached(end);
    // Release, and after the events.
    Atomics.store(this.#control, ControlWord.matched, end | 0);
    this.#wakeConsumers();
    return work;
  }

  /**
   * Gateway and event log use durable events only. The journal publishes `durable` and rings; here
   * they are rung only where the journal was faster, so that nobody wakes for nothing.
   */
  #wakeConsumers(): void {
    const durable = Atomics.load(this.#control, ControlWord.durable);
    if (((durable - (this.#seq | 0)) | 0) >= 0) {
      this.#gatewayBell.ring();
      this.#egressBell.ring();
    }
    const published = Atomics.load(this.#control, ControlWord.eventsPublished);
    for (let worker = 0; worker < this.#riskBells.length; worker++) {
      const waits = Atomics.load(this.#control, workerWord(ControlWord.riskWaits, worker));
      const consumed = Atomics.load(this.#control, workerWord(ControlWord.eventsRisk, worker));
      // A worker with nothing to wait for absorbs with its next command, unless the ring fills up.
      if (waits !== 0 || ((published - consumed) | 0) > this.#eventSlots >> 2) {
        (this.#riskBells[worker] as Doorbell).ring();
      }
    }
  }

  /** −1, all ones as a u32, where nothing waits to expire. */
  #firstExpiry(): number {
    const expiryUs = this.engine.nextExpiryUs();
    return expiryUs < LAST_SECOND_US ? (expiryUs / 1_000_000) | 0 : -1;
  }

  #onFull(): void {
    this.fullWaits++;
    this.#gatewayBell.ring();
    this.#egressBell.ring();
    for (const bell of this.#riskBells) bell.ring();
    this.whenFull();
    Atomics.wait(this.#napWord, 0, 0, FULL_NAP_MS);
  }
}
