// Hot path: no allocation here.
import { monotonicNs } from "../monotonic.ts";

// One word for how many receipts were asked for, on a line of its own; then the low 32 bits of the
// seq of each place; then a column of Float64 stamps for each stage that writes some. One writer per
// word: the gateway asks, each stage writes its own column.
const WORDS_PER_LINE = 32;
export const RECEIPT_PLACES = 1024;
const MASK = RECEIPT_PLACES - 1;
const SEQS = WORDS_PER_LINE;
const COLUMNS_BYTE = 4 * (WORDS_PER_LINE + RECEIPT_PLACES);

/** Columns of stamps; risk worker i has `risk + i`. */
export const ReceiptColumn = { matched: 0, durable: 1, risk: 2 } as const;

/** What of the pipeline's memory is needed here. */
export interface ReceiptMemory {
  readonly receipts: SharedArrayBuffer;
  readonly riskWorkers: number;
}

export function createReceiptMemory(riskWorkers: number): SharedArrayBuffer {
  const columns = ReceiptColumn.risk + riskWorkers;
  return new SharedArrayBuffer(COLUMNS_BYTE + columns * RECEIPT_PLACES * 8);
}

function columnOf(memory: ReceiptMemory, column: number): Float64Array {
  const start = COLUMNS_BYTE + column * RECEIPT_PLACES * 8;
  return new Float64Array(memory.receipts, start, RECEIPT_PLACES);
}

/** A stage's end: stamps the commands that a receipt was asked for. */
export class StageStamps {
  readonly #words: Int32Array;
  readonly #column: Float64Array;
  #next: number;

  constructor(memory: ReceiptMemory, column: number) {
    this.#words = new Int32Array(memory.receipts, 0, COLUMNS_BYTE >> 2);
    this.#column = columnOf(memory, column);
    this.#next = Atomics.load(this.#words, 0);
  }

  /**
   * The stage is done with all commands up to seq (its low 32 bits). To be called before it publishes
   * its cursor, so that whoever sees the cursor sees the stamps. One load where nobody asks.
   */
  reached(seq: number): void {
    // Acquire: the seqs of what was asked for are there.
    const asked = Atomics.load(this.#words, 0);
    if (asked !== this.#next) this.#stamp(seq, asked);
  }

  #stamp(seq: number, asked: number): void {
    let now = 0;
    for (; this.#next !== asked; this.#next = (this.#next + 1) | 0) {
      const place = this.#next & MASK;
      if ((((this.#words[SEQS + place] as number) - seq) | 0) > 0) return;
      if (now === 0) now = monotonicNs();
      this.#column[place] = now;
    }
  }
}

/** When the stages were done with a command, by `monotonicNs`; 0: not known. */
export interface Stamps {
  checkedNs: number;
  matchedNs: number;
  durableNs: number;
}

/** The gateway's end: asks for stamps, and reads them when the command has passed all stages. */
export class ReceiptDesk {
  readonly #words: Int32Array;
  readonly #matched: Float64Array;
  readonly #durable: Float64Array;
  readonly #risk: readonly Float64Array[];
  readonly #completeSeq: () => number;
  readonly #seqs = new Float64Array(RECEIPT_PLACES);
  #asked = 0;
  #free = 0; // the first that is not known to have passed

  /** completeSeq: all stages are done with the commands up to here. */
  constructor(memory: ReceiptMemory, completeSeq: () => number) {
    this.#words = new Int32Array(memory.receipts, 0, COLUMNS_BYTE >> 2);
    this.#matched = columnOf(memory, ReceiptColumn.matched);
    this.#durable = columnOf(memory, ReceiptColumn.durable);
    this.#risk = Array.from({ length: memory.riskWorkers }, (_, worker) =>
      columnOf(memory, ReceiptColumn.risk + worker),
    );
    this.#completeSeq = completeSeq;
  }

  /**
   * Asks for the stamps of a command, which must be published after this. Returns its place; −1: as
   * many as there can be are under way, and this one gets none.
   */
  ask(seq: number): number {
    const completeSeq = this.#completeSeq();
    while (this.#free !== this.#asked && this.#seqAt(this.#free) <= completeSeq) {
      this.#free = (this.#free + 1) | 0;
    }
    if (((this.#asked - this.#free) | 0) === RECEIPT_PLACES) return -1;
    const place = this.#asked & MASK;
    this.#seqs[place] = seq;
    this.#words[SEQS + place] = seq | 0;
    this.#matched[place] = 0;
    this.#durable[place] = 0;
    for (let i = 0; i < this.#risk.length; i++) (this.#risk[i] as Float64Array)[place] = 0;
    this.#asked = (this.#asked + 1) | 0;
    // Release: the place is as it should be.
    Atomics.store(this.#words, 0, this.#asked);
    return place;
  }

  /** Once `seq` is complete. A place that has another command by now knows nothing of this one. */
  read(place: number, seq: number, into: Stamps): void {
    const isThere = place >= 0 && this.#seqs[place] === seq;
    into.matchedNs = isThere ? (this.#matched[place] as number) : 0;
    into.durableNs = isThere ? (this.#durable[place] as number) : 0;
    into.checkedNs = 0;
    for (let i = 0; isThere && i < this.#risk.length; i++) {
      const ns = (this.#risk[i] as Float64Array)[place] as number;
      if (ns > into.checkedNs) into.checkedNs = ns;
    }
  }

  #seqAt(count: number): number {
    return this.#seqs[count & MASK] as number;
  }
}
