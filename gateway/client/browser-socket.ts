import type { ClientSocket, ClientSocketHandler } from "./socket.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long the peer may take over the closing handshake. */
const CLOSE_GRACE_MS = 2000;
const NORMAL = 1000;
const BROKEN = 1006;

/** What is used of a browser's WebSocket; the types of Node do not have it. */
interface BrowserWebSocket {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(data: string | Uint8Array): void;
  close(code?: number): void;
}

const OPEN = 1;

/** A WebSocket of a browser. Throws a SyntaxError where the URL is none of a WebSocket. */
export function openBrowserSocket(url: string, handler: ClientSocketHandler): ClientSocket {
  return new BrowserSocket(url, handler);
}

class BrowserSocket implements ClientSocket {
  readonly #socket: BrowserWebSocket;
  readonly #handler: ClientSocketHandler;
  #timer: ReturnType<typeof setTimeout>;
  #hasEnded = false;

  constructor(url: string, handler: ClientSocketHandler) {
    const { WebSocket } = globalThis as unknown as {
      WebSocket: new (address: string) => BrowserWebSocket;
    };
    this.#handler = handler;
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      clearTimeout(this.#timer);
      if (!this.#hasEnded) handler.onOpen?.();
    };
    this.#socket.onmessage = ({ data }) => {
      if (!this.#hasEnded)
        handler.onMessage(typeof data === "string" ? data : new Uint8Array(data));
    };
    this.#socket.onclose = ({ code, reason }) => this.#end(code, reason);
    this.#timer = setTimeout(() => this.#abandon("no handshake in time"), HANDSHAKE_TIMEOUT_MS);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(data: string | Uint8Array): void {
    if (!this.#hasEnded && this.#socket.readyState === OPEN) this.#socket.send(data);
  }

  close(): void {
    this.#socket.close(NORMAL);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(BROKEN, "no answer to the close"), CLOSE_GRACE_MS);
  }

  /** A browser cannot cut a connection: it is let go of, and closed in its own time. */
  terminate(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abandon(""), 0);
  }

  #abandon(problem: string): void {
    this.#end(BROKEN, problem);
    this.#socket.close();
  }

  #end(code: number, problem: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#handler.onClose(code, problem);
  }
}
