import { Channel } from "../../protocol/generated/enums.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { type BookEncoder, EncodedFrames, type Frames, updateOf } from "./book-encoder.ts";
import type { BookFeed } from "./book-feed.ts";
import { BookRows } from "./book-rows.ts";
import type { InstrumentFeed } from "./instrument-feed.ts";
import type { MarketData } from "./market-data.ts";
import type { Pace } from "./pace.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import {
  NOTHING_SENT,
  type Subscription,
  type Subscriptions,
  type Topic,
} from "./subscriptions.ts";
import { TradeTape } from "./trade-tape.ts";

/** How long a book that nobody wants any more is kept up to date for those who come back. */
const WATCH_MS = 60_000;

interface MergedUpdate {
  readonly book: BookFeed;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly frames: Frames;
}

/**
 * Tells who is behind what it has missed, in one piece: of a book from the last updates or as a new
 * snapshot, of a record the state now, of trades each one. What many have missed is kept once for all.
 */
export class CatchUp {
  readonly #data: MarketData;
  readonly #directory: InstrumentDirectory;
  readonly #encoder: BookEncoder;
  readonly #snapshots: SnapshotStore;
  readonly #maxTradeBytes: number;
  readonly #pace: Pace;
  /** Of instruments of which somebody is behind with the trades. */
  readonly #tapes = new Map<InstrumentFeed, TradeTape>();
  readonly #merged = new BookRows();
  #lastText: MergedUpdate | null = null;
  #lastBinary: MergedUpdate | null = null;
  /** Books that are watched, and since when nobody wants them (0: somebody does). */
  readonly #watched = new Map<BookFeed, { feed: InstrumentFeed; idleSinceMs: number }>();

  /** maxTradeBytes: who has let more trades wait is closed. */
  constructor(
    data: MarketData,
    directory: InstrumentDirectory,
    encoder: BookEncoder,
    maxTradeBytes: number,
    pace: Pace,
  ) {
    this.#data = data;
    this.#directory = directory;
    this.#encoder = encoder;
    this.#snapshots = new SnapshotStore(encoder, pace.sharedParts);
    this.#maxTradeBytes = maxTradeBytes;
    this.#pace = pace;
  }

  /** Forgets what nobody needs any more. */
  tick(nowMs: number, subscriptions: Subscriptions): void {
    for (const feed of this.#tapes.keys()) {
      const topic = subscriptions.topic(Channel.trades, feed);
      if (topic === undefined || topic.behind === 0) this.#tapes.delete(feed);
    }
    for (const [book, watched] of this.#watched) {
      const topic = subscriptions.topic(book.channel, watched.feed);
      if (topic !== undefined && topic.subscriptions.size > 0) watched.idleSinceMs = 0;
      else if (watched.idleSinceMs === 0) watched.idleSinceMs = nowMs;
      else if (nowMs - watched.idleSinceMs > WATCH_MS) {
        this.#watched.delete(book);
        this.#snapshots.forget(book);
        this.#lastText = null;
        this.#lastBinary = null;
        book.unwatch();
      }
    }
  }

  /** Trades that were just published, for who is behind. Who lets too many of them wait is closed. */
  keepTrades(feed: InstrumentFeed, topic: Topic, records: Uint8Array): void {
    const { seq, prevSeq } = feed.lastTrade;
    let tape = this.#tapes.get(feed);
    if (tape === undefined) {
      tape = new TradeTape(this.#directory, this.#maxTradeBytes, prevSeq);
      this.#tapes.set(feed, tape);
    }
    if (!tape.push(seq, records)) return;
    for (const { session, isLive, sentSeq } of [...topic.subscriptions.values()]) {
      if (!isLive && sentSeq !== NOTHING_SENT && sentSeq < tape.floorSeq) session.closeAsSlow();
    }
  }

  /** Nobody is behind with them. */
  dropTrades(feed: InstrumentFeed): void {
    this.#tapes.delete(feed);
  }

  /** What a subscription has missed, or as much of it as goes out at once. Not in the middle of a command. */
  tell(subscription: Subscription): void {
    const { channel, feed } = subscription;
    const book = feed.bookOf(channel);
    if (book === null) {
      if (channel === Channel.trades && subscription.sentSeq !== NOTHING_SENT) {
        this.#tellTrades(subscription);
      } else this.#tellRecord(subscription);
      return;
    }
    this.#data.watch(book, this.#pace);
    if (!this.#watched.has(book)) this.#watched.set(book, { feed, idleSinceMs: 0 });
    const { session, sentSeq } = subscription;
    const { isBinary } = session.messenger;
    if (sentSeq !== NOTHING_SENT && sentSeq <= book.seq) {
      const frames = this.#mergedFrames(book, feed, sentSeq, isBinary);
      if (frames !== null) {
        subscription.sentSeq = book.seq;
        if (sentSeq < book.seq) session.giveFrames(frames, subscription);
        return;
      }
    }
    const snapshot = this.#snapshots.of(book, feed, isBinary);
    subscription.sentSeq = snapshot.seq;
    session.giveFrames(snapshot.frames, subscription);
  }

  /**
   * One update from a seq to the present; null: not all of it is known any more. The last one is kept:
   * a large update leaves all readers behind at the same seq.
   */
  #mergedFrames(
    book: BookFeed,
    feed: InstrumentFeed,
    fromSeq: number,
    isBinary: boolean,
  ): Frames | null {
    const last = isBinary ? this.#lastBinary : this.#lastText;
    if (last?.book === book && last.fromSeq === fromSeq && last.toSeq === book.seq) {
      return last.frames;
    }
    if (!book.window.merge(fromSeq, this.#merged)) return null;
    const statement = updateOf(book, feed, fromSeq);
    const frames = new EncodedFrames(this.#encoder.frames(statement, this.#merged, isBinary));
    const merge = { book, fromSeq, toSeq: book.seq, frames };
    if (isBinary) this.#lastBinary = merge;
    else this.#lastText = merge;
    return frames;
  }

  /** Those of the next commands, as many as go out at once. */
  #tellTrades(subscription: Subscription): void {
    const { session, feed } = subscription;
    const { isBinary, outbox } = session.messenger;
    const newest = feed.lastTrade.seq;
    let bytes = 0;
    while (subscription.sentSeq !== newest && bytes < this.#pace.slowBytes) {
      const next = this.#tapes.get(feed)?.after(subscription.sentSeq, isBinary);
      if (next === undefined) {
        session.closeAsSlow();
        return;
      }
      subscription.sentSeq = next.seq;
      outbox.frame(next.frame);
      bytes += next.frame.length;
    }
  }

  /** The state now: as a snapshot, or as one step from what was sent last. */
  #tellRecord(subscription: Subscription): void {
    const { channel, feed, session, sentSeq } = subscription;
    const record = feed.recordOf(channel);
    subscription.sentSeq = record.seq;
    if (channel === Channel.trades && record.seq === 0) return; // no trade yet: nothing to show
    const previous = record.prevSeq;
    const isSnapshot = sentSeq === NOTHING_SENT;
    record.prevSeq = isSnapshot ? 0 : sentSeq;
    record.snapshot = isSnapshot;
    session.messenger.record(record.view, 0);
    record.prevSeq = previous;
    record.snapshot = false;
  }
}
