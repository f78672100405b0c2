// What the gateway needs of the network, and no more: WebSocket endpoints and plain GET pages on one
// port. Two implementations: uWebSockets where its binary loads, node:http with ws elsewhere.

/** `queued`: accepted, but the peer reads slower than we write. `dropped`: over the limit, lost. */
export type SendResult = "sent" | "queued" | "dropped";

/** One WebSocket connection. After `close` or `terminate` every method is a no-op. */
export interface TransportSocket {
  /** As the kernel says it; no header is trusted. */
  readonly remoteAddress: string;
  readonly isOpen: boolean;
  /** Bytes that wait for the peer. */
  readonly bufferedBytes: number;
  /** A string goes as a text frame, bytes as a binary frame. The bytes may be reused after the call. */
  send(data: string | Uint8Array): SendResult;
  /** Runs `work`; what it sends leaves in as few system calls as may be. */
  cork(work: () => void): void;
  /** Sends a close frame. `onClose` runs before this returns; no `onMessage` follows. */
  close(code: number, reason: string): void;
  /** From now on it gets what is published on the topic, in order with what is sent to it. */
  join(topic: string): void;
  leave(topic: string): void;
  /** Cuts the connection without a word. `onClose` runs before this returns. */
  terminate(): void;
}

/** What an endpoint does with one connection. Handlers must not throw. */
export interface SocketHandler {
  /** The bytes are valid only until the handler returns: copy what is kept. Text is valid UTF-8. */
  onMessage(data: Uint8Array, isBinary: boolean): void;
  /** The peer has read (some of) what waited. */
  onDrain(): void;
  /** Exactly once. 1006: the connection broke. */
  onClose(code: number): void;
}

export interface UpgradeRequest {
  readonly remoteAddress: string;
  /** Empty where the header is missing. */
  readonly origin: string;
  readonly host: string;
  /** Without the question mark. */
  readonly query: string;
}

export interface SocketLimits {
  /** Larger messages end the connection; endpoints answer smaller ones that are still too large. */
  readonly maxPayloadBytes: number;
  /** Beyond it a send is dropped and the connection cut. */
  readonly maxBackpressureBytes: number;
  /** Seconds without anything from the peer (its pongs count); 8 to 960, as uWebSockets has it. */
  readonly idleTimeoutSeconds: number;
}

/** Sends one message to all sockets that have joined a topic, at less than the cost of as many sends. */
export interface Broadcaster {
  /**
   * As `send`, but a socket's bufferedBytes may not count it before something is sent to that socket,
   * or the turn of the event loop is over.
   */
  publish(topic: string, data: string | Uint8Array): void;
}

export interface SocketEndpoint {
  readonly path: string;
  readonly limits: SocketLimits;
  /** 0: welcome; otherwise the HTTP status to refuse with. Must not wait. */
  admit(request: UpgradeRequest): number;
  /** Called once, before any connection: reaches the sockets of this endpoint. */
  attach?(broadcaster: Broadcaster): void;
  /** Called once the connection stands. */
  open(socket: TransportSocket, request: UpgradeRequest): SocketHandler;
}

export interface HttpRequest {
  readonly path: string;
  readonly query: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** Answers GET and HEAD of any path that is not an endpoint. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export interface TlsOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly passphrase?: string;
}

export interface TransportOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: TlsOptions;
  readonly endpoints: readonly SocketEndpoint[];
  readonly http: HttpHandler;
}

export interface Transport {
  readonly kind: "uWebSockets" | "ws";
  readonly port: number;
  /** No new connections from now on; those that stand go on. */
  stopListening(): void;
  /** Closes what is still open with 1001, waits a little for the peers, then cuts. */
  close(): Promise<void>;
}

/** The port is taken, the certificate cannot be read, … */
export class TransportError extends Error {
  readonly code: "listenFailed" | "tlsFailed";

  constructor(code: "listenFailed" | "tlsFailed", message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** How long a peer may take over the closing handshake. */
export const CLOSE_GRACE_MS = 3000;
/** Requests with larger heads are refused (both implementations have about the same limit). */
export const MAX_HEADER_BYTES = 8192;

export const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Referrer-Policy", "no-referrer"],
  ["Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'"],
  ["Cache-Control", "no-store"],
];

/** A fixed text for refused upgrades; the status says the rest. */
export function statusText(status: number): string {
  switch (status) {
    case 200:
      return "200 OK";
    case 403:
      return "403 Forbidden";
    case 404:
      return "404 Not Found";
    case 405:
      return "405 Method Not Allowed";
    case 426:
      return "426 Upgrade Required";
    case 429:
      return "429 Too Many Requests";
    case 503:
      return "503 Service Unavailable";
    default:
      return `${status} Error`;
  }
}
