import {
  EVENT_HEADER_ACCOUNT_OFFSET,
  EVENT_HEADER_INDEX_OFFSET,
} from "../../protocol/generated/headers.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import type { RecentEvents } from "../stage/recent-events.ts";

/** Past events from disk. The event log's reader has this form. */
export interface EventHistoryReader {
  /** The next `read` starts with the first event at or after (seq, index). */
  seek(seq: number, index: number): void;
  /** Copies whole records, as many as fit and are there; returns their bytes, 0: nothing (yet). */
  read(into: Uint8Array): number;
  close(): void;
}

/** Opens the event log for one reader; null where events are not recorded. */
export type EventHistory = (() => EventHistoryReader) | null;

export type EventDelivery = (view: DataView, offset: number, owner: number) => void;

const CHUNK_BYTES = 64 * 1024;
/** Read into and worked off at once, so one for all. */
const chunk = new Uint8Array(CHUNK_BYTES);
const chunkView = new DataView(chunk.buffer);

/** After every event of a command. */
export const LAST_INDEX = 4294967295;

/**
 * Brings one session from a position in history to the present: from the event log while the
 * position lies before the events in memory, then from memory, then it is live. All on one thread,
 * so that nothing can be missed or doubled in between.
 */
export class CatchUp {
  #seq: number;
  #index: number;
  readonly #recent: RecentEvents;
  readonly #history: EventHistory;
  #reader: EventHistoryReader | null = null;
  #owner = 0;

  /** Starts after (seq, index). */
  constructor(seq: number, index: number, recent: RecentEvents, history: EventHistory) {
    this.#seq = seq;
    this.#index = index;
    this.#recent = recent;
    this.#history = history;
  }

  /** Without a log, only what is in memory can be had. */
  get isPossible(): boolean {
    return this.#history !== null || this.#recent.reachesBackTo(this.#seq, this.#index);
  }

  /**
   * Delivers what there is while `hasRoom`. True: the present is reached. Throws what the reader of
   * the log throws.
   */
  advance(deliver: EventDelivery, hasRoom: () => boolean): boolean {
    while (hasRoom()) {
      if (this.#recent.reachesBackTo(this.#seq, this.#index)) {
        if (this.#fromMemory(deliver, hasRoom)) {
          this.close();
          return true;
        }
      } else if (!this.#fromLog(deliver)) return false;
    }
    return false;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = null;
  }

  #fromMemory(deliver: EventDelivery, hasRoom: () => boolean): boolean {
    const recent = this.#recent;
    let position = recent.positionAfter(this.#seq, this.#index);
    for (; position < recent.end; position++) {
      if ((position & 63) === 0 && !hasRoom()) return false;
      const offset = recent.offsetOf(position);
      this.#moveTo(recent.view, offset);
      deliver(recent.view, offset, recent.ownerOf(position));
    }
    return true;
  }

  /** False: the log has nothing yet. */
  #fromLog(deliver: EventDelivery): boolean {
    if (this.#reader === null) {
      if (this.#history === null) throw new Error("events in between are gone");
      this.#reader = this.#history();
      // From the command's first event on: it tells whose command it was.
      this.#reader.seek(this.#seq, 0);
    }
    const bytes = this.#reader.read(chunk);
    for (let at = 0; at < bytes; at += chunkView.getUint16(at, true)) {
      // The log may be ahead of what is in memory: those events will yet come to whoever is live.
      if (this.#recent.reachesBackTo(this.#seq, this.#index)) {
        this.close(); // it has read further than was taken
        break;
      }
      const index = chunkView.getUint32(at + EVENT_HEADER_INDEX_OFFSET, true);
      if (index === 0) this.#owner = chunkView.getUint32(at + EVENT_HEADER_ACCOUNT_OFFSET, true);
      const seq = seqAt(chunkView, at);
      if (seq < this.#seq || (seq === this.#seq && index <= this.#index)) continue;
      this.#seq = seq;
      this.#index = index;
      deliver(chunkView, at, this.#owner);
    }
    return bytes > 0;
  }

  #moveTo(view: DataView, offset: number): void {
    this.#seq = seqAt(view, offset);
    this.#index = view.getUint32(offset + EVENT_HEADER_INDEX_OFFSET, true);
  }
}

function seqAt(view: DataView, offset: number): number {
  return view.getUint32(offset + 8, true) + view.getUint32(offset + 12, true) * TWO_32;
}
