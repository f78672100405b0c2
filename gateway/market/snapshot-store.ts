import type { BookEncoder, Frames } from "./book-encoder.ts";
import type { BookFeed } from "./book-feed.ts";
import { BookRows } from "./book-rows.ts";
import type { InstrumentFeed } from "./instrument-feed.ts";

export interface BookSnapshot {
  readonly seq: number;
  readonly frames: Frames;
}

/**
 * Snapshots of books. A large one serves all who come while the updates after it are still there to
 * be merged: a crowd that joins at once costs one walk through the book. That walk only copies the rows;
 * they are encoded as they are read.
 */
export class SnapshotStore {
  readonly #encoder: BookEncoder;
  readonly #sharedParts: number;
  readonly #texts = new Map<BookFeed, BookSnapshot>();
  readonly #binaries = new Map<BookFeed, BookSnapshot>();

  /** sharedParts: one of fewer is made anew for each reader, so that it is as new as can be. */
  constructor(encoder: BookEncoder, sharedParts: number) {
    this.#encoder = encoder;
    this.#sharedParts = sharedParts;
  }

  /** Between two commands, of a book that is watched. */
  of(book: BookFeed, feed: InstrumentFeed, isBinary: boolean): BookSnapshot {
    const kept = isBinary ? this.#binaries : this.#texts;
    const known = kept.get(book);
    if (known !== undefined) {
      const isUsable = known.seq === book.seq || known.frames.length >= this.#sharedParts;
      if (isUsable && known.seq >= book.window.floorSeq) return known;
    }
    const rows = new BookRows();
    book.copyRows(rows);
    const { low, high } = book.checksum;
    const statement = {
      channel: book.channel,
      instrumentId: feed.instrumentId,
      isSnapshot: true,
      prevSeq: 0,
      seq: book.seq,
      timestampUs: book.timestampUs,
      checksum: { low, high },
    };
    const snapshot = {
      seq: book.seq,
      frames: this.#encoder.framesOnDemand(statement, rows, isBinary),
    };
    kept.set(book, snapshot);
    return snapshot;
  }

  forget(book: BookFeed): void {
    this.#texts.delete(book);
    this.#binaries.delete(book);
  }
}
