import type { EventId } from "./stream-id.ts";

/** Stands for the whole journal up to the end of one block: see docs/replay.md. */
export interface Anchor {
  readonly seq: number;
  readonly block: number;
  /** 64 hexadecimal digits. */
  readonly chain: string;
  /** Of the last command, microseconds since 1970. */
  readonly timestamp: number;
}

/**
 * `holds`: the journal has that block, with that chain value. `ahead`: the journal ends before it.
 * `differs`: there is another block in its place.
 */
export type AnchorFinding = "holds" | "ahead" | "differs";

/** Where the publisher gets anchors. */
export interface AnchorSource {
  /** Some have not been taken yet. */
  readonly isWaiting: boolean;
  /** All events of the commands up to here can be read from the event source. */
  readonly loggedSeq: number;
  /** The next anchor of a seq up to this one, once; undefined: none now. */
  take(seq: number): Anchor | undefined;
  /** Compares an anchor that was published earlier with the journal. */
  find(anchor: Anchor): Promise<AnchorFinding>;
}

/** Its entry's id in Redis: neither number ever falls, and the second one rises. */
export function anchorId(anchor: Anchor): EventId {
  return { seq: anchor.seq, index: anchor.block };
}

/** A quarter of an hour, at one a second. */
const MOST_WAITING = 900;

/**
 * Anchors on their way to Redis: each waits until the events that it stands for have been logged.
 * While Redis is away for long only the newest is kept besides the first ones: it stands for those
 * that are left out.
 */
export class AnchorQueue implements AnchorSource {
  loggedSeq = 0;
  readonly #waiting: Anchor[] = [];
  readonly #find: (anchor: Anchor) => Promise<AnchorFinding>;

  constructor(find: (anchor: Anchor) => Promise<AnchorFinding>) {
    this.#find = find;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Later than all before it. */
  add(anchor: Anchor): void {
    if (this.#waiting.length === MOST_WAITING) this.#waiting.pop();
    this.#waiting.push(anchor);
  }

  take(seq: number): Anchor | undefined {
    const first = this.#waiting[0];
    return first !== undefined && first.seq <= seq ? this.#waiting.shift() : undefined;
  }

  find(anchor: Anchor): Promise<AnchorFinding> {
    return this.#find(anchor);
  }
}
