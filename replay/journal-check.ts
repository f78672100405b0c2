import { BlockFlag, LogKind, toHex } from "../engine/journal/block-format.ts";
import { type DirectoryMeta, journalPath, readMeta } from "../engine/journal/data-directory.ts";
import type { Disk } from "../engine/journal/disk.ts";
import { DamageError } from "../engine/journal/errors.ts";
import { JournalReader } from "../engine/journal/journal-reader.ts";
import {
  type EndState,
  LogCursor,
  type LogPosition,
  segmentNumbers,
} from "../engine/journal/log-cursor.ts";
import { segmentName } from "../engine/journal/segment-format.ts";
import type { Skip } from "../engine/journal/skips.ts";
import { type Anchor, AnchorCheck } from "./anchors.ts";

const PROGRESS_EVERY = 1 << 14;

export interface JournalCheck {
  readonly directoryId: string;
  readonly state: EndState | "new";
  readonly segments: number;
  readonly blocks: number;
  readonly commands: number;
  readonly lastSeq: number;
  readonly epoch: number;
  readonly lastTimestampUs: number;
  /** Stands for everything up to the end. */
  readonly anchor: Anchor;
  /** Anchors that were compared, and hold. */
  readonly anchors: number;
  /** Commands that were taken out, in the order in which that was done. */
  readonly skips: readonly SkipJson[];
}

export interface SkipJson {
  readonly seq: number;
  /** Microseconds since 1970. */
  readonly skippedAt: number;
  /** SHA-256 of its record, 64 hexadecimal digits. */
  readonly record: string;
}

export interface CheckOptions {
  readonly live?: boolean;
  readonly anchors?: readonly Anchor[];
  /** Bytes read so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Reads every byte of the journal: checksums, order, chain, records. Throws a DamageError, or a
 * ReplayError anchorDiffers where the journal is not the one that an anchor stands for.
 */
export function checkJournal(
  disk: Disk,
  directory: string,
  options: CheckOptions = {},
): JournalCheck {
  const meta = readMeta(disk, directory);
  const path = journalPath(directory);
  const numbers = segmentNumbers(disk, path, LogKind.journal);
  const anchors = new AnchorCheck(options.anchors ?? []);
  if (numbers.length === 0) {
    if (meta.epoch > 0) throw new DamageError("lostSegments", path, 0, 0, "no segments");
    anchors.finish(0);
    return {
      directoryId: meta.directoryId,
      state: "new",
      segments: 0,
      blocks: 0,
      commands: 0,
      lastSeq: 0,
      epoch: 0,
      lastTimestampUs: 0,
      anchor: { seq: 0, chain: "" },
      anchors: 0,
      skips: [],
    };
  }
  const reader = JournalReader.open(disk, path, {
    live: options.live ?? false,
    onBlock: (at) => anchors.onBlock(at),
  });
  const { position } = reader;
  const starts = segmentStarts(disk, path, numbers);
  try {
    while (reader.next()) {
      if (reader.seq % PROGRESS_EVERY !== 0) continue;
      const before = starts[(reader.segment?.number ?? 1) - 1] ?? 0;
      options.onProgress?.(before + reader.place.offset, starts.at(-1) ?? 0);
    }
    checkOwner(meta, position, reader.place.path);
    if (position.epoch < meta.epoch) {
      const what = `ends in epoch ${position.epoch}, but epoch ${meta.epoch} has begun`;
      throw new DamageError("lostSegments", reader.place.path, 0, position.lastSeq, what);
    }
    return {
      directoryId: meta.directoryId,
      state: reader.end?.state ?? "open",
      segments: segmentNumbers(disk, path, LogKind.journal).length,
      blocks: position.blockNumber,
      commands: position.lastSeq,
      lastSeq: position.lastSeq,
      epoch: position.epoch,
      lastTimestampUs: position.lastTimestampUs,
      anchor: {
        seq: position.lastSeq,
        block: position.blockNumber,
        chain: toHex(position.chain),
        timestamp: position.lastTimestampUs,
      },
      anchors: anchors.finish(position.lastSeq),
      skips: reader.skips.map(skipJson),
    };
  } finally {
    reader.close();
  }
}

/** Throws a DamageError where the journal is that of another directory. */
export function checkOwner(meta: DirectoryMeta, position: LogPosition, path: string): void {
  const owner = toHex(position.directoryId);
  if (owner === meta.directoryId) return;
  const what = `the journal of directory ${owner}, not of ${meta.directoryId}`;
  throw new DamageError("otherDirectory", path, 0, position.lastSeq, what);
}

/** Bytes before each segment, and of all of them. */
function segmentStarts(disk: Disk, path: string, numbers: readonly number[]): number[] {
  const starts = [0];
  for (const number of numbers) {
    const bytes = disk.stat(`${path}/${segmentName(LogKind.journal, number)}`)?.bytes ?? 0;
    starts.push((starts.at(-1) as number) + bytes);
  }
  return starts;
}

function skipJson({ seq, skippedUs, record }: Skip): SkipJson {
  return { seq, skippedAt: skippedUs, record: toHex(record) };
}

/** One block, as `journal dump --blocks` shows it. */
export interface BlockDescription {
  readonly segment: number;
  readonly offset: number;
  readonly block: number;
  readonly epoch: number;
  readonly bytes: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly durableSeq: number;
  readonly closed: boolean;
  /** Of the last command, microseconds since 1970. */
  readonly timestamp: number;
  /** Chain value after the block. */
  readonly chain: string;
}

export function* describeBlocks(
  disk: Disk,
  directory: string,
  live: boolean,
): Generator<BlockDescription> {
  const cursor = new LogCursor(disk, journalPath(directory), LogKind.journal, { live });
  try {
    while (cursor.next()) {
      const { block } = cursor;
      yield {
        segment: cursor.segmentNumber,
        offset: cursor.blockOffset,
        block: block.blockNumber,
        epoch: block.epoch,
        bytes: block.bytes,
        firstSeq: block.firstSeq,
        lastSeq: block.lastSeq,
        durableSeq: block.durableSeq,
        closed: (block.flags & BlockFlag.closed) !== 0,
        timestamp: block.lastTimestampUs,
        chain: toHex(cursor.position.chain),
      };
    }
  } finally {
    cursor.close();
  }
}
