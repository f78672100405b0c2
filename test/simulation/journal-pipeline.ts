// The stages that touch the disk, run in one thread, with a stand-in for sequencer, risk and engine:
// every command yields two events that depend on the command's own bytes.
import { chainOf } from "../../engine/journal/block-builder.ts";
import type { BlockOutput, OutgoingBlock } from "../../engine/journal/block-output.ts";
import { openMeta } from "../../engine/journal/data-directory.ts";
import type { Disk } from "../../engine/journal/disk.ts";
import { EventLogStage } from "../../engine/journal/event-log-stage.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { JournalStage } from "../../engine/journal/journal-stage.ts";
import type { JournalOptions, JournalWriter } from "../../engine/journal/journal-writer.ts";
import {
  inspectJournal,
  openEventLog,
  openJournal,
  settleJournal,
} from "../../engine/journal/opening.ts";
import { CommandRing } from "../../protocol/rings/command-ring.ts";
import { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
} from "../../protocol/rings/pipeline-memory.ts";
import { DIRECTORY_ID, writeCommand, writeEvent } from "../engine/journal/records.ts";

export const ROOT = "/data";
export const EVENTS_PER_COMMAND = 2;
const SLOTS = 64;
const SALT_OFFSET = 40; // key number: free for us, and journaled

export interface PipelineSettings {
  readonly maxBlockBytes: number;
  readonly segmentBytes: number;
  readonly durability?: JournalOptions["durability"];
  /** Nanoseconds; marks are due by it. Default: time stands still. */
  readonly nowNs?: () => number;
  /** Each block is in flight while the next one is filled, as large ones are in a server. */
  readonly overlaps?: boolean;
  /** Called at once with what tells how far acknowledgements have come, also while recovering. */
  readonly watch?: (acknowledged: () => number) => void;
}

/** Does at the end what the disk thread does meanwhile: the block is the last thing to be written. */
class LateOutput implements BlockOutput {
  readonly buffers: readonly [Uint8Array, Uint8Array];
  readonly #disk: Disk;
  #block: OutgoingBlock | undefined;

  constructor(disk: Disk, maxBlockBytes: number) {
    this.#disk = disk;
    this.buffers = [new Uint8Array(maxBlockBytes), new Uint8Array(maxBlockBytes)];
  }

  start(block: OutgoingBlock): void {
    if (this.#block !== undefined) throw new Error("two blocks are in flight");
    this.#block = block;
  }

  finish(chain: Uint8Array): void {
    const { buffer, file, length, position, sync } = this.#block as OutgoingBlock;
    this.#block = undefined;
    this.#disk.writeAt(file, this.buffers[buffer], 0, length, position);
    if (sync) this.#disk.sync(file);
    chainOf(this.buffers[buffer].subarray(0, length), chain);
  }
}

/** One life of a server: recovery, then as much work as the disk allows. */
export class JournalPipeline {
  /** The salts of the commands found in the journal, by seq from 1. */
  readonly recovered: number[] = [];
  lastSeq = 0;
  readonly events: EventLogStage;
  readonly #journal: JournalStage;
  readonly #memory: PipelineMemory;
  readonly #ring: CommandRing;
  readonly #control: Int32Array;
  readonly #engine: EventRingWriter;

  constructor(disk: Disk, settings: PipelineSettings) {
    openMeta(disk, ROOT, { nowUs: 0, directoryId: DIRECTORY_ID });
    const end = inspectJournal(disk, ROOT);
    settleJournal(disk, end);
    this.#memory = createPipelineMemory({ commandSlots: SLOTS, eventSlots: 128, riskWorkers: 1 });
    this.#ring = new CommandRing(this.#memory);
    this.#control = new Int32Array(this.#memory.control);
    settings.watch?.(() => this.acknowledged);
    this.#engine = new EventRingWriter(this.#memory, [ControlWord.eventsLogged], () => {
      throw new Error("the event ring is full");
    });
    const sizes = { maxBlockBytes: settings.maxBlockBytes, segmentBytes: settings.segmentBytes };
    this.events = new EventLogStage(this.#memory, {
      writer: openEventLog(disk, ROOT, end, sizes),
    });
    this.#journal = new JournalStage(this.#memory, {
      recoveredSeq: end.lastSeq,
      openWriter: () =>
        openJournal(disk, ROOT, end, {
          ...sizes,
          ...(settings.overlaps === true
            ? { output: new LateOutput(disk, settings.maxBlockBytes), overlapBytes: 0 }
            : {}),
          durability: settings.durability ?? "fsync",
          firstSegmentBytes: settings.maxBlockBytes * 2,
        }),
      nowNs: settings.nowNs ?? (() => 0),
    });
    if (end.lastSeq > 0) this.#replay(disk, settings.maxBlockBytes);
  }

  /** All commands up to here were acknowledged. */
  get acknowledged(): number {
    return Atomics.load(this.#control, ControlWord.durable);
  }

  get writer(): JournalWriter {
    return this.#journal.writer as JournalWriter;
  }

  /** Sends `count` new commands, one salt for all. At most 64. */
  send(count: number, salt: number): void {
    for (let i = 0; i < count; i++) {
      const seq = ++this.lastSeq;
      const offset = this.#ring.offsetOf(seq);
      writeCommand(this.#ring.view, offset, seq, salt);
      this.#ring.view.setUint32(offset + SALT_OFFSET, salt, true);
      this.#match(seq, salt);
    }
    this.#publish();
  }

  /** Runs the stages until they are idle. */
  work(): void {
    while (this.acknowledged < this.lastSeq) this.step();
    while (this.events.doWork() > 0);
  }

  /** One round of the journal stage: a block may be in flight afterwards. */
  step(): void {
    this.#journal.doWork();
  }

  idle(): void {
    this.writer.idle();
  }

  /** As an idle stage does it: a mark when one is due, else zeros for the next segment. */
  rest(): void {
    this.#journal.doWork();
  }

  close(): void {
    this.#journal.close();
    this.events.close();
  }

  #replay(disk: Disk, bufferBytes: number): void {
    const reader = JournalReader.open(disk, `${ROOT}/journal`, { bufferBytes });
    while (reader.next()) {
      const salt = reader.view.getUint32(reader.offset + SALT_OFFSET, true);
      this.recovered.push(salt);
      this.lastSeq = reader.seq;
      const record = reader.bytes.subarray(reader.offset, reader.offset + reader.length);
      this.#ring.bytes.set(record, this.#ring.offsetOf(reader.seq));
      this.#match(reader.seq, salt);
      if (reader.seq % (SLOTS / 2) === 0) {
        this.#publish();
        this.work();
      }
    }
    reader.close();
    this.#publish();
    this.work();
  }

  #match(seq: number, salt: number): void {
    for (let index = 0; index < EVENTS_PER_COMMAND; index++) {
      writeEvent(this.#engine.view, this.#engine.claim(), seq, index, salt);
      this.#engine.commit();
    }
  }

  #publish(): void {
    this.#engine.publish();
    this.#ring.publish(this.lastSeq);
    Atomics.store(this.#control, ControlWord.matched, this.lastSeq);
    Atomics.store(this.#control, ControlWord.riskChecked, this.lastSeq);
  }
}
