// Hot path: `push` allocates only to grow. Merging is for who has fallen behind.
import { Side } from "../../protocol/generated/enums.ts";
import { BookRows, RowKind } from "./book-rows.ts";

const FIRST_UPDATES = 64;
const FIRST_ROWS = 256;

/**
 * The last updates of a channel of one book, bounded in number and in rows: whoever is behind by no
 * more than these gets them merged into one.
 */
export class UpdateWindow {
  readonly #maxUpdates: number;
  readonly #maxRows: number;
  // Rings. Updates and rows are numbered from the start; a place is the number mod the length.
  #seqs = new Float64Array(FIRST_UPDATES);
  /** Number of the first row after each update. */
  #ends = new Float64Array(FIRST_UPDATES);
  #firstUpdate = 0;
  #endUpdate = 0;
  #rows = new BookRows();
  #firstRow = 0;
  #endRow = 0;
  #floorSeq = Number.POSITIVE_INFINITY;

  /** Powers of two, at least 64 and 256. */
  constructor(maxUpdates: number, maxRows: number) {
    this.#maxUpdates = maxUpdates;
    this.#maxRows = maxRows;
    this.#rows.grow(FIRST_ROWS);
  }

  /** Who has this seq, or a later one, can be told the rest. */
  get floorSeq(): number {
    return this.#floorSeq;
  }

  /** Empty, for updates after this seq. */
  start(seq: number): void {
    this.#firstUpdate = this.#endUpdate;
    this.#firstRow = this.#endRow;
    this.#floorSeq = seq;
  }

  /** seq rises. */
  push(seq: number, rows: BookRows): void {
    const { count } = rows;
    if (count > this.#maxRows) {
      this.start(seq);
      return;
    }
    this.#makeRoom(count);
    const mask = this.#rows.capacity - 1;
    for (let i = 0; i < count; i++) this.#rows.copy((this.#endRow + i) & mask, rows, i);
    this.#endRow += count;
    const place = this.#endUpdate++ & (this.#seqs.length - 1);
    this.#seqs[place] = seq;
    this.#ends[place] = this.#endRow;
  }

  /**
   * What the updates after `seq` come to, each row once as it is at the end; what came and went in
   * between is not among them. False: not all of them are here any more.
   */
  merge(seq: number, into: BookRows): boolean {
    into.clear();
    if (seq < this.#floorSeq) return false;
    const mask = this.#rows.capacity - 1;
    const places = new Map<number, number>();
    for (let at = this.#rowAfter(seq); at < this.#endRow; at++) {
      const from = at & mask;
      const key = this.#keyOf(from);
      const place = places.get(key);
      if (place === undefined) {
        places.set(key, into.count);
        into.push(0, 0, 0, 0, 0, 0);
        into.copy(into.count - 1, this.#rows, from);
        continue;
      }
      // Whether the reader has the row at all is what the first update of it says.
      const isNew = into.kind[place] === RowKind.added;
      into.copy(place, this.#rows, from);
      if (isNew) into.kind[place] = into.lots[place] === 0 ? GONE : RowKind.added;
      else into.kind[place] = into.lots[place] === 0 ? RowKind.removed : RowKind.changed;
      // A row that comes again after that begins anew.
      if (into.kind[place] === GONE) places.delete(key);
    }
    dropGone(into);
    return true;
  }

  /** One order, or one price of a side. */
  #keyOf(row: number): number {
    const orderId = this.#rows.orderId[row] as number;
    if (orderId !== 0) return orderId;
    return (this.#rows.priceTicks[row] as number) * 2 + (this.#rows.side[row] === Side.buy ? 0 : 1);
  }

  #rowAfter(seq: number): number {
    const mask = this.#seqs.length - 1;
    let low = this.#firstUpdate;
    let high = this.#endUpdate;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#seqs[middle & mask] as number) > seq) high = middle;
      else low = middle + 1;
    }
    return low === this.#firstUpdate ? this.#firstRow : (this.#ends[(low - 1) & mask] as number);
  }

  #makeRoom(rows: number): void {
    const updates = this.#endUpdate - this.#firstUpdate;
    if (updates === this.#seqs.length && updates < this.#maxUpdates) this.#growUpdates();
    while (
      this.#endRow - this.#firstRow + rows > this.#rows.capacity &&
      this.#rows.capacity < this.#maxRows
    ) {
      this.#growRows();
    }
    while (
      this.#endUpdate - this.#firstUpdate === this.#seqs.length ||
      this.#endRow - this.#firstRow + rows > this.#rows.capacity
    ) {
      const place = this.#firstUpdate++ & (this.#seqs.length - 1);
      this.#floorSeq = this.#seqs[place] as number;
      this.#firstRow = this.#ends[place] as number;
    }
  }

  #growUpdates(): void {
    const length = this.#seqs.length * 2;
    const seqs = new Float64Array(length);
    const ends = new Float64Array(length);
    for (let at = this.#firstUpdate; at < this.#endUpdate; at++) {
      seqs[at & (length - 1)] = this.#seqs[at & (length / 2 - 1)] as number;
      ends[at & (length - 1)] = this.#ends[at & (length / 2 - 1)] as number;
    }
    this.#seqs = seqs;
    this.#ends = ends;
  }

  #growRows(): void {
    const length = this.#rows.capacity * 2;
    const rows = new BookRows();
    rows.grow(length);
    for (let at = this.#firstRow; at < this.#endRow; at++) {
      rows.copy(at & (length - 1), this.#rows, at & (length / 2 - 1));
    }
    this.#rows = rows;
  }
}

/** Of a merged row: it came and went. */
const GONE = 255;

function dropGone(rows: BookRows): void {
  let kept = 0;
  for (let at = 0; at < rows.count; at++) {
    if (rows.kind[at] === GONE) continue;
    if (kept !== at) rows.copy(kept, rows, at);
    kept++;
  }
  rows.count = kept;
}
