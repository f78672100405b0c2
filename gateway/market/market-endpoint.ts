import { type Channel, ErrorCode } from "../../protocol/generated/enums.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { invalid } from "../../protocol/json/errors.ts";
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
  Broadcaster,
  SocketEndpoint,
  SocketHandler,
  SocketLimits,
  TransportSocket,
  UpgradeRequest,
} from "../transport/transport.ts";
import { Distribution } from "./distribution.ts";
import type { InstrumentFeed } from "./instrument-feed.ts";
import type { MarketData } from "./market-data.ts";
import {
  MarketError,
  type MarketHost,
  type MarketOptions,
  MarketSession,
} from "./market-session.ts";
import { PACE } from "./pace.ts";
import { CHANNELS, NOTHING_SENT, Subscriptions } from "./subscriptions.ts";

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
export class MarketEndpoint implements SocketEndpoint, MarketHost, EventListener {
  readonly path = "/v1/market";
  readonly limits: SocketLimits;
  /** Clients may connect. */
  isLive = false;
  readonly slowBytes: number;
  readonly #services: MarketServices;
  readonly #options: MarketOptions;
  readonly #rates: RateLimitOptions;
  readonly #admission: Admission;
  readonly #addressBudgets: SharedBudgets<string>;
  readonly #addresses = new Map<MarketSession, string>();
  readonly #subscriptions = new Subscriptions();
  readonly #distribution: Distribution;
  #unflushed: MarketSession[] = [];

  constructor(
    services: MarketServices,
    options: MarketOptions,
    rates: RateLimitOptions,
    admission: Admission,
    pace = PACE,
  ) {
    this.slowBytes = pace.slowBytes;
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
    this.#distribution = new Distribution(
      services.data,
      services.directory,
      this.#subscriptions,
      options.maxSendBufferBytes,
      pace,
    );
  }

  get connections(): number {
    return this.#addresses.size;
  }

  /** Connections that are told nothing until they have read. */
  get behind(): number {
    return this.#distribution.behind;
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

  /** What is published goes this way. */
  attach(broadcaster: Broadcaster): void {
    this.#distribution.broadcaster = broadcaster;
  }

  // The sessions' side.

  subscribe(session: MarketSession, channel: Channel, symbol: string): void {
    this.#checkChannel(channel);
    const feeds = this.#feedsOf(symbol);
    session.saySubscribed(channel, symbol, false);
    if (symbol === ALL) this.#subscriptions.addWildcard(session, channel);
    for (const feed of feeds) this.#distribution.begin(session, channel, feed, NOTHING_SENT);
  }

  resume(session: MarketSession, channel: Channel, symbol: string, afterSeq: number): void {
    this.#checkChannel(channel);
    if (symbol === ALL) throw invalid("a resume names one symbol");
    const feeds = this.#feedsOf(symbol);
    session.saySubscribed(channel, symbol, false);
    for (const feed of feeds) this.#distribution.begin(session, channel, feed, afterSeq);
  }

  unsubscribe(session: MarketSession, channel: Channel, symbol: string): void {
    this.#checkChannel(channel);
    const feeds = this.#feedsOf(symbol);
    let found = symbol === ALL && this.#subscriptions.removeWildcard(session, channel);
    for (const feed of feeds) {
      const subscription = this.#subscriptions.find(session, channel, feed);
      if (subscription === undefined) continue;
      this.#distribution.remove(subscription);
      found = true;
    }
    if (!found) throw new MarketError(ErrorCode.notSubscribed, "there is no such subscription");
    session.saySubscribed(channel, symbol, true);
  }

  #checkChannel(channel: Channel): void {
    if (!CHANNELS.includes(channel)) {
      const text = "the channels are l1, l2, l3, trades, status and indication";
      throw new MarketError(ErrorCode.unknownChannel, text);
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

  onEncoding(session: MarketSession): void {
    this.#distribution.onEncoding(session);
  }

  needsFlush(session: MarketSession): void {
    if (session.isFlushPending) return;
    session.isFlushPending = true;
    this.#unflushed.push(session);
  }

  catchUp(session: MarketSession): void {
    this.#distribution.catchUp(session);
  }

  isCurrent(session: MarketSession): boolean {
    return this.#distribution.isCurrent(session);
  }

  onEnd(session: MarketSession): void {
    const address = this.#addresses.get(session);
    if (address === undefined) return;
    this.#addresses.delete(session);
    this.#admission.leave(address);
    this.#addressBudgets.release(address);
    this.#distribution.onEnd(session);
  }

  completeSeq(): number {
    return this.#services.completeSeq();
  }

  onUnexpected(error: unknown): void {
    this.#services.onUnexpected(error);
  }

  // The stage's side.

  onEvent(): void {}

  onCommandsComplete(): void {}

  onRoundEnd(): void {
    this.#distribution.onRoundEnd();
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
    this.#distribution.tick(nowMs);
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
