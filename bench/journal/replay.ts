import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import {
  directoryIdOf,
  eventsPath,
  journalPath,
  openMeta,
} from "../../engine/journal/data-directory.ts";
import { EventLogWriter } from "../../engine/journal/event-log-writer.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { JournalWriter } from "../../engine/journal/journal-writer.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { RunningHash } from "../../protocol/event-hash.ts";
import { EngineRun } from "../../replay/engine-run.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { nowNs } from "../clock.ts";
import { generateWorkload } from "../workloads/workload.ts";

/** Commands in one block: about 48 KiB, as under a load that keeps the disk busy. */
const COMMANDS_PER_BLOCK = 512;

export const replayRunSchema = z.strictObject({
  /** A data directory; made where it is not there. */
  directory: z.string(),
  /** make: write it, not timed. The others go through all of it. */
  step: z.enum(["make", "read", "replay", "replayInOneThread", "verify"]),
  commands: z.number().int().positive(),
  resting: z.number().int().positive(),
});
export type ReplayRunOptions = z.infer<typeof replayRunSchema>;

export interface ReplayRun {
  readonly commands: number;
  readonly seconds: number;
  /** Of the journal; with `verify` and `make` of journal and event log. */
  readonly bytes: number;
}

/** One step of the replay bench, in a process of its own. */
export function runReplay(options: ReplayRunOptions): ReplayRun {
  const { directory, step } = options;
  const disk = new NodeDisk();
  if (step === "make") makeDirectory(disk, options);
  const startNs = nowNs();
  let commands = options.commands;
  if (step === "read") {
    const reader = JournalReader.open(disk, journalPath(directory));
    while (reader.next());
    commands = reader.seq;
    reader.close();
  } else if (step !== "make") {
    const { result } = replayDirectory(disk, directory, {
      verify: step === "verify",
      readAhead: step !== "replayInOneThread",
    });
    commands = result.lastSeq;
    if (step === "verify" && result.verified?.verdicts !== commands) {
      throw new Error("not every verdict was given again");
    }
  }
  const seconds = (nowNs() - startNs) / 1e9;
  const folders = [journalPath(directory)];
  if (step === "verify" || step === "make") folders.push(eventsPath(directory));
  return { commands, seconds, bytes: folders.reduce((sum, folder) => sum + bytesIn(folder), 0) };
}

/** Journal and event log of generated commands, as a server leaves them after a clean stop. */
function makeDirectory(disk: NodeDisk, options: ReplayRunOptions): void {
  const { directory } = options;
  fs.mkdirSync(directory, { recursive: true });
  const meta = openMeta(disk, directory, { nowUs: 0, capacity: DEFAULT_CAPACITY });
  const directoryId = directoryIdOf(meta);
  const { view, offsets, count } = generateWorkload(options.commands - 1, options.resting, 1);
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

  const journal = JournalWriter.open(disk, journalPath(directory), {
    directoryId,
    durability: "os",
  });
  const events = EventLogWriter.open(disk, eventsPath(directory), {
    directoryId,
    epoch: journal.epoch,
    journalLastSeq: 0,
    journalDurability: "os",
  });
  const hash = new RunningHash();
  let eventCount = 0;
  let source: DataView | undefined;
  let eventBytes: Uint8Array = new Uint8Array(0);
  const run = new EngineRun(DEFAULT_CAPACITY, (event, offset) => {
    if (event !== source) {
      source = event;
      eventBytes = new Uint8Array(event.buffer, event.byteOffset, event.byteLength);
    }
    const length = event.getUint16(offset, true);
    if (!events.hasRoom(length)) events.flush(hash, eventCount);
    hash.update(event, offset, length);
    eventCount++;
    events.append(eventBytes, offset, length);
  });
  for (let n = 0; n < count; n++) {
    const offset = offsets[n] as number;
    journal.append(bytes, offset, view.getUint16(offset, true));
    if ((n + 1) % COMMANDS_PER_BLOCK === 0) journal.commit();
    run.applyAhead(view, offset);
  }
  run.giveOut();
  journal.commit();
  events.flush(hash, eventCount);
  journal.close();
  events.close();
}

function bytesIn(folder: string): number {
  return fs
    .readdirSync(folder)
    .reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
}
