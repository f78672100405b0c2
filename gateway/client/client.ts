import { CommandError } from "../../protocol/json/errors.ts";
import { DEFAULT_RECONNECT, type ReconnectOptions } from "./back-off.ts";
import type { ClientKey } from "./client-key.ts";
import type { ClientCommand } from "./commands.ts";
import { ClientError } from "./errors.ts";
import { EventQueue } from "./event-queue.ts";
import type {
  ClientEvent,
  LoggedOn,
  Outcome,
  Position,
  QueryName,
  QueryResult,
  Receipt,
} from "./messages.ts";
import type { Encoding } from "./outbound.ts";
import { Session } from "./session.ts";
import type { OpenSocket } from "./socket.ts";
import { tradeUrl } from "./trade-url.ts";

/**
 * `connecting` until the first logon, `ready`, `reconnecting` after a loss (commands wait),
 * `closed` for good.
 */
export type ClientState = "connecting" | "ready" | "reconnecting" | "closed";

export interface ClientOptions {
  /** The server: "ws://127.0.0.1:9001". */
  readonly url: string;
  /** What `crossbook keys create` printed, or something else that signs. */
  readonly key: string | ClientKey;
  /** Default: binary. */
  readonly encoding?: Encoding;
  /** Default false: orders stay when the connection is lost. */
  readonly cancelOnDisconnect?: boolean;
  /** Events behind this position come first. Default: events from now on. */
  readonly resumeAfter?: Position;
  readonly reconnect?: Partial<ReconnectOptions>;
  /** Events that may wait in each iterator. Default 65,536. */
  readonly eventLimit?: number;
  /** error: why the connection was lost, or the client closed. */
  readonly onState?: (state: ClientState, error: ClientError | null) => void;
  /** The server says that it is about to stop; the connection will be lost, and tried again. */
  readonly onServerShutdown?: () => void;
  /** Receipts of commands that `send` was given with `receipt`. */
  readonly onReceipt?: (receipt: Receipt) => void;
  /** An error that belongs to no command of ours. */
  readonly onProblem?: (error: ClientError) => void;
  /** Default: what the platform has. */
  readonly openSocket?: OpenSocket;
}

/** What differs between Node and a browser. */
export interface ClientPlatform {
  readonly openSocket: OpenSocket;
  /** Throws a ClientError ("invalidKey"). */
  parseKey(text: string): ClientKey;
}

/** The receipt is null where the connection was lost before it came, or nothing was carried out. */
export interface OutcomeWithReceipt {
  readonly outcome: Outcome;
  readonly receipt: Receipt | null;
}

interface Waiting {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: ClientError) => void;
}

const DEFAULT_EVENT_LIMIT = 65_536;

/**
 * A client of /v1/trade: commands as promises, events as an async iterator. It reconnects by itself;
 * nothing is lost and nothing done twice. Errors are ClientErrors.
 */
export class PortableClient {
  readonly #session: Session<Waiting>;
  readonly #options: ClientOptions;
  readonly #queues = new Set<EventQueue<ClientEvent>>();
  /** By requestId. */
  readonly #receipts = new Map<number, (receipt: Receipt | null) => void>();
  #state: ClientState = "connecting";
  #opened: Promise<LoggedOn> | null = null;
  #connected: {
    resolve: (message: LoggedOn) => void;
    reject: (error: ClientError) => void;
  } | null = null;

  /** Throws a ClientError ("invalidKey", "invalidUrl"). Does nothing until `connect`. */
  constructor(options: ClientOptions, platform: ClientPlatform) {
    const { key } = options;
    this.#options = options;
    this.#session = new Session<Waiting>(
      {
        url: tradeUrl(options.url),
        key: typeof key === "string" ? platform.parseKey(key) : key,
        encoding: options.encoding ?? "binary",
        cancelOnDisconnect: options.cancelOnDisconnect ?? false,
        resumeAfter: options.resumeAfter ?? null,
        reconnect: { ...DEFAULT_RECONNECT, ...options.reconnect },
        openSocket: options.openSocket ?? platform.openSocket,
      },
      {
        onReady: () => this.#onReady(),
        onEvent: (event) => this.#onEvent(event as unknown as ClientEvent),
        onAnswer: ({ resolve, reject }, answer) => {
          if (answer instanceof ClientError) reject(answer);
          else resolve(answer as unknown as Outcome);
        },
        onReceipt: (receipt) => this.#onReceipt(receipt as unknown as Receipt),
        onLost: (error) => {
          this.#forgetReceipts();
          this.#setState("reconnecting", error);
        },
        onServerShutdown: () => options.onServerShutdown?.(),
        onProblem: (error) => options.onProblem?.(error),
        onEnd: (error) => this.#onEnd(error),
      },
    );
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Of the last event seen: what a later client may resume after. Null before logon. */
  get position(): Position | null {
    return this.#session.position;
  }

  /** Resolves when commands can be sent. Rejects where the first attempt fails. */
  connect(): Promise<LoggedOn> {
    this.#opened ??= new Promise((resolve, reject) => {
      if (this.#state === "closed") {
        reject(new ClientError("closed", "the client is closed"));
        return;
      }
      this.#connected = { resolve, reject };
      this.#session.open();
    });
    return this.#opened;
  }

  /**
   * Resolves with the command's first event (`rejected` too: look at its type), `completed` where
   * there is none, or `duplicateRequest`. Rejects with `refused` where the server does not take it,
   * and with the reason why the client has ended. While the connection is lost it waits.
   */
  send(command: ClientCommand): Promise<Outcome> {
    return this.#send(command, () => undefined);
  }

  /** As `send`, and then says where the command's time went in the server. */
  async sendWithReceipt(command: ClientCommand): Promise<OutcomeWithReceipt> {
    let requestId = 0;
    let receipt: Promise<Receipt | null> = Promise.resolve(null);
    try {
      const outcome = await this.#send({ ...command, receipt: true }, (sent) => {
        requestId = sent;
        receipt = new Promise((resolve) => this.#receipts.set(sent, resolve));
      });
      if (outcome.type === "duplicateRequest") return { outcome, receipt: null };
      return { outcome, receipt: await receipt };
    } finally {
      this.#receipts.delete(requestId);
    }
  }

  #send(command: ClientCommand, onSent: (requestId: number) => void): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#state === "closed" || this.#state === "connecting") {
        reject(new ClientError("closed", `the client is ${this.#state}`));
        return;
      }
      try {
        const requestId = this.#session.send(command, { resolve, reject });
        if (requestId !== 0) {
          onSent(requestId);
          return;
        }
        resolve({ type: "duplicateRequest", requestId: command.requestId as number });
      } catch (error) {
        reject(error instanceof CommandError ? refused(error) : (error as Error));
      }
    });
  }

  /** Rows of what the key may see. Rejects with `refused`, or the reason why the client has ended. */
  query(name: QueryName): Promise<QueryResult> {
    return this.#session.query(name);
  }

  /**
   * Events from the call on, each once, in order; call it before `connect` to miss none. An iterator
   * that is not read in time ends with `eventsOverflow`, one of a client that has failed with the
   * reason, of a closed one without.
   */
  events(): AsyncIterableIterator<ClientEvent> {
    const queue: EventQueue<ClientEvent> = new EventQueue(
      this.#options.eventLimit ?? DEFAULT_EVENT_LIMIT,
      () => this.#queues.delete(queue),
    );
    if (this.#state === "closed") queue.end(null);
    else this.#queues.add(queue);
    return queue;
  }

  /** Commands without an answer get `closed`: whether they are done is not known. */
  close(): void {
    if (this.#state === "closed") return;
    this.#session.close();
    this.#connected?.reject(new ClientError("closed", "the client is closed"));
    this.#connected = null;
    this.#finish(null);
  }

  #onReady(): void {
    this.#setState("ready", null);
    this.#connected?.resolve(this.#session.loggedOn as LoggedOn);
    this.#connected = null;
  }

  #onEvent(event: ClientEvent): void {
    for (const queue of this.#queues) if (!queue.push(event)) this.#queues.delete(queue);
  }

  #onReceipt(receipt: Receipt): void {
    const resolve = this.#receipts.get(receipt.requestId ?? 0);
    if (resolve === undefined) this.#options.onReceipt?.(receipt);
    else resolve(receipt);
  }

  #forgetReceipts(): void {
    for (const resolve of this.#receipts.values()) resolve(null);
    this.#receipts.clear();
  }

  #onEnd(error: ClientError): void {
    this.#connected?.reject(error);
    this.#connected = null;
    this.#finish(error);
  }

  #finish(error: ClientError | null): void {
    this.#forgetReceipts();
    for (const queue of this.#queues) queue.end(error);
    this.#queues.clear();
    this.#setState("closed", error);
  }

  #setState(state: ClientState, error: ClientError | null): void {
    this.#state = state;
    this.#options.onState?.(state, error);
  }
}

function refused({ code, message }: CommandError): ClientError {
  return new ClientError("refused", message, { reason: code });
}
