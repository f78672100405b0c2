// The journals that are to be spoiled, each closed cleanly or cut off by a crash, and others of the
// same shape to take pages from. Written by the engine's own writer.
import { createHash } from "node:crypto";
import { directoryIdOf, openMeta, recordEpoch } from "../../engine/journal/data-directory.ts";
import { JournalWriter } from "../../engine/journal/journal-writer.ts";
import type { Skip } from "../../engine/journal/skips.ts";
import { commandBytes, DIRECTORY_ID, writeCommand } from "../engine/journal/records.ts";
import { Random } from "../simulation/random.ts";
import { SimulatedDisk } from "../simulation/simulated-disk.ts";
import type { JournalFile } from "./table.ts";

export const ROOT = "/data";
export const JOURNAL = `${ROOT}/journal`;
const PAGE = 4096;
const SECTOR_DATA = 508;
const BLOCK_HEADER = 192;

export const ENDINGS = ["closed", "crashed"] as const;
export type Ending = (typeof ENDINGS)[number];

/**
 * `one`: a single segment, 1 MiB. `several`: three segments, made in three epochs: one closed, one
 * that a crash ended and whose unused rest has not been given back yet, and the last, before which a
 * command has been taken out.
 */
export const SHAPES = ["one", "several"] as const;
export type Shape = (typeof SHAPES)[number];

export interface Journal {
  readonly shape: Shape;
  readonly ending: Ending;
  readonly files: readonly JournalFile[];
  readonly meta: Uint8Array;
  readonly maxBlockBytes: number;
  readonly lastSeq: number;
  /** The last block that holds commands: number of its file, and where it is. */
  readonly lastBlock: { readonly number: number; readonly from: number; readonly to: number };
}

const TAKEN_OUT: Skip = {
  seq: 3,
  record: Uint8Array.from(createHash("sha256").update(commandBytes(3)).digest()),
  skippedUs: 1_700_000_000_000_000,
};

/** What a journal is made of; differs between those that pages are exchanged with. */
export interface Origin {
  readonly directoryId: Uint8Array;
  /** The first epoch; 1 in a fresh directory. */
  readonly epoch: number;
}

export const HERE: Origin = { directoryId: DIRECTORY_ID, epoch: 1 };
export const OTHER_DIRECTORY: Origin = {
  directoryId: DIRECTORY_ID.map((byte) => byte ^ 0x5a),
  epoch: 1,
};
/** The same directory, brought back from a backup and started once more. */
export const OTHER_EPOCH: Origin = { directoryId: DIRECTORY_ID, epoch: 2 };

/** Pages of each block with commands; 0: a mark. */
type Layout = readonly number[];

interface Plan {
  readonly maxBlockBytes: number;
  readonly segmentBytes: number;
  readonly segments: readonly Layout[];
}

function planOf(shape: Shape, ending: Ending): Plan {
  if (shape === "one") {
    const pages = 256 - 1 - 2; // of 1 MiB, without the header and two pages to end with
    return {
      maxBlockBytes: 65536,
      segmentBytes: 1 << 20,
      segments: [manyBlocks(pages - (ending === "crashed" ? 6 : 0))],
    };
  }
  return {
    maxBlockBytes: 8192,
    segmentBytes: 32768,
    segments: [
      [1, 1, 0, 1],
      [1, 2, 1],
      [1, 0, 1, 2],
    ],
  };
}

/** Blocks of 1 to 12 pages, and marks, that fill `pages`; the last one has a single page. */
function manyBlocks(pages: number): Layout {
  const random = new Random(7);
  const layout: number[] = [];
  let left = pages - 1;
  while (left > 0) {
    const size = Math.min(left, random.pick([0, 1, 1, 2, 3, 5, 8, 12]));
    layout.push(size);
    left -= Math.max(1, size);
  }
  layout.push(1);
  return layout;
}

export function makeJournal(shape: Shape, ending: Ending, origin: Origin): Journal {
  const plan = planOf(shape, ending);
  const disk = new SimulatedDisk(new Random(1));
  const { directoryId } = origin;
  const meta = openMeta(disk, ROOT, { nowUs: 0, directoryId });
  let lastSeq = 0;
  let lastBlock = { number: 0, from: 0, to: 0 };
  for (const [i, layout] of plan.segments.entries()) {
    const isLast = i === plan.segments.length - 1;
    const unused = isLast || i === 0 ? undefined : disk.bytesAt(pathOf(i)).length;
    const writer = JournalWriter.open(disk, JOURNAL, {
      directoryId: directoryIdOf(meta),
      durability: "fsync",
      maxBlockBytes: plan.maxBlockBytes,
      segmentBytes: plan.segmentBytes,
      firstSegmentBytes: plan.segmentBytes,
      epochAbove: origin.epoch + i - 1,
      ...(plan.segments.length > 1 && isLast ? { skip: TAKEN_OUT } : {}),
    });
    recordEpoch(disk, ROOT, writer.epoch);
    const number = writer.recovery.lastSegment + 1;
    for (const pages of layout) {
      const from = PAGE + writer.bytes;
      if (pages === 0) writer.mark();
      else fillPages(writer, pages);
      if (pages > 0) lastBlock = { number, from, to: PAGE + writer.bytes };
    }
    const isClosed = isLast ? ending === "closed" : i === 0;
    lastSeq = writer.lastSeq;
    if (isClosed) writer.close();
    else writer.abandon();
    if (unused !== undefined) assertTrimmed(unused, disk.bytesAt(pathOf(i)).length);
  }
  if (shape === "several") restoreUnused(disk, pathOf(2), plan.segmentBytes);
  const files = plan.segments.map((_, i) => ({
    number: i + 1,
    bytes: disk.bytesAt(pathOf(i + 1)).slice(),
  }));
  return {
    shape,
    ending,
    files,
    meta: disk.bytesAt(`${ROOT}/meta.json`).slice(),
    maxBlockBytes: plan.maxBlockBytes,
    lastSeq,
    lastBlock,
  };
}

export function pathOf(number: number): string {
  return `${JOURNAL}/${String(number).padStart(8, "0")}.journal`;
}

/** The data directory with these files, synced. */
export function directoryWith(journal: Journal, files: readonly JournalFile[]): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory(ROOT);
  disk.makeDirectory(JOURNAL);
  disk.replace(`${ROOT}/meta.json`, journal.meta);
  for (const { number, bytes } of files) disk.replace(pathOf(number), bytes);
  return disk;
}

const scratch = new Uint8Array(192);
const scratchView = new DataView(scratch.buffer);

/** Commits commands that fill `pages` pages. */
function fillPages(writer: JournalWriter, pages: number): void {
  let room = pages * (PAGE / 512) * SECTOR_DATA - BLOCK_HEADER;
  for (;;) {
    const length = writeCommand(scratchView, 0, writer.lastSeq + 1);
    if (length > room) break;
    writer.append(scratch, 0, length);
    room -= length;
  }
  writer.commit();
}

/** The file as it was between the new segment's first sync and the end of the old one's rest. */
function restoreUnused(disk: SimulatedDisk, path: string, bytes: number): void {
  const whole = new Uint8Array(bytes);
  whole.set(disk.bytesAt(path));
  disk.replace(path, whole);
}

function assertTrimmed(before: number, now: number): void {
  if (now > before) throw new Error("the next writer gives back what was not used");
}
