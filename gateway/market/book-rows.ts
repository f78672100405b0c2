// Hot path: no allocation here, but for growing.
import { EMPTY, grownFloat64, grownInt32, grownUint8 } from "../views/columns.ts";

/** What an update does with a row. */
export const RowKind = { changed: 0, added: 1, removed: 2 } as const;

/** Rows of a channel that shows the book, a column a field. */
export class BookRows {
  count = 0;
  side = EMPTY.uint8;
  kind = EMPTY.uint8;
  priceTicks = EMPTY.int32;
  /** Shown; 0 where the row is removed. */
  lots = EMPTY.float64;
  /** l3: the order; l2: 0. */
  orderId = EMPTY.float64;
  /** l2: orders at the price; l3: the order's number in its queue. 0 where the row is removed. */
  extra = EMPTY.float64;

  get capacity(): number {
    return this.lots.length;
  }

  push(
    side: number,
    kind: number,
    priceTicks: number,
    lots: number,
    orderId: number,
    extra: number,
  ): void {
    if (this.count === this.lots.length) this.grow(Math.max(64, this.count * 2));
    this.set(this.count++, side, kind, priceTicks, lots, orderId, extra);
  }

  set(
    at: number,
    side: number,
    kind: number,
    priceTicks: number,
    lots: number,
    orderId: number,
    extra: number,
  ): void {
    this.side[at] = side;
    this.kind[at] = kind;
    this.priceTicks[at] = priceTicks;
    this.lots[at] = lots;
    this.orderId[at] = orderId;
    this.extra[at] = extra;
  }

  /** Row `at` becomes what row `from` of the other rows is. */
  copy(at: number, other: BookRows, from: number): void {
    this.set(
      at,
      other.side[from] as number,
      other.kind[from] as number,
      other.priceTicks[from] as number,
      other.lots[from] as number,
      other.orderId[from] as number,
      other.extra[from] as number,
    );
  }

  clear(): void {
    this.count = 0;
  }

  grow(rows: number): void {
    this.side = grownUint8(this.side, rows);
    this.kind = grownUint8(this.kind, rows);
    this.priceTicks = grownInt32(this.priceTicks, rows);
    this.lots = grownFloat64(this.lots, rows);
    this.orderId = grownFloat64(this.orderId, rows);
    this.extra = grownFloat64(this.extra, rows);
  }
}
