// Which segments may be compressed: those that nothing writes to any more and that recovery does not
// need. Cold.
import { LogKind } from "./block-format.ts";
import { eventsPath, journalPath } from "./data-directory.ts";
import { segmentNumbers } from "./log-cursor.ts";
import { readSegmentHeader } from "./log-search.ts";
import type { PackedDisk } from "./packed-disk.ts";
import { segmentName } from "./segment-format.ts";

export interface CompressedSegment {
  readonly path: string;
  readonly bytes: number;
  readonly packedBytes: number;
}

/**
 * Compresses the segments of both logs, the oldest first, that end at or before `coveredSeq` and are
 * not the last of their log: the last one is being written, or the next start goes on from it. Gives
 * out each one when it is done, so that a caller may stop in between. May run beside a writer of the
 * same directory, and beside readers. Throws a DamageError or DiskError.
 */
export function* compressSegments(
  disk: PackedDisk,
  directory: string,
  coveredSeq: number,
): Generator<CompressedSegment, void, void> {
  yield* compressLog(disk, journalPath(directory), LogKind.journal, coveredSeq);
  yield* compressLog(disk, eventsPath(directory), LogKind.events, coveredSeq);
}

function* compressLog(
  disk: PackedDisk,
  directory: string,
  kind: LogKind,
  coveredSeq: number,
): Generator<CompressedSegment, void, void> {
  const numbers = segmentNumbers(disk, directory, kind);
  for (const number of numbers.slice(0, -1)) {
    const path = `${directory}/${segmentName(kind, number)}`;
    if (disk.isPacked(path)) continue;
    const next = readSegmentHeader(disk, `${directory}/${segmentName(kind, number + 1)}`);
    if (next.previousSeq > coveredSeq) return;
    yield { path, ...disk.pack(path) };
  }
}
