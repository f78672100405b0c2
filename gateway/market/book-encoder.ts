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
import type { BookFeed } from "./book-feed.ts";
import type { BookRows } from "./book-rows.ts";
import type { InstrumentFeed } from "./instrument-feed.ts";

export type Frame = string | Uint8Array;

/** The frames of one message, one a part, in order. */
export interface Frames {
  readonly length: number;
  /** From 0. */
  frame(index: number): Frame;
}

/** Frames that are there already. */
export class EncodedFrames implements Frames {
  readonly #frames: readonly Frame[];

  constructor(frames: readonly Frame[]) {
    this.#frames = frames;
  }

  get length(): number {
    return this.#frames.length;
  }

  frame(index: number): Frame {
    return this.#frames[index] as Frame;
  }
}

/** What a message about a book says besides its rows. */
export interface BookStatement {
  readonly channel: Channel;
  readonly instrumentId: number;
  readonly isSnapshot: boolean;
  readonly prevSeq: number;
  readonly seq: number;
  readonly timestampUs: number;
  readonly checksum: Readonly<Pick<BookChecksum, "low" | "high">>;
}

/** Of what has changed since fromSeq. */
export function updateOf(book: BookFeed, feed: InstrumentFeed, fromSeq: number): BookStatement {
  return {
    channel: book.channel,
    instrumentId: feed.instrumentId,
    isSnapshot: false,
    prevSeq: fromSeq,
    seq: book.seq,
    timestampUs: book.timestampUs,
    checksum: book.checksum,
  };
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

  /** One frame a part, all of them now. */
  frames(statement: BookStatement, rows: BookRows, isBinary: boolean): Frame[] {
    const frames: Frame[] = [];
    const parts = this.#partsOf(rows);
    for (let part = 1; part <= parts; part++) {
      frames.push(this.#frame(statement, rows, part, parts, isBinary));
    }
    return frames;
  }

  /**
   * Each frame is made when somebody is about to read it, and kept for others: a large book is encoded at
   * the pace of its readers, and nobody else waits for all of it. The rows, and what the statement holds,
   * must not change any more.
   */
  framesOnDemand(statement: BookStatement, rows: BookRows, isBinary: boolean): Frames {
    const parts = this.#partsOf(rows);
    const made: (Frame | undefined)[] = new Array(parts);
    return {
      length: parts,
      frame: (index) => {
        made[index] ??= this.#frame(statement, rows, index + 1, parts, isBinary);
        return made[index] as Frame;
      },
    };
  }

  #partsOf(rows: BookRows): number {
    return Math.max(1, Math.ceil(rows.count / this.#rowsAPart));
  }

  #frame(
    statement: BookStatement,
    rows: BookRows,
    part: number,
    parts: number,
    isBinary: boolean,
  ): Frame {
    const length = this.#write(statement, rows, part, parts);
    if (isBinary) return this.#bytes.slice(0, length);
    return JSON.stringify(decodeBook(this.#view, 0, this.#directory));
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
