import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { bodyCapacity, MAX_BLOCK_BYTES } from "../../engine/journal/block-format.ts";
import { JournalWriter } from "../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { sparePath } from "../../engine/journal/spare-segment.ts";
import { DiskThread } from "../../engine/threads/disk-thread.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { nowNs } from "../clock.ts";
import { generateWorkload, type Workload } from "../workloads/workload.ts";

const SEGMENT_BYTES = 32 << 20;
const PAUSE_MS = 1;
const SOURCE_COMMANDS = 20_000;

export const appendOptionsSchema = z.strictObject({
  /** Where the files go: the disk that is measured. */
  directory: z.string(),
  blockKib: z.array(z.number().int().min(4).max(1024)),
  /** Longest time of one slice; a slice ends with its segment at the latest. */
  sliceSeconds: z.number().positive(),
  /** Slices of each side, for each size. */
  pairs: z.number().int().positive(),
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
 * in as large pieces. Both write into a file of zeros that was laid out before.
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
        journal.prepare();
        // Whoever is first has the quieter disk or the colder caches: they take turns.
        const first = round % 2 === 0 ? journal.slice(bytes, limitNs) : null;
        const other = bare.slice(bytes, limitNs);
        const own = first ?? journal.slice(bytes, limitNs);
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

  slice(blockBytes: number, limitNs: number): AppendSlice {
    const slice = new Slice(limitNs);
    const writer = this.#writer;
    const before = this.#seq;
    const bytes = writer.bytes;
    let startNs = 0;
    // As the journal stage does it: the next block is filled while the one before is in flight.
    while (slice.goesOn && writer.segmentRoom >= 2 * blockBytes) {
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
  readonly #file: string;
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(MAX_BLOCK_BYTES, 0x5a);

  constructor(parent: string) {
    this.#file = path.join(parent, `crossbook-journal-bench-${process.pid}.tmp`);
    this.#descriptor = fs.openSync(this.#file, "wx+");
    const zeros = Buffer.alloc(1 << 20);
    for (let at = 0; at < SEGMENT_BYTES; at += zeros.length) {
      fs.writeSync(this.#descriptor, zeros, 0, zeros.length, at);
    }
    fs.fdatasyncSync(this.#descriptor);
  }

  slice(blockBytes: number, limitNs: number): AppendSlice {
    const slice = new Slice(limitNs);
    for (let at = 4096; slice.goesOn && at + blockBytes <= SEGMENT_BYTES; at += blockBytes) {
      const startNs = nowNs();
      const written = fs.writeSync(this.#descriptor, this.#bytes, 0, blockBytes, at);
      fs.fdatasyncSync(this.#descriptor);
      if (written !== blockBytes) throw new Error("the disk is full");
      slice.add(nowNs() - startNs);
    }
    return slice.result(slice.count * blockBytes, 0);
  }

  close(): void {
    fs.closeSync(this.#descriptor);
    fs.rmSync(this.#file);
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
