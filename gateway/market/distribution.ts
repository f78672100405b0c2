import { Channel } from "../../protocol/generated/enums.ts";
import { PUBLIC_TRADE_LENGTH } from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeMessage, decodeTrades } from "../../protocol/json/decode-message.ts";
import type { Broadcaster } from "../transport/transport.ts";
import { BookEncoder, type Frame, updateOf } from "./book-encoder.ts";
import type { BookFeed } from "./book-feed.ts";
import { CatchUp } from "./catch-up.ts";
import type { InstrumentFeed } from "./instrument-feed.ts";
import type { MarketData, MarketListener } from "./market-data.ts";
import type { MarketSession } from "./market-session.ts";
import type { Pace } from "./pace.ts";
import { PacedQueue } from "./paced-queue.ts";
import { CHANNELS, NOTHING_SENT, type Subscription, type Subscriptions } from "./subscriptions.ts";

/**
 * Brings the updates to the sessions. A session that keeps up is *live*: it has joined the topics of
 * its subscriptions, and an update is made once for all of them. One that has too much unread leaves
 * them and is *behind*: it costs nothing until it reads again, and is then told what it missed in one
 * piece, from the last updates or as a new snapshot. Trades cannot be merged: they wait for it, once
 * for all who are behind, and who lets more than `maxTradeBytes` of them wait is closed.
 */
export class Distribution implements MarketListener {
  readonly #pace: Pace;
  readonly #directory: InstrumentDirectory;
  readonly #subscriptions: Subscriptions;
  readonly #encoder: BookEncoder;
  readonly #catchUps: CatchUp;
  readonly #behind = new Set<MarketSession>();
  /** Sessions that can be told something. */
  readonly #due: PacedQueue<MarketSession>;
  /** Sessions with something to tell that must wait for the end of a command. */
  readonly #waiting = new Set<MarketSession>();
  readonly #live = new Set<MarketSession>();
  #broadcaster: Broadcaster = { publish: () => {} };
  #publishedBytes = 0;

  constructor(
    data: MarketData,
    directory: InstrumentDirectory,
    subscriptions: Subscriptions,
    maxTradeBytes: number,
    pace: Pace,
  ) {
    this.#pace = pace;
    this.#directory = directory;
    this.#subscriptions = subscriptions;
    this.#encoder = new BookEncoder(directory, pace.rowsAPart);
    this.#catchUps = new CatchUp(data, directory, this.#encoder, maxTradeBytes, pace);
    this.#due = new PacedQueue(pace.catchUpMs, (session) => this.#catchUpNow(session));
    data.listener = this;
  }

  set broadcaster(broadcaster: Broadcaster) {
    this.#broadcaster = broadcaster;
  }

  // Sessions.

  /** Sessions that have more unread than they may, or wait for what they asked for. */
  get behind(): number {
    return this.#behind.size;
  }

  /**
   * afterSeq: what the client has already; NOTHING_SENT: a snapshot, please. It comes with the next
   * `catchUp`.
   */
  begin(session: MarketSession, channel: Channel, feed: InstrumentFeed, afterSeq: number): void {
    const known = this.#subscriptions.find(session, channel, feed);
    if (known !== undefined) this.remove(known);
    const newest = feed.seqOf(channel);
    const isKnown = channel === Channel.trades ? afterSeq === newest : afterSeq <= newest;
    const isBook = feed.bookOf(channel) !== null;
    const subscription = this.#subscriptions.add(session, channel, feed);
    subscription.sentSeq = isBook || isKnown ? afterSeq : NOTHING_SENT;
    this.#fallBehind(session);
  }

  remove(subscription: Subscription): void {
    this.#leave(subscription);
    subscription.session.dropFrames(subscription);
    this.#subscriptions.remove(subscription);
  }

  onEnd(session: MarketSession): void {
    for (const subscription of this.#subscriptions.of(session)) this.#leave(subscription);
    this.#subscriptions.removeAll(session);
    this.#behind.delete(session);
    this.#due.forget(session);
    this.#waiting.delete(session);
    this.#live.delete(session);
  }

  /** What it gets from now on has another encoding. */
  onEncoding(session: MarketSession): void {
    if (this.#subscriptions.of(session).size === 0) return;
    const cut = session.dropFrames(null);
    // Parts of one message in two encodings would be no message.
    if (cut !== null) cut.sentSeq = NOTHING_SENT;
    this.#fallBehind(session);
  }

  /** Tells a session that is behind what it can read now, or soon if many are to be told. */
  catchUp(session: MarketSession): void {
    if (this.#behind.has(session)) this.#due.request(session);
  }

  #catchUpNow(session: MarketSession): void {
    if (!this.#behind.has(session)) return;
    this.#waiting.delete(session);
    if (!this.#tellAll(session)) return;
    for (const subscription of this.#subscriptions.of(session)) this.#join(subscription);
    this.#behind.delete(session);
    this.#live.add(session);
  }

  /** False: there is something that it has not been told yet. */
  isCurrent(session: MarketSession): boolean {
    return !this.#behind.has(session);
  }

  /** At the end of a round: sessions that had to wait for the end of a command. */
  onRoundEnd(): void {
    this.#probeIfDue();
    if (this.#waiting.size === 0) return;
    const sessions = [...this.#waiting];
    this.#waiting.clear();
    for (const session of sessions) this.catchUp(session);
  }

  /** Every 100 ms or so. */
  tick(nowMs: number): void {
    // What was published has been handed over by now: a look is enough.
    if (this.#publishedBytes > 0) this.#probe(false);
    for (const session of [...this.#behind]) if (!session.isSlow) this.catchUp(session);
    this.#catchUps.tick(nowMs, this.#subscriptions);
  }

  #fallBehind(session: MarketSession): void {
    if (!this.#behind.has(session)) {
      this.#behind.add(session);
      this.#live.delete(session);
      for (const subscription of this.#subscriptions.of(session)) this.#leave(subscription);
    }
  }

  #join(subscription: Subscription): void {
    if (subscription.isLive) return;
    subscription.isLive = true;
    const { session, channel, feed } = subscription;
    const topic = this.#subscriptions.topic(channel, feed);
    if (topic === undefined) return;
    const { isBinary } = session.messenger;
    session.topicsAreBinary = isBinary;
    if (isBinary) topic.liveBinaries++;
    else topic.liveTexts++;
    session.join(topic.nameOf(isBinary));
  }

  #leave(subscription: Subscription): void {
    if (!subscription.isLive) return;
    subscription.isLive = false;
    const { session, channel, feed } = subscription;
    subscription.sentSeq = feed.seqOf(channel);
    const topic = this.#subscriptions.topic(channel, feed);
    if (topic === undefined) return;
    const isBinary = session.topicsAreBinary;
    if (isBinary) topic.liveBinaries--;
    else topic.liveTexts--;
    session.leave(topic.nameOf(isBinary));
  }

  // What there is to say.

  onNewInstrument(feed: InstrumentFeed): void {
    for (const channel of CHANNELS) {
      for (const session of this.#subscriptions.wildcards(channel)) {
        this.begin(session, channel, feed, NOTHING_SENT);
        this.#waiting.add(session);
      }
    }
  }

  onStatus(feed: InstrumentFeed): void {
    this.#publishRecord(Channel.status, feed, feed.status.view);
  }

  onTop(feed: InstrumentFeed): void {
    this.#publishRecord(Channel.l1, feed, feed.top.view);
  }

  onIndication(feed: InstrumentFeed): void {
    this.#publishRecord(Channel.indication, feed, feed.indication.view);
  }

  #publishRecord(channel: Channel, feed: InstrumentFeed, view: DataView): void {
    const topic = this.#subscriptions.topic(channel, feed);
    if (topic === undefined) return;
    if (topic.liveBinaries > 0) this.#publish(topic.nameOf(true), bytesOf(view, view.byteLength));
    if (topic.liveTexts > 0) {
      this.#publish(topic.nameOf(false), JSON.stringify(decodeMessage(view, 0, this.#directory)));
    }
    this.#probeIfDue();
  }

  onTrades(feed: InstrumentFeed, view: DataView, count: number): void {
    const topic = this.#subscriptions.topic(Channel.trades, feed);
    if (topic === undefined || topic.subscriptions.size === 0) return;
    const bytes = bytesOf(view, count * PUBLIC_TRADE_LENGTH);
    if (topic.liveBinaries > 0) this.#publish(topic.nameOf(true), bytes);
    if (topic.liveTexts > 0) {
      const text = JSON.stringify(decodeTrades(view, count, this.#directory));
      this.#publish(topic.nameOf(false), text);
    }
    if (topic.behind > 0) this.#catchUps.keepTrades(feed, topic, bytes);
    else this.#catchUps.dropTrades(feed);
    this.#probeIfDue();
  }

  onBook(feed: InstrumentFeed, book: BookFeed): void {
    const topic = this.#subscriptions.topic(book.channel, feed);
    if (topic === undefined || topic.liveBinaries + topic.liveTexts === 0) return;
    if (book.rows.count > this.#pace.largeRows) {
      for (const { session, isLive } of [...topic.subscriptions.values()]) {
        if (isLive) this.#fallBehindAt(session, book);
      }
      return;
    }
    const statement = updateOf(book, feed, book.previousSeq);
    if (topic.liveBinaries > 0) {
      this.#publishAll(topic.nameOf(true), this.#encoder.frames(statement, book.rows, true));
    }
    if (topic.liveTexts > 0) {
      this.#publishAll(topic.nameOf(false), this.#encoder.frames(statement, book.rows, false));
    }
    this.#probeIfDue();
  }

  /** All of the session, since it would not do to have this book later than what is published next. */
  #fallBehindAt(session: MarketSession, book: BookFeed): void {
    this.#fallBehind(session);
    this.#waiting.add(session);
    for (const subscription of this.#subscriptions.of(session)) {
      const { feed, channel } = subscription;
      if (feed.bookOf(channel) === book && subscription.sentSeq === book.seq) {
        subscription.sentSeq = book.previousSeq;
      }
    }
  }

  #publishAll(topic: string, frames: readonly Frame[]): void {
    for (const frame of frames) this.#publish(topic, frame);
  }

  #publish(topic: string, frame: Frame): void {
    this.#broadcaster.publish(topic, frame);
    this.#publishedBytes += frame.length;
  }

  /** Only when an update has gone to all: who falls behind has it. */
  #probeIfDue(): void {
    if (this.#publishedBytes > this.#pace.probeBytes) this.#probe(true);
  }

  /**
   * Which live sessions have too much unread. A heartbeat makes the transport hand over what waits
   * for each, so that it can be counted.
   */
  #probe(isSameTurn: boolean): void {
    this.#publishedBytes = 0;
    for (const session of this.#live) {
      if (isSameTurn) session.probe();
      else session.flush();
      if (session.isSlow) this.#fallBehind(session);
    }
  }

  // Who is behind.

  /** False: there is more to tell, later. */
  #tellAll(session: MarketSession): boolean {
    for (;;) {
      if (!session.sendFrames()) return false;
      const due = this.#nextDue(session);
      if (due === null) return !this.#waiting.has(session);
      this.#subscriptions.moveBack(due);
      this.#catchUps.tell(due);
    }
  }

  /** A subscription that has something new which can be told now. */
  #nextDue(session: MarketSession): Subscription | null {
    for (const subscription of this.#subscriptions.of(session)) {
      if (subscription.isLive) continue;
      const { channel, feed, sentSeq } = subscription;
      const book = feed.bookOf(channel);
      const isNew =
        sentSeq === NOTHING_SENT || book?.isWatched === false || sentSeq !== feed.seqOf(channel);
      if (!isNew) continue;
      if (book === null || !book.book.isTouched) return subscription;
      // The book is in the middle of a command.
      this.#waiting.add(session);
    }
    return null;
  }
}

function bytesOf(view: DataView, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, length);
}
