// Servers that die while they make a snapshot: when to strike, what the blow has left behind, and how
// the next start came back from it.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "../processes/server-process.ts";
import type { Random } from "../protocol/random.ts";

const UNFINISHED = /^(\d{16})\.snapshot\.new$/;
const TIMEOUT_MS = 20_000;
const LONGEST_MS = 1000;

interface UnfinishedSnapshot {
  readonly seq: number;
  readonly bytes: number;
}

export interface UnfinishedCounts {
  /** The file was there, and nothing in it. */
  empty: number;
  /** With some or all of its bytes; not verified, or not renamed. */
  written: number;
  /** The next start that became ready began with a snapshot from before. */
  byOlder: number;
  byJournal: number;
}

export class SnapshotKills {
  readonly counts: UnfinishedCounts = { empty: 0, written: 0, byOlder: 0, byJournal: 0 };
  readonly #random: Random;
  /** How long an unfinished file is there: the blow may fall at any moment of it. */
  #lifeMs = 5;
  #leftBehind: UnfinishedSnapshot | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Resolves while a snapshot is under way; or too late, where none ever is. */
  async moment(server: ServerProcess): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (server.isAlive && performance.now() < deadline) {
      await server.waitFor(() => unfinishedSnapshot(server), deadline - performance.now());
      // One in three at once: the file may still be empty.
      if (this.#random.below(3) > 0) await sleep(this.#random.below(Math.ceil(this.#lifeMs)));
      if (unfinishedSnapshot(server) !== null) return;
      this.#lifeMs = Math.max(1, this.#lifeMs * 0.8);
    }
  }

  /** Whether the blow fell in a snapshot: its file is there, and will never be finished. */
  onKilled(server: ServerProcess): boolean {
    const left = unfinishedSnapshot(server);
    if (left === null) return false;
    // The next one may come a little later, until it comes too late.
    this.#lifeMs = Math.min(this.#lifeMs * 1.2, LONGEST_MS);
    this.#leftBehind = left;
    this.counts[left.bytes === 0 ? "empty" : "written"]++;
    return true;
  }

  /** What is wrong with how a server came back, by its own words; null: nothing. */
  onReady(server: ServerProcess): string | null {
    const left = this.#leftBehind;
    if (left === null) return null;
    this.#leftBehind = null;
    const from = recoveredFrom(server);
    if (from === null || from >= left.seq) {
      return `a start from seq ${from} behind the unfinished snapshot of ${left.seq}`;
    }
    this.counts[from > 0 ? "byOlder" : "byJournal"]++;
    return null;
  }
}

/**
 * The snapshot that a server is making, or was when it died: the temporary file, and only where this
 * process wrote to it, since one that a server before has left behind looks the same.
 */
function unfinishedSnapshot(server: ServerProcess): UnfinishedSnapshot | null {
  const folder = path.join(server.dataDir, "snapshots");
  try {
    for (const name of fs.readdirSync(folder)) {
      const match = UNFINISHED.exec(name);
      if (match === null) continue;
      const { mtimeMs, size } = fs.statSync(path.join(folder, name));
      if (mtimeMs > server.startedAtMs) return { seq: Number(match[1]), bytes: size };
    }
  } catch {
    // No folder yet, or the file has just got its name.
  }
  return null;
}

/** The seq of the snapshot that a server began with, 0 for none; null: its log does not say. */
function recoveredFrom(server: ServerProcess): number | null {
  const words = server.log().find((line) => typeof line.snapshotSeq === "number");
  return words === undefined ? null : (words.snapshotSeq as number);
}
