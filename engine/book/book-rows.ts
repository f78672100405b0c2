import type { Book } from "./book.ts";
import { INSTRUMENT, LEVEL, ORDER, SIDE, SIDE_WORDS } from "./layout.ts";

/** One price of a side as others see it. */
export interface BookRow {
  readonly priceTicks: number;
  /** Shown lots. */
  readonly lots: number;
  readonly orders: number;
}

/** Both resting sides of an instrument, best first. Cold. */
export function bookRows(book: Book, instrument: number): { bids: BookRow[]; asks: BookRow[] } {
  const side = instrument + INSTRUMENT.sides;
  return { bids: rows(book, side), asks: rows(book, side + SIDE_WORDS) };
}

function rows(book: Book, side: number): BookRow[] {
  const m = book.arena.words;
  const f = book.arena.doubles;
  const all: BookRow[] = [];
  let level = m[side + SIDE.best] as number;
  for (; level !== 0; level = book.prices.next(level)) {
    let lots = 0;
    let orders = 0;
    let order = m[level + LEVEL.head] as number;
    for (; order !== level; order = m[order + ORDER.next] as number) {
      lots += f[(order + ORDER.open) >> 1] as number;
      orders++;
    }
    all.push({ priceTicks: m[level + LEVEL.price] as number, lots, orders });
  }
  return all;
}
