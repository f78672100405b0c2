import type { Position } from "./messages.ts";

/** After every event of a command. */
const LAST_INDEX = 4294967295;

/**
 * How far the stream of events has been seen. A session that sees both sides of a trade gets two
 * messages with one seq and index, and the connection may be lost between the two: so it resumes
 * after the position before the last one, and passes over as many messages as it had.
 */
export class StreamPosition {
  #seq: number;
  #index: number;
  #previousSeq: number;
  #previousIndex: number;
  /** Messages seen at the position. */
  #count = 0;
  /** Of them, those that a resumed stream brings again. */
  #again = 0;

  constructor({ seq, index }: Position) {
    this.#seq = seq;
    this.#index = index;
    this.#previousSeq = seq;
    this.#previousIndex = index;
  }

  /** Behind all events of commands up to seq. */
  static behind(seq: number): StreamPosition {
    return new StreamPosition({ seq, index: LAST_INDEX });
  }

  get seq(): number {
    return this.#seq;
  }

  get last(): Position {
    return { seq: this.#seq, index: this.#index };
  }

  /** What to ask for after the connection was lost. */
  resume(): Position {
    this.#again = this.#count;
    return { seq: this.#previousSeq, index: this.#previousIndex };
  }

  /** False: it was seen before. */
  advance(seq: number, index: number): boolean {
    if (seq === this.#seq && index === this.#index) {
      if (this.#count === 0) return false;
      if (this.#again > 0) {
        this.#again--;
        return false;
      }
      this.#count++;
      return true;
    }
    if (seq < this.#seq || (seq === this.#seq && index < this.#index)) return false;
    this.#previousSeq = this.#seq;
    this.#previousIndex = this.#index;
    this.#seq = seq;
    this.#index = index;
    this.#count = 1;
    this.#again = 0;
    return true;
  }
}
