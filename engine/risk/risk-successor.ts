import {
  ADJUST_BALANCE_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
  SET_ACCOUNT_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { RejectReason, Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader, EVENT_HEADER_SEQ_OFFSET } from "../../protocol/generated/headers.ts";
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
import type { Stage } from "../../protocol/stage.ts";
import type { Disk } from "../journal/disk.ts";
import { clearBudget } from "./budget.ts";
import { Fence } from "./fence.ts";
import { RiskGate } from "./risk-gate.ts";
import { RiskStage } from "./risk-stage.ts";
import { StateRebuild } from "./state-rebuild.ts";

const BATCH = 256;
/** How long it naps where the log has no more for now, while nobody waits. */
const NAP_MS = 0.2;

export interface SuccessorOptions {
  readonly disk: Disk;
  readonly dataDirectory: string;
  /** The last command that the predecessor published a verdict on. */
  readonly checkedSeq: number;
}

/**
 * Takes the place of a risk worker that died. Until it knows its accounts again it refuses their
 * orders (`riskUnavailable`) and lets cancels pass, so that all other accounts go on; meanwhile it
 * rebuilds them from journal and event log. Then it is a risk worker like any other.
 *
 * While it is far behind it drops the events of the ring, which it will find in the log. Once it has
 * read the log to its end it drops no more: at the last event dropped, log and ring meet.
 */
export class RiskSuccessor implements Stage {
  readonly name: string;
  readonly #memory: PipelineMemory;
  readonly #worker: number;
  readonly #ring: CommandRing;
  readonly #control: Int32Array;
  readonly #events: EventRingReader;
  readonly #eventSlots: number;
  readonly #gate: RiskGate;
  readonly #fence: Fence;
  readonly #rebuild: StateRebuild;
  readonly #header = new CommandHeader();
  readonly #engineBell: Doorbell;
  readonly #journalBell: Doorbell;
  readonly #nap = new Int32Array(new SharedArrayBuffer(4));
  readonly #checkedSeq: number;
  /** Commands up to here have their verdicts. */
  #seq: number;
  /** The ring's events up to here are dropped, all of them. */
  #droppedSeq: number;
  #isDropping = true;
  #live: RiskStage | undefined;

  constructor(memory: PipelineMemory, worker: number, options: SuccessorOptions) {
    const { disk, dataDirectory, checkedSeq } = options;
    this.name = `risk-${worker}`;
    this.#memory = memory;
    this.#worker = worker;
    this.#ring = new CommandRing(memory);
    this.#control = new Int32Array(memory.control);
    this.#events = new EventRingReader(memory, workerWord(ControlWord.eventsRisk, worker));
    this.#eventSlots = memory.events.byteLength / this.#ring.slotBytes;
    this.#fence = new Fence(memory, worker);
    this.#gate = new RiskGate(worker, memory.riskWorkers, this.#ring.slotCount);
    this.#engineBell = new Doorbell(memory, memory.engineBell);
    this.#journalBell = new Doorbell(memory, Bell.journal);
    this.#checkedSeq = checkedSeq;
    this.#seq = checkedSeq;
    // What is checked is matched sooner or later, so this is before what is matched now.
    this.#droppedSeq = Math.max(0, checkedSeq - this.#ring.slotCount);
    Atomics.store(this.#control, workerWord(ControlWord.riskWaits, worker), 0);
    this.#refuseOrders(); // first of all: the others wait
    this.#rebuild = new StateRebuild(disk, dataDirectory, this.#gate, checkedSeq);
  }

  get lastSeq(): number {
    return this.#live?.lastSeq ?? this.#seq;
  }

  doWork(): number {
    if (this.#live !== undefined) return this.#live.doWork();
    this.#fence.check();
    const work = this.#refuseOrders();
    // Room in the ring comes first: without it everybody waits.
    if (this.#events.available() > this.#eventSlots >> 1) this.#isDropping = true;
    if (this.#isDropping) this.#dropEvents();
    // Looked at before the log is read: what it counts is then there to be read.
    const isRecorded = this.#isRecorded();
    if (this.#rebuild.step(this.#droppedSeq)) return 1;
    if (!this.#isDropping && isRecorded && !this.#rebuild.isTroubled) this.#goLive();
    // What the predecessor let pass must be matched, and its events dropped or read.
    else if (this.#droppedSeq >= this.#checkedSeq) this.#isDropping = false;
    if (work === 0) Atomics.wait(this.#nap, 0, 0, NAP_MS);
    return 1;
  }

  /** Whether the log has every event that was dropped, the journal every order that passed. */
  #isRecorded(): boolean {
    const dropped = Atomics.load(this.#control, workerWord(ControlWord.eventsRisk, this.#worker));
    const logged = Atomics.load(this.#control, ControlWord.eventsLogged);
    const durable = Atomics.load(this.#control, ControlWord.durable);
    return ((logged - dropped) | 0) >= 0 && ((durable - (this.#checkedSeq | 0)) | 0) >= 0;
  }

  #goLive(): void {
    this.#rebuild.finish(this.#droppedSeq);
    // Verdicts since then were given without a look at the state: what they let pass is under way.
    this.#gate.waitUntil(this.#seq);
    this.#live = new RiskStage(this.#memory, this.#worker, {
      gate: this.#gate,
      seq: this.#seq,
      fence: this.#fence,
    });
    Atomics.store(this.#control, workerWord(ControlWord.riskRebuilding, this.#worker), 0);
  }

  /** Drops the events of all commands that are fully matched. */
  #dropEvents(): void {
    // Acquire. Read before the events: those of every command up to `matched` are then visible.
    const matched = Atomics.load(this.#control, ControlWord.matched);
    const { view } = this.#events;
    const available = this.#events.available();
    let count = 0;
    while (count < available) {
      const seq = view.getInt32(this.#events.offsetOf(count) + EVENT_HEADER_SEQ_OFFSET, true);
      if (((matched - seq) | 0) < 0) break;
      count++;
    }
    if (count > 0) this.#events.advance(count);
    this.#droppedSeq = widenSeq(this.#droppedSeq, matched);
  }

  /** Gives verdicts that need no state. Returns how many. */
  #refuseOrders(): number {
    const published = widenSeq(this.#seq, Atomics.load(this.#control, ControlWord.published));
    const end = Math.min(published, this.#seq + BATCH);
    if (end === this.#seq) return 0;
    for (let seq = this.#seq + 1; seq <= end; seq++) this.#decide(this.#ring.offsetOf(seq));
    const count = end - this.#seq;
    this.#fence.moveCursor(workerWord(ControlWord.riskChecked, this.#worker), this.#seq, end);
    this.#seq = end;
    this.#engineBell.ring();
    this.#journalBell.ring();
    return count;
  }

  /** Whatever the predecessor may have written there: nobody has seen it. */
  #decide(offset: number): void {
    const header = this.#header;
    const { view } = this.#ring;
    header.wrap(view, offset);
    if (!this.#gate.state.owns(header.account)) return;
    if (header.verdict === Verdict.refusedAtEntry) return;
    const isRefused = needsState(header.templateId);
    if (header.templateId === NEW_ORDER_TEMPLATE_ID) clearBudget(view, offset);
    header.reason = isRefused ? RejectReason.riskUnavailable : RejectReason.none;
    header.verdict = isRefused ? Verdict.refusedByRisk : Verdict.passed;
  }
}

/** Orders and what they replace, and what a balance or the holds of open orders may forbid. */
function needsState(templateId: number): boolean {
  return (
    templateId === NEW_ORDER_TEMPLATE_ID ||
    templateId === REPLACE_ORDER_TEMPLATE_ID ||
    templateId === ADJUST_BALANCE_TEMPLATE_ID ||
    templateId === SET_ACCOUNT_TEMPLATE_ID
  );
}
