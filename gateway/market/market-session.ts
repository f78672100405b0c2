import { Channel, ErrorCode } from "../../protocol/generated/enums.ts";
import {
  HEARTBEAT_TEMPLATE_ID,
  SUBSCRIBE_TEMPLATE_ID,
  SUBSCRIBED_LENGTH,
  Subscribe,
  Subscribed,
  UNSUBSCRIBE_TEMPLATE_ID,
} from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { CommandError, invalid } from "../../protocol/json/errors.ts";
import { checkFieldNames, type JsonObject, stringField } from "../../protocol/json/fields.ts";
import { parseJson, shorten } from "../../protocol/json/parse.ts";
import { checkRecord, messageLength } from "../../protocol/record-check.ts";
import type { Clock } from "../clock.ts";
import { Messenger, NO_REQUEST, type RequestNames } from "../messages/messenger.ts";
import { CloseCode } from "../trade/close-codes.ts";
import type { RateBudget, TokenBucket } from "../trade/rate-limits.ts";
import { sayHeartbeat, sayShutdown } from "../trade/session-voice.ts";
import { Outbox } from "../transport/outbox.ts";
import type { SocketHandler, TransportSocket } from "../transport/transport.ts";

const subscribe = new Subscribe();
const subscribed = new Subscribed();

const SUBSCRIBE_FIELDS: ReadonlySet<string> = new Set(["type", "channel", "symbol"]);
const HEARTBEAT_FIELDS: ReadonlySet<string> = new Set(["type", "lastSeq", "serverTime"]);
/** A client that has this much unread gets merged updates from then on. */
const SLOW_BYTES = 16 * 1024;

export interface MarketOptions {
  readonly heartbeatIntervalMs: number;
  readonly maxMessageBytes: number;
  /** Bytes that may wait for a slow client before it is closed. */
  readonly maxSendBufferBytes: number;
}

/** What a session asks of the endpoint. Throws CommandErrors. */
export interface MarketHost {
  /** symbol: "*" for all. */
  subscribe(session: MarketSession, channel: Channel, symbol: string): void;
  unsubscribe(session: MarketSession, channel: Channel, symbol: string): void;
  needsFlush(session: MarketSession): void;
  /** It reads again: what it has missed may be told in one piece. */
  onCaughtUp(session: MarketSession): void;
  onEnd(session: MarketSession): void;
  completeSeq(): number;
  onUnexpected(error: unknown): void;
}

/** One client on /v1/market. */
export class MarketSession implements SocketHandler {
  readonly messenger: Messenger;
  isFlushPending = false;
  /** What it gets is merged until it has read what waits. */
  isSlow = false;
  readonly #socket: TransportSocket;
  readonly #options: MarketOptions;
  readonly #host: MarketHost;
  readonly #clock: Clock;
  readonly #budget: RateBudget;
  readonly #addressBudget: RateBudget;
  readonly #errors: TokenBucket;
  #lastHeardMs: number;
  #lastHeartbeatMs: number;

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
    this.messenger.isBinary = isBinary;
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
  }

  #takeText(data: Uint8Array): void {
    this.#guarded(() => {
      const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8");
      const json = parseJson(text);
      if (typeof json !== "object" || json === null || Array.isArray(json)) {
        throw new CommandError("malformed", "a message is a JSON object");
      }
      this.#takeJson(json as JsonObject);
    }, NO_REQUEST);
  }

  #takeJson(json: JsonObject): void {
    const type = stringField("type", json.type);
    if (type === "heartbeat") {
      checkFieldNames(json, HEARTBEAT_FIELDS, type);
      return;
    }
    if (type !== "subscribe" && type !== "unsubscribe") {
      const known = "subscribe, unsubscribe and heartbeat";
      throw invalid(`unknown type ${JSON.stringify(shorten(type))}; there are ${known}`);
    }
    checkFieldNames(json, SUBSCRIBE_FIELDS, type);
    const name = stringField("channel", json.channel);
    const symbol = stringField("symbol", json.symbol);
    const channel = Object.hasOwn(Channel, name) ? Channel[name as keyof typeof Channel] : 0;
    if (type === "subscribe") this.#host.subscribe(this, channel, symbol);
    else this.#host.unsubscribe(this, channel, symbol);
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
      this.#guarded(() => this.#takeRecord(view, offset, templateId), {
        ...NO_REQUEST,
        templateId,
      });
      at += length;
    } while (at < view.byteLength && this.#socket.isOpen);
  }

  #takeRecord(view: DataView, at: number, templateId: number): void {
    const wrong = checkRecord(view, at);
    if (wrong !== null) throw new CommandError("malformed", wrong);
    if (templateId === HEARTBEAT_TEMPLATE_ID) return;
    if (templateId !== SUBSCRIBE_TEMPLATE_ID && templateId !== UNSUBSCRIBE_TEMPLATE_ID) {
      throw new CommandError("malformed", `template ${templateId} is not for clients to send here`);
    }
    // Both have the same layout.
    subscribe.wrap(view, at);
    const { channel, symbol } = subscribe;
    if (templateId === SUBSCRIBE_TEMPLATE_ID) this.#host.subscribe(this, channel, symbol);
    else this.#host.unsubscribe(this, channel, symbol);
  }

  #guarded(action: () => void, names: RequestNames): void {
    const nowMs = this.#lastHeardMs;
    if (!this.#budget.take(false, nowMs) || !this.#addressBudget.take(false, nowMs)) {
      this.#sayError(ErrorCode.rateLimited, "too many messages; try again later", names);
      return;
    }
    try {
      action();
    } catch (error) {
      if (error instanceof MarketError) this.#sayError(error.errorCode, error.message, names);
      else if (error instanceof CommandError) {
        this.#sayError(ErrorCode[error.code], error.message, names);
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

  tick(nowMs: number): void {
    if (this.isSlow) this.onDrain();
    if (nowMs - this.#lastHeartbeatMs < this.#options.heartbeatIntervalMs) return;
    this.#lastHeartbeatMs = nowMs;
    sayHeartbeat(this.messenger, this.#host.completeSeq(), this.#clock.nowUs());
    this.flush();
  }

  flush(): void {
    const { outbox } = this.messenger;
    outbox.flush();
    if (!this.#socket.isOpen) return;
    const waiting = outbox.waitingBytes;
    this.isSlow = waiting > SLOW_BYTES;
    if (waiting > this.#options.maxSendBufferBytes) {
      this.close(ErrorCode.slowConsumer, "the client reads too slowly", CloseCode.tryAgain);
    }
  }

  onDrain(): void {
    const wasSlow = this.isSlow;
    this.flush();
    if (wasSlow && !this.isSlow) this.#host.onCaughtUp(this);
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

/** A subscription that cannot be. */
export class MarketError extends Error {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}
