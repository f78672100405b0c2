import { Channel } from "../../protocol/generated/enums.ts";
import type { InstrumentFeed } from "./market-data.ts";
import type { MarketSession } from "./market-session.ts";

/** Channels that are offered. */
export const CHANNELS: readonly Channel[] = [Channel.l1, Channel.trades, Channel.status];

/** One client's interest in one channel of one instrument. */
export interface Subscription {
  readonly session: MarketSession;
  readonly feed: InstrumentFeed;
  readonly channel: Channel;
  /** Of the last update that the client was given: the next one names it as its prevSeq. */
  sentSeq: number;
  /** It reads too slowly: it gets the newest state later, in one piece. */
  isStale: boolean;
}

/** Who wants what, by channel and instrument. */
export class Subscriptions {
  readonly #byTopic = new Map<number, Map<MarketSession, Subscription>>();
  /** Sessions that want a channel of all instruments, of those to come as well. */
  readonly #wildcards = new Map<Channel, Set<MarketSession>>();

  to(channel: Channel, feed: InstrumentFeed): Iterable<Subscription> {
    return this.#byTopic.get(topicOf(channel, feed))?.values() ?? [];
  }

  countTo(channel: Channel, feed: InstrumentFeed): number {
    return this.#byTopic.get(topicOf(channel, feed))?.size ?? 0;
  }

  /** A new one in the place of what there was. */
  add(session: MarketSession, channel: Channel, feed: InstrumentFeed): Subscription {
    const topic = topicOf(channel, feed);
    let subscriptions = this.#byTopic.get(topic);
    if (subscriptions === undefined) {
      subscriptions = new Map();
      this.#byTopic.set(topic, subscriptions);
    }
    const subscription = { session, feed, channel, sentSeq: 0, isStale: false };
    subscriptions.set(session, subscription);
    return subscription;
  }

  /** False: there was none. */
  remove(session: MarketSession, channel: Channel, feed: InstrumentFeed): boolean {
    return this.#byTopic.get(topicOf(channel, feed))?.delete(session) ?? false;
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
    for (const subscriptions of this.#byTopic.values()) subscriptions.delete(session);
    for (const sessions of this.#wildcards.values()) sessions.delete(session);
  }
}

function topicOf(channel: Channel, { instrumentId }: InstrumentFeed): number {
  return instrumentId * 8 + channel;
}
