// One connection to /v1/trade, from the challenge to the close.
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import type { FlowCommand } from "./order-flow.ts";
import { type Key, type Message, type Position, type QueryName, sign, type Wire } from "./wire.ts";
import { parseText } from "./wire-json.ts";
import { parseRecords } from "./wire-records.ts";

export interface SessionOptions {
  readonly url: string;
  readonly key: Key;
  readonly wire: Wire;
  readonly cancelOnDisconnect: boolean;
  readonly resumeAfter: Position | null;
  /** Everything after the logon. */
  readonly onMessage: (message: Message) => void;
}

export class LogonFailed extends Error {
  readonly code = "logonFailed";
  /** The server is alive, and has no room at the moment. */
  readonly isForNow: boolean;

  constructor(message: string, isForNow = false) {
    super(message);
    this.isForNow = isForNow;
  }
}

const LOGON_TIMEOUT_MS = 10_000;
/** A small ring is full for moments, and no logon gets its place in it then. */
const LOGON_PAUSE_MS = 20;

export class TradeSession {
  readonly loggedOn: Message;
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #wire: Wire;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(socket: WebSocket, wire: Wire, loggedOn: Message, closed: Promise<void>) {
    this.#socket = socket;
    this.#wire = wire;
    this.loggedOn = loggedOn;
    this.closed = closed;
    const everyMs = Math.max(50, Number(loggedOn.heartbeatInterval) / 2);
    this.#heartbeat = setInterval(() => this.#send(wire.heartbeat()), everyMs);
    void closed.then(() => clearInterval(this.#heartbeat));
  }

  /**
   * Logs on, again where the server says that it takes no logons just now. Throws LogonFailed where
   * the connection ends before that, however it does.
   */
  static async open(options: SessionOptions): Promise<TradeSession> {
    const deadline = performance.now() + LOGON_TIMEOUT_MS;
    for (;;) {
      try {
        return await TradeSession.#open(options);
      } catch (error) {
        const mayRetry = error instanceof LogonFailed && error.isForNow;
        if (!mayRetry || performance.now() > deadline) throw error;
        await sleep(LOGON_PAUSE_MS);
      }
    }
  }

  static async #open(options: SessionOptions): Promise<TradeSession> {
    const { key, wire } = options;
    const socket = new WebSocket(tradeUrl(options.url), { perMessageDeflate: false });
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    let deliver: ((message: Message) => void) | null = null;
    const loggedOn = new Promise<Message>((resolve, reject) => {
      const fail = (why: string, isForNow = false) =>
        reject(new LogonFailed(`${key.keyId}: ${why}`, isForNow));
      const timer = setTimeout(() => fail("no answer to the logon"), LOGON_TIMEOUT_MS);
      socket.on("error", (error) => fail(error.message));
      socket.on("close", (code, reason) => fail(`closed with ${code} ${reason.toString()}`));
      void closed.then(() => clearTimeout(timer));
      socket.on("message", (data: Buffer, isBinary: boolean) => {
        const messages = isBinary ? parseRecords(data) : parseText(data.toString("utf8"));
        for (const message of messages) {
          if (deliver !== null) deliver(message);
          else if (message.type === "challenge") socket.send(logonFrame(options, message));
          else if (message.type === "loggedOn") {
            clearTimeout(timer);
            deliver = options.onMessage;
            resolve(message);
          } else fail(JSON.stringify(message), message.code === "overloaded");
        }
      });
    });
    try {
      return new TradeSession(socket, wire, await loggedOn, closed);
    } catch (error) {
      socket.terminate();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(requestId: number, command: FlowCommand): void {
    this.#send(this.#wire.command(requestId, command));
  }

  query(name: QueryName): void {
    this.#send(this.#wire.query(name));
  }

  /** Any JSON command, for the set-up. */
  sendObject(command: object): void {
    this.#send(JSON.stringify(command));
  }

  async close(): Promise<void> {
    this.#socket.close(1000);
    await this.closed;
  }

  #send(frame: string | Uint8Array): void {
    // A frame that cannot leave any more is a command without an answer: it will be sent again.
    if (this.isOpen) this.#socket.send(frame, () => undefined);
  }
}

function tradeUrl(url: string): string {
  const trade = new URL("/v1/trade", url);
  trade.protocol = trade.protocol === "https:" || trade.protocol === "wss:" ? "wss:" : "ws:";
  return trade.href;
}

function logonFrame(options: SessionOptions, challenge: Message): string | Uint8Array {
  const { key, wire, cancelOnDisconnect, resumeAfter } = options;
  const timestamp = Number(challenge.serverTime);
  const signature = sign(key, String(challenge.challenge), timestamp);
  const { keyId } = key;
  return wire.logon({ keyId, timestamp, signature, cancelOnDisconnect, resumeAfter });
}
