// Hot path: no allocation here.

import { TWO_32 } from "../../protocol/generated/support.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";

const RECORD_WORDS = RECORD_BYTES / 4;

/**
 * The last events in memory, so that a session that starts, resumes or has fallen behind goes on
 * without a gap. Single thread. Events are numbered by `position`, from 0 at the start.
 */
export class RecentEvents {
  readonly view: DataView;
  readonly #words: Int32Array;
  readonly #slots: number;
  /** Account that the event's command is about, by slot. */
  readonly #owners: Uint32Array;
  #end = 0;
  // Of the last event that is no longer here: what comes after it is complete.
  #floorSeq = 0;
  #floorIndex = 0;

  /** slots: a power of two; 192 bytes each. */
  constructor(slots: number) {
    if (slots < 2 || (slots & (slots - 1)) !== 0) throw new RangeError(`${slots} slots`);
    this.#slots = slots;
    this.#words = new Int32Array(slots * RECORD_WORDS);
    this.view = new DataView(this.#words.buffer);
    this.#owners = new Uint32Array(slots);
  }

  /** Nothing was kept of what came before: all events up to (seq, index) are elsewhere. */
  startAfter(seq: number, index: number): void {
    this.#floorSeq = seq;
    this.#floorIndex = index;
  }

  /** Position after the last event. */
  get end(): number {
    return this.#end;
  }

  /** source, offset: the ring's words, and the event's byte offset in it. */
  push(source: Int32Array, offset: number, owner: number): void {
    const slot = this.#end % this.#slots;
    const target = slot * RECORD_BYTES;
    if (this.#end >= this.#slots) {
      this.#floorSeq = this.#seqAt(target);
      this.#floorIndex = this.view.getUint32(target + 32, true);
    }
    const from = offset >> 2;
    const to = target >> 2;
    for (let i = 0; i < RECORD_WORDS; i++) this.#words[to + i] = source[from + i] as number;
    this.#owners[slot] = owner;
    this.#end++;
  }

  /** True where every event after (seq, index) is here. */
  reachesBackTo(seq: number, index: number): boolean {
    return seq > this.#floorSeq || (seq === this.#floorSeq && index >= this.#floorIndex);
  }

  /** Position of the first event after (seq, index); `end` where there is none yet. */
  positionAfter(seq: number, index: number): number {
    let low = Math.max(0, this.#end - this.#slots);
    let high = this.#end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const offset = this.offsetOf(middle);
      const eventSeq = this.#seqAt(offset);
      const isAfter =
        eventSeq > seq || (eventSeq === seq && this.view.getUint32(offset + 32, true) > index);
      if (isAfter) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Byte offset in `view`. */
  offsetOf(position: number): number {
    return (position % this.#slots) * RECORD_BYTES;
  }

  ownerOf(position: number): number {
    return this.#owners[position % this.#slots] as number;
  }

  #seqAt(offset: number): number {
    return this.view.getUint32(offset + 8, true) + this.view.getUint32(offset + 12, true) * TWO_32;
  }
}
