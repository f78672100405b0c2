import { Worker } from "node:worker_threads";
import { compiledFile } from "../../protocol/compiled-file.ts";
import type { BlockCursor } from "../journal/block-cursor.ts";
import { LogKind } from "../journal/block-format.ts";
import type { Disk } from "../journal/disk.ts";
import {
  type DamageCode,
  DamageError,
  DiskError,
  type DiskErrorCode,
  type DiskOperation,
  JournalError,
  type JournalErrorCode,
} from "../journal/errors.ts";
import { type LogEnd, LogPosition } from "../journal/log-cursor.ts";
import { readSegmentHeader } from "../journal/log-search.ts";
import { type SegmentHeader, segmentName } from "../journal/segment-format.ts";
import type { ReadAheadWorkerData } from "./read-ahead.worker.ts";
import {
  BATCH_BLOCKS,
  BATCH_BYTES,
  BATCHES,
  BLOCK_INFO_BYTES,
  BlockField,
  CHAIN_AT,
  createReadAheadMemory,
  DIRECTORY_ID_AT,
  type LastWord,
  ReadAheadWord,
} from "./read-ahead-words.ts";

const WAIT_MS = 100;

export interface ReadAheadOptions {
  /** To start with; default: the first. */
  readonly segment?: number | undefined;
  /** A writer may be at work: the end is where it is when that is reached. */
  readonly live?: boolean;
  /** Sync each file before it is read. */
  readonly sync?: boolean;
}

/**
 * A journal whose files are read and checked in a thread of their own, so that whoever applies its
 * commands has that time for them. Goes through it once: at the end it stays.
 */
export class ReadAheadCursor implements BlockCursor {
  readonly position = new LogPosition();
  readonly block = { firstSeq: 0, lastSeq: 0 };
  segment: SegmentHeader | undefined;
  end: LogEnd | undefined;
  blockOffset = 0;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #words: Int32Array;
  readonly #counts: Int32Array;
  readonly #infos: DataView;
  readonly #infoBytes: Uint8Array;
  readonly #bodies: Uint8Array;
  readonly #last: Uint8Array;
  #segmentNumber: number;
  #consumed = 0;
  #blocks = 0; // left in the batch
  #block = 0; // the next one in it
  #bodyAt = 0;
  #bodyBytes = 0;
  #hasEnded = false;

  /** disk: the real one. directory: where the segments are; segment: to start with. */
  constructor(disk: Disk, directory: string, options: ReadAheadOptions) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentNumber = options.segment ?? 1;
    const memory = createReadAheadMemory();
    this.#words = new Int32Array(memory.words);
    this.#counts = new Int32Array(memory.counts);
    this.#infos = new DataView(memory.infos);
    this.#infoBytes = new Uint8Array(memory.infos);
    this.#bodies = new Uint8Array(memory.bodies);
    this.#last = new Uint8Array(memory.last);
    const workerData: ReadAheadWorkerData = {
      memory,
      directory,
      segment: options.segment,
      live: options.live ?? false,
      sync: options.sync ?? false,
    };
    const file = compiledFile("engine/threads/read-ahead.worker.js");
    const worker = new Worker(file, { workerData, name: "readAhead" });
    worker.on("error", () => undefined); // its end shows in its words: this thread may be waiting
    worker.unref();
  }

  get path(): string {
    return `${this.#directory}/${segmentName(LogKind.journal, this.#segmentNumber)}`;
  }

  next(): boolean {
    while (this.#block === this.#blocks) {
      if (this.#hasEnded || !this.#nextBatch()) return false;
    }
    const place = (this.#consumed % BATCHES) * BATCH_BLOCKS + this.#block;
    const info = place * BLOCK_INFO_BYTES;
    const get = (field: number) => this.#infos.getFloat64(info + field * 8, true);
    const position = this.position;
    position.epoch = get(BlockField.epoch);
    position.blockNumber = get(BlockField.blockNumber);
    position.lastSeq = get(BlockField.lastSeq);
    position.lastTimestampUs = get(BlockField.lastTimestampUs);
    copy(this.#infoBytes, info + CHAIN_AT, position.chain);
    copy(this.#infoBytes, info + DIRECTORY_ID_AT, position.directoryId);
    this.block.firstSeq = get(BlockField.firstSeq);
    this.block.lastSeq = position.lastSeq;
    this.blockOffset = get(BlockField.offset);
    this.#enterSegment(get(BlockField.segment));
    this.#bodyAt += this.#bodyBytes;
    this.#bodyBytes = get(BlockField.bodyBytes);
    this.#block++;
    return true;
  }

  copyBody(into: Uint8Array): number {
    const start = (this.#consumed % BATCHES) * BATCH_BYTES + this.#bodyAt;
    into.set(this.#bodies.subarray(start, start + this.#bodyBytes));
    return this.#bodyBytes;
  }

  close(): void {
    Atomics.store(this.#words, ReadAheadWord.stop, 1);
    Atomics.notify(this.#words, ReadAheadWord.consumed);
  }

  /** False: there is none; `end` says why. Throws what stopped the reading. */
  #nextBatch(): boolean {
    const words = this.#words;
    if (this.#blocks > 0) {
      this.#consumed++;
      Atomics.store(words, ReadAheadWord.consumed, this.#consumed); // release: it may be filled anew
      Atomics.notify(words, ReadAheadWord.consumed);
    }
    this.#block = 0;
    this.#blocks = 0;
    this.#bodyAt = 0;
    this.#bodyBytes = 0;
    this.#waitForBatch();
    this.#blocks = this.#counts[this.#consumed % BATCHES] as number;
    if (this.#blocks > 0) return true;
    this.#hasEnded = true; // only the last batch is empty
    this.#hear();
    return false;
  }

  #waitForBatch(): void {
    const words = this.#words;
    for (;;) {
      const produced = Atomics.load(words, ReadAheadWord.produced); // acquire
      if (produced > this.#consumed) return;
      const hasEnded = Atomics.load(words, ReadAheadWord.ended) === 1;
      if (hasEnded && Atomics.load(words, ReadAheadWord.produced) === produced) {
        throw new Error("the thread that reads the journal has ended");
      }
      Atomics.wait(words, ReadAheadWord.produced, produced, WAIT_MS);
    }
  }

  #hear(): void {
    const bytes = Atomics.load(this.#words, ReadAheadWord.lastBytes);
    const last = JSON.parse(new TextDecoder().decode(this.#last.slice(0, bytes))) as LastWord;
    if ("end" in last) {
      this.end = last.end as LogEnd;
      return;
    }
    const { kind, code, message, file, offset, seq, operation } = last.error;
    if (kind === "damage") throw new DamageError(code as DamageCode, file, offset, seq, message);
    if (kind === "journal") throw new JournalError(code as JournalErrorCode, message);
    if (kind === "disk") {
      const cause = new Error(message);
      throw new DiskError(code as DiskErrorCode, operation as DiskOperation, file, cause);
    }
    throw new Error(message);
  }

  #enterSegment(number: number): void {
    if (this.segment !== undefined && number === this.#segmentNumber) return;
    this.#segmentNumber = number;
    this.segment = readSegmentHeader(this.#disk, this.path);
  }
}

function copy(from: Uint8Array, at: number, into: Uint8Array): void {
  for (let i = 0; i < into.length; i++) into[i] = from[at + i] as number;
}
