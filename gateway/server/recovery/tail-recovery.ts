import type { EngineCapacity } from "../../../engine/engine.ts";
import { LogKind } from "../../../engine/journal/block-format.ts";
import {
  type DirectoryMeta,
  directoryIdOf,
  eventsPath,
  journalPath,
} from "../../../engine/journal/data-directory.ts";
import type { Disk } from "../../../engine/journal/disk.ts";
import { DamageError } from "../../../engine/journal/errors.ts";
import {
  type EventLogFinding,
  inspectEventLog,
  type OpenedEventLog,
} from "../../../engine/journal/event-log-recovery.ts";
import type { EventPlace } from "../../../engine/journal/event-log-stage.ts";
import { checkEarlierHeaders, type UnreadHistory } from "../../../engine/journal/history.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { findSkips } from "../../../engine/journal/log-search.ts";
import { MissingEvents } from "../../../engine/journal/missing-events.ts";
import { type JournalEnd, settleJournal } from "../../../engine/journal/opening.ts";
import { openTail } from "../../../engine/snapshot/journal-tail.ts";
import type { Snapshot } from "../../../engine/snapshot/snapshot-format.ts";
import {
  findSnapshot,
  listSnapshots,
  snapshotName,
  snapshotsPath,
} from "../../../engine/snapshot/snapshot-store.ts";
import { ReadAheadCursor } from "../../../engine/threads/read-ahead.ts";
import type { GatewayState } from "../snapshot/view-rows.ts";
import { TailState } from "./tail-state.ts";

/** A thread takes longer to start than fewer commands to read. */
const READ_AHEAD_COMMANDS = 200_000;
/** Commands between two looks at the clock. */
const SLICE = 1024;
/** How long the event loop may wait for its turn. */
const TURN_MS = 20;

export interface TailRecoveryOptions {
  readonly meta: DirectoryMeta;
  readonly capacity: EngineCapacity;
  /** The journal, as inspectJournal found it. */
  readonly end: JournalEnd;
  /** Of the writer to come. */
  readonly epoch: number;
  readonly segmentBytes?: number;
  /** Read and check a long tail in another thread: for a real disk only. */
  readonly readAhead?: boolean;
  /** Events that the log lacks and that are kept in memory until the journal is found whole. */
  readonly missingBytes?: number;
}

/** What a start goes on from. */
export interface Recovered {
  /** Everything at the end of the journal: a snapshot that is in no file. */
  readonly snapshot: Snapshot;
  /** Of the last event. */
  readonly eventSeq: number;
  readonly eventIndex: number;
  /** The last snapshot command; undefined: none yet. */
  readonly checkpoint: EventPlace | undefined;
  readonly log: OpenedEventLog;
  /** Commands that were taken out of the journal. */
  readonly skipped: readonly number[];
}

/**
 * The start of a server on a journal that holds something: the newest good snapshot and the commands
 * behind it, applied before any stage runs. Nothing in the directory is changed until the journal has
 * been read to its end and found whole.
 */
export class TailRecovery {
  /** What it begins with; undefined: with the first command. */
  readonly snapshot: Snapshot | undefined;
  /** Snapshots that were passed over, and why. */
  readonly refused: { readonly path: string; readonly why: string }[] = [];
  /** Of both logs, what comes before the segments that it reads. */
  readonly unread: UnreadHistory;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #options: TailRecoveryOptions;
  readonly #log: EventLogFinding;

  /** Throws a DamageError. */
  constructor(disk: Disk, directory: string, options: TailRecoveryOptions) {
    this.#disk = disk;
    this.#directory = directory;
    this.#options = options;
    this.#refuseLostCommands();
    const { end, meta } = options;
    this.#log = inspectEventLog(disk, eventsPath(directory), {
      directoryId: directoryIdOf(meta),
      journalLastSeq: end.lastSeq,
      journalDurability: end.durability,
    });
    // Events before a snapshot cannot be made from it, so the log must reach it, too.
    this.snapshot = findSnapshot(disk, directory, {
      atMost: Math.min(end.lastSeq, this.#log.position.lastSeq),
      directoryId: directoryIdOf(meta),
      skips: findSkips(disk, journalPath(directory)),
      onRefused: (path, why) => this.refused.push({ path, why }),
    });
    this.unread = this.#lookAtEarlier();
  }

  /** Commands behind the snapshot. */
  get tailCommands(): number {
    return this.#options.end.lastSeq - (this.snapshot?.place.seq ?? 0);
  }

  /**
   * Brings `gateway`, which has seen nothing, and everything else to the end of the journal. The event
   * loop gets its turn now and then; onProgress comes before each. Throws a DamageError, JournalError,
   * DiskError or EngineFault.
   */
  async run(gateway: GatewayState, onProgress: (done: number) => void): Promise<Recovered> {
    const { capacity, end } = this.#options;
    const { position } = this.#log;
    let isAtEnd = false;
    // Only where more is missing than is kept in memory is the log changed before the end is read.
    const missing = this.#missingEvents(() => {
      if (!isAtEnd) this.#readToTheEnd();
    });
    const held = {
      seq: position.lastSeq,
      index: position.lastIndex,
      eventCount: position.eventCount,
      hashState: position.hashState,
    };
    const state = new TailState(capacity, gateway, held, (view, offset) =>
      missing.append(view, offset),
    );
    if (this.snapshot !== undefined) state.restore(this.snapshot);
    const reader = this.#openTail();
    try {
      let turnEnds = performance.now() + TURN_MS;
      let count = 0;
      while (reader.next()) {
        state.apply(reader.view, reader.offset, reader.seq);
        if ((++count & (SLICE - 1)) !== 0 || performance.now() < turnEnds) continue;
        onProgress(count);
        await new Promise((resolve) => setImmediate(resolve));
        turnEnds = performance.now() + TURN_MS;
      }
      if (state.lastSeq !== end.lastSeq) {
        const { path, offset } = reader.place;
        const what = `ends at seq ${state.lastSeq}, but ${end.lastSeq} was read before`;
        throw new DamageError("lostCommands", path, offset, state.lastSeq, what);
      }
      isAtEnd = true;
      const snapshot = state.finish(reader.position, reader.skips.length);
      const log = missing.finish(snapshot.place.eventCount, snapshot.place.eventHash);
      const { eventSeq, eventIndex, checkpoint } = state;
      const skipped = reader.skips.map(({ seq }) => seq);
      return { snapshot, eventSeq, eventIndex, checkpoint, log, skipped };
    } finally {
      reader.close();
    }
  }

  /** Only at headers: to read it all may take minutes, and is done once the server runs. */
  #lookAtEarlier(): UnreadHistory {
    const id = directoryIdOf(this.#options.meta);
    const journal = journalPath(this.#directory);
    const events = eventsPath(this.#directory);
    const { segment } = this.#options.end;
    const seq = this.snapshot?.place.seq;
    // Without a snapshot the journal is read from its beginning.
    const first = seq === undefined ? { last: 1 } : { last: segment, seq };
    const only = { last: this.#log.lastSegment };
    return {
      journal: checkEarlierHeaders(this.#disk, journal, LogKind.journal, id, first),
      events: checkEarlierHeaders(this.#disk, events, LogKind.events, id, only),
    };
  }

  #openTail(): JournalReader {
    const path = journalPath(this.#directory);
    const inAnotherThread =
      this.#options.readAhead === true && this.tailCommands >= READ_AHEAD_COMMANDS;
    return openTail(this.#disk, this.#directory, this.snapshot?.place, {
      sync: true,
      ...(inAnotherThread
        ? {
            openBlocks: (segment) => new ReadAheadCursor(this.#disk, path, { segment, sync: true }),
          }
        : {}),
    });
  }

  #missingEvents(makeSure: () => void): MissingEvents {
    const { meta, end, epoch, segmentBytes, missingBytes } = this.#options;
    return new MissingEvents(this.#disk, this.#log, {
      directoryId: directoryIdOf(meta),
      epoch,
      journalLastSeq: end.lastSeq,
      journalDurability: end.durability,
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
      ...(missingBytes === undefined ? {} : { mostBytes: missingBytes }),
      beforeChange: () => {
        makeSure();
        settleJournal(this.#disk, end);
      },
    });
  }

  /** Throws a DamageError where the tail is not whole. */
  #readToTheEnd(): void {
    const reader = JournalReader.open(this.#disk, journalPath(this.#directory), {
      fromSeq: (this.snapshot?.place.seq ?? 0) + 1,
      sync: true,
    });
    try {
      while (reader.next());
    } finally {
      reader.close();
    }
  }

  /** A snapshot behind the end of a journal that was synced shows that it has lost commands. */
  #refuseLostCommands(): void {
    const { end } = this.#options;
    const newest = listSnapshots(this.#disk, this.#directory)[0];
    if (newest === undefined || newest <= end.lastSeq || end.durability !== "fsync") return;
    const path = `${snapshotsPath(this.#directory)}/${snapshotName(newest)}`;
    const what = "it stands behind the end of the journal, which has lost commands";
    throw new DamageError("lostCommands", path, 0, end.lastSeq, what);
  }
}
