import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { BackOff } from "./back-off.ts";
import type { ClientCommand } from "./commands.ts";
import { Connection, type ConnectionEnd } from "./connection.ts";
import { ClientError } from "./errors.ts";
import { type KeptMessage, MessageReader } from "./message-reader.ts";
import type { LoggedOn, Message, Position, QueryName, QueryResult } from "./messages.ts";
import { Outbound, type Sender } from "./outbound.ts";
import { PendingCommand } from "./pending-command.ts";
import { PendingQueries } from "./pending-queries.ts";
import type { SessionHandler, SessionOptions } from "./session-handler.ts";
import { StreamPosition } from "./stream-position.ts";

/** A position that the server did not have once may only not be complete there yet. */
const RESUME_ATTEMPTS = 3;
/** A connection that has held this long has done well, events or not. */
const STEADY_MS = 1000;
const ASK_AGAIN_MS = 20;
/** With these words the server closes the connection, which is reported on its own. */
const LAST_WORDS: ReadonlySet<string> = new Set([
  "alreadyLoggedOn",
  "keyRevoked",
  "shuttingDown",
  "slowConsumer",
  "heartbeatTimeout",
  "resumeUnavailable",
  "tooLarge",
]);

/**
 * A session on /v1/trade that outlives its connections: it logs on again, takes up the stream of
 * events where it was, and sends again what has no answer, under the same requestId. So no event is
 * lost or given twice, and no command is carried out twice.
 */
export class Session<Tag> {
  /** Binary sessions only: with JSON nobody converts anything here. */
  readonly directory = new InstrumentDirectory();
  readonly #options: SessionOptions;
  readonly #handler: SessionHandler<Tag>;
  readonly #outbound: Outbound;
  readonly #reader: MessageReader;
  readonly #backOff: BackOff;
  #connection: Connection | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  /** Commands leave at once. */
  #isReady = false;
  #wasReady = false;
  #readySinceMs = 0;
  #loggedOn: LoggedOn | null = null;
  #sender: Sender = { account: 0, admin: false };
  #position: StreamPosition | null;
  /** All events of commands up to here have been seen on this connection; −1: not said yet. */
  #completeSeq = -1;
  #asked: Promise<QueryResult> | null = null;
  #resumeRefusals = 0;
  /** By requestId, rising. */
  readonly #pending = new Map<number, PendingCommand<Tag>>();
  /** Of them, those that the server has already and whose events are awaited. */
  #awaitingEvents = 0;
  #lastRequestId = 0;
  /** The highest requestId that the server has said to have. */
  #acknowledgedId = 0;
  readonly #queries = new PendingQueries();
  /** Not null while the definitions of instruments are asked for: what comes waits for them. */
  #held: KeptMessage[] | null = null;

  constructor(options: SessionOptions, handler: SessionHandler<Tag>) {
    this.#options = options;
    this.#handler = handler;
    this.#outbound = new Outbound(options.encoding, this.directory);
    this.#reader = new MessageReader(this.directory);
    this.#backOff = new BackOff(options.reconnect);
    this.#position = options.resumeAfter && new StreamPosition(options.resumeAfter);
  }

  /** Once. Throws where the URL is none. `onReady` or `onEnd` follows. */
  open(): void {
    this.#connect();
  }

  /** As of the last logon. */
  get loggedOn(): LoggedOn | null {
    return this.#loggedOn;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Of the last event; null before logon. */
  get position(): Position | null {
    return this.#position?.last ?? null;
  }

  /** Commands without an answer. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Bytes that wait to leave. */
  get bufferedBytes(): number {
    return this.#outbound.bufferedBytes;
  }

  /**
   * Takes a command, once `onReady` has been called; it leaves at once, or when the connection is
   * there again. Throws a CommandError where it is no command of this key's. Returns its requestId:
   * the command's own, or the next one; 0: its own is not above the last, nothing is sent, and the
   * answer will not come.
   */
  send(command: ClientCommand, tag: Tag): number {
    const requestId = command.requestId ?? this.#lastRequestId + 1;
    if (this.#isReady && requestId > this.#lastRequestId) {
      this.#outbound.command(command, requestId, this.#sender);
    } else this.#outbound.check(command, this.#sender);
    if (requestId <= this.#lastRequestId) return 0;
    this.#lastRequestId = requestId;
    const pending = new PendingCommand(requestId, command, tag);
    if (this.#isReady) pending.sends = 1;
    this.#pending.set(requestId, pending);
    return requestId;
  }

  /** Rejects with a ClientError. */
  query(name: QueryName): Promise<QueryResult> {
    if (this.#closed) return Promise.reject(closedError());
    const { requestId, result } = this.#queries.add(name);
    if (this.#isReady) this.#sendQuery(name, requestId);
    return result;
  }

  /** Resolves when all events of the commands up to seq have been given. Rejects with a ClientError. */
  async complete(seq: number): Promise<void> {
    while (this.#completeSeq < seq) {
      await this.#askHowFar();
      if (this.#completeSeq < seq)
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  /** Ends the session. Commands without an answer get the error `closed`. */
  close(): void {
    if (this.#closed) return;
    this.#connection?.close();
    this.#end(closedError());
  }

  #connect(): void {
    const { url, key, cancelOnDisconnect, openSocket } = this.#options;
    this.#completeSeq = -1;
    const connection = new Connection(
      {
        url,
        key,
        cancelOnDisconnect,
        openSocket,
        resumeAfter: this.#position?.resume() ?? null,
        outbound: this.#outbound,
        reader: this.#reader,
      },
      {
        onLoggedOn: (message) => this.#onLoggedOn(message),
        onMessage: () => this.#onMessage(),
        onEnd: (end) => this.#onConnectionEnd(end),
      },
    );
    this.#connection = connection;
  }

  #onLoggedOn(message: LoggedOn): void {
    const { account, role, lastSeq, lastRequestId } = message;
    if (lastRequestId < this.#acknowledgedId) {
      throw new ClientError(
        "historyMismatch",
        `the server had requestId ${this.#acknowledgedId} and now has ${lastRequestId}`,
      );
    }
    this.#loggedOn = message;
    this.#sender = { account, admin: role === "admin" };
    this.#position ??= StreamPosition.behind(lastSeq);
    this.#resumeRefusals = 0;
    this.#acknowledgedId = lastRequestId;
    this.#lastRequestId = Math.max(this.#lastRequestId, lastRequestId);
    // Without the instruments, binary events say nothing.
    if (this.#wasReady) this.#onReady();
    else this.#askForInstruments();
  }

  #onReady(): void {
    const again = this.#wasReady;
    this.#isReady = true;
    this.#wasReady = true;
    this.#readySinceMs = Date.now();
    this.#connection?.ready();
    for (const { name, requestId } of this.#queries.all()) this.#sendQuery(name, requestId);
    this.#awaitingEvents = 0;
    for (const pending of this.#pending.values()) {
      pending.eventsBySeq = Number.NaN;
      pending.sends++;
      this.#outbound.command(pending.command, pending.requestId, this.#sender);
    }
    this.#handler.onReady(again);
  }

  #sendQuery(name: QueryName, requestId: number): void {
    if (name === "instruments") this.#held ??= [];
    this.#outbound.query(name, requestId);
  }

  /** From here on messages wait until the answer is there. */
  #askForInstruments(): void {
    const { requestId, result } = this.#queries.add("instruments");
    result.catch(() => {}); // the session has ended, and says so itself
    this.#sendQuery("instruments", requestId);
  }

  #onMessage(): void {
    const reader = this.#reader;
    if (this.#held !== null) {
      const message = reader.isEvent ? null : reader.message();
      if (message?.type === "queryEnd" && message.query === "instruments") {
        this.#onInstruments(message, this.#held);
      } else if (message?.type === "error" && !this.#isReady) {
        throw new ClientError("connectionLost", String(message.message));
      } else this.#held.push(message ?? reader.keep());
    } else if (reader.isEvent && !reader.isDecodable) {
      this.#held = [reader.keep()];
      this.#askForInstruments();
    } else this.#take(reader.message());
  }

  /** The rows are the messages right before their end; all others have waited for them. */
  #onInstruments(end: Message, held: readonly KeptMessage[]): void {
    const firstRow = held.length - (end.rows as number);
    const rows = held.slice(firstRow).map((row) => this.#reader.kept(row));
    this.#queries.finish(end, rows);
    const more = this.#queries.has("instruments");
    this.#held = more ? [...held.slice(0, firstRow)] : null;
    if (more) return;
    if (!this.#isReady) this.#onReady();
    const connection = this.#connection;
    for (const kept of held.slice(0, firstRow)) {
      if (this.#connection !== connection) return;
      this.#take(this.#reader.kept(kept));
    }
  }

  #take(message: Message): void {
    switch (message.type) {
      case "heartbeat":
        this.#onComplete(message.lastSeq as number);
        break;
      case "completed":
        this.#acknowledge(message.requestId as number | undefined, message);
        break;
      case "duplicateRequest":
        this.#onDuplicate(message);
        break;
      case "error":
        this.#onError(message);
        break;
      case "serverShutdown":
        this.#handler.onServerShutdown();
        break;
      case "queryEnd":
        this.#queries.finish(message, null);
        break;
      case "openOrder":
      case "position":
      case "assetBalance":
        this.#queries.addRow(message);
        break;
      default:
        this.#onEvent(message);
    }
  }

  #onEvent(event: Message): void {
    const position = this.#position as StreamPosition;
    const { seq, requestId } = event;
    if (typeof seq !== "number" || typeof event.index !== "number") {
      throw new ClientError("protocolViolation", `the server sent ${event.type} without a place`);
    }
    if (!position.advance(seq, event.index)) return;
    this.#backOff.reset();
    this.#handler.onEvent(event);
    if (requestId === undefined) return;
    const pending = this.#pending.get(requestId as number);
    if (pending?.isAnsweredBy(event, this.#sender.account)) this.#answer(pending, event);
  }

  #acknowledge(requestId: number | undefined, answer: Message): void {
    const pending = requestId === undefined ? undefined : this.#pending.get(requestId);
    if (pending !== undefined) this.#answer(pending, answer);
  }

  #answer(pending: PendingCommand<Tag>, answer: Message | ClientError): void {
    const { requestId } = pending;
    this.#pending.delete(requestId);
    if (!Number.isNaN(pending.eventsBySeq)) this.#awaitingEvents--;
    if (!(answer instanceof ClientError) && requestId > this.#acknowledgedId) {
      this.#acknowledgedId = requestId;
    }
    this.#handler.onAnswer(pending.tag, answer);
  }

  #onDuplicate(message: Message): void {
    const pending = this.#pending.get(message.requestId as number);
    if (pending === undefined) return;
    if (pending.sends === 1) {
      // Somebody else has used the number.
      this.#answer(pending, message);
      return;
    }
    // It got there before the connection was lost: its events come, or have come already.
    pending.seq = (message.seq as number | undefined) ?? 0;
    const known = pending.seq > 0;
    pending.eventsBySeq = known ? pending.seq : (this.#loggedOn as LoggedOn).lastRequestSeq;
    this.#awaitingEvents++;
    if (pending.eventsBySeq <= this.#completeSeq) this.#settle(pending);
    else this.complete(pending.eventsBySeq).catch(() => {}); // the session has ended, and says so
  }

  /** The end of any answer says it, heartbeats too, but they come when they like. */
  async #askHowFar(): Promise<void> {
    this.#asked ??= this.query("positions");
    const { lastSeq } = await this.#asked;
    this.#asked = null;
    // Before the replay is through, it says nothing of what was sent.
    if (this.#completeSeq >= 0) this.#onComplete(lastSeq);
  }

  #onComplete(seq: number): void {
    // While it is still replaying the server says 0.
    if (seq < (this.#loggedOn as LoggedOn).lastSeq) return;
    this.#completeSeq = seq;
    if (Date.now() - this.#readySinceMs > STEADY_MS) this.#backOff.reset();
    if (this.#awaitingEvents === 0) return;
    for (const pending of [...this.#pending.values()]) {
      if (pending.eventsBySeq <= seq) this.#settle(pending);
    }
  }

  /** All events of its time have been seen, and none was its own. */
  #settle(pending: PendingCommand<Tag>): void {
    const { requestId, seq } = pending;
    if (pending.mayBeSilent && seq > 0) {
      this.#answer(pending, { type: "completed", requestId, seq });
      return;
    }
    const message = `the connection was lost before requestId ${requestId} was answered, and no event tells of it`;
    this.#answer(pending, new ClientError("outcomeUnknown", message));
  }

  #onError(message: Message): void {
    const reason = String(message.code);
    const request = message.request as Message | undefined;
    const error = new ClientError("refused", String(message.message), { reason });
    if (request !== undefined && this.#queries.fail(request, error)) return;
    const pending = this.#pending.get(request?.requestId as number);
    if (pending === undefined) {
      if (request === undefined && LAST_WORDS.has(reason)) this.#connection?.noteError(message);
      else this.#handler.onProblem(error);
    } else if (reason === "shuttingDown") {
      // Nothing is taken any more: it is sent again to the server that comes after.
    } else if (Number.isNaN(pending.eventsBySeq)) this.#answer(pending, error);
  }

  #onConnectionEnd({ error, canRetry }: ConnectionEnd): void {
    this.#connection = null;
    this.#isReady = false;
    this.#held = null;
    if (error.code === "resumeUnavailable") this.#resumeRefusals++;
    const mayRetry = this.#wasReady && canRetry && this.#resumeRefusals < RESUME_ATTEMPTS;
    const delayMs = mayRetry ? this.#backOff.next(Date.now(), Math.random()) : null;
    if (delayMs === null) {
      this.#end(error);
      this.#handler.onEnd(error);
      return;
    }
    this.#handler.onLost(error);
    if (this.#closed) return;
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
  }

  #end(error: ClientError): void {
    this.#closed = true;
    this.#isReady = false;
    this.#connection = null;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    for (const pending of [...this.#pending.values()]) this.#answer(pending, error);
    this.#queries.failAll(error);
  }
}

function closedError(): ClientError {
  return new ClientError("closed", "the client is closed");
}
