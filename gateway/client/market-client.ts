import { DecimalReader } from "../../protocol/decimal.ts";
import { Channel } from "../../protocol/generated/enums.ts";
import {
  RESUME_LENGTH,
  Resume,
  SUBSCRIBE_LENGTH,
  Subscribe,
} from "../../protocol/generated/session.ts";
import { SYMBOL_PATTERN } from "../../protocol/terms.ts";
import { BackOff, DEFAULT_RECONNECT, type ReconnectOptions } from "./back-off.ts";
import { ClientError } from "./errors.ts";
import { EventQueue } from "./event-queue.ts";
import { type BookChannel, type BookSizes, LocalBook } from "./local-book.ts";
import { MarketReader } from "./market-reader.ts";
import type { Message } from "./messages.ts";
import type { Encoding } from "./outbound.ts";
import type { ClientSocket, OpenSocket } from "./socket.ts";
import { marketUrl } from "./trade-url.ts";

export type MarketChannel = "l1" | "l2" | "l3" | "trades" | "status" | "indication";

export interface MarketClientOptions {
  /** The server: "ws://127.0.0.1:9001". */
  readonly url: string;
  /** Default: binary. */
  readonly encoding?: Encoding;
  readonly reconnect?: Partial<ReconnectOptions>;
  /** Updates that may wait in each iterator. Default 65,536. */
  readonly updateLimit?: number;
  /** Something is wrong that the client mends by itself, or cannot. */
  readonly onProblem?: (error: ClientError) => void;
  /** Default: what the platform has. */
  readonly openSocket?: OpenSocket;
}

/**
 * A message of a channel, for l2 and l3 once the checksum has agreed. The book is the live one: where
 * several messages wait to be read it is further on than `seq`, and `book.seq` says how far.
 */
export interface MarketUpdate {
  readonly channel: MarketChannel;
  readonly symbol: string;
  readonly seq: number;
  /** Of l2 and l3 with many rows: the last part. */
  readonly message: Message;
  readonly book?: LocalBook;
}

const CHANNELS: ReadonlySet<string> = new Set(["l1", "l2", "l3", "trades", "status", "indication"]);
const DEFAULT_UPDATE_LIMIT = 65_536;

interface Wish {
  readonly channel: MarketChannel;
  readonly symbol: string;
  readonly book: LocalBook | null;
}

/**
 * A client of /v1/market: updates as an async iterator, books that are checked against the server's
 * after every update. It reconnects by itself and asks for what it has missed.
 */
export class PortableMarketClient {
  readonly #options: MarketClientOptions;
  readonly #openSocket: OpenSocket;
  readonly #url: string;
  readonly #backOff: BackOff;
  readonly #wishes = new Map<string, Wish>();
  readonly #sizes = new Map<string, BookSizes>();
  readonly #queues = new Set<EventQueue<MarketUpdate>>();
  readonly #waiting = new Map<LocalBook, (() => void)[]>();
  /** Books that a new snapshot was asked for. */
  readonly #mending = new Set<LocalBook>();
  #reader = new MarketReader();
  #socket: ClientSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isOpen = false;
  #isClosed = false;

  /** Throws a ClientError ("invalidUrl"). Connects with the first wish. */
  constructor(options: MarketClientOptions, openSocket: OpenSocket) {
    this.#options = options;
    this.#openSocket = options.openSocket ?? openSocket;
    this.#url = marketUrl(options.url, options.encoding ?? "binary");
    this.#backOff = new BackOff({ ...DEFAULT_RECONNECT, ...options.reconnect });
  }

  /** Asks for a channel of one symbol; its updates come by `updates`. */
  subscribe(channel: MarketChannel, symbol: string): void {
    if (channel === "l2" || channel === "l3") this.book(symbol, channel);
    else this.#wish({ channel, symbol, book: null });
  }

  /** The whole book, kept up to date; the same one for the same symbol and channel. */
  book(symbol: string, channel: BookChannel = "l2"): LocalBook {
    const known = this.#wishes.get(`${channel} ${symbol}`)?.book;
    if (known !== undefined && known !== null) return known;
    const book = new LocalBook(symbol, channel);
    // Its sizes come first: they say what a price is in ticks.
    this.#wish({ channel: "status", symbol, book: null });
    this.#wish({ channel, symbol, book });
    return book;
  }

  /** Resolves when the book agrees with the server's as of this seq or a later one. */
  reached(book: LocalBook, seq = 0): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (book.seq >= seq) resolve();
        else this.#await(book, check);
      };
      check();
    });
  }

  /** Updates from the call on. A reader who is too slow gets those that wait, then `eventsOverflow`. */
  updates(): AsyncIterableIterator<MarketUpdate> {
    const limit = this.#options.updateLimit ?? DEFAULT_UPDATE_LIMIT;
    const queue: EventQueue<MarketUpdate> = new EventQueue(limit, () => this.#queues.delete(queue));
    if (this.#isClosed) queue.end(null);
    else this.#queues.add(queue);
    return queue;
  }

  close(): void {
    this.#end(null);
    this.#socket?.close();
    this.#socket = null;
  }

  #await(book: LocalBook, check: () => void): void {
    const checks = this.#waiting.get(book);
    if (checks === undefined) this.#waiting.set(book, [check]);
    else checks.push(check);
  }

  #wish(wish: Wish): void {
    const key = `${wish.channel} ${wish.symbol}`;
    if (this.#wishes.has(key)) return;
    this.#wishes.set(key, wish);
    if (this.#socket === null) this.#connect();
    else if (this.#isOpen) this.#ask(wish);
  }

  #connect(): void {
    if (this.#isClosed || this.#timer !== null) return;
    this.#reader = new MarketReader();
    this.#mending.clear();
    this.#isOpen = false;
    const socket = this.#openSocket(this.#url, {
      onOpen: () => {
        if (this.#socket !== socket) return;
        this.#isOpen = true;
        for (const wish of this.#wishes.values()) this.#ask(wish);
      },
      onMessage: (frame) => {
        if (this.#socket === socket) this.#onFrame(frame);
      },
      onClose: (code, problem) => {
        if (this.#socket === socket) this.#onClose(code, problem);
      },
    });
    this.#socket = socket;
  }

  /** A book that is known goes on from there. */
  #ask({ channel, symbol, book }: Wish): void {
    const afterSeq = book === null || !book.isCurrent ? -1 : book.seq;
    if (this.#options.encoding !== "json") {
      this.#socket?.send(askInBinary(channel, symbol, afterSeq));
      return;
    }
    const message =
      afterSeq < 0
        ? { type: "subscribe", channel, symbol }
        : { type: "resume", channel, symbol, afterSeq };
    this.#socket?.send(JSON.stringify(message));
  }

  #onFrame(frame: string | Uint8Array): void {
    try {
      for (const message of this.#reader.read(frame)) this.#onMessage(message);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#options.onProblem?.(error);
      this.#socket?.terminate();
    }
  }

  #onMessage(message: Message): void {
    const { type, symbol } = message;
    this.#backOff.reset();
    if (type === "error") {
      const reason = message.code as string;
      const words = message.message as string;
      this.#options.onProblem?.(new ClientError("refused", words, { reason }));
      return;
    }
    if (!CHANNELS.has(type)) return;
    if (type === "status") this.#learn(message);
    const wish = this.#wishes.get(`${type} ${symbol}`) ?? this.#wishes.get(`${type} *`);
    if (wish === undefined) return;
    if (wish.book === null) this.#tell(wish, message);
    else this.#onBook(wish, wish.book, message);
  }

  #onBook(wish: Wish, book: LocalBook, message: Message): void {
    const isBeginning = message.snapshot === true && (message.part ?? 1) === 1;
    // What was on its way when the new snapshot was asked for.
    if (this.#mending.has(book) && !isBeginning) return;
    this.#mending.delete(book);
    const sizes = this.#sizes.get(book.symbol);
    const outcome = sizes === undefined ? "broken" : book.apply(message, sizes);
    if (outcome === "partial") return;
    if (outcome === "current") {
      this.#tell(wish, message, book);
      const checks = this.#waiting.get(book) ?? [];
      this.#waiting.delete(book);
      for (const check of checks) check();
      return;
    }
    const what = `the book ${book.channel} of ${book.symbol} is not the server's at ${message.seq}`;
    this.#options.onProblem?.(new ClientError("bookMismatch", what));
    this.#mending.add(book);
    this.#ask(wish);
  }

  #learn({ symbol, tickSize, lotSize }: Message): void {
    const read = (text: unknown) => {
      const reader = new DecimalReader();
      if (!reader.read(text as string)) {
        throw new ClientError("protocolViolation", "the server sent a size that is no decimal");
      }
      return { value: reader.value, scale: reader.scale };
    };
    this.#sizes.set(symbol as string, { tickSize: read(tickSize), lotSize: read(lotSize) });
  }

  #tell({ channel }: Wish, message: Message, book?: LocalBook): void {
    const [seq, symbol] = [message.seq as number, message.symbol as string];
    const update = { channel, symbol, seq, message, ...(book === undefined ? {} : { book }) };
    for (const queue of this.#queues) if (!queue.push(update)) this.#queues.delete(queue);
  }

  #onClose(code: number, problem: string): void {
    this.#socket = null;
    this.#isOpen = false;
    const delayMs = this.#backOff.next(Date.now(), Math.random());
    const words = problem || `the connection was closed with ${code}`;
    const error = new ClientError("connectionLost", words);
    this.#options.onProblem?.(error);
    if (delayMs === null) {
      this.#end(error);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#connect();
    }, delayMs);
  }

  #end(error: ClientError | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const queue of this.#queues) queue.end(error);
    this.#queues.clear();
  }
}

/** afterSeq: below 0 for a snapshot. Throws a ClientError ("refused") for a symbol that cannot be. */
function askInBinary(channel: MarketChannel, symbol: string, afterSeq: number): Uint8Array {
  if (symbol !== "*" && !SYMBOL_PATTERN.test(symbol)) {
    throw new ClientError("refused", `${JSON.stringify(symbol)} is no symbol`);
  }
  const bytes = new Uint8Array(afterSeq < 0 ? SUBSCRIBE_LENGTH : RESUME_LENGTH);
  const record = afterSeq < 0 ? new Subscribe() : new Resume();
  record.wrap(new DataView(bytes.buffer), 0);
  record.clear();
  record.channel = Channel[channel];
  record.symbol = symbol;
  if (record instanceof Resume) record.afterSeq = afterSeq;
  return bytes;
}
