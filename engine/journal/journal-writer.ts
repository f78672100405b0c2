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
  CHAIN_BYTES,
  getNumber,
  LogKind,
  MAX_BLOCK_BYTES,
  SEGMENT_HEADER_BYTES,
  toHex,
} from "./block-format.ts";
import type { BackgroundSync, BlockOutput, ZeroFiller } from "./block-output.ts";
import type { Disk, FileHandle } from "./disk.ts";
import { DiskError, JournalError, type JournalErrorCode } from "./errors.ts";
import { giveBackRest, type JournalRecovery, recoverJournal } from "./journal-recovery.ts";
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

/** Where commits are not synced, the file is each time so much has been written. */
const SYNC_AHEAD_BYTES = 4 << 20;

const TWO_32 = 4294967296;

/** From this size on a block is worth the two wake-ups that another thread costs. */
const OVERLAP_BYTES = 64 * 1024;

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
  /** Writes large blocks while the next one is built. undefined: the writer does it itself. */
  readonly output?: BlockOutput | undefined;
  /** Records of so many bytes make a block large. */
  readonly overlapBytes?: number;
  /** Lays out segments ahead. undefined: the writer does it, in idle moments. */
  readonly filler?: ZeroFiller | undefined;
  /** Durability `os`: syncs the file now and then. undefined: only when the next one begins. */
  readonly syncer?: BackgroundSync | undefined;
  /** Stamps segment headers. Nothing rests on it. */
  readonly nowUs?: () => number;
}

/**
 * Appends commands. A block is filled with `append` and becomes durable with `commit`; or `begin`
 * sends it on its way, and it is durable after `settle`, while the next one is being filled. One
 * block is in flight at a time. Any failure is final: the writer is stopped, and so must be whoever
 * acknowledges.
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
  readonly #directory: string;
  readonly #options: JournalOptions;
  readonly #maxBlockBytes: number;
  readonly #output: BlockOutput | undefined;
  readonly #syncer: BackgroundSync | undefined;
  // One is filled while the other is in flight; without an output they are the same.
  readonly #builders: readonly [BlockBuilder, BlockBuilder];
  #builder: BlockBuilder;
  readonly #header = new BlockHeader();
  readonly #position: LogPosition;
  readonly #spare: SpareSegment;
  readonly #skips: readonly Skip[];
  readonly #segmentBytes: number;
  #segmentNumber: number;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  #path = "";
  #offset = SEGMENT_HEADER_BYTES;
  #unsynced = 0; // bytes written since the last sync in the background began
  #pending = 0;
  #appendedSeq: number;
  // Of the last command: made a number once a block.
  #lastTimestampLow = 0;
  #lastTimestampHigh = 0;
  // The block in flight: commands and last timestamp.
  #isInFlight = false;
  #commandsInFlight = 0;
  #lengthInFlight = 0;
  #timestampInFlight = 0;
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
    this.#directory = directory;
    this.#output = options.output;
    this.#syncer = options.durability === "os" ? options.syncer : undefined;
    const alignment = alignmentOf(LogKind.journal);
    const [one, other] = this.#output?.buffers ?? [new Uint8Array(this.#maxBlockBytes)];
    this.#builder = new BlockBuilder(one.subarray(0, this.#maxBlockBytes), alignment);
    this.#builders =
      other === undefined
        ? [this.#builder, this.#builder]
        : [this.#builder, new BlockBuilder(other.subarray(0, this.#maxBlockBytes), alignment)];
    this.#spare = new SpareSegment(disk, directory, this.#segmentBytes, options.filler);
    this.epoch = Math.max(position.epoch, options.knownEpoch ?? 0, options.epochAbove ?? 0) + 1;
    position.epoch = this.epoch;
    this.#appendedSeq = position.lastSeq;
    this.#segmentNumber = recovery.lastSegment;
    this.#header.directoryId.set(options.directoryId);
    this.#header.lastTimestampUs = position.lastTimestampUs;
    this.#header.epoch = this.epoch;
    const first = options.firstSegmentBytes ?? DEFAULT_FIRST_SEGMENT_BYTES;
    this.#nextSegment(Math.min(this.#atLeastOneBlock(first), this.#segmentBytes));
    this.#guard("createFailed", () => giveBackRest(disk, recovery));
  }

  /** The last seq that was appended. */
  get lastSeq(): number {
    return this.#appendedSeq;
  }

  /** A block is on its way: `settle` waits for it. */
  get isInFlight(): boolean {
    return this.#isInFlight;
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

  /** Bytes laid out for the segment after it. */
  get spareBytes(): number {
    return this.#spare.bytes;
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
    const view = this.#sourceView;
    this.#appendedSeq++;
    const isNext = getNumber(view, offset + 8) === this.#appendedSeq;
    assert(isNext, "commands are journaled in order and without gaps");
    this.#lastTimestampLow = view.getInt32(offset + 16, true);
    this.#lastTimestampHigh = view.getInt32(offset + 20, true);
    this.#builder.append(view, offset, length);
    this.#pending++;
  }

  /** Writes what was appended, and syncs it if the durability asks for it. */
  commit(): void {
    this.settle();
    if (this.#pending > 0) this.#writeBlock(0);
  }

  /**
   * As `commit`, but returns while a large block is still on its way. The block before must have
   * been settled, so that whoever acknowledges has heard of it.
   */
  begin(): void {
    assert(!this.#isInFlight, "one block is in flight at a time");
    if (this.#pending === 0) return;
    const isLarge = this.#builder.bodyBytes >= (this.#options.overlapBytes ?? OVERLAP_BYTES);
    const output = isLarge ? this.#output : undefined;
    if (output === undefined) {
      this.#writeBlock(0);
      return;
    }
    const length = this.#sealBlock(0);
    this.#isInFlight = true;
    this.#lengthInFlight = length;
    this.#commandsInFlight = this.#pending;
    this.#timestampInFlight = this.#header.lastTimestampUs;
    this.#pending = 0;
    output.start({
      buffer: this.#builder === this.#builders[0] ? 0 : 1,
      length,
      file: this.#file as FileHandle,
      path: this.#path,
      position: this.#offset,
      sync: this.durability === "fsync",
    });
    this.#builder = this.#builders[this.#builder === this.#builders[0] ? 1 : 0];
    this.#builder.clear();
  }

  /** Waits for the block in flight: it is durable then. While waiting, works for the next one. */
  settle(): void {
    if (!this.#isInFlight) return;
    const position = this.#position;
    const next = position.blockNumber + 2;
    this.#builder.sealAhead(this.#options.directoryId, this.epoch, next);
    this.#isInFlight = false;
    try {
      (this.#output as BlockOutput).finish(position.chain);
    } catch (error) {
      const hasWritten = error instanceof DiskError && error.operation === "sync";
      this.#stop(hasWritten ? "syncFailed" : "writeFailed", error);
    }
    position.lastTimestampUs = this.#timestampInFlight;
    position.lastSeq += this.#commandsInFlight;
    this.#commandsInFlight = 0;
    this.#advance(this.#lengthInFlight);
    this.#keepAhead(this.#lengthInFlight);
  }

  /**
   * Writes a block without commands. It says that everything before it was durable: where the last
   * commands are lost later, the loss shows.
   */
  mark(): void {
    assert(this.#pending === 0 && !this.#isInFlight, "a mark comes after a commit");
    this.#writeBlock(0);
  }

  /** Work for idle moments: zeros for the next segment. Returns how much was done, 0 when none. */
  idle(): number {
    this.#assertRunning();
    assert(!this.#isInFlight, "idle work comes after a commit");
    return this.#spare.fill();
  }

  /** Ends the journal: afterwards nothing may be missing from it. */
  close(): void {
    if (this.#file === undefined) return;
    const isCommitted = this.#pending === 0 && !this.#isInFlight;
    assert(isCommitted, "everything is committed before the journal is closed");
    this.#writeBlock(BlockFlag.closed);
    const file = this.#file; // the block may have begun a new one
    this.#guard("syncFailed", () => {
      this.#syncer?.finishSync();
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
    if (this.#isInFlight) ignoreFailure(() => this.#output?.finish(new Uint8Array(CHAIN_BYTES)));
    this.#isInFlight = false;
    ignoreFailure(() => this.#syncer?.finishSync()); // it may still use the file
    if (this.#file !== undefined) this.#disk.close(this.#file);
    this.#file = undefined;
    this.#stopped = true;
  }

  /** Writes a block and waits for it. */
  #writeBlock(flags: number): void {
    const header = this.#header;
    const position = this.#position;
    const length = this.#sealBlock(flags);
    this.#put(length);
    chainOf(this.#builder.bytes.subarray(0, length), position.chain);
    position.lastSeq = header.lastSeq;
    position.lastTimestampUs = header.lastTimestampUs;
    this.#pending = 0;
    this.#builder.clear();
    this.#advance(length);
    if (flags === 0) this.#keepAhead(length);
  }

  /** Completes the block and finds it a place. Returns its length in bytes. */
  #sealBlock(flags: number): number {
    this.#assertRunning();
    const header = this.#header;
    const position = this.#position;
    header.flags = flags;
    header.blockNumber = position.blockNumber + 1;
    header.firstSeq = position.lastSeq + 1;
    header.lastSeq = position.lastSeq + this.#pending;
    header.durableSeq = position.lastSeq;
    header.recordCount = this.#pending;
    if (this.#pending > 0) {
      header.lastTimestampUs =
        (this.#lastTimestampLow >>> 0) + (this.#lastTimestampHigh >>> 0) * TWO_32;
    }
    header.previousChain.set(position.chain);
    const length = this.#builder.seal(header);
    // A closing block never fills its file: that the file is shorter than it was allocated shows that
    // the journal was closed, even where the closing block is lost.
    const needed = (flags & BlockFlag.closed) === 0 ? length : length + 1;
    if (this.#offset + needed > this.#fileBytes) {
      this.#nextSegment(this.#atLeastOneBlock(0));
    }
    return length;
  }

  /** A block more is where it belongs. */
  #advance(length: number): void {
    this.#position.blockNumber++;
    this.#offset += length;
    this.blocks++;
    this.bytes += length;
    if (this.#syncer !== undefined) this.#syncAhead(this.#syncer, length);
  }

  /** Little by little, so that little is left to wait for when the next segment begins. */
  #syncAhead(syncer: BackgroundSync, written: number): void {
    this.#unsynced += written;
    if (this.#unsynced < SYNC_AHEAD_BYTES || syncer.isSyncing) return;
    this.#guard("syncFailed", () => {
      syncer.finishSync(); // how the one before went
      syncer.beginSync(this.#file as FileHandle, this.#path);
    });
    this.#unsynced = 0;
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
    if (this.#spare.bytes < due) this.#spare.fill(2 * written, true);
  }

  #nextSegment(minimumBytes: number): void {
    const position = this.#position;
    const number = this.#segmentNumber + 1;
    this.#guard("createFailed", () => {
      if (this.#file !== undefined) {
        // Where commits are not synced, a file at least is before the next one begins.
        this.#syncer?.finishSync();
        if (this.durability !== "fsync") this.#disk.sync(this.#file);
        this.#disk.close(this.#file);
        this.#file = undefined;
      }
      const name = segmentName(LogKind.journal, number);
      this.#path = `${this.#directory}/${name}`;
      const taken = this.#spare.take(name, minimumBytes, (bytes) =>
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
      this.#unsynced = 0;
      this.#offset = SEGMENT_HEADER_BYTES;
      this.#segmentNumber = number;
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

function ignoreFailure(call: () => void): void {
  try {
    call();
  } catch {
    // The writer has ended: nobody counts on what it was doing.
  }
}
