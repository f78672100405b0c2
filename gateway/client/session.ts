import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { BackOff } from "./back-off.ts";
import type { ClientCommand } from "./commands.ts";
import { Connection, type ConnectionEnd } from "./connection.ts";
import { ClientError } from "./errors.ts";
import { type KeptMessage, MessageReader } from "./message-reader.ts";
import type { LoggedOn, Message, Position, QueryName, QueryResult } from "./messages.ts";
import { Outbound, type Sender } from "./outbound.ts";
import { PendingCommands } from "./pending-commands.ts";
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
  readonly #directory = new InstrumentDirectory();
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
  /** Or does not need them: with JSON nobody converts anything here. */
  #hasInstruments: boolean;
  #isForInstruments = false;
  #readySinceMs = 0;
  #loggedOn: LoggedOn | null = null;
  #sender: Sender = { account: 0, admin: false };
  #position: StreamPosition | null;
  /** All events of commands up to here have been seen on this connection; −1: not said yet. */
  #completeSeq = -1;
  #asked: Promise<QueryResult> | null = null;
  /** What is being asked for, on this connection. */
  #awaitedSeq = 0;
  #resumeRefusals = 0;
  readonly #pending: PendingCommands<Tag>;
  readonly #queries = new PendingQueries();
  /** Not null while the definitions of instruments are asked for: what comes waits for them. */
  #held: KeptMessage[] | null = null;

  constructor(options: SessionOptions, handler: SessionHandler<Tag>) {
    this.#options = options;
    this.#handler = handler;
    this.#outbound = new Outbound(options.encoding, this.#directory);
    this.#pending = new PendingCommands((tag, answer) => handler.onAnswer(tag, answer));
    this.#reader = new MessageReader(this.#directory);
    this.#backOff = new BackOff(options.reconnect);
    this.#position = options.resumeAfter && new StreamPosition(options.resumeAfter);
    this.#hasInstruments = options.encoding === "json";
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
    return this.#pending.count;
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
    const { lastRequestId } = this.#pending;
    const requestId = command.requestId ?? lastRequestId + 1;
    const isNew = requestId > lastRequestId;
    if (this.#isReady && isNew) this.#outbound.command(command, requestId, this.#sender);
    else this.#outbound.check(command, this.#sender);
    if (!isNew) return 0;
    const pending = this.#pending.add(requestId, command, tag);
    if (this.#isReady) pending.sends = 1;
    return requestId;
  }

  /** Rejects with a ClientError. */
  query(name: QueryName): Promise<QueryResult> {
    if (this.#closed) return Promise.reject(closedError());
    const result = this.#queries.add(name);
    if (this.#isReady) this.#sendQueries();
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
    const { url, key, openSocket } = this.#options;
    // What is replayed can be read only with the instruments, which the server tells after it: so
    // the first connection is for them alone.
    const isForEvents = this.#hasInstruments || this.#position === null;
    this.#completeSeq = -1;
    this.#awaitedSeq = 0;
    this.#queries.restart();
    const connection = new Connection(
      {
        url,
        key,
        openSocket,
        cancelOnDisconnect: isForEvents && this.#options.cancelOnDisconnect,
        resumeAfter: isForEvents ? (this.#position?.resume() ?? null) : null,
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
    const { account, role, lastSeq } = message;
    this.#pending.onLoggedOn(message);
    this.#loggedOn = message;
    this.#sender = { account, admin: role === "admin" };
    this.#isForInstruments = !this.#hasInstruments && this.#position !== null;
    this.#position ??= StreamPosition.behind(lastSeq);
    this.#resumeRefusals = 0;
    if (this.#hasInstruments) this.#onReady();
    else this.#askForInstruments();
  }

  #onReady(): void {
    const again = this.#wasReady;
    this.#isReady = true;
    this.#wasReady = true;
    this.#readySinceMs = Date.now();
    this.#connection?.ready();
    for (const pending of this.#pending.all()) {
      pending.sends++;
      this.#outbound.command(pending.command, pending.requestId, this.#sender);
    }
    this.#sendQueries();
    this.#handler.onReady(again);
  }

  #sendQueries(): void {
    const query = this.#queries.take();
    if (query === null) return;
    if (query.name === "instruments") this.#held ??= [];
    this.#outbound.query(query.name, query.requestId);
  }

  /** From here on messages wait until the answer is there. */
  #askForInstruments(): void {
    this.#held ??= [];
    this.#queries.add("instruments").catch(() => {}); // the session has ended, and says so itself
    this.#sendQueries();
  }

  #onMessage(): void {
    const reader = this.#reader;
    if (reader.isEvent) {
      if (this.#held === null && !reader.isDecodable) this.#askForInstruments();
      if (this.#held === null) this.#onEvent(reader.message());
      else this.#held.push(reader.keep());
      return;
    }
    const message = reader.message();
    const isAnswer = message.type === "queryEnd" || message.type === "error";
    const query = isAnswer ? this.#queries.ended(message) : null;
    if (this.#held === null) this.#take(message);
    else if (query?.name !== "instruments") this.#held.push(message);
    else if (message.type === "queryEnd") this.#onInstruments(message, this.#held);
    else throw new ClientError("connectionLost", String(message.message));
    if (query !== null && this.#isReady) this.#sendQueries();
  }

  /** The rows are the messages right before their end; all others have waited for them. */
  #onInstruments(end: Message, held: readonly KeptMessage[]): void {
    const firstRow = held.length - (end.rows as number);
    this.#queries.finish(
      end,
      held.slice(firstRow).map((row) => this.#reader.kept(row)),
    );
    this.#held = null;
    this.#hasInstruments = true;
    if (this.#isForInstruments) {
      this.#connection?.close();
      this.#connect();
      return;
    }
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
        this.#pending.onCompleted(message);
        break;
      case "receipt":
        this.#handler.onReceipt?.(message);
        break;
      case "duplicateRequest":
        this.#pending.onDuplicate(message, this.#completeSeq);
        this.#awaitRecorded();
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
    const { seq, index } = event;
    if (typeof seq !== "number" || typeof index !== "number") {
      throw new ClientError("protocolViolation", `the server sent ${event.type} without a place`);
    }
    if (!position.advance(seq, index)) return;
    this.#backOff.reset();
    this.#handler.onEvent(event);
    this.#pending.onEvent(event, this.#sender.account);
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
    this.#pending.onComplete(seq);
  }

  #onError(message: Message): void {
    const reason = String(message.code);
    const request = message.request as Message | undefined;
    const error = new ClientError("refused", String(message.message), { reason });
    if (this.#queries.fail(message, error)) return;
    const requestId = request?.requestId;
    if (this.#pending.onError(requestId, error, this.#completeSeq)) this.#awaitRecorded();
    else if (request === undefined && LAST_WORDS.has(reason)) this.#connection?.noteError(message);
    else this.#handler.onProblem(error);
  }

  /** Commands that the server had before: their events come, or have come already. */
  #awaitRecorded(): void {
    const seq = this.#pending.recordedSeq;
    if (seq <= this.#awaitedSeq) return;
    this.#awaitedSeq = seq;
    this.complete(seq).catch(() => {}); // the session has ended, and says so itself
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
    this.#pending.failAll(error);
    this.#queries.failAll(error);
  }
}

function closedError(): ClientError {
  return new ClientError("closed", "the client is closed");
}
