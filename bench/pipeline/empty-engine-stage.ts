import type { EngineCapacity } from "../../engine/engine.ts";
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
import type { Stage } from "../../protocol/stage.ts";
import { EmptyEngine } from "../yardsticks/empty-engine.ts";

const BATCH = 16; // as the real stage
const FULL_NAP_MS = 0.05;

/** Bench only: stands where the engine's stage stands, with an engine that matches nothing. */
export class EmptyEngineStage implements Stage {
  readonly name = "emptyEngine";
  readonly engine: EmptyEngine;
  whenFull: () => void = () => undefined;
  readonly #memory: PipelineMemory;
  readonly #ring: CommandRing;
  readonly #events: EventRingWriter;
  readonly #control: Int32Array;
  readonly #bells: Doorbell[];
  readonly #gatewayBell: Doorbell;
  readonly #napWord = new Int32Array(new SharedArrayBuffer(4));
  #seq = 0;

  constructor(memory: PipelineMemory, capacity: EngineCapacity) {
    this.#memory = memory;
    this.#ring = new CommandRing(memory);
    this.#control = new Int32Array(memory.control);
    this.#events = new EventRingWriter(memory, allEventConsumers(memory), () => this.#onFull());
    this.engine = new EmptyEngine(capacity, this.#events);
    this.#gatewayBell = new Doorbell(memory, Bell.gateway);
    this.#bells = Array.from(
      { length: memory.riskWorkers },
      (_, worker) => new Doorbell(memory, Bell.risk + worker),
    );
  }

  doWork(): number {
    const checked = widenSeq(this.#seq, this.#ring.checked());
    const end = Math.min(checked, this.#seq + BATCH);
    const work = end - this.#seq;
    if (work === 0) return 0;
    for (let seq = this.#seq + 1; seq <= end; seq++) {
      this.engine.apply(this.#ring.view, this.#ring.offsetOf(seq));
    }
    this.#seq = end;
    this.#events.publish();
    // Release, and after the events.
    Atomics.store(this.#control, ControlWord.matched, end | 0);
    this.#wake(end);
    return work;
  }

  #wake(end: number): void {
    const durable = Atomics.load(this.#control, ControlWord.durable);
    if (((durable - (end | 0)) | 0) >= 0) this.#gatewayBell.ring();
    const published = Atomics.load(this.#control, ControlWord.eventsPublished);
    const quarter = this.#memory.events.byteLength / this.#ring.slotBytes / 4;
    for (let worker = 0; worker < this.#bells.length; worker++) {
      const waits = Atomics.load(this.#control, workerWord(ControlWord.riskWaits, worker));
      const consumed = Atomics.load(this.#control, workerWord(ControlWord.eventsRisk, worker));
      if (waits !== 0 || ((published - consumed) | 0) > quarter) {
        (this.#bells[worker] as Doorbell).ring();
      }
    }
  }

  #onFull(): void {
    this.#gatewayBell.ring();
    for (const bell of this.#bells) bell.ring();
    this.whenFull();
    Atomics.wait(this.#napWord, 0, 0, FULL_NAP_MS);
  }
}
