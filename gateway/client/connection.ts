import type { ClientKey } from "./client-key.ts";
import { ClientError, type ClientErrorCode } from "./errors.ts";
import type { MessageReader } from "./message-reader.ts";
import type { LoggedOn, Message, Position } from "./messages.ts";
import type { Outbound } from "./outbound.ts";
import type { ClientSocket, OpenSocket } from "./socket.ts";

/** From the first packet until the session is ready. */
const LOGON_TIMEOUT_MS = 15_000;
/** Heartbeats of the server that may be missing. */
const MISSED_HEARTBEATS = 3;

/** Why a connection ended. */
export interface ConnectionEnd {
  readonly error: ClientError;
  /** Whether another attempt may do better. */
  readonly canRetry: boolean;
}

export interface ConnectionHandler {
  onLoggedOn(message: LoggedOn): void;
  /** The reader stands at a message. A ClientError that this throws ends the connection. */
  onMessage(): void;
  /** Once, last; not after `close`. */
  onEnd(end: ConnectionEnd): void;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly key: ClientKey;
  readonly cancelOnDisconnect: boolean;
  readonly resumeAfter: Position | null;
  readonly openSocket: OpenSocket;
  readonly outbound: Outbound;
  readonly reader: MessageReader;
}

/** One WebSocket's life: logged on by challenge, kept alive by heartbeats, ended for a reason. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #handler: ConnectionHandler;
  readonly #socket: ClientSocket;
  #isLoggedOn = false;
  #ended = false;
  /** The server's last words. */
  #lastError: Message | null = null;
  #failure: ClientError | null = null;
  #lastHeardMs = 0;
  #heartbeat: ReturnType<typeof setInterval> | null = null;
  readonly #logonTimeout: ReturnType<typeof setTimeout>;

  constructor(options: ConnectionOptions, handler: ConnectionHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#socket = options.openSocket(options.url, {
      onMessage: (frame) => this.#onFrame(frame),
      onClose: (code, problem) => this.#onClose(code, problem),
    });
    options.outbound.attach(this.#socket);
    this.#logonTimeout = setTimeout(
      () => this.#fail("connectFailed", `no logon within ${LOGON_TIMEOUT_MS / 1000} s`),
      LOGON_TIMEOUT_MS,
    );
  }

  /** All is there that the session needs to begin. */
  ready(): void {
    clearTimeout(this.#logonTimeout);
  }

  /** The server said that something is wrong, and not with a request. */
  noteError(message: Message): void {
    this.#lastError = message;
  }

  /** Ends the connection for a reason of our own; `onEnd` follows. */
  cut(error: ClientError): void {
    if (this.#ended) return;
    this.#failure ??= error;
    this.#socket.terminate();
  }

  /** Says good-bye; nothing is heard from it any more. */
  close(): void {
    if (this.#ended) return;
    this.#finish();
    this.#options.outbound.flush();
    this.#socket.close();
    this.#options.outbound.attach(null);
  }

  #onFrame(frame: string | Uint8Array): void {
    if (this.#ended) return;
    this.#lastHeardMs = Date.now();
    const { reader } = this.#options;
    try {
      reader.open(frame);
      while (!this.#ended && reader.next()) {
        if (this.#isLoggedOn) this.#handler.onMessage();
        else this.#onEarlyMessage(reader.message());
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.cut(error);
    }
  }

  #onEarlyMessage(message: Message): void {
    if (message.type === "challenge") void this.#logon(message);
    else if (message.type === "loggedOn") this.#onLoggedOn(message as unknown as LoggedOn);
    else if (message.type === "error") this.noteError(message);
  }

  async #logon({ challenge, serverTime }: Message): Promise<void> {
    const { key, outbound, cancelOnDisconnect, resumeAfter } = this.#options;
    const { keyId } = key;
    // The server's own time, so that the clock of this machine may be wrong. What keeps others from
    // using the signature again is the challenge.
    const timestampUs = serverTime as number;
    try {
      const signature = await key.sign(`${challenge}\n${keyId}\n${timestampUs}`);
      if (this.#ended) return;
      outbound.logon({ keyId, timestampUs, signature, cancelOnDisconnect, resumeAfter });
    } catch (error) {
      this.cut(new ClientError("invalidKey", "the key does not sign", { cause: error }));
    }
  }

  #onLoggedOn(message: LoggedOn): void {
    this.#isLoggedOn = true;
    const { heartbeatInterval } = message;
    this.#heartbeat = setInterval(() => {
      const silentMs = Date.now() - this.#lastHeardMs;
      if (silentMs > MISSED_HEARTBEATS * heartbeatInterval) {
        this.#fail("connectionLost", `nothing heard for ${Math.round(silentMs)} ms`);
      } else this.#options.outbound.heartbeat();
    }, heartbeatInterval);
    this.#handler.onLoggedOn(message);
  }

  #fail(code: ClientErrorCode, message: string): void {
    this.cut(new ClientError(code, message));
  }

  #onClose(code: number, problem: string): void {
    if (this.#ended) return;
    this.#finish();
    this.#options.outbound.attach(null);
    this.#handler.onEnd(this.#endOf(code, problem));
  }

  #finish(): void {
    this.#ended = true;
    clearTimeout(this.#logonTimeout);
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
  }

  #endOf(closeCode: number, problem: string): ConnectionEnd {
    if (this.#failure !== null) {
      const { code } = this.#failure;
      return {
        error: this.#failure,
        canRetry: code !== "invalidKey" && code !== "historyMismatch",
      };
    }
    const reason = this.#lastError?.code as string | undefined;
    const words = (this.#lastError?.message as string | undefined) ?? problem;
    const fatal = FATAL_ENDS.get(closeCode);
    if (fatal !== undefined && reason !== "logonTimeout") {
      const error = new ClientError(
        fatal,
        words || "the server gave no reason",
        withReason(reason),
      );
      // Events of the last command may be on their way into the record.
      return { error, canRetry: fatal === "resumeUnavailable" };
    }
    const code = this.#isLoggedOn ? "connectionLost" : "connectFailed";
    const message = words || `the connection was closed with ${closeCode}`;
    return { error: new ClientError(code, message, withReason(reason)), canRetry: true };
  }
}

/** By close code: another attempt would end the same way. */
const FATAL_ENDS = new Map<number, ClientErrorCode>([
  [4401, "logonRefused"],
  [4403, "logonRefused"],
  [4409, "replaced"],
  [4410, "resumeUnavailable"],
]);

function withReason(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
