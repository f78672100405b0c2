import { Channel } from "../../protocol/generated/enums.ts";
import type { InstrumentFeed } from "./instrument-feed.ts";
import type { MarketSession } from "./market-session.ts";

/** Channels that are offered. */
export const CHANNELS: readonly Channel[] = [
  Channel.l1,
  Channel.l2,
  Channel.l3,
  Channel.trades,
  Channel.status,
  Channel.indication,
];

/** Of `sentSeq`: nothing was sent yet, a snapshot is due. */
export const NOTHING_SENT = -1;

/** One client's interest in one channel of one instrument. */
export class Subscription {
  readonly session: MarketSession;
  readonly feed: InstrumentFeed;
  readonly channel: Channel;
  /** Of the last update that the client was given; not kept while it is live. */
  sentSeq = NOTHING_SENT;
  /** It gets every update as it is published. */
  isLive = false;

  constructor(session: MarketSession, feed: InstrumentFeed, channel: Channel) {
    this.session = session;
    this.feed = feed;
    this.channel = channel;
  }
}

/** The subscriptions to one channel of one instrument. */
export class Topic {
  readonly name: string;
  /** Live ones, by the encoding that they get. */
  liveTexts = 0;
  liveBinaries = 0;
  readonly subscriptions = new Map<MarketSession, Subscription>();

  constructor(channel: Channel, instrumentId: number) {
    this.name = `${channel}/${instrumentId}`;
  }

  /** Who is not live. */
  get behind(): number {
    return this.subscriptions.size - this.liveTexts - this.liveBinaries;
  }

  nameOf(isBinary: boolean): string {
    return isBinary ? `${this.name}/b` : this.name;
  }
}

/** Who wants what, by channel and instrument, and by session. */
export class Subscriptions {
  readonly #topics = new Map<number, Topic>();
  readonly #bySession = new Map<MarketSession, Set<Subscription>>();
  /** Sessions that want a channel of all instruments, of those to come as well. */
  readonly #wildcards = new Map<Channel, Set<MarketSession>>();

  /** Undefined: nobody has ever wanted it. */
  topic(channel: Channel, feed: InstrumentFeed): Topic | undefined {
    return this.#topics.get(numberOf(channel, feed));
  }

  of(session: MarketSession): ReadonlySet<Subscription> {
    return this.#bySession.get(session) ?? NONE;
  }

  find(session: MarketSession, channel: Channel, feed: InstrumentFeed): Subscription | undefined {
    return this.topic(channel, feed)?.subscriptions.get(session);
  }

  add(session: MarketSession, channel: Channel, feed: InstrumentFeed): Subscription {
    const number = numberOf(channel, feed);
    let topic = this.#topics.get(number);
    if (topic === undefined) {
      topic = new Topic(channel, feed.instrumentId);
      this.#topics.set(number, topic);
    }
    const subscription = new Subscription(session, feed, channel);
    topic.subscriptions.set(session, subscription);
    const own = this.#bySession.get(session);
    if (own === undefined) this.#bySession.set(session, new Set([subscription]));
    else own.add(subscription);
    return subscription;
  }

  remove({ session, channel, feed }: Subscription): void {
    const subscriptions = this.topic(channel, feed)?.subscriptions;
    const subscription = subscriptions?.get(session);
    if (subscription === undefined) return;
    subscriptions?.delete(session);
    this.#bySession.get(session)?.delete(subscription);
  }

  /** The next look at the session's subscriptions comes to it last. */
  moveBack(subscription: Subscription): void {
    const own = this.#bySession.get(subscription.session);
    if (own?.delete(subscription)) own.add(subscription);
  }

  addWildcard(session: MarketSession, channel: Channel): void {
    const sessions = this.#wildcards.get(channel);
    if (sessions === undefined) this.#wildcards.set(channel, new Set([session]));
    else sessions.add(session);
  }

  removeWildcard(session: MarketSession, channel: Channel): boolean {
    return this.#wildcards.get(channel)?.delete(session) ?? false;
  }

  wildcards(channel: Channel): Iterable<MarketSession> {
    return this.#wildcards.get(channel) ?? [];
  }

  removeAll(session: MarketSession): void {
    for (const subscription of [...this.of(session)]) this.remove(subscription);
    this.#bySession.delete(session);
    for (const sessions of this.#wildcards.values()) sessions.delete(session);
  }
}

const NONE: ReadonlySet<Subscription> = new Set();

function numberOf(channel: Channel, { instrumentId }: InstrumentFeed): number {
  return instrumentId * 8 + channel;
}
