import { Random } from "../protocol/random.ts";
import { NaiveBook } from "./naive-book.ts";

export interface B32Stream {
  readonly file: Buffer;
  readonly expected: { trades: number; qty: number; resting: number; hash: string };
}

const MARKET = 4;
const IOC = 5;

/** A small workload in the b32 format over two instruments, and the answer of an independent book. */
export function b32Stream(seed: number, commands: number): B32Stream {
  const random = new Random(seed);
  const books = [new NaiveBook(), new NaiveBook()];
  const symbolOf: number[] = [0];
  const file = Buffer.alloc(32 * commands);
  let [trades, qty, hash] = [0, 0, 0x811c9dc5 | 0];
  for (let i = 0; i < commands; i++) {
    const type = symbolOf.length < 5 ? 1 : random.pick([1, 1, 1, 2, 3, MARKET, IOC]);
    const isNew = type === 1 || type >= MARKET;
    const id = isNew ? symbolOf.length : 1 + random.below(symbolOf.length - 1);
    const symbol = isNew ? random.below(2) : (symbolOf[id] as number);
    if (isNew) symbolOf.push(symbol);
    const book = books[symbol] as NaiveBook;
    const resting = book.find(id);
    const side = (isNew ? random.below(2) : (resting?.side ?? 0)) as 0 | 1;
    const quantity = 1 + random.below(50);
    const price = 500 + random.below(12) - (side === 0 ? 8 : 0);
    file.writeUInt8(type, 32 * i);
    file.writeUInt8(side, 32 * i + 1);
    file.writeUInt16LE(3 * symbol, 32 * i + 2);
    file.writeUInt32LE(1 + (id % 7), 32 * i + 4);
    file.writeUInt32LE(type === 2 || type === MARKET ? 0 : price, 32 * i + 8);
    file.writeUInt32LE(type === 2 ? 0 : quantity, 32 * i + 12);
    file.writeUInt32LE(id, 32 * i + 16);

    if (!isNew) {
      if (resting === undefined) continue;
      book.remove(resting);
      if (type === 2) continue;
    }
    const limit = type === MARKET ? (side === 0 ? Infinity : -Infinity) : price;
    const order = { id, side, price: limit, quantity };
    for (const fill of book.match(order)) {
      trades++;
      qty += fill.quantity;
      for (const word of [fill.taker, fill.maker, fill.price, fill.quantity]) {
        hash = Math.imul(hash ^ word, 0x01000193);
      }
    }
    if (type === 1 || type === 3) book.rest(order);
  }
  const resting = books.reduce((sum, book) => sum + book.orders.length, 0);
  const hex = (hash >>> 0).toString(16).padStart(8, "0");
  return { file, expected: { trades, qty, resting, hash: hex } };
}
