// Hot path: no allocation here.
import { Verdict } from "../protocol/generated/enums.ts";
import { CommandHeader } from "../protocol/generated/headers.ts";
import { CommandRing } from "../protocol/rings/command-ring.ts";
import { Doorbell } from "../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../protocol/rings/pipeline-memory.ts";

/**
 * Gives every command its place in history. The only writer of the command ring: it hands out the
 * next slot, stamps seq and time, publishes, and wakes the risk workers.
 */
export class Sequencer {
  readonly #ring: CommandRing;
  readonly #header = new CommandHeader();
  readonly #nowUs: () => number;
  readonly #bells: Doorbell[] = [];
  #lastSeq = 0;
  #lastTimestampUs = 0;

  /** nowUs: microseconds since 1970; a clock that steps back is held at the last stamp. */
  constructor(memory: PipelineMemory, nowUs: () => number) {
    this.#ring = new CommandRing(memory);
    this.#nowUs = nowUs;
    for (let worker = 0; worker < memory.riskWorkers; worker++) {
      this.#bells.push(new Doorbell(memory, Bell.risk + worker));
    }
  }

  /** Goes on after a snapshot: nothing has been sequenced here yet. */
  startAfter(seq: number, timestampUs: number): void {
    this.#lastSeq = seq;
    this.#lastTimestampUs = timestampUs;
  }

  get view(): DataView {
    return this.#ring.view;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get lastTimestampUs(): number {
    return this.#lastTimestampUs;
  }

  get slotCount(): number {
    return this.#ring.slotCount;
  }

  /** Free slots; 0: full, the caller applies back-pressure. */
  free(): number {
    return this.#ring.free(this.#lastSeq);
  }

  /** Byte offset of the next slot. Only valid while `free()` is not 0. */
  next(): number {
    return this.#ring.offsetOf(this.#lastSeq + 1);
  }

  /**
   * Stamps and publishes the record that was written at `next()`; returns its seq. Its verdict must
   * be `pending`, or `refusedAtEntry` with a reason.
   */
  commit(): number {
    const now = this.#nowUs();
    if (now > this.#lastTimestampUs) this.#lastTimestampUs = now;
    const seq = this.#lastSeq + 1;
    this.#header.wrap(this.#ring.view, this.#ring.offsetOf(seq));
    this.#header.seq = seq;
    this.#header.timestampUs = this.#lastTimestampUs;
    this.#publish(seq);
    return seq;
  }

  /**
   * Recovery: takes a command that has its place, time and verdict already (from the journal). A
   * slot must be free (see `free`). length: bytes of the record, a multiple of 4.
   */
  replay(source: DataView, offset: number, length: number): void {
    const target = this.next();
    for (let i = 0; i < length; i += 4) {
      this.#ring.view.setInt32(target + i, source.getInt32(offset + i, true), true);
    }
    this.#header.wrap(this.#ring.view, target);
    if (this.#header.verdict === Verdict.pending)
      throw new Error("a journaled command has no verdict");
    this.#lastTimestampUs = this.#header.timestampUs;
    this.#publish(this.#header.seq);
  }

  #publish(seq: number): void {
    this.#lastSeq = seq;
    this.#ring.publish(seq);
    for (let i = 0; i < this.#bells.length; i++) (this.#bells[i] as Doorbell).ring();
  }
}
