import fs from "node:fs";
import path from "node:path";
import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { z } from "zod";
import { nowNs } from "../clock.ts";
import { type LatencySummary, latencyHistogram, summarize } from "../latency.ts";
import { dueTimes } from "../load/due-times.ts";
import { SCHEDULES, Schedule } from "../load/schedule.ts";

const PAGE_BYTES = 4096;
/** Group commit takes what has arrived, but not more than this in one write. */
const MAX_WRITE_BYTES = 1 << 20;
const EARLY_NS = 60_000;
const LEAD_NS = 20e6;

export const writeSyncOptionsSchema = z.strictObject({
  /** Where to write; the same file system as the data directory. */
  directory: z.string(),
  /** 0: closed loop, one record after the other. */
  ratePerSecond: z.number().min(0),
  schedule: z.enum([...SCHEDULES, "day"]),
  /** For the schedule `day`. */
  day: z.strictObject({ file: z.string(), speed: z.number().positive() }).nullable(),
  seconds: z.number().positive(),
  /** Of one record. */
  recordBytes: z.number().int().positive(),
  seed: z.number().int(),
  /** false: only write, as durability `os` does. */
  sync: z.boolean(),
});
export type WriteSyncOptions = z.infer<typeof writeSyncOptionsSchema>;

export interface WriteSyncResult {
  /** From the scheduled moment (closed loop: from the start of the write) to the end of the sync. */
  readonly latency: LatencySummary;
  /** As an HdrHistogram, compressed, base64. */
  readonly histogram: string;
  readonly recordsPerSecond: number;
  readonly writes: number;
  readonly isClosedLoop: boolean;
}

/**
 * A bare loop of write and fdatasync with the journal's shape and none of its work: whatever has come
 * since the last time goes into one write of whole pages in a file that was allocated before, then
 * one sync. What a journal can at best reach on this disk, at this rate.
 */
export function measureWriteSync(options: WriteSyncOptions): WriteSyncResult {
  const file = path.join(options.directory, `write-sync-${process.pid}.tmp`);
  const descriptor = fs.openSync(file, "wx+");
  try {
    return options.ratePerSecond === 0
      ? closedLoop(options, descriptor)
      : openLoop(options, descriptor);
  } finally {
    fs.closeSync(descriptor);
    fs.rmSync(file);
  }
}

function closedLoop(options: WriteSyncOptions, descriptor: number): WriteSyncResult {
  const target = new Target(descriptor, options.sync);
  const latency = latencyHistogram();
  const startNs = nowNs();
  const untilNs = startNs + options.seconds * 1e9;
  while (nowNs() < untilNs) {
    const beforeNs = nowNs();
    target.write(options.recordBytes);
    latency.recordValue(nowNs() - beforeNs);
  }
  const seconds = (nowNs() - startNs) / 1e9;
  return {
    latency: summarize(latency),
    histogram: encodeIntoCompressedBase64(latency),
    recordsPerSecond: Math.round(target.writes / seconds),
    writes: target.writes,
    isClosedLoop: true,
  };
}

function openLoop(options: WriteSyncOptions, descriptor: number): WriteSyncResult {
  const { recordBytes } = options;
  const target = new Target(descriptor, options.sync);
  const schedule = openSchedule(options);
  const count = countOf(options);
  const most = Math.floor(MAX_WRITE_BYTES / recordBytes);
  const due = new Float64Array(most); // of what goes into one write
  const latency = latencyHistogram();
  const cell = new Int32Array(new SharedArrayBuffer(4)); // nobody notifies it: a precise sleep
  const startNs = nowNs() + LEAD_NS;
  let nextNs = schedule.next();
  for (let done = 0; done < count; ) {
    const waitNs = startNs + nextNs - nowNs();
    if (waitNs > 0) {
      if (waitNs > EARLY_NS) Atomics.wait(cell, 0, 0, (waitNs - EARLY_NS) / 1e6);
      continue;
    }
    const sinceNs = nowNs() - startNs;
    let taken = 0;
    while (nextNs <= sinceNs && taken < most && done + taken < count) {
      due[taken++] = nextNs;
      nextNs = schedule.next();
    }
    target.write(taken * recordBytes);
    const doneNs = nowNs() - startNs;
    for (let i = 0; i < taken; i++) {
      latency.recordValue(Math.max(1, doneNs - (due[i] as number)));
    }
    done += taken;
  }
  const seconds = (nowNs() - startNs) / 1e9;
  return {
    latency: summarize(latency),
    histogram: encodeIntoCompressedBase64(latency),
    recordsPerSecond: Math.round(count / seconds),
    writes: target.writes,
    isClosedLoop: false,
  };
}

/** Computed on the way where it can be: a minute at a million a second would not fit. */
function openSchedule(options: WriteSyncOptions): { next(): number } {
  const { schedule, ratePerSecond, seed } = options;
  if (schedule !== "day") return new Schedule(schedule, ratePerSecond, seed);
  const due = dueTimes(options, options.seconds);
  let at = 0;
  return { next: () => due[at++] ?? Number.POSITIVE_INFINITY };
}

function countOf(options: WriteSyncOptions): number {
  const { schedule, ratePerSecond, seconds } = options;
  if (schedule === "day") return dueTimes(options, seconds).length;
  return Math.ceil(ratePerSecond * seconds);
}

const FILE_BYTES = 64 << 20;

/** A file of fixed size that is written from the front, over and over. */
class Target {
  writes = 0;
  readonly #descriptor: number;
  readonly #sync: boolean;
  readonly #bytes = Buffer.alloc(MAX_WRITE_BYTES + PAGE_BYTES, 0x5a);
  #at = 0;

  constructor(descriptor: number, sync: boolean) {
    this.#descriptor = descriptor;
    this.#sync = sync;
    const zeros = Buffer.alloc(1 << 20);
    for (let at = 0; at < FILE_BYTES; at += zeros.length) {
      fs.writeSync(descriptor, zeros, 0, zeros.length, at);
    }
    fs.fdatasyncSync(descriptor);
  }

  write(bytes: number): void {
    const whole = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    if (this.#at + whole > FILE_BYTES) this.#at = 0;
    const written = fs.writeSync(this.#descriptor, this.#bytes, 0, whole, this.#at);
    if (written !== whole) throw new Error("the disk is full"); // Node reports it as a short count
    if (this.#sync) fs.fdatasyncSync(this.#descriptor);
    this.#at += whole;
    this.writes++;
  }
}
