import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import {
  bodyCapacity,
  MAX_BLOCK_BYTES,
  SEGMENT_HEADER_BYTES,
} from "../../engine/journal/block-format.ts";
import { JournalWriter } from "../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { sparePath } from "../../engine/journal/spare-segment.ts";
import { DiskThread } from "../../engine/threads/disk-thread.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { nowNs } from "../clock.ts";
import { generateWorkload, type Workload } from "../workloads/workload.ts";

const SEGMENT_BYTES = 32 << 20;
const PAUSE_MS = 1;
/** As large as the journal's. */
const ZEROS_BYTES = 256 * 1024;
const SOURCE_COMMANDS = 20_000;

export const appendOptionsSchema = z.strictObject({
  /** Where the files go: the disk that is measured. */
  directory: z.string(),
  blockKib: z.array(z.number().int().min(4).max(1024)),
  /** Longest time of one slice; a slice ends with its segment at the latest. */
  sliceSeconds: z.number().positive(),
  /** Slices of each side, for each size. */
  pairs: z.number().int().positive(),
  /**
   * false: into files that were laid out before, and a slice ends with its file. true: both sides go
   * on from file to file and fill each with zeros, synced, before it is used.
   */
  laysOut: z.boolean(),
});
export type AppendOptions = z.infer<typeof appendOptionsSchema>;

/** One slice of one side. */
export interface AppendSlice {
  readonly bytes: number;
  readonly seconds: number;
  readonly commits: number;
  /** Journal: commands in those bytes. */
  readonly commands: number;
  /** Of one block, from the start of its write to the end of its sync. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** A slice of the journal and the slice of the bare loop beside it. */
export interface AppendPair {
  readonly blockKib: number;
  readonly journal: AppendSlice;
  readonly bare: AppendSlice;
}

/**
 * Appends to a journal, and in turn runs a loop that does nothing but write and sync as many bytes
 * in as large pieces.
 */
export function measureAppend(options: AppendOptions): AppendPair[] {
  const journal = new JournalSide(options.directory);
  const bare = new BareSide(options.directory);
  const pairs: AppendPair[] = [];
  try {
    for (let round = 0; round < options.pairs; round++) {
      for (const blockKib of options.blockKib) {
        const bytes = blockKib * 1024;
        const limitNs = options.sliceSeconds * 1e9;
        if (!options.laysOut) journal.prepare();
        // Whoever is first has the quieter disk or the colder caches: they take turns.
        const first = round % 2 === 0 ? journal.slice(bytes, limitNs, options.laysOut) : null;
        const other = bare.slice(bytes, limitNs, options.laysOut);
        const own = first ?? journal.slice(bytes, limitNs, options.laysOut);
        pairs.push({ blockKib, journal: own, bare: other });
      }
    }
  } finally {
    journal.close();
    bare.close();
  }
  return pairs;
}

/** The real writer, fed with generated commands. */
class JournalSide {
  readonly #directory: string;
  readonly #writer: JournalWriter;
  readonly #thread: DiskThread;
  readonly #source: Workload;
  readonly #bytes: Uint8Array;
  readonly #header = new CommandHeader();
  readonly #pause = new Int32Array(new SharedArrayBuffer(4)); // nobody notifies it: a short sleep
  #seq = 0;
  #next = 0;

  constructor(parent: string) {
    this.#directory = fs.mkdtempSync(path.join(parent, "crossbook-journal-bench-"));
    const disk = new NodeDisk();
    const segments = `${this.#directory}/journal`;
    this.#thread = new DiskThread(sparePath(segments));
    this.#writer = JournalWriter.open(disk, segments, {
      output: this.#thread,
      filler: this.#thread,
      directoryId: new Uint8Array(16).fill(1),
      durability: "fsync",
      segmentBytes: SEGMENT_BYTES,
      firstSegmentBytes: SEGMENT_BYTES,
    });
    this.#source = generateWorkload(SOURCE_COMMANDS, 1_000, 1);
    const { view } = this.#source;
    this.#bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  }

  /** Not timed: a fresh segment, and the one after it laid out. */
  prepare(): void {
    const { segmentNumber } = this.#writer;
    while (this.#writer.segmentNumber === segmentNumber) {
      this.#append(MAX_BLOCK_BYTES);
      this.#writer.commit();
    }
    while (this.#writer.spareBytes < SEGMENT_BYTES) {
      this.#writer.idle();
      Atomics.wait(this.#pause, 0, 0, PAUSE_MS);
    }
  }

  slice(blockBytes: number, limitNs: number, laysOut: boolean): AppendSlice {
    const slice = new Slice(limitNs);
    const writer = this.#writer;
    const before = this.#seq;
    const bytes = writer.bytes;
    let startNs = 0;
    // As the journal stage does it: the next block is filled while the one before is in flight.
    while (slice.goesOn && (laysOut || writer.segmentRoom >= 2 * blockBytes)) {
      this.#append(blockBytes);
      if (writer.isInFlight) {
        writer.settle();
        slice.add(nowNs() - startNs);
      }
      startNs = nowNs();
      writer.begin();
      if (!writer.isInFlight) slice.add(nowNs() - startNs);
    }
    if (writer.isInFlight) {
      writer.settle();
      slice.add(nowNs() - startNs);
    }
    return slice.result(writer.bytes - bytes, this.#seq - before);
  }

  close(): void {
    this.#writer.close();
    this.#thread.stop();
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }

  #append(blockBytes: number): void {
    let room = bodyCapacity(blockBytes);
    const { offsets, view } = this.#source;
    for (;;) {
      const offset = offsets[this.#next] as number;
      const length = view.getUint16(offset, true);
      if (length > room) break;
      this.#header.wrap(view, offset);
      this.#header.seq = ++this.#seq;
      this.#writer.append(this.#bytes, offset, length);
      room -= length;
      this.#next = this.#next + 1 === offsets.length ? 0 : this.#next + 1;
    }
  }
}

class BareSide {
  readonly #files: readonly string[];
  /** The file that is written, and the one that is used next. */
  readonly #descriptors: number[];
  readonly #bytes = Buffer.alloc(MAX_BLOCK_BYTES, 0x5a);
  readonly #zeros = Buffer.alloc(ZEROS_BYTES);

  constructor(parent: string) {
    const name = path.join(parent, `crossbook-journal-bench-${process.pid}`);
    this.#files = [`${name}.1.tmp`, `${name}.2.tmp`];
    this.#descriptors = this.#files.map((file) => fs.openSync(file, "wx+"));
    this.#layOut(0, 0);
  }

  slice(blockBytes: number, limitNs: number, laysOut: boolean): AppendSlice {
    const slice = new Slice(limitNs);
    let at = SEGMENT_HEADER_BYTES;
    let laidOut = 0;
    if (laysOut) fs.ftruncateSync(this.#descriptors[1] as number, 0);
    while (slice.goesOn) {
      if (at + blockBytes > SEGMENT_BYTES) {
        if (!laysOut) break;
        this.#layOut(1, laidOut);
        this.#descriptors.reverse();
        fs.ftruncateSync(this.#descriptors[1] as number, 0);
        at = SEGMENT_HEADER_BYTES;
        laidOut = 0;
      }
      const startNs = nowNs();
      this.#write(this.#descriptors[0] as number, this.#bytes, blockBytes, at);
      slice.add(nowNs() - startNs);
      at += blockBytes;
      for (; laysOut && laidOut < at; laidOut += ZEROS_BYTES) {
        this.#write(this.#descriptors[1] as number, this.#zeros, ZEROS_BYTES, laidOut);
      }
    }
    if (laysOut) this.#layOut(0, 0); // as it was before
    return slice.result(slice.count * blockBytes, 0);
  }

  close(): void {
    for (const descriptor of this.#descriptors) fs.closeSync(descriptor);
    for (const file of this.#files) fs.rmSync(file);
  }

  /** Zeros from there to the end of the file that is written (0) or used next (1). */
  #layOut(which: 0 | 1, from: number): void {
    for (let at = from; at < SEGMENT_BYTES; at += ZEROS_BYTES) {
      this.#write(this.#descriptors[which] as number, this.#zeros, ZEROS_BYTES, at);
    }
  }

  #write(descriptor: number, bytes: Uint8Array, length: number, at: number): void {
    const written = fs.writeSync(descriptor, bytes, 0, length, at);
    fs.fdatasyncSync(descriptor);
    if (written !== length) throw new Error("the disk is full"); // Node reports it as a short count
  }
}

class Slice {
  readonly #limitNs: number;
  readonly #startNs = nowNs();
  readonly #tookNs: number[] = [];

  constructor(limitNs: number) {
    this.#limitNs = limitNs;
  }

  get goesOn(): boolean {
    return nowNs() - this.#startNs < this.#limitNs;
  }

  get count(): number {
    return this.#tookNs.length;
  }

  add(tookNs: number): void {
    this.#tookNs.push(tookNs);
  }

  result(bytes: number, commands: number): AppendSlice {
    const seconds = (nowNs() - this.#startNs) / 1e9;
    const sorted = this.#tookNs.sort((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0) / 1e3;
    return {
      bytes,
      seconds,
      commits: sorted.length,
      commands,
      p50Us: Math.round(at(0.5) * 10) / 10,
      p99Us: Math.round(at(0.99) * 10) / 10,
    };
  }
}
