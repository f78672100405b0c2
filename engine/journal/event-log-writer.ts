// Hot path: append and flush allocate nothing that lives on.
import { assert } from "../../protocol/assert.ts";
import type { RunningHash } from "../../protocol/event-hash.ts";
import { SCHEMA_VERSION } from "../../protocol/generated/support.ts";
import { RULES_VERSION } from "../../protocol/terms.ts";
import { BlockBuilder, chainOf } from "./block-builder.ts";
import {
  alignmentOf,
  BlockHeader,
  getNumber,
  LogKind,
  MAX_BLOCK_BYTES,
  SEGMENT_HEADER_BYTES,
} from "./block-format.ts";
import type { Disk, FileHandle } from "./disk.ts";
import { DiskError, JournalError } from "./errors.ts";
import {
  describe,
  type EventLogRecovery,
  type OpenedEventLog,
  recoverEventLog,
} from "./event-log-recovery.ts";
import { LogPosition } from "./log-cursor.ts";
import { type Durability, encodeSegmentHeader, segmentName } from "./segment-format.ts";
import { NO_SKIPS } from "./skips.ts";

export const EVENT_INDEX_OFFSET = 32;

export interface EventLogOptions {
  readonly directoryId: Uint8Array;
  /** The journal's. */
  readonly epoch: number;
  /** What the journal ends with: the log must not be ahead of it. */
  readonly journalLastSeq: number;
  /** How the journal was written so far. With fsync a log that is ahead shows a loss. */
  readonly journalDurability: Durability;
  readonly segmentBytes?: number;
  readonly maxBlockBytes?: number;
  /** Who took the log over already, and left it whole on the disk, says how it ends. */
  readonly opened?: OpenedEventLog | undefined;
  readonly nowUs?: () => number;
}

/**
 * Appends events. The log is derived from the journal, so a segment is synced only when it is full,
 * and what a crash has cost is cut when it is opened and written again by replay.
 */
export class EventLogWriter {
  /** What opening found and did. */
  readonly recovery: EventLogRecovery;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #options: EventLogOptions;
  readonly #maxBlockBytes: number;
  readonly #segmentBytes: number;
  readonly #builder: BlockBuilder;
  readonly #header = new BlockHeader();
  readonly #position: LogPosition;
  #segmentNumber: number;
  #file: FileHandle | undefined;
  #offset = SEGMENT_HEADER_BYTES;
  #pending = 0;
  #stopped = false;
  // The last source of records and a view of it: a ring, so the same one each time. Kept whole,
  // since asking an array for its buffer is a slow call.
  #source: Uint8Array = new Uint8Array(0);
  #sourceView: DataView<ArrayBufferLike> = new DataView(this.#source.buffer);

  /** Throws a DamageError where the log shows that the journal has lost commands. */
  static open(disk: Disk, directory: string, options: EventLogOptions): EventLogWriter {
    return new EventLogWriter(disk, directory, options);
  }

  private constructor(disk: Disk, directory: string, options: EventLogOptions) {
    this.#disk = disk;
    this.#directory = directory;
    this.#options = options;
    this.#maxBlockBytes = options.maxBlockBytes ?? MAX_BLOCK_BYTES;
    this.#segmentBytes = options.segmentBytes ?? 64 << 20;
    const bytes = new Uint8Array(this.#maxBlockBytes);
    this.#builder = new BlockBuilder(bytes, alignmentOf(LogKind.events));
    const { recovery, position: end } = options.opened ?? recoverEventLog(disk, directory, options);
    const position = new LogPosition();
    position.copy(end);
    this.recovery = recovery;
    this.#position = position;
    position.epoch = Math.max(position.epoch, options.epoch);
    this.#segmentNumber = recovery.lastSegment;
    this.#header.directoryId.set(options.directoryId);
    this.#header.lastTimestampUs = position.lastTimestampUs;
    this.#header.lastSeq = position.lastSeq;
    this.#header.lastIndex = position.lastIndex;
  }

  /** Last event in the log, appended or flushed. */
  get lastSeq(): number {
    return this.#header.lastSeq;
  }

  get lastIndex(): number {
    return this.#header.lastIndex;
  }

  hasRoom(length: number): boolean {
    return this.#builder.hasRoom(length);
  }

  /** Takes the next event. There must be room. */
  append(bytes: Uint8Array, offset: number, length: number): void {
    if (bytes !== this.#source) {
      this.#source = bytes;
      this.#sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const seq = getNumber(this.#sourceView, offset + 8);
    const index = this.#sourceView.getUint32(offset + EVENT_INDEX_OFFSET, true);
    const header = this.#header;
    const isNext = seq > header.lastSeq ? true : seq === header.lastSeq && index > header.lastIndex;
    assert(isNext, "events are logged in order and once");
    if (this.#pending === 0) {
      header.firstSeq = seq;
      header.firstIndex = index;
    }
    header.lastSeq = seq;
    header.lastIndex = index;
    header.lastTimestampUs = getNumber(this.#sourceView, offset + 16);
    this.#builder.append(this.#sourceView, offset, length);
    this.#pending++;
  }

  /** Writes what was appended. `hash` and `eventCount`: the public events up to here. */
  flush(hash: RunningHash, eventCount: number): void {
    if (this.#pending === 0) return;
    if (this.#stopped) throw new JournalError("stopped", "the event log has stopped");
    const header = this.#header;
    const position = this.#position;
    header.kind = LogKind.events;
    header.epoch = position.epoch;
    header.blockNumber = position.blockNumber + 1;
    header.recordCount = this.#pending;
    header.eventCount = eventCount;
    hash.save(header.hashState, 0);
    header.previousChain.set(position.chain);
    try {
      const total = this.#builder.seal(header);
      if (this.#file === undefined || this.#offset + total > this.#segmentBytes) {
        this.#nextSegment();
      }
      this.#disk.writeAt(this.#file as FileHandle, this.#builder.bytes, 0, total, this.#offset);
      chainOf(this.#builder.bytes.subarray(0, total), position.chain);
      this.#offset += total;
    } catch (error) {
      this.#stopped = true;
      if (error instanceof DiskError) throw new JournalError("writeFailed", error.message, error);
      throw error;
    }
    position.blockNumber = header.blockNumber;
    position.lastSeq = header.lastSeq;
    position.lastTimestampUs = header.lastTimestampUs;
    position.lastIndex = header.lastIndex;
    position.eventCount = eventCount;
    position.hashState.set(header.hashState);
    this.#pending = 0;
    this.#builder.clear();
  }

  /** Everything is flushed: closes it, whole and on the disk, for another writer to go on. */
  handOver(): OpenedEventLog {
    assert(this.#pending === 0, "what is handed over is flushed");
    if (this.#file !== undefined) this.#disk.sync(this.#file);
    this.close();
    const { cuts } = this.recovery;
    const recovery = describe(this.#position, this.#segmentNumber, cuts);
    return { recovery, position: this.#position };
  }

  close(): void {
    if (this.#file !== undefined) this.#disk.close(this.#file);
    this.#file = undefined;
    this.#stopped = true;
  }

  /** A reader must never see half a header: the file gets its name when it has one. */
  #nextSegment(): void {
    const position = this.#position;
    if (this.#file !== undefined) {
      this.#disk.sync(this.#file);
      this.#disk.close(this.#file);
      this.#file = undefined;
    }
    const number = this.#segmentNumber + 1;
    const header = encodeSegmentHeader({
      kind: LogKind.events,
      durability: "none",
      rulesVersion: RULES_VERSION,
      schemaVersion: SCHEMA_VERSION,
      directoryId: this.#options.directoryId,
      epoch: position.epoch,
      number,
      previousSeq: position.lastSeq,
      previousIndex: position.lastIndex,
      previousTimestampUs: position.lastTimestampUs,
      firstBlock: position.blockNumber + 1,
      allocatedBytes: 0,
      maxBlockBytes: this.#maxBlockBytes,
      createdUs: this.#options.nowUs?.() ?? 0,
      previousChain: position.chain,
      eventCount: position.eventCount,
      hashState: position.hashState,
      skips: NO_SKIPS,
    });
    const temporary = `${this.#directory}/next.new`;
    this.#file = this.#disk.open(temporary, "create");
    this.#disk.writeAt(this.#file, header, 0, header.length, 0);
    this.#disk.rename(temporary, `${this.#directory}/${segmentName(LogKind.events, number)}`);
    this.#disk.syncDirectory(this.#directory);
    this.#segmentNumber = number;
    this.#offset = SEGMENT_HEADER_BYTES;
  }
}
