// One customer of the campaign: trades whenever the server is there, and after each restart asks for
// what it missed and sends again what was not answered.
import { Random } from "../protocol/random.ts";
import type { ClientRecord } from "./client-record.ts";
import { OrderFlow } from "./order-flow.ts";
import { type SessionOptions, TradeSession } from "./trade-session.ts";
import type { Key, Message, Wire } from "./wire.ts";

export interface ClientOptions {
  readonly key: Key;
  readonly wire: Wire;
  readonly record: ClientRecord;
  readonly seed: number;
  /** Request and client order ids count up from here: no two clients share one. */
  readonly firstId: number;
  /** Commands without an answer that it allows itself. */
  readonly maxPending: number;
  readonly cancelOnDisconnect: boolean;
}

/** Events told again after a reconnect, at most. */
const OVERLAP = 120;
const MAX_BURST = 8;
const TICK_MS = 3;

export class Client {
  readonly record: ClientRecord;
  readonly #options: ClientOptions;
  readonly #random: Random;
  readonly #flow: OrderFlow;
  readonly #pending = new Set<number>();
  #session: TradeSession | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastRequestId: number;
  #openQueries = 0;
  answeredCount = 0;
  resentCount = 0;
  duplicateCount = 0;
  refusedCount = 0;
  /** Answered on the connection of now. */
  answeredSinceLogon = 0;
  /** The highest seq that a message has named. */
  highestSeq = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.record = options.record;
    this.#random = new Random(options.seed);
    this.#flow = new OrderFlow(options.seed + 1, options.firstId);
    this.#lastRequestId = options.firstId - 1;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  get sentCount(): number {
    return this.record.requests.size;
  }

  get isConnected(): boolean {
    return this.#session?.isOpen ?? false;
  }

  /** Logs on, compares what the server knows of it, and sends again what has no answer. */
  async connect(url: string, cancelOnDisconnect = this.#options.cancelOnDisconnect): Promise<void> {
    const { key, wire } = this.#options;
    const options: SessionOptions = {
      url,
      key,
      wire,
      cancelOnDisconnect,
      resumeAfter: this.record.resume(this.#random.below(OVERLAP)),
      onMessage: (message) => this.#onMessage(message),
    };
    this.answeredSinceLogon = 0;
    const lastSeen = this.record.last.seq; // events may come as soon as the session is open
    const session = await TradeSession.open(options);
    this.#session = session;
    void session.closed.then(() => {
      this.stopTrading();
      this.record.flush();
    });
    this.#checkLogon(session.loggedOn, lastSeen);
    for (const requestId of this.#pending) {
      this.resentCount++;
      this.#send(requestId);
    }
  }

  /** Asks what is open now; `isAsking` until all is said. */
  ask(): void {
    this.record.openOrders = new Map();
    this.record.positions = new Map();
    this.#openQueries = 2;
    this.#session?.query("openOrders");
    this.#session?.query("positions");
  }

  get isAsking(): boolean {
    return this.#openQueries > 0;
  }

  startTrading(): void {
    this.#timer = setInterval(() => this.#trade(), TICK_MS);
  }

  stopTrading(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async disconnect(): Promise<void> {
    await this.#session?.close();
  }

  /** When the connection has ended, from whichever side. */
  async closed(): Promise<void> {
    await this.#session?.closed;
  }

  #trade(): void {
    if (!this.isConnected) return;
    const { maxPending } = this.#options;
    const burst = Math.min(this.#random.below(MAX_BURST + 1), maxPending - this.#pending.size);
    for (let i = 0; i < burst; i++) {
      const requestId = ++this.#lastRequestId;
      const command = this.#flow.next();
      this.record.requests.set(requestId, { command, sentCount: 0, outcome: null });
      this.#pending.add(requestId);
      this.#send(requestId);
    }
  }

  #send(requestId: number): void {
    const request = this.record.requests.get(requestId);
    if (request === undefined) throw new Error(`request ${requestId} was never made`);
    request.sentCount++;
    this.#session?.send(requestId, request.command);
  }

  /**
   * Nothing that was answered may have been forgotten, nothing may be known that was never sent.
   * lastSeen: the last seq on the connections before.
   */
  #checkLogon(loggedOn: Message, lastSeen: number): void {
    if (loggedOn.account !== this.#options.key.account) {
      this.record.fault(`logged on to account ${String(loggedOn.account)}`);
    }
    const last = Number(loggedOn.lastRequestId);
    const answered = this.#highestSequenced;
    if (!(last >= answered)) {
      this.record.fault(
        `request ${answered} was answered, but the server only knows up to ${last}`,
      );
    }
    if (last > this.#lastRequestId) {
      this.record.fault(`the server knows request ${last}, which was never sent`);
    }
    if (Number(loggedOn.lastSeq) < lastSeen) {
      this.record.fault(
        `logged on at seq ${String(loggedOn.lastSeq)}, behind an event seen before`,
      );
    }
  }

  #highestSequenced = 0;

  #onMessage(message: Message): void {
    switch (message.type) {
      case "heartbeat":
        this.#noteSeq(message.lastSeq);
        break;
      case "serverShutdown":
        break;
      case "error":
        this.#onError(message);
        break;
      case "duplicateRequest": {
        this.duplicateCount++;
        const seq = Number(message.seq ?? 0);
        this.#settle(Number(message.requestId), () => ({ kind: "duplicate", seq }));
        break;
      }
      case "openOrder":
        this.record.openOrders?.set(Number(message.orderId), String(message.leavesQuantity));
        break;
      case "position":
        this.record.positions?.set(String(message.symbol), String(message.position));
        break;
      case "queryEnd":
        this.#openQueries--;
        break;
      case "completed": {
        const seq = Number(message.seq);
        this.#noteSeq(seq);
        this.#settle(Number(message.requestId), () => ({
          kind: "answered",
          seq,
          hasEvents: false,
        }));
        break;
      }
      default:
        this.#onEvent(message);
    }
  }

  #onEvent(message: Message): void {
    if (typeof message.seq !== "number" || typeof message.index !== "number") {
      this.record.fault(`an unknown message: ${JSON.stringify(message)}`);
      return;
    }
    this.#noteSeq(message.seq);
    this.record.onEvent(message);
    const requestId = Number(message.requestId ?? 0);
    if (!this.record.requests.has(requestId)) return; // of another key, or of nobody
    const seq = message.seq;
    this.#settle(requestId, () => ({ kind: "answered", seq, hasEvents: true }));
  }

  #settle(requestId: number, outcome: () => Parameters<ClientRecord["answered"]>[1]): void {
    this.record.answered(requestId, outcome());
    if (!this.#pending.delete(requestId)) return;
    this.answeredCount++;
    this.answeredSinceLogon++;
    this.#highestSequenced = Math.max(this.#highestSequenced, requestId);
  }

  #onError(message: Message): void {
    const request = message.request as { requestId?: number } | undefined;
    const requestId = request?.requestId;
    if (requestId === undefined) {
      // The good-bye of a server that stops is about no request.
      if (message.code === "shuttingDown") return;
      this.record.fault(`an error without a request: ${JSON.stringify(message)}`);
      return;
    }
    this.refusedCount++;
    this.record.answered(requestId, { kind: "refused", code: String(message.code) });
    this.#pending.delete(requestId);
  }

  #noteSeq(seq: unknown): void {
    this.highestSeq = Math.max(this.highestSeq, Number(seq));
  }
}
