import { DEFAULT_CAPACITY } from "../engine/engine.ts";
import type { JournalAnchor } from "../engine/journal/anchor.ts";
import { toHex } from "../engine/journal/block-format.ts";
import { eventsPath, journalPath, readMeta } from "../engine/journal/data-directory.ts";
import type { Disk } from "../engine/journal/disk.ts";
import { EventLogReader } from "../engine/journal/event-log-reader.ts";
import { findJournalEnd } from "../engine/journal/journal-recovery.ts";
import type { EndState, LogPosition } from "../engine/journal/log-cursor.ts";
import { openTail } from "../engine/snapshot/journal-tail.ts";
import { ReadAheadCursor } from "../engine/threads/read-ahead.ts";
import { CHECKPOINT_TEMPLATE_ID } from "../protocol/generated/events.ts";
import { type Anchor, AnchorCheck } from "./anchors.ts";
import { EngineRun } from "./engine-run.ts";
import { ReplayError } from "./errors.ts";
import { EventComparison } from "./event-comparison.ts";
import { checkOwner } from "./journal-check.ts";
import { RiskAudit } from "./risk-audit.ts";
import { SnapshotComparison, snapshotBefore } from "./snapshot-comparison.ts";

const PROGRESS_EVERY = 1 << 14;
/** A thread takes longer to start than fewer commands to read. */
const READ_AHEAD_COMMANDS = 200_000;

export interface ReplayOptions {
  /** The last command to apply; default: all there are. */
  readonly toSeq?: number | undefined;
  /**
   * `snapshot`: from the best one up to toSeq, where there is one; events and commands before it are
   * not given out. Default: genesis.
   */
  readonly from?: "genesis" | "snapshot";
  /** A snapshot that is passed over, and why. */
  readonly onRefused?: (path: string, why: string) => void;
  /** Compare with the event log and the snapshots on the way, and give every verdict again. */
  readonly verify?: boolean;
  /** Noted earlier; those of what is replayed must hold. */
  readonly anchors?: readonly Anchor[];
  /** A server may be at work in the directory. */
  readonly live?: boolean;
  /** Read and check the journal in another thread where it is large: for a real disk only. */
  readonly readAhead?: boolean;
  /** Takes every command before it is applied. */
  readonly onCommand?: (view: DataView, offset: number) => void;
  /** Takes the place in the chain after every block. */
  readonly onBlock?: (position: LogPosition) => void;
  /** Takes every public event and checkpoint. */
  readonly onEvent?: (view: DataView, offset: number, run: EngineRun) => void;
  /** Commands applied so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ReplayResult {
  /** 0: there were no commands. */
  readonly lastSeq: number;
  readonly events: number;
  readonly trades: number;
  /** 32 hexadecimal digits each. */
  readonly stateHash: string;
  readonly eventHash: string;
  /** Stands for all blocks up to the one that was read last; its seq may be beyond lastSeq. */
  readonly anchor: JournalAnchor;
  /** Where it started; 0: with the first command. */
  readonly snapshotSeq: number;
  /** Commands of these that were taken out of the journal: each is one rejection. */
  readonly skipped: readonly number[];
  /** How the journal ends; absent where the replay stopped before. */
  readonly journal?: EndState;
  readonly verified?: {
    readonly events: number;
    /** Not in the event log (yet). */
    readonly unrecorded: number;
    readonly verdicts: number;
    readonly checkpoints: number;
    readonly snapshots: number;
    /** Anchors that were compared, and hold. */
    readonly anchors: number;
  };
}

/**
 * Rebuilds everything from the first command of the journal in `directory`. The run stands at the
 * last command afterwards. Throws a DamageError, JournalError or ReplayError.
 */
export function replayDirectory(
  disk: Disk,
  directory: string,
  options: ReplayOptions = {},
): { result: ReplayResult; run: EngineRun } {
  const meta = readMeta(disk, directory);
  const live = options.live ?? false;
  const found = findJournalEnd(disk, journalPath(directory), { live, knownEpoch: meta.epoch });
  if (found !== undefined) checkOwner(meta, found.cursor.position, found.end.path);
  const available = found?.cursor.position.lastSeq ?? 0;
  const toSeq = options.toSeq ?? available;
  if (toSeq > available) {
    throw new ReplayError(
      "noSuchSeq",
      `there is no seq ${toSeq}: the journal ends at ${available}`,
    );
  }

  const snapshot =
    options.from === "snapshot"
      ? snapshotBefore(disk, directory, toSeq, options.onRefused ?? (() => undefined))
      : undefined;
  const fromSeq = snapshot?.place.seq ?? 0;
  const events = options.verify
    ? new EventLogReader(disk, eventsPath(directory), { live })
    : undefined;
  const comparison = events === undefined ? undefined : new EventComparison(events);
  const audit = options.verify ? new RiskAudit() : undefined;
  const { onEvent } = options;
  let checkpoints = 0;
  const run = new EngineRun(meta.capacity ?? DEFAULT_CAPACITY, (view, offset) => {
    if (view.getUint16(offset + 2, true) === CHECKPOINT_TEMPLATE_ID) checkpoints++;
    comparison?.compare(view, offset);
    audit?.onEvent(view, offset);
    onEvent?.(view, offset, run);
  });

  const snapshots = options.verify
    ? new SnapshotComparison(disk, directory, fromSeq, toSeq)
    : undefined;
  if (snapshot !== undefined) {
    run.restore(snapshot);
    audit?.restore(snapshot);
    events?.seek(fromSeq + 1, 0);
  }

  // Of what lies behind the last command to apply nothing is read.
  const anchors = new AnchorCheck(
    (options.anchors ?? []).filter(
      ({ seq }) => seq > fromSeq && (options.toSeq === undefined || seq < toSeq),
    ),
  );
  let anchor: JournalAnchor = { seq: 0, block: 0, chain: "", timestamp: 0 };
  let journal: EndState | undefined;
  let skipped: number[] = [];
  if (found !== undefined) {
    const path = journalPath(directory);
    const isLarge = toSeq - fromSeq >= READ_AHEAD_COMMANDS;
    const reader = openTail(disk, directory, snapshot?.place, {
      live,
      ...(options.readAhead === true && isLarge
        ? { openBlocks: (segment) => new ReadAheadCursor(disk, path, { segment, live }) }
        : {}),
      onBlock: (at) => {
        anchors.onBlock(at);
        options.onBlock?.(at);
      },
    });
    try {
      let done = fromSeq;
      // Who looks at each command or event wants them in turn.
      const inTurn =
        audit !== undefined || onEvent !== undefined || options.onCommand !== undefined;
      while (done < toSeq && reader.next()) {
        if (inTurn) {
          options.onCommand?.(reader.view, reader.offset);
          audit?.beforeCommand(reader.view, reader.offset);
          run.apply(reader.view, reader.offset);
          audit?.afterCommand(reader.seq);
          snapshots?.afterCommand(reader.seq, run);
        } else {
          run.applyAhead(reader.view, reader.offset);
        }
        done = reader.seq;
        if (done % PROGRESS_EVERY === 0) options.onProgress?.(done, toSeq);
      }
      run.giveOut();
      options.onProgress?.(done, toSeq);
      // To the very end: marks and the closing block belong to the chain.
      if (options.toSeq === undefined) reader.next();
      anchor = anchorAt(reader.position);
      if (options.toSeq === undefined) journal = found.end.state;
      skipped = reader.skips.map(({ seq }) => seq).filter((seq) => seq <= toSeq);
    } finally {
      reader.close();
    }
  }
  const anchorsHeld = anchors.finish(anchor.seq);
  if (comparison !== undefined && options.toSeq === undefined && !live) comparison.finish(run);
  events?.close();
  const result: ReplayResult = {
    lastSeq: run.engine.lastSeq,
    events: run.engine.eventCount,
    trades: run.engine.tradeCount,
    stateHash: run.stateHash(),
    eventHash: run.eventHash(),
    anchor,
    snapshotSeq: fromSeq,
    skipped,
    ...(journal === undefined ? {} : { journal }),
    ...(comparison === undefined
      ? {}
      : {
          verified: {
            events: comparison.compared,
            unrecorded: comparison.unrecorded,
            verdicts: audit?.checked ?? 0,
            checkpoints,
            snapshots: snapshots?.compared ?? 0,
            anchors: anchorsHeld,
          },
        }),
  };
  return { result, run };
}

function anchorAt({ lastSeq, blockNumber, chain, lastTimestampUs }: LogPosition): JournalAnchor {
  return { seq: lastSeq, block: blockNumber, chain: toHex(chain), timestamp: lastTimestampUs };
}
