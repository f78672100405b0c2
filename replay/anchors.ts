// Anchors: what stood for the journal up to a block, noted earlier and kept elsewhere.
import { LogKind, toHex } from "../engine/journal/block-format.ts";
import { journalPath } from "../engine/journal/data-directory.ts";
import type { Disk } from "../engine/journal/disk.ts";
import { LogCursor, type LogPosition } from "../engine/journal/log-cursor.ts";
import { findSegment } from "../engine/journal/log-search.ts";
import { ReplayError } from "./errors.ts";

export interface Anchor {
  readonly seq: number;
  /** 64 hexadecimal digits. */
  readonly chain: string;
  /** Number of the block; undefined: any block that ends at `seq`. */
  readonly block?: number | undefined;
  /** Of the command `seq`, microseconds since 1970. */
  readonly timestamp?: number | undefined;
}

interface Expectation {
  readonly anchor: Anchor;
  /** The chain value that stands in its place; undefined: none yet. */
  found: string | undefined;
  holds: boolean;
}

/** Holds anchors against the blocks of a journal, as they are read in order. */
export class AnchorCheck {
  readonly #byBlock = new Map<number, Expectation[]>();
  readonly #bySeq = new Map<number, Expectation[]>();
  readonly #all: Expectation[];

  constructor(anchors: readonly Anchor[]) {
    this.#all = anchors.map((anchor) => ({ anchor, found: undefined, holds: false }));
    for (const one of this.#all) {
      const { block, seq } = one.anchor;
      if (block === undefined) addTo(this.#bySeq, seq, one);
      else addTo(this.#byBlock, block, one);
    }
    this.#all.sort((a, b) => compare(a.anchor, b.anchor));
  }

  /** After each block, marks too. */
  onBlock(at: LogPosition): void {
    for (const one of this.#byBlock.get(at.blockNumber) ?? []) look(one, at);
    // A mark ends at the same seq as the block before it: the anchor may stand for either.
    for (const one of this.#bySeq.get(at.lastSeq) ?? []) if (!one.holds) look(one, at);
  }

  /**
   * After the last block, which ends at `lastSeq`. Returns how many anchors hold. Throws a
   * ReplayError anchorDiffers that names the first that does not.
   */
  finish(lastSeq: number): number {
    const wrong = this.#all.findIndex(({ holds }) => !holds);
    if (wrong === -1) return this.#all.length;
    const { anchor, found } = this.#all[wrong] as Expectation;
    const why =
      found !== undefined
        ? `the journal has ${found} there, ${anchor.chain} was noted`
        : anchor.seq > lastSeq
          ? `the journal ends at seq ${lastSeq}`
          : "no block of the journal ends there";
    const before = this.#all[wrong - 1]?.anchor;
    const since =
      before === undefined
        ? "It is the first anchor"
        : `The journal is as noted up to ${nameOf(before)} and not from there on`;
    const failed = this.#all.filter(({ holds }) => !holds).length;
    throw new ReplayError(
      "anchorDiffers",
      `the anchor of ${nameOf(anchor)} does not hold: ${why}. ${since}; ` +
        `${failed} of ${this.#all.length} anchors do not hold`,
    );
  }
}

function look(one: Expectation, at: LogPosition): void {
  const { anchor } = one;
  one.found = toHex(at.chain);
  one.holds =
    one.found === anchor.chain &&
    at.lastSeq === anchor.seq &&
    (anchor.timestamp === undefined || anchor.timestamp === at.lastTimestampUs);
}

/** "seq 12 (block 3, 2026-01-01T00:00:00.000Z)". */
function nameOf({ seq, block, timestamp }: Anchor): string {
  const more: string[] = [];
  if (block !== undefined) more.push(`block ${block}`);
  if (timestamp !== undefined) more.push(timeOf(timestamp));
  return more.length === 0 ? `seq ${seq}` : `seq ${seq} (${more.join(", ")})`;
}

function timeOf(timestampUs: number): string {
  const date = new Date(timestampUs / 1000);
  return Number.isNaN(date.getTime()) ? `${timestampUs} µs` : date.toISOString();
}

function compare(a: Anchor, b: Anchor): number {
  return a.seq - b.seq || (a.block ?? 0) - (b.block ?? 0);
}

function addTo(map: Map<number, Expectation[]>, key: number, one: Expectation): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, [one]);
  else there.push(one);
}

const BLOCKS_A_TURN = 64;

/**
 * Looks up one anchor in a journal that may be growing, without holding up the event loop. `ahead`:
 * the journal ends before it. `differs`: another block stands in its place. Throws a DamageError.
 */
export async function locateAnchor(
  disk: Disk,
  directory: string,
  anchor: Anchor & { readonly block: number },
): Promise<"holds" | "ahead" | "differs"> {
  const path = journalPath(directory);
  const segment = findSegment(disk, path, LogKind.journal, anchor.seq, 0);
  const cursor = new LogCursor(disk, path, LogKind.journal, { live: true, segment });
  const { position } = cursor;
  try {
    for (let count = 1; cursor.next(); count++) {
      if (position.blockNumber > anchor.block) return "differs";
      if (position.blockNumber === anchor.block) {
        const isSame = position.lastSeq === anchor.seq && toHex(position.chain) === anchor.chain;
        return isSame ? "holds" : "differs";
      }
      if (count % BLOCKS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return "ahead";
  } finally {
    cursor.close();
  }
}
