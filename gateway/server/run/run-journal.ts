import type { EngineCapacity } from "../../../engine/engine.ts";
import type { Recorders } from "../../../engine/inline-pipeline.ts";
import {
  directoryIdOf,
  eventsPath,
  journalPath,
  openMeta,
  recordEpoch,
} from "../../../engine/journal/data-directory.ts";
import { DirectoryLock } from "../../../engine/journal/directory-lock.ts";
import type { Disk } from "../../../engine/journal/disk.ts";
import { EventLogStage } from "../../../engine/journal/event-log-stage.ts";
import { EventLogWriter } from "../../../engine/journal/event-log-writer.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { JournalStage } from "../../../engine/journal/journal-stage.ts";
import { JournalWriter } from "../../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { inspectJournal, settleJournal } from "../../../engine/journal/opening.ts";
import type { PipelineMemory } from "../../../protocol/rings/pipeline-memory.ts";

export interface RunJournalOptions {
  readonly durability: "fsync" | "os";
  /** For a directory that is made; one that is there keeps its own. */
  readonly capacity: EngineCapacity;
  /** Stamps files. */
  readonly nowUs: () => number;
}

/** The data directory of a `run`: the same files as the server's, and the server may go on with them. */
export class RunJournal {
  /** Commands that are there already; 0: none. */
  readonly recoveredSeq: number;
  /** What the directory was made with. */
  readonly capacity: EngineCapacity;
  readonly #disk: Disk = new NodeDisk();
  readonly #directory: string;
  readonly #options: RunJournalOptions;
  readonly #lock: DirectoryLock;
  readonly #directoryId: Uint8Array;
  readonly #knownEpoch: number;
  readonly #writtenWith: "fsync" | "os" | "none";
  readonly #epoch: number;
  #recorders: { journal: JournalStage; eventLog: EventLogStage } | undefined;

  /** Throws what opening a data directory throws: see engine/journal/errors.ts. */
  constructor(directory: string, options: RunJournalOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#disk.makeDirectory(directory);
    this.#lock = DirectoryLock.acquire(directory);
    try {
      const meta = openMeta(this.#disk, directory, {
        nowUs: options.nowUs(),
        capacity: options.capacity,
      });
      this.capacity = meta.capacity ?? options.capacity;
      this.#directoryId = directoryIdOf(meta);
      this.#knownEpoch = meta.epoch;
      const end = inspectJournal(this.#disk, directory);
      settleJournal(this.#disk, end);
      this.recoveredSeq = end.lastSeq;
      this.#writtenWith = end.durability;
      this.#epoch = Math.max(end.epoch, meta.epoch) + 1;
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  recorders(memory: PipelineMemory): Recorders {
    const eventLog = new EventLogStage(memory, {
      writer: EventLogWriter.open(this.#disk, eventsPath(this.#directory), {
        directoryId: this.#directoryId,
        epoch: this.#epoch,
        journalLastSeq: this.recoveredSeq,
        journalDurability: this.#writtenWith,
        nowUs: this.#options.nowUs,
      }),
    });
    const journal = new JournalStage(memory, {
      recoveredSeq: this.recoveredSeq,
      openWriter: () => this.#openWriter(),
    });
    this.#recorders = { journal, eventLog };
    return this.#recorders;
  }

  /** The commands that are there already, in order; view and offset hold until the next one. */
  *commands(): Generator<JournalReader, void, void> {
    if (this.recoveredSeq === 0) return;
    const reader = JournalReader.open(this.#disk, journalPath(this.#directory));
    try {
      while (reader.next()) yield reader;
    } finally {
      reader.close();
    }
  }

  /** Ends journal and event log in good order. Everything must be durable. */
  close(): void {
    this.#recorders?.journal.close();
    // It takes a few thousand events at a time, and what is printed does not wait for it.
    while ((this.#recorders?.eventLog.doWork() ?? 0) > 0);
    this.#recorders?.eventLog.close();
    this.#lock.release();
  }

  /** After a failure: the files stay as a crash would leave them. */
  abandon(): void {
    this.#lock.release();
  }

  #openWriter(): JournalWriter {
    const writer = JournalWriter.open(this.#disk, journalPath(this.#directory), {
      directoryId: this.#directoryId,
      durability: this.#options.durability,
      knownEpoch: this.#knownEpoch,
      expectedLastSeq: this.recoveredSeq,
      nowUs: this.#options.nowUs,
    });
    recordEpoch(this.#disk, this.#directory, writer.epoch);
    return writer;
  }
}
