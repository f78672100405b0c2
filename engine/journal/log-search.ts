// Finds the file to start reading in. Cold.
import { LogKind, SECTOR_BYTES, SEGMENT_HEADER_BYTES } from "./block-format.ts";
import type { Disk } from "./disk.ts";
import { DamageError, JournalError } from "./errors.ts";
import { segmentNumbers } from "./log-cursor.ts";
import {
  checkSchema,
  decodeSegmentHeader,
  type SegmentHeader,
  segmentName,
} from "./segment-format.ts";
import { NO_SKIPS, type Skip } from "./skips.ts";

/** Throws a DamageError where it is not a segment's header, a JournalError otherSchema. */
export function readSegmentHeader(disk: Disk, path: string): SegmentHeader {
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const count = disk.readAt(file, bytes, 0, bytes.length, 0);
    const header = decodeSegmentHeader(bytes.subarray(0, count));
    if (header !== undefined) {
      checkSchema(header, path);
      return header;
    }
  } finally {
    disk.close(file);
  }
  throw new DamageError("segmentHeader", path, 0, 0, "no segment header of a known version");
}

/**
 * Number of the segment that holds the record (seq, index), or would: the last one that begins
 * before it. Throws a JournalError noJournal where there is no segment.
 */
export function findSegment(
  disk: Disk,
  directory: string,
  kind: LogKind,
  seq: number,
  index: number,
): number {
  const numbers = segmentNumbers(disk, directory, kind);
  if (numbers.length === 0) {
    throw new JournalError("noJournal", `${directory} holds no ${segmentName(kind, 1)}`);
  }
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const path = `${directory}/${segmentName(kind, numbers[middle] as number)}`;
    const header = readSegmentHeader(disk, path);
    const isBefore =
      header.previousSeq < seq || (header.previousSeq === seq && header.previousIndex < index);
    if (isBefore) low = middle;
    else high = middle - 1;
  }
  return numbers[low] as number;
}

/**
 * The commands that are taken out of a journal, in the order in which that was done: what the last
 * segment says that has a block, since a block puts the list into the chain. Where that header is
 * damaged there are none: whoever walks through the journal will find the damage.
 */
export function findSkips(disk: Disk, directory: string): readonly Skip[] {
  try {
    for (const number of segmentNumbers(disk, directory, LogKind.journal).reverse()) {
      const path = `${directory}/${segmentName(LogKind.journal, number)}`;
      const { skips } = readSegmentHeader(disk, path);
      if (skips.length === 0 || hasBlock(disk, path)) return skips;
    }
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
  }
  return NO_SKIPS;
}

function hasBlock(disk: Disk, path: string): boolean {
  const file = disk.open(path, "read");
  try {
    const sector = new Uint8Array(SECTOR_BYTES);
    const count = disk.readAt(file, sector, 0, sector.length, SEGMENT_HEADER_BYTES);
    return sector.subarray(0, count).some((byte) => byte !== 0);
  } finally {
    disk.close(file);
  }
}
