import type { BookChecksum } from "../../protocol/book-checksum.ts";
import { Channel, type Side } from "../../protocol/generated/enums.ts";
import {
  BOOK_LEVEL_LENGTH,
  BOOK_ORDER_LENGTH,
  BOOK_UPDATE_LENGTH,
  BookLevel,
  BookOrder,
  BookUpdate,
} from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeBook } from "../../protocol/json/decode-book.ts";
import type { BookRows } from "./book-rows.ts";

export type Frame = string | Uint8Array;

/** What a message about a book says besides its rows. */
export interface BookStatement {
  readonly channel: Channel;
  readonly instrumentId: number;
  readonly isSnapshot: boolean;
  readonly prevSeq: number;
  readonly seq: number;
  readonly timestampUs: number;
  readonly checksum: BookChecksum;
}

/** Messages about books as frames. The text form is made from the binary one. */
export class BookEncoder {
  readonly #directory: InstrumentDirectory;
  readonly #head = new BookUpdate();
  readonly #level = new BookLevel();
  readonly #order = new BookOrder();
  readonly #rowsAPart: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** rowsAPart: more rows than these come in parts. */
  constructor(directory: InstrumentDirectory, rowsAPart: number) {
    this.#directory = directory;
    this.#rowsAPart = rowsAPart;
    this.#bytes = new Uint8Array(BOOK_UPDATE_LENGTH + rowsAPart * BOOK_ORDER_LENGTH);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** One frame a part. */
  frames(statement: BookStatement, rows: BookRows, isBinary: boolean): Frame[] {
    const frames: Frame[] = [];
    const parts = Math.max(1, Math.ceil(rows.count / this.#rowsAPart));
    for (let part = 1; part <= parts; part++) {
      const length = this.#write(statement, rows, part, parts);
      if (isBinary) frames.push(this.#bytes.slice(0, length));
      else frames.push(JSON.stringify(decodeBook(this.#view, 0, this.#directory)));
    }
    return frames;
  }

  /** Returns the bytes written. */
  #write(statement: BookStatement, rows: BookRows, part: number, parts: number): number {
    const from = (part - 1) * this.#rowsAPart;
    const to = Math.min(rows.count, from + this.#rowsAPart);
    const head = this.#head;
    head.wrap(this.#view, 0);
    head.clear();
    head.seq = statement.seq;
    head.prevSeq = statement.prevSeq;
    head.timestampUs = statement.timestampUs;
    head.checksumLow = statement.checksum.low;
    head.checksumHigh = statement.checksum.high;
    head.instrumentId = statement.instrumentId;
    head.rowCount = to - from;
    head.part = part;
    head.parts = parts;
    head.channel = statement.channel;
    head.snapshot = statement.isSnapshot;
    let at = BOOK_UPDATE_LENGTH;
    for (let row = from; row < to; row++) {
      if (statement.channel === Channel.l3) at += this.#writeOrder(at, rows, row);
      else at += this.#writeLevel(at, rows, row);
    }
    return at;
  }

  #writeLevel(at: number, rows: BookRows, row: number): number {
    const record = this.#level;
    record.wrap(this.#view, at);
    record.clear();
    record.quantityLots = rows.lots[row] as number;
    record.priceTicks = rows.priceTicks[row] as number;
    record.orderCount = rows.extra[row] as number;
    record.side = rows.side[row] as Side;
    return BOOK_LEVEL_LENGTH;
  }

  #writeOrder(at: number, rows: BookRows, row: number): number {
    const record = this.#order;
    record.wrap(this.#view, at);
    record.clear();
    record.orderId = rows.orderId[row] as number;
    record.quantityLots = rows.lots[row] as number;
    record.priority = rows.extra[row] as number;
    record.priceTicks = rows.priceTicks[row] as number;
    record.side = rows.side[row] as Side;
    return BOOK_ORDER_LENGTH;
  }
}
