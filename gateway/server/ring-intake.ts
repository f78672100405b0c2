import type { Sequencer } from "../../engine/sequencer.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import {
  ControlWord,
  DiskState,
  type PipelineMemory,
} from "../../protocol/rings/pipeline-memory.ts";
import type { CommandIntake, CommandKind, IntakeRefusal } from "../intake.ts";

/**
 * The door to the sequencer, and its circuit breaker: while a stage lags so far behind that the ring
 * is nearly full, new orders are refused with a reason; the last part of the ring is kept for
 * cancels, and its very end for what the server itself has to say.
 */
export class RingIntake implements CommandIntake {
  readonly #sequencer: Sequencer;
  readonly #control: Int32Array;
  readonly #keepForOthers: number;
  readonly #keepForCancels: number;
  readonly #header = new CommandHeader();
  readonly #onCommand: (header: CommandHeader) => void;
  #open = false;
  refusal: IntakeRefusal = "shuttingDown";
  /** Commands refused since the start, by reason. */
  readonly refused: Record<IntakeRefusal, number> = { overloaded: 0, diskLow: 0, shuttingDown: 0 };

  /** onCommand: sees every command's header right after it got its seq. */
  constructor(
    sequencer: Sequencer,
    memory: PipelineMemory,
    onCommand: (header: CommandHeader) => void,
  ) {
    this.#sequencer = sequencer;
    this.#control = new Int32Array(memory.control);
    this.#keepForOthers = sequencer.slotCount >> 3;
    this.#keepForCancels = sequencer.slotCount >> 5;
    this.#onCommand = onCommand;
  }

  get view(): DataView {
    return this.#sequencer.view;
  }

  get lastSeq(): number {
    return this.#sequencer.lastSeq;
  }

  get accepting(): boolean {
    return this.#open;
  }

  open(): void {
    this.#open = true;
  }

  close(): void {
    this.#open = false;
  }

  /** Offset for one command in `view`, or −1: then `refusal` says why. */
  claim(kind: CommandKind): number {
    if (!this.#open) return this.#refuse("shuttingDown");
    if (kind === "order" && Atomics.load(this.#control, ControlWord.disk) === DiskState.low) {
      return this.#refuse("diskLow");
    }
    const keep = kind === "order" ? this.#keepForOthers : this.#keepForCancels;
    if (this.#sequencer.free() <= keep) return this.#refuse("overloaded");
    return this.#sequencer.next();
  }

  /** For the server's own commands (timers, sessions): also while intake is closed. −1: full. */
  claimOwn(): number {
    return this.#sequencer.free() === 0 ? -1 : this.#sequencer.next();
  }

  /** Stamps and publishes the record at `offset`, the last place claimed; returns its seq. */
  commit(offset: number): number {
    const seq = this.#sequencer.commit();
    this.#header.wrap(this.#sequencer.view, offset);
    this.#onCommand(this.#header);
    return seq;
  }

  #refuse(refusal: IntakeRefusal): number {
    this.refusal = refusal;
    this.refused[refusal]++;
    return -1;
  }
}
