// Finds the file to start reading in. Cold.
import { type LogKind, SEGMENT_HEADER_BYTES } from "./block-format.ts";
import type { Disk } from "./disk.ts";
import { DamageError, JournalError } from "./errors.ts";
import { segmentNumbers } from "./log-cursor.ts";
import { decodeSegmentHeader, type SegmentHeader, segmentName } from "./segment-format.ts";

/** Throws a DamageError where it is not a segment's header. */
export function readSegmentHeader(disk: Disk, path: string): SegmentHeader {
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const count = disk.readAt(file, bytes, 0, bytes.length, 0);
    const header = decodeSegmentHeader(bytes.subarray(0, count));
    if (header !== undefined) return header;
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
