// Hot path: no allocation here.
import { assert } from "../../protocol/assert.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { COMMAND_HEADER_VERDICT_OFFSET } from "../../protocol/generated/headers.ts";
import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, ControlWord, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { ReceiptColumn, StageStamps } from "../../protocol/rings/receipts.ts";
import type { Stage } from "../../protocol/stage.ts";
import type { JournalAnchor } from "./anchor.ts";
import { createJournalCounters, JournalCounter, type JournalCounters } from "./journal-counters.ts";
import type { JournalWriter } from "./journal-writer.ts";

export interface JournalStageOptions {
  /**
   * The commands up to here come from the journal: they are durable already. The writer is opened
   * when they have passed.
   */
  readonly recoveredSeq: number;
  /** Opens the writer, in the thread of the stage. undefined: durability `none`. */
  readonly openWriter: (() => JournalWriter) | undefined;
  readonly counters?: JournalCounters;
  /** Nanoseconds from anywhere. For the counters and for marks; nothing rests on it. */
  readonly nowNs?: () => number;
  /** After this long without commands a mark is written, which shows a later loss of the last ones. */
  readonly markAfterNs?: number;
  /**
   * Gets an anchor for the end of the journal when it is opened and closed, after each mark, and
   * about once a second while it grows. Everything up to there is as durable as was asked for.
   */
  readonly onAnchor?: (anchor: JournalAnchor) => void;
}

const DEFAULT_MARK_AFTER_NS = 1e9;
const ANCHOR_EVERY_NS = 1e9;

/**
 * Records commands with their verdicts. Takes all that have arrived, up to one block, in one write
 * and one sync: while the disk is busy the next block's commands gather in the ring, or, where the
 * writer has a thread for large blocks, in the next block.
 */
export class JournalStage implements Stage {
  readonly name = "journal";
  readonly counters: JournalCounters;
  readonly #ring: CommandRing;
  readonly #control: Int32Array;
  readonly #stamps: StageStamps;
  readonly #gatewayBell: Doorbell;
  readonly #egressBell: Doorbell;
  readonly #openWriter: (() => JournalWriter) | undefined;
  readonly #nowNs: () => number;
  readonly #markAfterNs: number;
  readonly #onAnchor: ((anchor: JournalAnchor) => void) | undefined;
  #writer: JournalWriter | undefined;
  #recovering: number; // commands still to come that are durable already
  #seq: number; // low 32 bits of the last command taken
  #pendingSeq: number; // the same, of the last one in the block that is under way
  #pendingCommands = 0;
  #startNs = 0; // of that block
  #lastCommitNs = 0;
  #lastAnchorNs = 0;
  #isMarked = true;

  constructor(memory: PipelineMemory, options: JournalStageOptions) {
    this.#ring = new CommandRing(memory);
    this.#control = new Int32Array(memory.control);
    this.#stamps = new StageStamps(memory, ReceiptColumn.durable);
    this.#gatewayBell = new Doorbell(memory, Bell.gateway);
    this.#egressBell = new Doorbell(memory, Bell.egress);
    this.#openWriter = options.openWriter;
    this.counters = options.counters ?? createJournalCounters();
    this.#nowNs = options.nowNs ?? monotonicNs;
    this.#markAfterNs = options.markAfterNs ?? DEFAULT_MARK_AFTER_NS;
    this.#onAnchor = options.onAnchor;
    this.#seq = Atomics.load(this.#control, ControlWord.journaled);
    this.#pendingSeq = this.#seq;
    this.#recovering = (options.recoveredSeq | 0) - this.#seq;
    if (this.#recovering <= 0) this.#open();
  }

  /** undefined while recovering, and with durability `none`. */
  get writer(): JournalWriter | undefined {
    return this.#writer;
  }

  /**
   * Begins at most one block and waits for the one before. Throws a JournalError when the disk
   * fails: nothing more is durable then.
   */
  doWork(): number {
    // Acquire: the verdicts up to here are in the slots.
    const ready = (this.#ring.checked() - this.#seq) | 0;
    const writer = this.#writer;
    if (ready <= 0) return writer?.isInFlight === true ? this.#finish(writer) : this.#idle();
    if (this.#recovering > 0) return this.#skip(ready);
    return writer === undefined ? this.#pass(ready) : this.#record(writer, ready);
  }

  /** Closes the journal so that nothing may be missing from it. All commands must be recorded. */
  close(): void {
    const writer = this.#writer;
    if (writer?.isInFlight === true) this.#finish(writer);
    this.#writer = undefined;
    if (writer === undefined) return;
    writer.close();
    this.#anchor(writer);
  }

  #record(writer: JournalWriter, ready: number): number {
    let count = 0;
    if (writer.isInFlight) {
      // Taken while the disk is busy; what comes until it is done goes into the same block.
      count = this.#take(writer, ready);
      this.#finish(writer);
      ready = (this.#ring.checked() - this.#seq) | 0;
    }
    count += this.#take(writer, ready);
    this.#pendingSeq = this.#seq;
    this.#pendingCommands = count;
    this.#startNs = this.#nowNs();
    writer.begin();
    if (!writer.isInFlight) this.#finish(writer);
    return count;
  }

  /** Copies commands into the block that is being built, as many as fit. */
  #take(writer: JournalWriter, ready: number): number {
    const { view, bytes } = this.#ring;
    let count = 0;
    while (count < ready) {
      const offset = this.#ring.offsetOf(this.#seq + 1);
      const length = view.getUint16(offset, true);
      if (!writer.hasRoom(length)) break;
      const verdict = view.getUint8(offset + COMMAND_HEADER_VERDICT_OFFSET);
      assert(verdict !== Verdict.pending, "a command is journaled with its verdict");
      writer.append(bytes, offset, length);
      this.#seq = (this.#seq + 1) | 0;
      count++;
    }
    // Release: the slots have been copied out and may be used again once the engine is past them.
    if (count > 0) Atomics.store(this.#control, ControlWord.journaled, this.#seq);
    return count;
  }

  /** Waits for the block under way; its commands are durable then. */
  #finish(writer: JournalWriter): number {
    writer.settle();
    this.#count(writer, this.#pendingCommands, this.#nowNs(), this.#startNs);
    this.#publishDurable(this.#pendingSeq);
    if (this.#lastCommitNs - this.#lastAnchorNs >= ANCHOR_EVERY_NS) this.#anchor(writer);
    return this.#pendingCommands;
  }

  /** Recovery: the commands come out of the journal. */
  #skip(ready: number): number {
    const count = Math.min(ready, this.#recovering);
    this.#seq = (this.#seq + count) | 0;
    this.#recovering -= count;
    Atomics.store(this.#control, ControlWord.journaled, this.#seq);
    this.#publishDurable(this.#seq);
    if (this.#recovering === 0) this.#open();
    return count;
  }

  /** Durability `none`. */
  #pass(ready: number): number {
    this.#seq = (this.#seq + ready) | 0;
    Atomics.store(this.#control, ControlWord.journaled, this.#seq);
    this.#publishDurable(this.#seq);
    return ready;
  }

  /** Release: consumers may show the events of all commands up to here. */
  #publishDurable(seq: number): void {
    this.#stamps.reached(seq);
    Atomics.store(this.#control, ControlWord.durable, seq);
    this.#gatewayBell.ring();
    this.#egressBell.ring();
  }

  #idle(): number {
    const writer = this.#writer;
    if (writer === undefined) return 0;
    if (!this.#isMarked && this.#nowNs() - this.#lastCommitNs > this.#markAfterNs) {
      writer.mark();
      this.#isMarked = true;
      this.#anchor(writer);
      return 1;
    }
    return writer.idle();
  }

  #open(): void {
    this.#writer = this.#openWriter?.();
    if (this.#writer === undefined) return;
    assert((this.#writer.lastSeq | 0) === this.#seq, "the journal goes on where recovery ended");
    this.counters[JournalCounter.epoch] = this.#writer.epoch;
    this.#anchor(this.#writer);
  }

  /** Cold: once a second. Before the first block there is nothing to stand for. */
  #anchor(writer: JournalWriter): void {
    this.#lastAnchorNs = this.#nowNs();
    const anchor = writer.anchor();
    if (anchor.block > 0) this.#onAnchor?.(anchor);
  }

  #count(writer: JournalWriter, commands: number, nowNs: number, startNs: number): void {
    const counters = this.counters;
    const tookNs = nowNs - startNs;
    this.#lastCommitNs = nowNs;
    this.#isMarked = false;
    counters[JournalCounter.commands] = (counters[JournalCounter.commands] as number) + commands;
    counters[JournalCounter.blocks] = writer.blocks;
    counters[JournalCounter.bytes] = writer.bytes;
    counters[JournalCounter.lastCommitNs] = tookNs;
    if (tookNs > (counters[JournalCounter.maxCommitNs] as number)) {
      counters[JournalCounter.maxCommitNs] = tookNs;
    }
    counters[JournalCounter.totalCommitNs] =
      (counters[JournalCounter.totalCommitNs] as number) + tookNs;
  }
}

function monotonicNs(): number {
  return performance.now() * 1e6;
}
