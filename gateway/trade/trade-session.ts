import { randomBytes } from "node:crypto";
import { ErrorCode, type QueryKind, SessionEndReason } from "../../protocol/generated/enums.ts";
import { QUERY_TEMPLATE_ID } from "../../protocol/generated/session.ts";
import { CommandError, invalid } from "../../protocol/json/errors.ts";
import type { JsonObject } from "../../protocol/json/fields.ts";
import { monotonicNs } from "../../protocol/monotonic.ts";
import type { Key } from "../keys/key-directory.ts";
import { signedText } from "../keys/signature.ts";
import { Messenger, type RequestNames } from "../messages/messenger.ts";
import { Outbox } from "../transport/outbox.ts";
import type { SocketHandler, TransportSocket } from "../transport/transport.ts";
import { CatchUp, LAST_INDEX } from "./catch-up.ts";
import { CloseCode } from "./close-codes.ts";
import { LOGON_WINDOW_MS, type LogonRequest } from "./logon.ts";
import type { RateBudget, TokenBucket } from "./rate-limits.ts";
import { concerns, report } from "./reports.ts";
import type { TradeOptions, TradeServices } from "./services.ts";
import {
  errorCodeOf,
  mayBeSilent,
  namesOfBinary,
  type Outcome,
  SessionCommands,
} from "./session-commands.ts";
import { type InputHandler, takeBinary, takeText } from "./session-input.ts";
import { answerQuery, MAX_ROWS } from "./session-queries.ts";
import { SessionReceipts } from "./session-receipts.ts";
import * as voice from "./session-voice.ts";
import { SilentCommands } from "./silent-commands.ts";

/** Heartbeats that a client may miss. */
const MISSED_HEARTBEATS = 3;

/** What a session asks of those around it. */
export interface SessionHost {
  /** Makes room for a session with this key, and writes its start down where it is to be written. */
  welcome(session: TradeSession, key: Key, cancelOnDisconnect: boolean): ErrorCode;
  /** Budgets of the key, from now on until the session ends. */
  budgetOf(key: Key): RateBudget;
  onEnd(session: TradeSession, reason: SessionEndReason): void;
  /** There is something to flush at the end of the round. */
  needsFlush(session: TradeSession): void;
  /** It wants to know when commands are complete, until it says no more. */
  awaitsCompletion(session: TradeSession): void;
}

/** One client on /v1/trade: challenged, logged on, live. */
export class TradeSession implements SocketHandler, InputHandler {
  readonly openedMs: number;
  key: Key | null = null;
  cancelOnDisconnect = false;
  isFlushPending = false;
  readonly #socket: TransportSocket;
  readonly #services: TradeServices;
  readonly #options: TradeOptions;
  readonly #host: SessionHost;
  readonly #messenger: Messenger;
  readonly #challenge = randomBytes(24).toString("base64url");
  readonly #budget: RateBudget;
  readonly #addressBudget: RateBudget;
  readonly #errors: TokenBucket;
  #keyBudget: RateBudget | null = null;
  #commands: SessionCommands | null = null;
  /** Not null while the session is behind the present. */
  #catchUp: CatchUp | null = null;
  #lastHeardMs: number;
  #lastHeartbeatMs: number;
  #endReason: SessionEndReason = SessionEndReason.closed;
  readonly #silent = new SilentCommands();
  readonly #receipts: SessionReceipts;
  #heldQuery: { readonly kind: QueryKind; readonly requestId: number } | null = null;
  /** Bytes of answers to queries, on top of what may wait. */
  #allowance = 0;

  constructor(
    socket: TransportSocket,
    isBinary: boolean,
    services: TradeServices,
    options: TradeOptions,
    host: SessionHost,
    budgets: { session: RateBudget; address: RateBudget; errors: TokenBucket },
  ) {
    this.#socket = socket;
    this.#services = services;
    this.#options = options;
    this.#host = host;
    this.#budget = budgets.session;
    this.#addressBudget = budgets.address;
    this.#errors = budgets.errors;
    this.#receipts = new SessionReceipts(services.receipts);
    this.#messenger = new Messenger(new Outbox(socket), services.views.directory, isBinary);
    this.openedMs = services.clock.nowMs();
    this.#lastHeardMs = this.openedMs;
    this.#lastHeartbeatMs = this.openedMs;
    voice.sayChallenge(this.#messenger, this.#challenge, services.clock.nowUs());
    this.flush();
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get isLive(): boolean {
    return this.key !== null && this.#catchUp === null && this.#socket.isOpen;
  }

  // What the client says.

  onMessage(data: Uint8Array, isBinary: boolean): void {
    this.#lastHeardMs = this.#services.clock.nowMs();
    this.#messenger.isBinary = isBinary;
    if (data.byteLength > this.#options.maxMessageBytes) {
      const most = this.#options.maxMessageBytes;
      this.close(ErrorCode.tooLarge, `at most ${most} bytes a frame`, CloseCode.tooLarge);
      return;
    }
    try {
      if (isBinary) takeBinary(data, this);
      else takeText(data, this);
    } catch (error) {
      // Ours to mend, but one client's bytes must not stop the others.
      this.close(ErrorCode.malformed, "this could not be worked on", CloseCode.internalError);
      this.#services.onUnexpected(error);
    }
    if (!this.#socket.isOpen) return;
    this.flush();
    this.#services.afterInput();
  }

  /** Logged on, or about to, and not too often. */
  mayGoOn(isCancel: boolean, isLogon: boolean, names: () => RequestNames): boolean {
    const nowMs = this.#lastHeardMs;
    const inTime =
      this.#budget.take(isCancel, nowMs) &&
      this.#addressBudget.take(isCancel, nowMs) &&
      (this.#keyBudget === null || this.#keyBudget.take(isCancel, nowMs));
    if (!inTime) {
      this.#sayError(ErrorCode.rateLimited, "too many messages; try again later", names());
      return false;
    }
    if (isLogon === (this.key === null)) return true;
    const code = isLogon ? ErrorCode.alreadyLoggedOn : ErrorCode.notLoggedOn;
    const text = isLogon ? "this session is logged on" : "log on first";
    this.#sayError(code, text, names());
    return false;
  }

  onJsonCommand(json: JsonObject, templateId: number, names: RequestNames): void {
    const outcome = (this.#commands as SessionCommands).takeJson(json, templateId);
    this.#report(outcome, names);
    if (isForReceipt(outcome)) this.#awaitReceipt(outcome, names);
  }

  onBinaryCommand(view: DataView, at: number, templateId: number): void {
    const outcome = (this.#commands as SessionCommands).takeBinary(view, at, templateId);
    if (outcome.result !== "sequenced" || mayBeSilent(templateId)) {
      this.#report(outcome, namesOfBinary(view, at, templateId));
    }
    if (isForReceipt(outcome)) this.#awaitReceipt(outcome, namesOfBinary(view, at, templateId));
  }

  /** Received: when the frame came in. */
  #awaitReceipt(outcome: Outcome, names: RequestNames): void {
    const { seq, requestId, receiptPlace, sequencedNs } = outcome;
    const { clock } = this.#services;
    const nowNs = monotonicNs();
    const sinceMs = clock.nowMs() - this.#lastHeardMs;
    this.#receipts.add({
      seq,
      requestId,
      clientOrderId: names.clientOrderId,
      place: receiptPlace,
      receivedUs: clock.nowUs() - Math.round(sinceMs * 1e3),
      receivedNs: nowNs - sinceMs * 1e6,
      sequencedNs,
    });
    this.#host.awaitsCompletion(this);
  }

  #report(outcome: Outcome, names: RequestNames): void {
    const { result, seq, requestId } = outcome;
    if (result === "sequenced") {
      if (!mayBeSilent(names.templateId)) return;
      this.#silent.add(seq, requestId);
      this.#host.awaitsCompletion(this);
    } else if (result === "duplicate") {
      voice.sayDuplicate(this.#messenger, requestId, seq);
    } else {
      // The server's own state is no error of the client's: it does not count as one.
      const { refusal } = this.#services.intake;
      this.#messenger.error(ErrorCode[refusal], REFUSALS[refusal], names);
    }
  }

  // Logon.

  onLogon(request: LogonRequest): void {
    const services = this.#services;
    const nowUs = services.clock.nowUs();
    if (Math.abs(request.timestampUs - nowUs) > LOGON_WINDOW_MS * 1000) {
      this.#refuseLogon(
        `timestamp is more than ${LOGON_WINDOW_MS / 1000} s from the server's time`,
      );
      return;
    }
    const text = signedText(this.#challenge, request.keyId, request.timestampUs);
    const key = services.keys.verify(request.keyId, text, request.signature);
    if (key === null) {
      this.#refuseLogon("unknown key or wrong signature");
      return;
    }
    if (request.cancelOnDisconnect && key.role === "viewer") {
      this.#refuseLogon("a viewer has no orders to cancel");
      return;
    }
    const completeSeq = services.completeSeq();
    const from = request.resumeAfter ?? { seq: completeSeq, index: LAST_INDEX };
    const catchUp = new CatchUp(from.seq, from.index, services.recent, services.history);
    if (from.seq > completeSeq || !catchUp.isPossible) {
      const what =
        from.seq > completeSeq
          ? `resumeAfter is beyond the last seq, ${completeSeq}`
          : "the events after resumeAfter are not recorded here";
      this.close(ErrorCode.resumeUnavailable, what, CloseCode.resumeUnavailable);
      return;
    }
    const refusal = this.#host.welcome(this, key, request.cancelOnDisconnect);
    if (refusal !== ErrorCode.none) {
      this.close(refusal, "the server takes no logons now", CloseCode.tryAgain);
      return;
    }
    this.key = key;
    this.cancelOnDisconnect = request.cancelOnDisconnect;
    this.#keyBudget = this.#host.budgetOf(key);
    this.#commands = new SessionCommands(services, key);
    const { heartbeatIntervalMs } = this.#options;
    const { requests } = services;
    voice.sayLoggedOn(this.#messenger, key, requests, completeSeq, heartbeatIntervalMs);
    this.#catchUp = catchUp;
    this.catchUp();
  }

  #refuseLogon(text: string): void {
    this.close(ErrorCode.logonRefused, text, CloseCode.logonRefused);
  }

  /**
   * An answer may be large, so only one at a time may wait for the client to read it. While the
   * session is behind, the question waits: the answer says that all events came before it.
   */
  onQuery(kind: QueryKind, requestId: number): void {
    if (this.#catchUp !== null && this.#heldQuery === null) {
      this.#heldQuery = { kind, requestId };
      return;
    }
    if (this.#allowance > 0 || this.#heldQuery !== null) {
      const names = { templateId: QUERY_TEMPLATE_ID, requestId, clientOrderId: 0 };
      const text = "the answer to the last query has not been read yet";
      this.#sayError(ErrorCode.rateLimited, text, names);
      return;
    }
    const before = this.#messenger.outbox.waitingBytes;
    const { views } = this.#services;
    const lastSeq = this.#services.completeSeq();
    if (!answerQuery(this.#messenger, views, this.key as Key, kind, requestId, lastSeq)) {
      throw invalid(`more than ${MAX_ROWS} rows: ask with the key of one account`);
    }
    this.#allowance = this.#messenger.outbox.waitingBytes - before;
  }

  // What the server says.

  /** A live session gets events as they come. */
  onEvent(view: DataView, offset: number, owner: number): void {
    const key = this.key as Key;
    if (!concerns(view, offset, key)) return;
    if (!this.#silent.isEmpty) this.#silent.onEvent(view, offset);
    report(this.#messenger, view, offset, owner, key);
    this.#host.needsFlush(this);
  }

  /** Every event up to seq has been given. False: nothing is awaited any more. */
  onCommandsComplete(seq: number): boolean {
    if (this.#silent.onComplete(seq, this.#messenger)) this.#host.needsFlush(this);
    if (this.#receipts.onComplete(seq)) this.#host.needsFlush(this);
    return !this.#silent.isEmpty || !this.#receipts.isEmpty;
  }

  /** Sends what a session that is behind has missed, as far as the client reads. */
  catchUp(): void {
    const catchUp = this.#catchUp;
    if (catchUp === null || !this.#socket.isOpen) return;
    const { outbox } = this.#messenger;
    const limit = this.#options.maxSendBufferBytes / 2;
    const key = this.key as Key;
    let isLive: boolean;
    try {
      isLive = catchUp.advance(
        (view, offset, owner) => {
          if (!concerns(view, offset, key)) return;
          if (!this.#silent.isEmpty) this.#silent.onEvent(view, offset);
          report(this.#messenger, view, offset, owner, key);
        },
        () => {
          this.flush();
          return this.#socket.isOpen && outbox.waitingBytes < limit;
        },
      );
    } catch {
      const text = "the recorded events cannot be read";
      this.close(ErrorCode.resumeUnavailable, text, CloseCode.resumeUnavailable);
      return;
    }
    if (isLive) {
      this.#catchUp = null;
      if (this.onCommandsComplete(this.#services.completeSeq())) this.#host.awaitsCompletion(this);
      // Says that everything up to its lastSeq has been sent.
      this.#sayHeartbeat();
      this.#answerHeldQuery();
    }
    this.flush();
  }

  #answerHeldQuery(): void {
    const held = this.#heldQuery;
    this.#heldQuery = null;
    if (held === null) return;
    try {
      this.onQuery(held.kind, held.requestId);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const { requestId } = held;
      this.onError(error, { templateId: QUERY_TEMPLATE_ID, requestId, clientOrderId: 0 });
    }
  }

  sayShutdown(): void {
    voice.sayShutdown(this.#messenger, this.#services.completeSeq());
    this.flush();
  }

  #sayHeartbeat(): void {
    this.#lastHeartbeatMs = this.#services.clock.nowMs();
    // Behind the present, nothing is said about what has been sent.
    const lastSeq = this.#catchUp === null ? this.#services.completeSeq() : 0;
    voice.sayHeartbeat(this.#messenger, lastSeq, this.#services.clock.nowUs());
  }

  /** Time goes on. */
  tick(nowMs: number): void {
    if (!this.#socket.isOpen) return;
    const { heartbeatIntervalMs } = this.#options;
    if (this.key === null) {
      if (nowMs - this.openedMs < LOGON_WINDOW_MS) return;
      const text = `no logon within ${LOGON_WINDOW_MS / 1000} s`;
      this.close(ErrorCode.logonTimeout, text, CloseCode.logonRefused);
      return;
    }
    if (nowMs - this.#lastHeardMs > MISSED_HEARTBEATS * heartbeatIntervalMs) {
      this.#endReason = SessionEndReason.timeout;
      const text = `nothing heard for ${MISSED_HEARTBEATS} heartbeats`;
      this.close(ErrorCode.heartbeatTimeout, text, CloseCode.heartbeatTimeout);
      return;
    }
    if (nowMs - this.#lastHeartbeatMs >= heartbeatIntervalMs) {
      this.#sayHeartbeat();
      this.flush();
    }
    if (this.#catchUp !== null) this.catchUp();
  }

  // The end.

  flush(): void {
    const { outbox } = this.#messenger;
    this.#receipts.say(this.#messenger);
    outbox.flush();
    if (outbox.isEmpty) {
      this.#allowance = 0;
      return;
    }
    if (!this.#socket.isOpen) return;
    if (outbox.waitingBytes > this.#options.maxSendBufferBytes + this.#allowance) {
      this.close(ErrorCode.slowConsumer, "the client reads too slowly", CloseCode.tryAgain);
    }
  }

  onDrain(): void {
    this.flush();
    if (this.#catchUp !== null) this.catchUp();
  }

  onClose(): void {
    this.#catchUp?.close();
    this.#host.onEnd(this, this.#endReason);
  }

  /** Says why, then closes. */
  close(code: ErrorCode, text: string, closeCode: number): void {
    if (!this.#socket.isOpen) return;
    this.#messenger.error(code, text);
    this.#messenger.outbox.flush();
    // A close frame holds no more than 123 bytes of text.
    this.#socket.close(closeCode, text.slice(0, 100));
  }

  end(reason: SessionEndReason, code: ErrorCode, text: string, closeCode: number): void {
    this.#endReason = reason;
    this.close(code, text, closeCode);
  }

  onError(error: CommandError, names: RequestNames): void {
    this.#sayError(errorCodeOf(error), error.message, names);
  }

  /** Who makes too many errors is closed. */
  #sayError(code: ErrorCode, text: string, names: RequestNames): void {
    if (!this.#socket.isOpen) return;
    if (!this.#errors.take(this.#lastHeardMs)) {
      this.close(ErrorCode.rateLimited, "too many errors", CloseCode.policy);
      return;
    }
    this.#messenger.error(code, text, names);
  }
}

function isForReceipt({ result, wantsReceipt }: Outcome): boolean {
  return wantsReceipt && result === "sequenced";
}

const REFUSALS = {
  overloaded: "the server is overloaded: new orders are refused, cancels pass",
  diskLow: "the server is low on disk space: new orders are refused, cancels pass",
  shuttingDown: "the server is shutting down",
} as const;
