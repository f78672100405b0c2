import { Channel, ErrorCode } from "../../protocol/generated/enums.ts";
import {
  HEARTBEAT_TEMPLATE_ID,
  RESUME_TEMPLATE_ID,
  Resume,
  SUBSCRIBE_TEMPLATE_ID,
  SUBSCRIBED_LENGTH,
  Subscribe,
  Subscribed,
  UNSUBSCRIBE_TEMPLATE_ID,
} from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { CommandError, invalid } from "../../protocol/json/errors.ts";
import {
  checkFieldNames,
  integerField,
  type JsonObject,
  stringField,
} from "../../protocol/json/fields.ts";
import { parseJson, shorten } from "../../protocol/json/parse.ts";
import { checkRecord, messageLength } from "../../protocol/record-check.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import type { Clock } from "../clock.ts";
import { checkHeartbeat } from "../messages/heartbeat.ts";
import { Messenger, NO_REQUEST, type RequestNames } from "../messages/messenger.ts";
import { CloseCode } from "../trade/close-codes.ts";
import type { RateBudget, TokenBucket } from "../trade/rate-limits.ts";
import { sayHeartbeat, sayShutdown } from "../trade/session-voice.ts";
import { Outbox } from "../transport/outbox.ts";
import type { SocketHandler, TransportSocket } from "../transport/transport.ts";
import type { Frame, Frames } from "./book-encoder.ts";
import type { Subscription } from "./subscriptions.ts";

const subscribe = new Subscribe();
const subscribed = new Subscribed();
const resume = new Resume();

const SUBSCRIBE_FIELDS: ReadonlySet<string> = new Set(["type", "channel", "symbol"]);
const RESUME_FIELDS: ReadonlySet<string> = new Set(["type", "channel", "symbol", "afterSeq"]);
/**
 * A slow session is looked at again so often, should the transport not say that it has read; each a
 * little later than the others, since a thousand may have become slow together.
 */
const LOOK_AGAIN_MS = 1_000;

export interface MarketOptions {
  readonly heartbeatIntervalMs: number;
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a slow client before it is closed. */
  readonly maxSendBufferBytes: number;
}

/** What a session asks of the endpoint. Throws CommandErrors. */
export interface MarketHost {
  /** A client that has more than this unread gets merged updates from then on. */
  readonly slowBytes: number;
  /** symbol: "*" for all. */
  subscribe(session: MarketSession, channel: Channel, symbol: string): void;
  unsubscribe(session: MarketSession, channel: Channel, symbol: string): void;
  /** symbol: one. */
  resume(session: MarketSession, channel: Channel, symbol: string, afterSeq: number): void;
  /** What it gets from now on is in another encoding. */
  onEncoding(session: MarketSession): void;
  needsFlush(session: MarketSession): void;
  /** It may read again: what it has missed may be told. */
  catchUp(session: MarketSession): void;
  /** It has been told everything up to the present. */
  isCurrent(session: MarketSession): boolean;
  onEnd(session: MarketSession): void;
  completeSeq(): number;
  onUnexpected(error: unknown): void;
}

/** One client on /v1/market. */
export class MarketSession implements SocketHandler {
  readonly messenger: Messenger;
  isFlushPending = false;
  /** Too much waits to be read. */
  isSlow = false;
  /** The topics that it has joined are those of the binary encoding. */
  topicsAreBinary = false;
  // Frames that are given to it one after the other as it reads, and what they belong to.
  #frames: Frames | null = null;
  #nextFrame = 0;
  #framesOf: Subscription | null = null;
  readonly #socket: TransportSocket;
  readonly #options: MarketOptions;
  readonly #host: MarketHost;
  readonly #clock: Clock;
  readonly #budget: RateBudget;
  readonly #addressBudget: RateBudget;
  readonly #errors: TokenBucket;
  #lastHeardMs: number;
  #lastHeartbeatMs: number;
  #nextLookMs = 0;

  constructor(
    socket: TransportSocket,
    isBinary: boolean,
    directory: InstrumentDirectory,
    options: MarketOptions,
    host: MarketHost,
    clock: Clock,
    budgets: { session: RateBudget; address: RateBudget; errors: TokenBucket },
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#host = host;
    this.#clock = clock;
    this.#budget = budgets.session;
    this.#addressBudget = budgets.address;
    this.#errors = budgets.errors;
    this.messenger = new Messenger(new Outbox(socket), directory, isBinary);
    this.#lastHeardMs = clock.nowMs();
    this.#lastHeartbeatMs = this.#lastHeardMs;
  }

  onMessage(data: Uint8Array, isBinary: boolean): void {
    this.#lastHeardMs = this.#clock.nowMs();
    if (this.messenger.isBinary !== isBinary) {
      this.messenger.isBinary = isBinary;
      this.#host.onEncoding(this);
    }
    if (data.byteLength > this.#options.maxMessageBytes) {
      const text = `at most ${this.#options.maxMessageBytes} bytes a frame`;
      this.close(ErrorCode.tooLarge, text, CloseCode.tooLarge);
      return;
    }
    try {
      if (isBinary) this.#takeBinary(data);
      else this.#takeText(data);
    } catch (error) {
      // Ours to mend, but one client's bytes must not stop the others.
      this.close(ErrorCode.malformed, "this could not be worked on", CloseCode.internalError);
      this.#host.onUnexpected(error);
    }
    this.flush();
    this.#host.catchUp(this);
  }

  #takeText(data: Uint8Array): void {
    let names: RequestNames = NO_REQUEST;
    const take = () => {
      const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8");
      const json = parseJson(text);
      if (typeof json !== "object" || json === null || Array.isArray(json)) {
        throw new CommandError("malformed", "a message is a JSON object");
      }
      names = namesOf(json as JsonObject);
      this.#takeJson(json as JsonObject);
    };
    this.#guarded(take, () => names);
  }

  #takeJson(json: JsonObject): void {
    const type = stringField("type", json.type);
    if (type === "heartbeat") {
      checkHeartbeat(json);
      return;
    }
    if (type !== "subscribe" && type !== "unsubscribe" && type !== "resume") {
      const known = "subscribe, unsubscribe, resume and heartbeat";
      throw invalid(`unknown type ${JSON.stringify(shorten(type))}; there are ${known}`);
    }
    checkFieldNames(json, type === "resume" ? RESUME_FIELDS : SUBSCRIBE_FIELDS, type);
    const name = stringField("channel", json.channel);
    const symbol = stringField("symbol", json.symbol);
    const channel = Object.hasOwn(Channel, name) ? Channel[name as keyof typeof Channel] : 0;
    if (type === "subscribe") this.#host.subscribe(this, channel, symbol);
    else if (type === "resume") {
      const afterSeq = integerField("afterSeq", json.afterSeq, 0, MAX_INTEGER);
      this.#host.resume(this, channel, symbol, afterSeq);
    } else this.#host.unsubscribe(this, channel, symbol);
  }

  #takeBinary(data: Uint8Array): void {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    let at = 0;
    do {
      const length = messageLength(view, at, view.byteLength);
      if (length === 0) {
        const what = `no message at byte ${at}; what comes after it in the frame is not read`;
        this.#sayError(ErrorCode.malformed, what, NO_REQUEST);
        return;
      }
      const offset = at;
      const templateId = view.getUint16(at + 2, true);
      const names = { ...NO_REQUEST, templateId };
      this.#guarded(
        () => this.#takeRecord(view, offset, templateId),
        () => names,
      );
      at += length;
    } while (at < view.byteLength && this.#socket.isOpen);
  }

  #takeRecord(view: DataView, at: number, templateId: number): void {
    const wrong = checkRecord(view, at);
    if (wrong !== null) throw new CommandError("malformed", wrong);
    if (templateId === HEARTBEAT_TEMPLATE_ID) return;
    if (templateId === RESUME_TEMPLATE_ID) {
      resume.wrap(view, at);
      this.#host.resume(this, resume.channel, resume.symbol, resume.afterSeq);
      return;
    }
    if (templateId !== SUBSCRIBE_TEMPLATE_ID && templateId !== UNSUBSCRIBE_TEMPLATE_ID) {
      throw new CommandError("malformed", `template ${templateId} is not for clients to send here`);
    }
    // Both have the same layout.
    subscribe.wrap(view, at);
    const { channel, symbol } = subscribe;
    if (templateId === SUBSCRIBE_TEMPLATE_ID) this.#host.subscribe(this, channel, symbol);
    else this.#host.unsubscribe(this, channel, symbol);
  }

  #guarded(action: () => void, names: () => RequestNames): void {
    const nowMs = this.#lastHeardMs;
    if (!this.#budget.take(false, nowMs) || !this.#addressBudget.take(false, nowMs)) {
      this.#sayError(ErrorCode.rateLimited, "too many messages; try again later", names());
      return;
    }
    try {
      action();
    } catch (error) {
      if (error instanceof MarketError) this.#sayError(error.errorCode, error.message, names());
      else if (error instanceof CommandError) {
        this.#sayError(ErrorCode[error.code], error.message, names());
      } else throw error;
    }
  }

  saySubscribed(channel: Channel, symbol: string, unsubscribed: boolean): void {
    const record = this.messenger.begin(subscribed, SUBSCRIBED_LENGTH);
    record.lastSeq = this.#host.completeSeq();
    record.channel = channel;
    record.unsubscribed = unsubscribed;
    record.symbol = symbol;
    this.messenger.finish(SUBSCRIBED_LENGTH);
  }

  sayShutdown(): void {
    sayShutdown(this.messenger, this.#host.completeSeq());
    this.flush();
  }

  join(topic: string): void {
    this.#socket.join(topic);
  }

  leave(topic: string): void {
    this.#socket.leave(topic);
  }

  /** A frame, after all that was said before. */
  say(frame: Frame): void {
    this.messenger.outbox.frame(frame);
    this.#host.needsFlush(this);
  }

  /** Frames of one message, given to it as it reads; only when those before have gone. */
  giveFrames(frames: Frames, subscription: Subscription): void {
    this.#frames = frames;
    this.#nextFrame = 0;
    this.#framesOf = subscription;
  }

  /** What of such frames is still here goes; null: any subscription's. Returns whose they were. */
  dropFrames(subscription: Subscription | null): Subscription | null {
    const owner = this.#framesOf;
    if (owner === null || (subscription !== null && owner !== subscription)) return null;
    this.#frames = null;
    this.#nextFrame = 0;
    this.#framesOf = null;
    return owner;
  }

  /** False: it reads too slowly for more, or is gone. */
  sendFrames(): boolean {
    for (;;) {
      this.flush();
      if (this.isSlow || !this.#socket.isOpen) return false;
      if (this.#frames === null || this.#nextFrame === this.#frames.length) break;
      this.messenger.outbox.frame(this.#frames.frame(this.#nextFrame++));
    }
    this.dropFrames(null);
    return true;
  }

  /** Makes the transport hand over what was published, so that `isSlow` says how it stands. */
  probe(): void {
    sayHeartbeat(this.messenger, 0, this.#clock.nowUs());
    this.flush();
  }

  tick(nowMs: number): void {
    if (this.isSlow) {
      // It would not read a heartbeat either.
      if (nowMs < this.#nextLookMs) return;
      this.#nextLookMs = nowMs + LOOK_AGAIN_MS * (1 + Math.random());
      this.onDrain();
      if (this.isSlow) return;
    }
    if (nowMs - this.#lastHeartbeatMs < this.#options.heartbeatIntervalMs) return;
    this.#lastHeartbeatMs = nowMs;
    const lastSeq = this.#host.isCurrent(this) ? this.#host.completeSeq() : 0;
    sayHeartbeat(this.messenger, lastSeq, this.#clock.nowUs());
    this.flush();
  }

  flush(): void {
    const { outbox } = this.messenger;
    outbox.flush();
    if (!this.#socket.isOpen) return;
    const waiting = outbox.waitingBytes;
    this.isSlow = waiting > this.#host.slowBytes;
    if (waiting > this.#options.maxSendBufferBytes) this.closeAsSlow();
  }

  closeAsSlow(): void {
    this.close(ErrorCode.slowConsumer, "the client reads too slowly", CloseCode.tryAgain);
  }

  onDrain(): void {
    this.flush();
    this.#host.catchUp(this);
  }

  onClose(): void {
    this.#host.onEnd(this);
  }

  /** Says why, then closes. */
  close(code: ErrorCode, text: string, closeCode: number): void {
    if (!this.#socket.isOpen) return;
    this.messenger.error(code, text);
    this.messenger.outbox.flush();
    this.#socket.close(closeCode, text.slice(0, 100));
  }

  #sayError(code: ErrorCode, text: string, names: RequestNames): void {
    if (!this.#socket.isOpen) return;
    if (!this.#errors.take(this.#lastHeardMs)) {
      this.close(ErrorCode.rateLimited, "too many errors", CloseCode.policy);
      return;
    }
    this.messenger.error(code, text, names);
  }
}

/** What an answer repeats of a message, so that who has several under way knows which one failed. */
function namesOf({ type, channel, symbol }: JsonObject): RequestNames {
  return {
    ...NO_REQUEST,
    ...(typeof type === "string" ? { type: shorten(type) } : {}),
    ...(typeof channel === "string" ? { channel: shorten(channel) } : {}),
    ...(typeof symbol === "string" ? { symbol: shorten(symbol) } : {}),
  };
}

/** A subscription that cannot be. */
export class MarketError extends Error {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}
