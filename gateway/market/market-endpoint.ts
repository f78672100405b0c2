import { Channel, ErrorCode } from "../../protocol/generated/enums.ts";
import { PUBLIC_TRADE_LENGTH } from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeMessage, decodeTrades } from "../../protocol/json/decode-message.ts";
import { shorten } from "../../protocol/json/parse.ts";
import type { Clock } from "../clock.ts";
import type { EventListener } from "../stage/gateway-stage.ts";
import { CloseCode } from "../trade/close-codes.ts";
import {
  RateBudget,
  type RateLimitOptions,
  SharedBudgets,
  TokenBucket,
} from "../trade/rate-limits.ts";
import type { Admission } from "../transport/admission.ts";
import { SOCKET_HEADROOM_BYTES } from "../transport/outbox.ts";
import type {
  SocketEndpoint,
  SocketHandler,
  SocketLimits,
  TransportSocket,
  UpgradeRequest,
} from "../transport/transport.ts";
import type { InstrumentFeed, MarketData, MarketListener } from "./market-data.ts";
import {
  MarketError,
  type MarketHost,
  type MarketOptions,
  MarketSession,
} from "./market-session.ts";
import { CHANNELS, type Subscription, Subscriptions } from "./subscriptions.ts";

const ERROR_BURST = 1_000;
const ERRORS_PER_SECOND = 100;
const ALL = "*";

export interface MarketServices {
  readonly data: MarketData;
  readonly directory: InstrumentDirectory;
  readonly clock: Clock;
  /** Every event of the commands up to here has been given out. */
  completeSeq(): number;
  /** An error that should not be: the session is closed, the others go on. */
  onUnexpected(error: unknown): void;
}

/** /v1/market: public market data, for anyone who may connect. */
export class MarketEndpoint implements SocketEndpoint, MarketHost, MarketListener, EventListener {
  readonly path = "/v1/market";
  readonly limits: SocketLimits;
  /** Clients may connect. */
  isLive = false;
  readonly #services: MarketServices;
  readonly #options: MarketOptions;
  readonly #rates: RateLimitOptions;
  readonly #admission: Admission;
  readonly #addressBudgets: SharedBudgets<string>;
  readonly #addresses = new Map<MarketSession, string>();
  readonly #subscriptions = new Subscriptions();
  /** Of slow clients: the newest state is told when they read again. */
  readonly #stale = new Map<MarketSession, Set<Subscription>>();
  #unflushed: MarketSession[] = [];

  constructor(
    services: MarketServices,
    options: MarketOptions,
    rates: RateLimitOptions,
    admission: Admission,
  ) {
    this.#services = services;
    this.#options = options;
    this.#rates = rates;
    this.#admission = admission;
    this.#addressBudgets = new SharedBudgets(rates.addressPerSecond, rates.burstMs);
    this.limits = {
      maxPayloadBytes: options.maxMessageBytes * 4,
      maxBackpressureBytes: SOCKET_HEADROOM_BYTES,
      // Clients need not say anything, but their WebSocket must answer pings.
      idleTimeoutSeconds: Math.min(
        960,
        Math.max(8, Math.ceil((options.heartbeatIntervalMs * 4) / 1000)),
      ),
    };
    services.data.listener = this;
  }

  get connections(): number {
    return this.#addresses.size;
  }

  // The transport's side.

  /** While the server recovers, what goes by is history. */
  admit(request: UpgradeRequest): number {
    return this.isLive ? this.#admission.check(request) : 503;
  }

  open(socket: TransportSocket, { query }: UpgradeRequest): SocketHandler {
    const { clock, directory } = this.#services;
    const nowMs = clock.nowMs();
    const { remoteAddress } = socket;
    const { sessionPerSecond, burstMs } = this.#rates;
    const burst = (sessionPerSecond * burstMs) / 1000;
    const isBinary = new URLSearchParams(query).get("encoding") === "binary";
    const session = new MarketSession(socket, isBinary, directory, this.#options, this, clock, {
      session: new RateBudget(sessionPerSecond, burst, nowMs),
      address: this.#addressBudgets.acquire(remoteAddress, nowMs),
      errors: new TokenBucket(ERRORS_PER_SECOND, ERROR_BURST, nowMs),
    });
    this.#admission.enter(remoteAddress);
    this.#addresses.set(session, remoteAddress);
    return session;
  }

  // The sessions' side.

  subscribe(session: MarketSession, channel: Channel, symbol: string): void {
    this.#checkChannel(channel);
    const feeds = this.#feedsOf(symbol);
    session.saySubscribed(channel, symbol, false);
    if (symbol === ALL) this.#subscriptions.addWildcard(session, channel);
    for (const feed of feeds) this.#begin(session, channel, feed);
  }

  unsubscribe(session: MarketSession, channel: Channel, symbol: string): void {
    this.#checkChannel(channel);
    const feeds = this.#feedsOf(symbol);
    let found = symbol === ALL && this.#subscriptions.removeWildcard(session, channel);
    for (const feed of feeds) {
      if (this.#subscriptions.remove(session, channel, feed)) found = true;
    }
    if (!found) throw new MarketError(ErrorCode.notSubscribed, "there is no such subscription");
    const stale = this.#stale.get(session);
    for (const subscription of stale ?? []) {
      const { feed } = subscription;
      if (subscription.channel === channel && feeds.includes(feed)) stale?.delete(subscription);
    }
    session.saySubscribed(channel, symbol, true);
  }

  #checkChannel(channel: Channel): void {
    if (!CHANNELS.includes(channel)) {
      throw new MarketError(ErrorCode.unknownChannel, "the channels are l1, trades and status");
    }
  }

  #feedsOf(symbol: string): readonly InstrumentFeed[] {
    if (symbol === ALL) return this.#services.data.feeds;
    const feed = this.#services.data.feedOf(symbol);
    if (feed === undefined) {
      const text = `there is no instrument ${JSON.stringify(shorten(symbol))}`;
      throw new MarketError(ErrorCode.unknownSymbol, text);
    }
    return [feed];
  }

  /** The snapshot; increments follow from here. */
  #begin(session: MarketSession, channel: Channel, feed: InstrumentFeed): void {
    const subscription = this.#subscriptions.add(session, channel, feed);
    this.#sayState(subscription, true);
    this.needsFlush(session);
  }

  needsFlush(session: MarketSession): void {
    if (session.isFlushPending) return;
    session.isFlushPending = true;
    this.#unflushed.push(session);
  }

  onCaughtUp(session: MarketSession): void {
    const stale = this.#stale.get(session);
    if (stale === undefined) return;
    this.#stale.delete(session);
    for (const subscription of stale) {
      subscription.isStale = false;
      this.#sayState(subscription, false);
    }
    session.flush();
  }

  onEnd(session: MarketSession): void {
    const address = this.#addresses.get(session);
    if (address === undefined) return;
    this.#addresses.delete(session);
    this.#admission.leave(address);
    this.#addressBudgets.release(address);
    this.#subscriptions.removeAll(session);
    this.#stale.delete(session);
  }

  completeSeq(): number {
    return this.#services.completeSeq();
  }

  onUnexpected(error: unknown): void {
    this.#services.onUnexpected(error);
  }

  // What there is to say.

  onNewInstrument(feed: InstrumentFeed): void {
    for (const channel of CHANNELS) {
      for (const session of this.#subscriptions.wildcards(channel)) {
        this.#begin(session, channel, feed);
      }
    }
  }

  onStatus(feed: InstrumentFeed): void {
    this.#publishState(Channel.status, feed, feed.status.view, feed.status.seq);
  }

  onTop(feed: InstrumentFeed): void {
    this.#publishState(Channel.l1, feed, feed.top.view, feed.top.seq);
  }

  /** A state: who reads slowly gets the newest one later. */
  #publishState(channel: Channel, feed: InstrumentFeed, view: DataView, seq: number): void {
    let text = "";
    for (const subscription of this.#subscriptions.to(channel, feed)) {
      const { session } = subscription;
      // A snapshot that is as new as this came just before.
      if (subscription.sentSeq === seq) continue;
      if (session.isSlow) {
        this.#markStale(subscription);
        continue;
      }
      subscription.sentSeq = seq;
      const { messenger } = session;
      if (messenger.isBinary) messenger.record(view, 0);
      else {
        if (text === "") text = JSON.stringify(decodeMessage(view, 0, this.#services.directory));
        messenger.outbox.text(text);
      }
      this.needsFlush(session);
    }
  }

  /** Trades cannot be merged: a slow reader has them waiting, up to its limit. */
  onTrades(feed: InstrumentFeed, view: DataView, count: number): void {
    if (this.#subscriptions.countTo(Channel.trades, feed) === 0) return;
    const { seq } = feed.lastTrade;
    let text = "";
    for (const subscription of this.#subscriptions.to(Channel.trades, feed)) {
      const { session } = subscription;
      if (subscription.sentSeq === seq) continue;
      subscription.sentSeq = seq;
      const { messenger } = session;
      if (messenger.isBinary) {
        for (let i = 0; i < count; i++) messenger.record(view, i * PUBLIC_TRADE_LENGTH);
      } else {
        if (text === "") {
          text = JSON.stringify(decodeTrades(view, count, this.#services.directory));
        }
        messenger.outbox.text(text);
      }
      this.needsFlush(session);
    }
  }

  #markStale(subscription: Subscription): void {
    if (subscription.isStale) return;
    subscription.isStale = true;
    const stale = this.#stale.get(subscription.session);
    if (stale === undefined) this.#stale.set(subscription.session, new Set([subscription]));
    else stale.add(subscription);
  }

  /** The channel's state now: as a snapshot, or as one step from what was sent last. */
  #sayState(subscription: Subscription, isSnapshot: boolean): void {
    const { channel, feed, session, sentSeq } = subscription;
    const { messenger } = session;
    const record =
      channel === Channel.l1 ? feed.top : channel === Channel.status ? feed.status : feed.lastTrade;
    if (channel === Channel.trades && record.seq === 0) return; // no trade yet: nothing to show
    const previous = record.prevSeq;
    record.prevSeq = isSnapshot ? 0 : sentSeq;
    record.snapshot = isSnapshot;
    messenger.record(record.view, 0);
    record.prevSeq = previous;
    record.snapshot = false;
    subscription.sentSeq = record.seq;
  }

  // The stage's side.

  onEvent(): void {}

  onCommandsComplete(): void {}

  onRoundEnd(): void {
    const sessions = this.#unflushed;
    if (sessions.length === 0) return;
    this.#unflushed = [];
    for (const session of sessions) {
      session.isFlushPending = false;
      session.flush();
    }
  }

  // The server's side.

  /** Every 100 ms or so. */
  tick(): void {
    const nowMs = this.#services.clock.nowMs();
    for (const session of [...this.#addresses.keys()]) session.tick(nowMs);
    this.#addressBudgets.prune(nowMs);
  }

  announceShutdown(): void {
    for (const session of [...this.#addresses.keys()]) session.sayShutdown();
  }

  endAll(): void {
    for (const session of [...this.#addresses.keys()]) {
      const text = "the server is shutting down";
      session.close(ErrorCode.shuttingDown, text, CloseCode.serverShutdown);
    }
  }
}
