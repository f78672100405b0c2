// Hot path: no allocation here.
import { Verdict } from "../protocol/generated/enums.ts";
import { CommandHeader } from "../protocol/generated/headers.ts";
import { CommandRing } from "../protocol/rings/command-ring.ts";
import { Doorbell } from "../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../protocol/rings/pipeline-memory.ts";

/**
 * Gives every command its place in history. The only writer of the command ring: it hands out the
 * next slot, stamps seq and time, publishes, and sees to it that the risk workers wake.
 */
export class Sequencer {
  readonly #commands: CommandRing;
  readonly #header = new CommandHeader();
  readonly #nowUs: () => number;
  readonly #bells: Doorbell[] = [];
  #announceSoon: (() => void) | null = null;
  #announcedSeq = 0;
  #lastSeq = 0;
  #lastTimestampUs = 0;

  /** nowUs: microseconds since 1970; a clock that steps back is held at the last stamp. */
  constructor(memory: PipelineMemory, nowUs: () => number) {
    this.#commands = new CommandRing(memory);
    this.#nowUs = nowUs;
    for (let worker = 0; worker < memory.riskWorkers; worker++) {
      this.#bells.push(new Doorbell(memory, Bell.risk + worker));
    }
  }

  /**
   * Without this every command wakes the risk workers at once. A thread with an event loop can wake
   * them once for all commands of a turn: `soon` is called at the first command that nobody has been
   * told of, and must see to it that `announce` is called in the same turn.
   */
  announceLater(soon: () => void): void {
    this.#announceSoon = soon;
  }

  /** Commands that nobody has been told of. */
  get unannounced(): number {
    return this.#lastSeq - this.#announcedSeq;
  }

  /** Wakes the risk workers where commands wait that they have not been told of. */
  announce(): void {
    if (this.unannounced === 0) return;
    this.#announcedSeq = this.#lastSeq;
    for (let i = 0; i < this.#bells.length; i++) (this.#bells[i] as Doorbell).ring();
  }

  /** Goes on after a snapshot: nothing has been sequenced here yet. */
  startAfter(seq: number, timestampUs: number): void {
    this.#lastSeq = seq;
    this.#announcedSeq = seq;
    this.#lastTimestampUs = timestampUs;
  }

  get view(): DataView {
    return this.#commands.view;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get lastTimestampUs(): number {
    return this.#lastTimestampUs;
  }

  get slotCount(): number {
    return this.#commands.slotCount;
  }

  /** Free slots; 0: full, the caller applies back-pressure. */
  free(): number {
    return this.#commands.free(this.#lastSeq);
  }

  /** Byte offset of the next slot. Only valid while `free()` is not 0. */
  next(): number {
    return this.#commands.offsetOf(this.#lastSeq + 1);
  }

  /**
   * Stamps and publishes the record that was written at `next()`; returns its seq. Its verdict must
   * be `pending`, or `refusedAtEntry` with a reason.
   */
  commit(): number {
    const now = this.#nowUs();
    if (now > this.#lastTimestampUs) this.#lastTimestampUs = now;
    const seq = this.#lastSeq + 1;
    this.#header.wrap(this.#commands.view, this.#commands.offsetOf(seq));
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
      this.#commands.view.setInt32(target + i, source.getInt32(offset + i, true), true);
    }
    this.#header.wrap(this.#commands.view, target);
    if (this.#header.verdict === Verdict.pending)
      throw new Error("a journaled command has no verdict");
    this.#lastTimestampUs = this.#header.timestampUs;
    this.#publish(this.#header.seq);
  }

  #publish(seq: number): void {
    this.#lastSeq = seq;
    this.#commands.publish(seq);
    if (this.#announceSoon === null) this.announce();
    else if (this.unannounced === 1) this.#announceSoon();
  }
}
