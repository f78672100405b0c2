// Hot path: append and commit allocate nothing that lives on.
import { assert } from "../../protocol/assert.ts";
import { SCHEMA_VERSION } from "../../protocol/generated/support.ts";
import { RULES_VERSION } from "../../protocol/terms.ts";
import type { JournalAnchor } from "./anchor.ts";
import { BlockBuilder, chainOf } from "./block-builder.ts";
import {
  alignmentOf,
  BlockFlag,
  BlockHeader,
  getNumber,
  LogKind,
  MAX_BLOCK_BYTES,
  SEGMENT_HEADER_BYTES,
  toHex,
} from "./block-format.ts";
import type { Disk, FileHandle } from "./disk.ts";
import { DiskError, JournalError, type JournalErrorCode } from "./errors.ts";
import { type JournalRecovery, recoverJournal } from "./journal-recovery.ts";
import type { LogPosition } from "./log-cursor.ts";
import {
  type Durability,
  encodeSegmentHeader,
  isBlockSize,
  segmentName,
} from "./segment-format.ts";
import { encodeSkips, hashOfSkips, type Skip } from "./skips.ts";
import { SpareSegment } from "./spare-segment.ts";

export const DEFAULT_SEGMENT_BYTES = 64 << 20;
/** The first segment after a start is small, so that a start does not wait for zeros. */
export const DEFAULT_FIRST_SEGMENT_BYTES = 4 << 20;

export interface JournalOptions {
  readonly directoryId: Uint8Array;
  readonly durability: Exclude<Durability, "none">;
  /** Size of a segment file; smaller where it was needed before it was filled. */
  readonly segmentBytes?: number;
  readonly firstSegmentBytes?: number;
  /** Size of the largest block: the most that is ever in flight. At most 1 MiB. */
  readonly maxBlockBytes?: number;
  /** The epoch that the directory knows to have begun; the new one is higher. */
  readonly knownEpoch?: number;
  /** The new epoch is higher than this one, too. Default: knownEpoch. */
  readonly epochAbove?: number;
  /** The end that recovery has replayed to; anything else on disk is refused. */
  readonly expectedLastSeq?: number;
  /** A command to take out, besides those that are taken out already. */
  readonly skip?: Skip;
  /** Stamps segment headers. Nothing rests on it. */
  readonly nowUs?: () => number;
}

/**
 * Appends commands. A block is filled with `append` and becomes durable with `commit`. Any failure
 * is final: the writer is stopped, and so must be whoever acknowledges.
 */
export class JournalWriter {
  readonly epoch: number;
  /** What opening found and did. */
  readonly recovery: JournalRecovery;
  readonly durability: Durability;
  /** Counted since the start of this writer. */
  blocks = 0;
  bytes = 0;

  readonly #disk: Disk;
  readonly #options: JournalOptions;
  readonly #maxBlockBytes: number;
  readonly #builder: BlockBuilder;
  readonly #header = new BlockHeader();
  readonly #position: LogPosition;
  readonly #spare: SpareSegment;
  readonly #skips: readonly Skip[];
  readonly #segmentBytes: number;
  #segmentNumber: number;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  #offset = SEGMENT_HEADER_BYTES;
  #pending = 0;
  #stopped = false;
  // The last source of records and a view of it: a ring, so the same one each time. Kept whole,
  // since asking an array for its buffer is a slow call.
  #source: Uint8Array = new Uint8Array(0);
  #sourceView: DataView<ArrayBufferLike> = new DataView(this.#source.buffer);

  /**
   * `directory`: where the segments are; made where it is not there. Recovers what is there first.
   * Throws a DamageError (then nothing was changed), a JournalError or a DiskError.
   */
  static open(disk: Disk, directory: string, options: JournalOptions): JournalWriter {
    return new JournalWriter(disk, directory, options);
  }

  private constructor(disk: Disk, directory: string, options: JournalOptions) {
    this.#disk = disk;
    this.#options = options;
    this.durability = options.durability;
    this.#maxBlockBytes = options.maxBlockBytes ?? MAX_BLOCK_BYTES;
    if (!isBlockSize(this.#maxBlockBytes, LogKind.journal)) {
      throw new RangeError(`maxBlockBytes cannot be ${this.#maxBlockBytes}`);
    }
    this.#segmentBytes = this.#atLeastOneBlock(options.segmentBytes ?? DEFAULT_SEGMENT_BYTES);
    const { recovery, position } = recoverJournal(disk, directory, options);
    this.recovery = recovery;
    this.#position = position;
    this.#skips = options.skip === undefined ? recovery.skips : [...recovery.skips, options.skip];
    this.#header.skipsHash.set(hashOfSkips(encodeSkips(this.#skips)));
    this.#builder = new BlockBuilder(this.#maxBlockBytes, alignmentOf(LogKind.journal));
    this.#spare = new SpareSegment(disk, directory, this.#segmentBytes);
    this.epoch = Math.max(position.epoch, options.knownEpoch ?? 0, options.epochAbove ?? 0) + 1;
    position.epoch = this.epoch;
    this.#segmentNumber = recovery.lastSegment;
    this.#header.directoryId.set(options.directoryId);
    this.#header.lastTimestampUs = position.lastTimestampUs;
    this.#header.epoch = this.epoch;
    const first = options.firstSegmentBytes ?? DEFAULT_FIRST_SEGMENT_BYTES;
    this.#nextSegment(Math.min(this.#atLeastOneBlock(first), this.#segmentBytes));
    this.#trimPrevious();
  }

  /** The last seq that was appended. */
  get lastSeq(): number {
    return this.#position.lastSeq + this.#pending;
  }

  /** The last seq that is as durable as was asked for. */
  get durableSeq(): number {
    return this.#position.lastSeq;
  }

  /** Number of the segment that is being written. */
  get segmentNumber(): number {
    return this.#segmentNumber;
  }

  /** Bytes that it still has room for; a block that does not fit begins the next one. */
  get segmentRoom(): number {
    return this.#fileBytes - this.#offset;
  }

  /** What stands for everything up to the last block, which is as durable as was asked for. Cold. */
  anchor(): JournalAnchor {
    const { lastSeq, blockNumber, chain, lastTimestampUs } = this.#position;
    return { seq: lastSeq, block: blockNumber, chain: toHex(chain), timestamp: lastTimestampUs };
  }

  /** Room for a record of `length` bytes in the block that is being filled. */
  hasRoom(length: number): boolean {
    return this.#builder.hasRoom(length);
  }

  /** Takes the next command. There must be room. */
  append(bytes: Uint8Array, offset: number, length: number): void {
    if (bytes !== this.#source) {
      this.#source = bytes;
      this.#sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const seq = getNumber(this.#sourceView, offset + 8);
    assert(seq === this.lastSeq + 1, "commands are journaled in order and without gaps");
    this.#header.lastTimestampUs = getNumber(this.#sourceView, offset + 16);
    this.#builder.append(this.#sourceView, offset, length);
    this.#pending++;
  }

  /** Writes what was appended, and syncs it if the durability asks for it. */
  commit(): void {
    if (this.#pending === 0) return;
    this.#writeBlock(0);
  }

  /**
   * Writes a block without commands. It says that everything before it was durable: where the last
   * commands are lost later, the loss shows.
   */
  mark(): void {
    assert(this.#pending === 0, "a mark comes after a commit");
    this.#writeBlock(0);
  }

  /** Work for idle moments: zeros for the next segment. Returns how much was done, 0 when none. */
  idle(): number {
    this.#assertRunning();
    return this.#spare.fill();
  }

  /** Ends the journal: afterwards nothing may be missing from it. */
  close(): void {
    if (this.#file === undefined) return;
    assert(this.#pending === 0, "everything is committed before the journal is closed");
    this.#writeBlock(BlockFlag.closed);
    const file = this.#file; // the block may have begun a new one
    this.#guard("syncFailed", () => {
      this.#disk.sync(file);
      this.#disk.truncate(file, this.#offset);
      this.#disk.sync(file);
      this.#spare.discard();
    });
    this.#file = undefined;
    this.#stopped = true;
    this.#disk.close(file);
  }

  /** Gives the files back without a word: what a crash leaves. For tests and for failed starts. */
  abandon(): void {
    if (this.#file !== undefined) this.#disk.close(this.#file);
    this.#file = undefined;
    this.#stopped = true;
  }

  #writeBlock(flags: number): void {
    this.#assertRunning();
    const header = this.#header;
    const position = this.#position;
    header.flags = flags;
    header.blockNumber = position.blockNumber + 1;
    header.firstSeq = position.lastSeq + 1;
    header.lastSeq = position.lastSeq + this.#pending;
    header.durableSeq = position.lastSeq;
    header.recordCount = this.#pending;
    header.previousChain.set(position.chain);
    const total = this.#builder.seal(header);
    // A closing block never fills its file: that the file is shorter than it was allocated shows that
    // the journal was closed, even where the closing block is lost.
    const needed = (flags & BlockFlag.closed) === 0 ? total : total + 1;
    if (this.#offset + needed > this.#fileBytes) {
      this.#nextSegment(this.#atLeastOneBlock(0));
    }
    this.#put(total);
    chainOf(this.#builder.bytes.subarray(0, total), position.chain);
    position.blockNumber = header.blockNumber;
    position.lastSeq = header.lastSeq;
    position.lastTimestampUs = header.lastTimestampUs;
    this.#offset += total;
    this.#pending = 0;
    this.#builder.clear();
    this.blocks++;
    this.bytes += total;
    if (flags === 0) this.#keepAhead(total);
  }

  #assertRunning(): void {
    if (!this.#stopped) return;
    throw new JournalError("stopped", "the journal has stopped after a failure");
  }

  #put(total: number): void {
    const file = this.#file as FileHandle;
    try {
      this.#disk.writeAt(file, this.#builder.bytes, 0, total, this.#offset);
    } catch (error) {
      this.#stop("writeFailed", error);
    }
    if (this.durability !== "fsync") return;
    try {
      this.#disk.sync(file);
    } catch (error) {
      this.#stop("syncFailed", error);
    }
  }

  /**
   * The spare is full by the time three quarters of the segment are used, or else grows twice as
   * fast as the segment: sizes double until they are what was asked for.
   */
  #keepAhead(written: number): void {
    const due = (this.#offset / this.#fileBytes) * (4 / 3) * this.#segmentBytes;
    if (this.#spare.bytes < due) this.#spare.fill(2 * written);
  }

  #nextSegment(minimumBytes: number): void {
    const position = this.#position;
    const number = this.#segmentNumber + 1;
    this.#guard("createFailed", () => {
      if (this.#file !== undefined) {
        // Where commits are not synced, a file at least is before the next one begins.
        if (this.durability !== "fsync") this.#disk.sync(this.#file);
        this.#disk.close(this.#file);
        this.#file = undefined;
      }
      const taken = this.#spare.take(segmentName(LogKind.journal, number), minimumBytes, (bytes) =>
        encodeSegmentHeader({
          kind: LogKind.journal,
          durability: this.durability,
          rulesVersion: RULES_VERSION,
          schemaVersion: SCHEMA_VERSION,
          directoryId: this.#options.directoryId,
          epoch: this.epoch,
          number,
          previousSeq: position.lastSeq,
          previousIndex: 0,
          previousTimestampUs: position.lastTimestampUs,
          firstBlock: position.blockNumber + 1,
          allocatedBytes: bytes,
          maxBlockBytes: this.#maxBlockBytes,
          createdUs: this.#options.nowUs?.() ?? 0,
          previousChain: position.chain,
          eventCount: 0,
          hashState: position.hashState,
          skips: this.#skips,
        }),
      );
      this.#file = taken.file;
      this.#fileBytes = taken.bytes;
      this.#offset = SEGMENT_HEADER_BYTES;
      this.#segmentNumber = number;
    });
  }

  /** Gives back what the segment of the writer before was allocated and did not use. */
  #trimPrevious(): void {
    const { lastPath, lastOffset } = this.recovery;
    if (lastPath === undefined) return;
    this.#guard("createFailed", () => {
      const file = this.#disk.open(lastPath, "write");
      try {
        if (this.#disk.bytesOf(file) > lastOffset) {
          this.#disk.truncate(file, lastOffset);
          this.#disk.sync(file);
        }
      } finally {
        this.#disk.close(file);
      }
    });
  }

  #atLeastOneBlock(bytes: number): number {
    const least = SEGMENT_HEADER_BYTES + this.#maxBlockBytes;
    return Math.max(Math.ceil(bytes / 4096) * 4096, least);
  }

  #guard(code: JournalErrorCode, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#stop(code, error);
    }
  }

  #stop(code: JournalErrorCode, cause: unknown): never {
    this.#stopped = true;
    if (cause instanceof JournalError) throw cause;
    if (!(cause instanceof DiskError)) throw cause;
    throw new JournalError(code, cause.message, cause);
  }
}
