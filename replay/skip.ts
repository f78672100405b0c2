// Taking a command out of the journal: an operator's answer to one that makes the engine fail at every
// restart. Nothing does it by itself.
import { hash } from "node:crypto";
import { DEFAULT_CAPACITY } from "../engine/engine.ts";
import { EngineFault } from "../engine/engine-fault.ts";
import { LogKind, MAX_BLOCK_BYTES } from "../engine/journal/block-format.ts";
import {
  directoryIdOf,
  eventsPath,
  journalPath,
  readMeta,
  recordEpoch,
} from "../engine/journal/data-directory.ts";
import { type Disk, replaceFile } from "../engine/journal/disk.ts";
import { DamageError } from "../engine/journal/errors.ts";
import { EventLogReader } from "../engine/journal/event-log-reader.ts";
import { recoverEventLog } from "../engine/journal/event-log-recovery.ts";
import { JournalReader } from "../engine/journal/journal-reader.ts";
import { findJournalEnd } from "../engine/journal/journal-recovery.ts";
import { JournalWriter } from "../engine/journal/journal-writer.ts";
import { LogCursor } from "../engine/journal/log-cursor.ts";
import { findSegment, findSkips } from "../engine/journal/log-search.ts";
import { MAX_SKIPS } from "../engine/journal/segment-format.ts";
import { RiskGate } from "../engine/risk/risk-gate.ts";
import { EngineRun } from "./engine-run.ts";
import { ReplayError } from "./errors.ts";

const PROGRESS_EVERY = 1 << 14;
const EVENT_BUFFER_BYTES = 1 << 20;
const RECORD_HEADER_BYTES = 48;
/** Commands under way in the risk checks: one. */
const IN_FLIGHT = 64;

/** A command that cannot be applied, and why. */
export interface Fault {
  readonly seq: number;
  readonly message: string;
}

export interface SkipPlan {
  readonly seq: number;
  /** The record as journaled. */
  readonly record: Uint8Array;
  /** Why it is taken out. */
  readonly fault: Fault;
  /** The next command that fails, once this one is taken out. */
  readonly next: Fault | undefined;
  /** Events of the command that were recorded, and perhaps reported, before it failed. */
  readonly events: Uint8Array;
  readonly journalLastSeq: number;
}

export interface SkipResult {
  readonly epoch: number;
  /** The file that keeps the events of the command; undefined: there were none. */
  readonly keptEvents: string | undefined;
  /** What was cut from the event log, in words; the next start writes again what belongs there. */
  readonly eventLogCuts: readonly string[];
}

export interface SkipOptions {
  /** Commands applied so far, of how many, in two runs. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * What taking out command `seq` would mean; nothing is changed. Applies every command up to it, and
 * then all there are without it. Throws a ReplayError: noSuchSeq; isTakenOut; doesNotFail where `seq`
 * is not the command that fails first, or later commands have been reported already.
 */
export function planSkip(
  disk: Disk,
  directory: string,
  seq: number,
  options: SkipOptions = {},
): SkipPlan {
  const meta = readMeta(disk, directory);
  const path = journalPath(directory);
  const found = findJournalEnd(disk, path, { knownEpoch: meta.epoch });
  const journalLastSeq = found?.cursor.position.lastSeq ?? 0;
  if (seq < 1 || seq > journalLastSeq) {
    const message = `there is no seq ${seq}: the journal ends at ${journalLastSeq}`;
    throw new ReplayError("noSuchSeq", message);
  }
  const skips = findSkips(disk, path);
  if (skips.some((skip) => skip.seq === seq)) {
    throw new ReplayError("isTakenOut", `seq ${seq} is taken out already`);
  }
  if (skips.length >= MAX_SKIPS) {
    const message = `${MAX_SKIPS} commands are taken out already, and there is room for no more`;
    throw new ReplayError("doesNotFail", message);
  }
  const capacity = meta.capacity ?? DEFAULT_CAPACITY;
  const search = { disk, path, capacity, total: seq + journalLastSeq, ...options };
  const fault = findFault({ ...search, toSeq: seq, skips, doneBefore: 0 });
  if (fault?.seq !== seq) {
    const instead =
      fault === undefined ? "" : ` Before it, seq ${fault.seq} makes it fail: ${fault.message}.`;
    const message = `seq ${seq} does not make the engine fail: it is not taken out.${instead}`;
    throw new ReplayError("doesNotFail", message);
  }
  const events = recordedEvents(disk, directory, seq);
  const without = [...skips, { seq }].toSorted((a, b) => a.seq - b.seq);
  const next = findFault({ ...search, toSeq: journalLastSeq, skips: without, doneBefore: seq });
  if (next !== undefined && next.seq <= seq) {
    const message = `without seq ${seq} the engine fails too, at seq ${next.seq}: ${next.message}`;
    throw new ReplayError("doesNotFail", message);
  }
  return { seq, record: recordOf(disk, path, seq), fault, next, events, journalLastSeq };
}

/**
 * Carries out a plan: cuts the events of the command, if there are any, and begins a new epoch whose
 * segments all say that it is taken out. The caller holds the directory's lock. May be repeated after
 * a crash.
 */
export function carryOutSkip(
  disk: Disk,
  directory: string,
  plan: SkipPlan,
  nowUs: number,
): SkipResult {
  const meta = readMeta(disk, directory);
  const directoryId = directoryIdOf(meta);
  const { seq, record, events, journalLastSeq } = plan;
  let keptEvents: string | undefined;
  let eventLogCuts: readonly string[] = [];
  if (events.length > 0) {
    const name = `cut-seq-${seq}.bin`;
    replaceFile(disk, eventsPath(directory), name, events);
    keptEvents = `${eventsPath(directory)}/${name}`;
    const { recovery } = recoverEventLog(disk, eventsPath(directory), {
      directoryId,
      journalLastSeq: seq - 1,
      journalDurability: "os", // that the log is ahead of this is no news here
    });
    eventLogCuts = recovery.cuts;
  }
  const writer = JournalWriter.open(disk, journalPath(directory), {
    directoryId,
    durability: "fsync",
    knownEpoch: meta.epoch,
    expectedLastSeq: journalLastSeq,
    skip: { seq, record: hash("sha256", record, "buffer"), skippedUs: nowUs },
    nowUs: () => nowUs,
  });
  writer.close(); // its block puts the list into the chain
  recordEpoch(disk, directory, writer.epoch);
  return { epoch: writer.epoch, keptEvents, eventLogCuts };
}

interface FaultSearch extends SkipOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly capacity: ConstructorParameters<typeof EngineRun>[0];
  readonly toSeq: number;
  readonly skips: readonly { readonly seq: number }[];
  readonly doneBefore: number;
  readonly total: number;
}

/** The first command up to `toSeq` that is none, or that engine or risk checks cannot take. */
function findFault(search: FaultSearch): Fault | undefined {
  const { disk, path, skips, toSeq, doneBefore, total } = search;
  const gate = new RiskGate(0, 1, IN_FLIGHT);
  const run = new EngineRun(search.capacity, (view, offset) => gate.state.absorb(view, offset));
  const reader = JournalReader.open(disk, path, { skips });
  try {
    while (reader.seq < toSeq && reader.next()) {
      try {
        gate.follow(reader.view, reader.offset);
        run.apply(reader.view, reader.offset);
        gate.settle(reader.seq);
      } catch (error) {
        const cause = error instanceof EngineFault ? error.cause : error;
        return { seq: reader.seq, message: (cause as Error).message };
      }
      const done = doneBefore + reader.seq;
      if (done % PROGRESS_EVERY === 0) search.onProgress?.(done, total);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof DamageError) || error.code !== "record") throw error;
    return { seq: error.seq + 1, message: error.message };
  } finally {
    reader.close();
  }
}

/** Events of `seq` in the event log. Throws a ReplayError where it knows of later commands. */
function recordedEvents(disk: Disk, directory: string, seq: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const reader = new EventLogReader(disk, eventsPath(directory), { live: false });
  const buffer = new Uint8Array(EVENT_BUFFER_BYTES);
  const view = new DataView(buffer.buffer);
  try {
    reader.seek(seq, 0);
    for (let bytes = reader.read(buffer); bytes > 0; bytes = reader.read(buffer)) {
      for (let at = 0; at < bytes; at += view.getUint16(at, true)) {
        if (view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32 === seq)
          continue;
        throw new ReplayError(
          "doesNotFail",
          `events of commands after seq ${seq} are in the event log: they were reported, and taking ` +
            `it out would change them. Use the version of Crossbook that wrote them`,
        );
      }
      parts.push(buffer.slice(0, bytes));
    }
  } catch (error) {
    // A tail that a crash has torn: the next start cuts it.
    if (!(error instanceof DamageError)) throw error;
  } finally {
    reader.close();
  }
  return Uint8Array.from(Buffer.concat(parts));
}

/** The record of command `seq` as journaled, whatever it is. Throws a DamageError. */
function recordOf(disk: Disk, path: string, seq: number): Uint8Array {
  const segment = findSegment(disk, path, LogKind.journal, seq, 0);
  const cursor = new LogCursor(disk, path, LogKind.journal, { segment });
  const body = new Uint8Array(MAX_BLOCK_BYTES);
  const view = new DataView(body.buffer);
  try {
    while (cursor.next() && cursor.block.lastSeq < seq);
    const bytes = cursor.copyBody(body);
    let at = 0;
    for (let left = seq - cursor.block.firstSeq; left > 0 && at < bytes; left--) {
      at += Math.max(view.getUint16(at, true), RECORD_HEADER_BYTES);
    }
    const end = at + view.getUint16(at, true);
    if (end <= bytes && end >= at + RECORD_HEADER_BYTES) return body.slice(at, end);
    throw new DamageError("record", cursor.path, cursor.blockOffset, seq - 1, "no record");
  } finally {
    cursor.close();
  }
}
