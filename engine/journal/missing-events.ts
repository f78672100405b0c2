import { RunningHash } from "../../protocol/event-hash.ts";
import { CHECKPOINT_TEMPLATE_ID } from "../../protocol/generated/events.ts";
import type { Disk } from "./disk.ts";
import { JournalError } from "./errors.ts";
import { cutEventLog, type EventLogFinding, type OpenedEventLog } from "./event-log-recovery.ts";
import { type EventLogOptions, EventLogWriter } from "./event-log-writer.ts";

const FIRST_BYTES = 1 << 16;
/** More than this is not kept in memory: the log is then written on the way. */
const MOST_BYTES = 32 << 20;

export interface MissingEventsOptions extends EventLogOptions {
  /**
   * Called before the first byte in the directory is changed; throws where something is wrong with
   * the journal. Called early only where more is missing than is kept in memory.
   */
  readonly beforeChange: () => void;
  readonly mostBytes?: number;
}

/**
 * The events that a start finds missing in the log: the log is derived, and a crash may have cost its
 * end. They are kept until the journal has been read to its end and found whole, so that a damaged one
 * finds the log as it was.
 */
export class MissingEvents {
  readonly #disk: Disk;
  readonly #finding: EventLogFinding;
  readonly #options: MissingEventsOptions;
  readonly #mostBytes: number;
  readonly #hash = new RunningHash();
  #eventCount: number;
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #opened: OpenedEventLog | undefined;
  #writer: EventLogWriter | undefined;

  constructor(disk: Disk, finding: EventLogFinding, options: MissingEventsOptions) {
    this.#disk = disk;
    this.#finding = finding;
    this.#options = options;
    this.#mostBytes = options.mostBytes ?? MOST_BYTES;
    this.#bytes = new Uint8Array(Math.min(FIRST_BYTES, this.#mostBytes));
    this.#view = new DataView(this.#bytes.buffer);
    if (finding.lastSegment > 0) this.#hash.restore(finding.position.hashState, 0);
    this.#eventCount = finding.position.eventCount;
  }

  /** The next event that the log does not hold; valid during the call only. */
  append(view: DataView, offset: number): void {
    const length = view.getUint16(offset, true);
    if (this.#length + length > this.#bytes.length) this.#makeRoom(length);
    for (let i = 0; i < length; i += 4) {
      this.#view.setInt32(this.#length + i, view.getInt32(offset + i, true), true);
    }
    this.#length += length;
  }

  /**
   * Everything has been appended: cuts and writes the log, and leaves it whole on the disk. hash: over
   * all public events. Throws a JournalError.
   */
  finish(eventCount: number, hash: Int32Array): OpenedEventLog {
    const opened = this.#open();
    if (this.#length > 0) this.#write(opened);
    const ours = new Int32Array(4);
    this.#hash.save(ours, 0);
    if (this.#eventCount !== eventCount || ours.some((word, i) => word !== hash[i])) {
      throw new JournalError("eventLogDisagrees", "the log was not completed with what is missing");
    }
    return this.#writer?.handOver() ?? opened;
  }

  #open(): OpenedEventLog {
    if (this.#opened === undefined) {
      this.#options.beforeChange();
      this.#opened = cutEventLog(this.#disk, this.#finding);
    }
    return this.#opened;
  }

  #makeRoom(length: number): void {
    if (this.#length + length > this.#mostBytes && this.#length > 0) {
      this.#write(this.#open());
      return;
    }
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  #write(opened: OpenedEventLog): void {
    const { directory } = this.#finding;
    this.#writer ??= EventLogWriter.open(this.#disk, directory, { ...this.#options, opened });
    const writer = this.#writer;
    let length = 0;
    for (let at = 0; at < this.#length; at += length) {
      length = this.#view.getUint16(at, true);
      if (!writer.hasRoom(length)) writer.flush(this.#hash, this.#eventCount);
      if (this.#view.getUint16(at + 2, true) !== CHECKPOINT_TEMPLATE_ID) {
        this.#hash.update(this.#view, at, length);
        this.#eventCount++;
      }
      writer.append(this.#bytes, at, length);
    }
    writer.flush(this.#hash, this.#eventCount);
    this.#length = 0;
  }
}
