import { SessionEnd, SessionStart } from "../../protocol/generated/commands.ts";
import { ErrorCode, SessionEndReason } from "../../protocol/generated/enums.ts";
import type { Key } from "../keys/key-directory.ts";
import type { EventListener } from "../stage/gateway-stage.ts";
import type { Admission } from "../transport/admission.ts";
import { SOCKET_HEADROOM_BYTES } from "../transport/outbox.ts";
import type {
  SocketEndpoint,
  SocketHandler,
  SocketLimits,
  TransportSocket,
  UpgradeRequest,
} from "../transport/transport.ts";
import { CloseCode } from "./close-codes.ts";
import { RateBudget, type RateLimitOptions, SharedBudgets, TokenBucket } from "./rate-limits.ts";
import type { TradeOptions, TradeServices } from "./services.ts";
import { SessionRoutes } from "./session-routes.ts";
import { type SessionHost, TradeSession } from "./trade-session.ts";

/** A client may be wrong this often at once, and this often a second. */
const ERROR_BURST = 10_000;
const ERRORS_PER_SECOND = 1_000;

interface UnwrittenEnd {
  readonly key: Key;
  readonly reason: SessionEndReason;
}

/** /v1/trade: all private sessions. */
export class TradeEndpoint implements SocketEndpoint, SessionHost, EventListener {
  readonly path = "/v1/trade";
  readonly limits: SocketLimits;
  readonly #services: TradeServices;
  readonly #options: TradeOptions;
  readonly #rates: RateLimitOptions;
  readonly #admission: Admission;
  readonly #keyBudgets: SharedBudgets<number>;
  readonly #addressBudgets: SharedBudgets<string>;
  readonly #addresses = new Map<TradeSession, string>();
  readonly #routes = new SessionRoutes();
  readonly #awaiting = new Set<TradeSession>();
  #unflushed: TradeSession[] = [];
  /** Ends that the ring had no room for yet, oldest first. */
  readonly #unwrittenEnds: UnwrittenEnd[] = [];
  readonly #sessionStart = new SessionStart();
  readonly #sessionEnd = new SessionEnd();

  constructor(
    services: TradeServices,
    options: TradeOptions,
    rates: RateLimitOptions,
    admission: Admission,
  ) {
    this.#services = services;
    this.#options = options;
    this.#rates = rates;
    this.#admission = admission;
    this.#keyBudgets = new SharedBudgets(rates.keyPerSecond, rates.burstMs);
    this.#addressBudgets = new SharedBudgets(rates.addressPerSecond, rates.burstMs);
    this.limits = {
      // Frames that are a little too large get an answer; others end the connection.
      maxPayloadBytes: options.maxMessageBytes * 4,
      maxBackpressureBytes: SOCKET_HEADROOM_BYTES,
      idleTimeoutSeconds: idleTimeoutSeconds(options.heartbeatIntervalMs),
    };
  }

  /** Connections, whether logged on or not. */
  get connections(): number {
    return this.#addresses.size;
  }

  get loggedOn(): number {
    return this.#routes.count;
  }

  // The transport's side.

  admit(request: UpgradeRequest): number {
    // Recovering or stopping: who resumes must not be told that what it has seen is unknown here.
    return this.#services.intake.accepting ? this.#admission.check(request) : 503;
  }

  /** The challenge comes as JSON, or as a record where the address ends in `?encoding=binary`. */
  open(socket: TransportSocket, { query }: UpgradeRequest): SocketHandler {
    const nowMs = this.#services.clock.nowMs();
    const { remoteAddress } = socket;
    const { sessionPerSecond, burstMs } = this.#rates;
    const burst = (sessionPerSecond * burstMs) / 1000;
    const session = new TradeSession(
      socket,
      new URLSearchParams(query).get("encoding") === "binary",
      this.#services,
      this.#options,
      this,
      {
        session: new RateBudget(sessionPerSecond, burst, nowMs),
        address: this.#addressBudgets.acquire(remoteAddress, nowMs),
        errors: new TokenBucket(ERRORS_PER_SECOND, ERROR_BURST, nowMs),
      },
    );
    this.#admission.enter(remoteAddress);
    this.#addresses.set(session, remoteAddress);
    return session;
  }

  // The sessions' side.

  welcome(session: TradeSession, key: Key, cancelOnDisconnect: boolean): ErrorCode {
    const { intake } = this.#services;
    if (!intake.accepting) return ErrorCode.shuttingDown;
    // requestIds rise per key, so one session at a time sends with it. Viewers only listen.
    if (key.role !== "viewer") this.#replace(key);
    if (this.#unwrittenEnds.some((end) => end.key.keyNumber === key.keyNumber)) {
      return ErrorCode.overloaded;
    }
    if (cancelOnDisconnect) {
      const offset = intake.claim("other");
      if (offset < 0) return ErrorCode[intake.refusal];
      const start = this.#sessionStart;
      start.wrap(intake.view, offset);
      start.clear();
      start.account = key.account;
      start.keyNumber = key.keyNumber;
      start.keyId = key.keyId;
      start.cancelOnDisconnect = true;
      intake.commit(offset);
    }
    this.#routes.add(session, key);
    return ErrorCode.none;
  }

  budgetOf(key: Key): RateBudget {
    return this.#keyBudgets.acquire(key.keyNumber, this.#services.clock.nowMs());
  }

  needsFlush(session: TradeSession): void {
    if (session.isFlushPending) return;
    session.isFlushPending = true;
    this.#unflushed.push(session);
  }

  awaitsCompletion(session: TradeSession): void {
    this.#awaiting.add(session);
  }

  onEnd(session: TradeSession, reason: SessionEndReason): void {
    const address = this.#addresses.get(session);
    if (address === undefined) return;
    this.#addresses.delete(session);
    this.#awaiting.delete(session);
    this.#admission.leave(address);
    this.#addressBudgets.release(address);
    const { key } = session;
    if (key === null) return;
    this.#routes.remove(session, key);
    this.#keyBudgets.release(key.keyNumber);
    if (!session.cancelOnDisconnect) return;
    this.#unwrittenEnds.push({ key, reason });
    this.#writeEnds();
  }

  #replace(key: Key): void {
    for (const other of this.#routes.ofKey(key.keyNumber)) {
      const text = "the key has logged on again";
      other.end(SessionEndReason.replaced, ErrorCode.alreadyLoggedOn, text, CloseCode.replaced);
    }
  }

  /** Orders are canceled by this command, so it must not get lost: it waits for room in the ring. */
  #writeEnds(): void {
    const { intake } = this.#services;
    while (this.#unwrittenEnds.length > 0) {
      const offset = intake.claimOwn();
      if (offset < 0) return;
      const { key, reason } = this.#unwrittenEnds.shift() as UnwrittenEnd;
      const end = this.#sessionEnd;
      end.wrap(intake.view, offset);
      end.clear();
      end.account = key.account;
      end.keyNumber = key.keyNumber;
      end.keyId = key.keyId;
      end.cancelOnDisconnect = true;
      end.endReason = reason;
      intake.commit(offset);
    }
  }

  // The stage's side.

  onEvent(view: DataView, offset: number, owner: number): void {
    this.#routes.route(view, offset, owner);
  }

  onCommandsComplete(seq: number): void {
    for (const session of this.#awaiting) {
      // One that is behind looks again when it has caught up.
      if (!session.isLive || !session.onCommandsComplete(seq)) this.#awaiting.delete(session);
    }
  }

  onRoundEnd(): void {
    const sessions = this.#unflushed;
    if (sessions.length > 0) {
      this.#unflushed = [];
      for (const session of sessions) {
        session.isFlushPending = false;
        session.flush();
      }
    }
    if (this.#unwrittenEnds.length > 0) this.#writeEnds();
  }

  // The server's side.

  /** Every 100 ms or so: heartbeats, timeouts, sessions that are behind, ends that wait. */
  tick(): void {
    const nowMs = this.#services.clock.nowMs();
    for (const session of [...this.#addresses.keys()]) session.tick(nowMs);
    this.#writeEnds();
    this.#keyBudgets.prune(nowMs);
    this.#addressBudgets.prune(nowMs);
  }

  onKeyRevoked(keyNumber: number): void {
    for (const session of this.#routes.ofKey(keyNumber)) {
      session.end(
        SessionEndReason.revoked,
        ErrorCode.keyRevoked,
        "the key is revoked",
        CloseCode.keyRevoked,
      );
    }
  }

  /** Good-bye to all. Their ends are sequenced, so the engine must still be running. */
  announceShutdown(): void {
    for (const session of this.#addresses.keys()) session.sayShutdown();
  }

  endAll(): void {
    for (const session of [...this.#addresses.keys()]) {
      session.end(
        SessionEndReason.shutdown,
        ErrorCode.shuttingDown,
        "the server is shutting down",
        CloseCode.serverShutdown,
      );
    }
    this.#writeEnds();
  }

  /** Session ends that are not sequenced yet. */
  get unwrittenEnds(): number {
    return this.#unwrittenEnds.length;
  }
}

/** A WebSocket-level backstop behind the heartbeats, within what the transports take. */
function idleTimeoutSeconds(heartbeatIntervalMs: number): number {
  return Math.min(960, Math.max(8, Math.ceil((heartbeatIntervalMs * 4) / 1000)));
}
