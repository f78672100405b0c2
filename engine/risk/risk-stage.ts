import { RejectReason, Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { EventRingReader } from "../../protocol/rings/event-ring.ts";
import {
  Bell,
  ControlWord,
  type PipelineMemory,
  widenSeq,
  workerWord,
} from "../../protocol/rings/pipeline-memory.ts";
import { ReceiptColumn, StageStamps } from "../../protocol/rings/receipts.ts";
import type { Stage } from "../../protocol/stage.ts";
import { writeBudget } from "./budget.ts";
import { Fence } from "./fence.ts";
import { NEEDS_EXACT, RiskGate } from "./risk-gate.ts";

/** Commands between two looks at the event ring, and between two cursor stores. */
const BATCH = 64;

/** State and place of a risk worker that takes over from another. */
export interface ResumedRisk {
  /** Has absorbed what the ring's next event for this worker follows on. */
  readonly gate: RiskGate;
  /** Commands up to here have their verdicts. */
  readonly seq: number;
  readonly fence: Fence;
}

/**
 * One risk worker on the rings. It walks all commands in order, writes the verdict into the slots of
 * its own accounts, and publishes how far it is. It absorbs events as they come; where a verdict
 * needs an exact state it stays at that command until the engine has matched the one before.
 */
export class RiskStage implements Stage {
  readonly name: string;
  readonly gate: RiskGate;
  /** Verdicts that had to wait for the engine. */
  waits = 0;
  readonly #ring: CommandRing;
  readonly #events: EventRingReader;
  readonly #control: Int32Array;
  readonly #cursorWord: number;
  readonly #stamps: StageStamps;
  readonly #waitsWord: number;
  readonly #header = new CommandHeader();
  readonly #engineBell: Doorbell;
  /** Else it shares the gateway's thread, which the journal wakes, and input: once is enough. */
  readonly #isEngineAlone: boolean;
  readonly #journalBell: Doorbell;
  readonly #fence: Fence;
  #seq: number;
  #waiting = false;

  /** resumed: where a predecessor left off; by default it starts with the first command. */
  constructor(memory: PipelineMemory, worker: number, resumed?: ResumedRisk) {
    this.name = `risk-${worker}`;
    this.#ring = new CommandRing(memory);
    this.gate = resumed?.gate ?? new RiskGate(worker, memory.riskWorkers, this.#ring.slotCount);
    this.#fence = resumed?.fence ?? new Fence(memory, worker);
    this.#events = new EventRingReader(memory, workerWord(ControlWord.eventsRisk, worker));
    this.#control = new Int32Array(memory.control);
    this.#cursorWord = workerWord(ControlWord.riskChecked, worker);
    this.#stamps = new StageStamps(memory, ReceiptColumn.risk + worker);
    this.#waitsWord = workerWord(ControlWord.riskWaits, worker);
    this.#engineBell = new Doorbell(memory, memory.engineBell);
    this.#isEngineAlone = memory.engineBell === Bell.engine;
    this.#journalBell = new Doorbell(memory, Bell.journal);
    this.#seq = resumed?.seq ?? 0;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  doWork(): number {
    // `published` before the matched cursor: the sequencer may go on meanwhile, and what is under way must never
    // be more than the ring holds beyond what has been absorbed.
    this.#fence.check();
    const published = widenSeq(this.#seq, Atomics.load(this.#control, ControlWord.published));
    let work = this.#absorb();
    const end = Math.min(published, this.#seq + BATCH);
    let seq = this.#seq;
    while (seq < end && this.#pass(seq + 1)) seq++;
    if (seq > this.#seq) {
      work += seq - this.#seq;
      this.#stamps.reached(seq);
      // Release: the verdicts up to here are in their slots.
      this.#fence.moveCursor(this.#cursorWord, this.#seq, seq);
      this.#seq = seq;
      if (this.#isEngineAlone) this.#engineBell.ring();
      this.#journalBell.ring();
    }
    if (this.#waiting) this.#engineBell.ring();
    return work;
  }

  /** False: the verdict on `seq` needs what the engine has not matched yet. */
  #pass(seq: number): boolean {
    const header = this.#header;
    const offset = this.#ring.offsetOf(seq);
    header.wrap(this.#ring.view, offset);
    this.gate.see(header);
    if (!this.gate.state.owns(header.account)) return true;
    if (header.verdict !== Verdict.pending) {
      return this.#settled(this.gate.follow(this.#ring.view, offset));
    }
    const reason = this.gate.check(this.#ring.view, offset);
    if (!this.#settled(reason)) return false;
    if (reason === RejectReason.none) {
      this.gate.admit(this.#ring.view, offset);
      const { budgetUnits } = this.gate;
      if (budgetUnits > 0) writeBudget(this.#ring.view, offset, budgetUnits);
      header.verdict = Verdict.passed;
    } else {
      header.verdict = Verdict.refusedByRisk;
      header.reason = reason as RejectReason;
    }
    return true;
  }

  #settled(answer: number): boolean {
    if (answer !== NEEDS_EXACT) {
      if (this.#waiting) this.#setWaiting(false);
      return true;
    }
    if (!this.#waiting) {
      this.waits++;
      this.#setWaiting(true);
    }
    return false;
  }

  /** Tells the engine whether to ring: a worker that waits for nothing absorbs when it next wakes. */
  #setWaiting(waiting: boolean): void {
    this.#waiting = waiting;
    Atomics.store(this.#control, this.#waitsWord, waiting ? 1 : 0);
  }

  #absorb(): number {
    // Acquire. Read before the events: those of every command up to `matched` are then visible.
    const matched = Atomics.load(this.#control, ControlWord.matched);
    const count = this.#events.available();
    for (let i = 0; i < count; i++) {
      this.gate.state.absorb(this.#events.view, this.#events.offsetOf(i));
    }
    if (count > 0) this.#events.advance(count);
    const seq = widenSeq(this.gate.absorbedSeq, matched);
    if (seq === this.gate.absorbedSeq) return count;
    this.gate.settle(seq);
    return count + 1;
  }
}
