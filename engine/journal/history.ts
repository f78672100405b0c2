// What a start leaves unread: everything before the segments that it begins with. At the start only the
// headers of those are looked at; HistoryReader reads the rest later, beside the writer. Cold.
import { LogKind, sameBytes } from "./block-format.ts";
import { eventsPath, journalPath } from "./data-directory.ts";
import type { Disk } from "./disk.ts";
import { type DamageCode, DamageError, DiskError } from "./errors.ts";
import { JournalReader } from "./journal-reader.ts";
import { isGenesis, LogCursor } from "./log-cursor.ts";
import { readSegmentHeader } from "./log-search.ts";
import { type SegmentHeader, segmentName } from "./segment-format.ts";

/** Where a start began to read a log: what the header of that segment says of all before it. */
export type LogStart = Pick<
  SegmentHeader,
  "number" | "firstBlock" | "previousSeq" | "previousChain" | "epoch"
>;

/** For each log, where the reading began; undefined: with its first segment, so nothing is unread. */
export interface UnreadHistory {
  readonly journal: LogStart | undefined;
  readonly events: LogStart | undefined;
}

/**
 * Reads the headers up to the segment that a start begins to read with, and returns that one's: the
 * `last`, or where `seq` is given the last up to there that begins before it; undefined: it is the first.
 * Each must be that of its place, in this directory, and not go back. Changes nothing. Throws a
 * DamageError; its seq is before the damage, but not always the last that is.
 */
export function checkEarlierHeaders(
  disk: Disk,
  directory: string,
  kind: LogKind,
  directoryId: Uint8Array,
  end: { readonly last: number; readonly seq?: number | undefined },
): LogStart | undefined {
  let before: SegmentHeader | undefined;
  for (let number = 1; number <= end.last; number++) {
    const path = `${directory}/${segmentName(kind, number)}`;
    const damage = (code: DamageCode, what: string): never => {
      throw new DamageError(code, path, 0, before?.previousSeq ?? 0, what);
    };
    const header = headerAt(disk, path, damage);
    if (before !== undefined && header.previousSeq >= (end.seq ?? Infinity)) break;
    if (header.number !== number || header.kind !== kind) {
      damage("segmentHeader", `the header of segment ${header.number}`);
    }
    if (!sameBytes(header.directoryId, directoryId)) {
      damage("otherDirectory", "a segment of another directory");
    }
    if (before === undefined && !isGenesis(header)) {
      damage("segmentHeader", "the first segment does not start at the beginning");
    }
    if (before !== undefined && !goesOn(before, header)) {
      damage("blockOrder", `goes back to block ${header.firstBlock}`);
    }
    before = header;
  }
  return before === undefined || before.number === 1 ? undefined : before;
}

function headerAt(
  disk: Disk,
  path: string,
  damage: (code: DamageCode, what: string) => never,
): SegmentHeader {
  try {
    return readSegmentHeader(disk, path);
  } catch (error) {
    if (error instanceof DamageError) damage(error.code, error.what);
    throw error;
  }
}

function goesOn(before: SegmentHeader, header: SegmentHeader): boolean {
  return (
    header.epoch >= before.epoch &&
    header.firstBlock >= before.firstBlock &&
    header.previousSeq >= before.previousSeq
  );
}

/** What a check of history has found, ready to be shown. */
export interface HistoryDamage {
  readonly file: string;
  /** In bytes; of an error of the disk: where the block that was read last began. */
  readonly offset: number;
  /** The last seq that is still whole before it. */
  readonly seq: number;
  /** A DamageCode, a code of the disk, or `checkFailed`: the check itself has died. */
  readonly code: string;
  readonly what: string;
}

/** Commands between two looks at the clock; of the event log one block, which may be large. */
const COMMANDS_A_STEP = 256;

/**
 * Reads everything that a start has left unread, with all checks that there are, both logs side by side.
 * May run beside the writer and beside a compression: what it reads changes no more.
 */
export class HistoryReader {
  readonly #walks: LogWalk[] = [];
  #current: LogWalk | undefined;

  /** skips: seqs of the commands that are taken out of the journal. */
  constructor(disk: Disk, directory: string, unread: UnreadHistory, skips: readonly number[]) {
    const cursorTo = (until: number, kind: LogKind, path: string) =>
      new LogCursor(disk, path, kind, { live: true, segment: 1, until });
    if (unread.journal !== undefined) {
      const path = journalPath(directory);
      const blocks = cursorTo(unread.journal.number, LogKind.journal, path);
      const rising = skips.toSorted((a, b) => a - b).map((seq) => ({ seq }));
      const commands = JournalReader.open(disk, path, { openBlocks: () => blocks, skips: rising });
      const next = () => commands.next();
      this.#walks.push(new LogWalk(disk, path, LogKind.journal, unread.journal, blocks, next));
    }
    if (unread.events !== undefined) {
      const path = eventsPath(directory);
      const blocks = cursorTo(unread.events.number, LogKind.events, path);
      const next = () => blocks.next();
      this.#walks.push(new LogWalk(disk, path, LogKind.events, unread.events, blocks, next));
    }
  }

  /** Up to here everything that is read is whole, in both logs. Infinity: at the end. */
  get checkedSeq(): number {
    return Math.min(...this.#walks.map(({ seq }) => seq));
  }

  /**
   * Reads on a little, in the log that is behind. False: it is at the end, and all is whole. Throws a
   * DamageError, JournalError or DiskError.
   */
  step(): boolean {
    const seq = this.checkedSeq;
    if (seq === Number.POSITIVE_INFINITY) return false;
    this.#current = this.#walks.find((walk) => walk.seq === seq);
    this.#current?.step();
    return true;
  }

  /** What `step` has thrown, in the form in which it is shown. */
  describe(error: unknown): HistoryDamage {
    if (error instanceof DamageError) {
      const { file, offset, seq, code, what } = error;
      return { file, offset, seq, code, what };
    }
    const { path, blockOffset } = this.#current?.blocks ?? { path: "", blockOffset: 0 };
    const seq = this.checkedSeq;
    const what = error instanceof Error ? error.message : String(error);
    if (error instanceof DiskError) {
      const offset = error.path === path ? blockOffset : 0;
      return { file: error.path, offset, seq, code: error.code, what };
    }
    const { code } = error as { code?: unknown };
    const known = typeof code === "string" ? code : "checkFailed";
    return { file: path, offset: blockOffset, seq, code: known, what };
  }

  close(): void {
    for (const { blocks } of this.#walks) blocks.close();
  }
}

/** One log, from its first block to the segment that the start began with. */
class LogWalk {
  /** Read up to here; Infinity: to the end. */
  seq = 0;
  readonly blocks: LogCursor;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #kind: LogKind;
  readonly #end: LogStart;
  readonly #next: () => boolean;

  /** next: to the next record or block, looking at the blocks of the cursor. */
  constructor(
    disk: Disk,
    directory: string,
    kind: LogKind,
    end: LogStart,
    blocks: LogCursor,
    next: () => boolean,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#kind = kind;
    this.#end = end;
    this.blocks = blocks;
    this.#next = next;
  }

  step(): void {
    const { blocks } = this;
    for (let i = this.#kind === LogKind.journal ? COMMANDS_A_STEP : 1; i > 0; i--) {
      if (this.#nextOrMissing()) {
        this.seq = blocks.position.lastSeq;
        continue;
      }
      if (blocks.segmentNumber < this.#end.number) throw this.#missing(blocks.segmentNumber + 1);
      this.#compare(blocks.segment as SegmentHeader);
      this.seq = Number.POSITIVE_INFINITY;
      blocks.close();
      return;
    }
  }

  #nextOrMissing(): boolean {
    try {
      return this.#next();
    } catch (error) {
      // Without the next file this one looks like the last, and is judged as such.
      const number = this.blocks.segmentNumber + 1;
      const isNextThere = this.#disk.stat(this.#path(number)) !== undefined;
      if (isNextThere || number > this.#end.number || !(error instanceof DamageError)) throw error;
      throw this.#missing(number);
    }
  }

  /**
   * The cursor has seen that this header continues what it has read. It must also be the one that the
   * start has believed.
   */
  #compare(header: SegmentHeader): void {
    const end = this.#end;
    const isSame =
      header.number === end.number &&
      header.firstBlock === end.firstBlock &&
      header.previousSeq === end.previousSeq &&
      sameBytes(header.previousChain, end.previousChain);
    if (isSame) return;
    const what = "does not lead to where the start began: another hash of all blocks before";
    throw new DamageError("chain", this.#path(end.number), 0, end.previousSeq, what);
  }

  #missing(number: number): DamageError {
    const { lastSeq } = this.blocks.position;
    const what = "the file is not there";
    return new DamageError("segmentMissing", this.#path(number), 0, lastSeq, what);
  }

  #path(number: number): string {
    return `${this.#directory}/${segmentName(this.#kind, number)}`;
  }
}
