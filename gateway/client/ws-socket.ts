import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { ClientSocket, ClientSocketHandler } from "./socket.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long the peer may take over the closing handshake. */
const CLOSE_GRACE_MS = 2000;
/** The server sends no larger frame. */
const MAX_PAYLOAD_BYTES = 64 * 2 ** 20;

/** A WebSocket on Node. Throws a SyntaxError where the URL is none of a WebSocket. */
export function openWsSocket(url: string, handler: ClientSocketHandler): ClientSocket {
  return new WsSocket(url, handler);
}

class WsSocket implements ClientSocket {
  readonly #socket: WebSocket;
  #stream: Socket | null = null;
  #corked = false;
  #problem = "";

  constructor(url: string, handler: ClientSocketHandler) {
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_PAYLOAD_BYTES,
    });
    this.#socket.binaryType = "nodebuffer";
    this.#socket.on("upgrade", (response: IncomingMessage) => {
      this.#stream = response.socket;
    });
    this.#socket.on("open", () => handler.onOpen?.());
    this.#socket.on("message", (data: Buffer, isBinary: boolean) => {
      handler.onMessage(isBinary ? data : data.toString("utf8"));
    });
    this.#socket.on("error", (error) => {
      this.#problem ||= describe(error);
    });
    this.#socket.on("close", (code, reason) => {
      handler.onClose(code, this.#problem || reason.toString("utf8"));
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(data: string | Uint8Array): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (!this.#corked && this.#stream !== null) {
      const stream = this.#stream;
      this.#corked = true;
      stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        stream.uncork();
      });
    }
    // A copy: masking makes one as well, but for the one mask in 2^32 that changes nothing.
    this.#socket.send(typeof data === "string" ? data : Buffer.from(data));
  }

  close(): void {
    this.#socket.close(1000);
    setTimeout(() => this.#socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

/** A refused connection to a name with several addresses comes as an error without words. */
function describe(error: Error): string {
  const { code, errors } = error as { code?: string; errors?: Error[] };
  return error.message || errors?.[0]?.message || code || "unknown error";
}
