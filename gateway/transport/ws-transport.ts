import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { Topics } from "./topics.ts";
import {
  CLOSE_GRACE_MS,
  MAX_HEADER_BYTES,
  SECURITY_HEADERS,
  type SendResult,
  type SocketEndpoint,
  type SocketHandler,
  statusText,
  type Transport,
  TransportError,
  type TransportOptions,
  type TransportSocket,
  type UpgradeRequest,
} from "./transport.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** For platforms without a uWebSockets binary: slower, same behaviour. */
export async function startWsTransport(options: TransportOptions): Promise<Transport> {
  const connections = new Set<WsConnection>();
  const topics = new Topics<WsConnection>();
  for (const endpoint of options.endpoints) endpoint.attach?.(topics);
  const server = createServer(options);
  server.headersTimeout = HANDSHAKE_TIMEOUT_MS;
  server.requestTimeout = HANDSHAKE_TIMEOUT_MS;
  server.keepAliveTimeout = HANDSHAKE_TIMEOUT_MS;
  server.on("request", (request, response) => void answerHttp(request, response, options));
  const servers = new Map(
    options.endpoints.map((endpoint) => [
      endpoint.path,
      {
        endpoint,
        sockets: new WebSocketServer({
          noServer: true,
          clientTracking: false,
          perMessageDeflate: false,
          maxPayload: endpoint.limits.maxPayloadBytes,
          skipUTF8Validation: false,
        }),
      },
    ]),
  );
  server.on("upgrade", (request: http.IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on("error", () => stream.destroy());
    const [path, query] = splitUrl(request.url);
    const found = servers.get(path);
    if (found === undefined) return refuse(stream, 404);
    const upgrade: UpgradeRequest = {
      remoteAddress: request.socket.remoteAddress ?? "",
      origin: request.headers.origin ?? "",
      host: request.headers.host ?? "",
      query,
    };
    const refusal = found.endpoint.admit(upgrade);
    if (refusal !== 0) return refuse(stream, refusal);
    found.sockets.handleUpgrade(request, stream, head, (socket) => {
      const connection = new WsConnection(socket, stream, found.endpoint, upgrade, topics);
      connections.add(connection);
      socket.on("close", () => connections.delete(connection));
      connection.open();
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const place = `${options.host}:${options.port}`;
      reject(
        new TransportError(
          "listenFailed",
          `cannot listen on ${place}: ${(error as Error).message}`,
          error,
        ),
      );
    });
    server.listen({ host: options.host, port: options.port, exclusive: true }, resolve);
  });
  server.removeAllListeners("error");
  server.on("error", () => {}); // a failed accept concerns that one peer
  return new WsTransport(server, connections);
}

function createServer({ tls }: TransportOptions): http.Server | https.Server {
  if (tls === undefined) return http.createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  try {
    return https.createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      cert: readFileSync(tls.certFile),
      key: readFileSync(tls.keyFile),
      ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    });
  } catch (error) {
    const message = `cannot use certificate ${tls.certFile} with key ${tls.keyFile}: ${(error as Error).message}`;
    throw new TransportError("tlsFailed", message, error);
  }
}

class WsTransport implements Transport {
  readonly kind = "ws";
  readonly port: number;
  readonly #server: http.Server | https.Server;
  readonly #connections: Set<WsConnection>;
  #listening = true;
  #closed: Promise<void> | null = null;

  constructor(server: http.Server | https.Server, connections: Set<WsConnection>) {
    this.#server = server;
    this.#connections = connections;
    this.port = (server.address() as AddressInfo).port;
  }

  stopListening(): void {
    if (!this.#listening) return;
    this.#listening = false;
    this.#closed = new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async close(): Promise<void> {
    this.stopListening();
    for (const connection of this.#connections) connection.close(1001, "server stops");
    const deadline = Date.now() + CLOSE_GRACE_MS;
    while (this.#connections.size > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const connection of this.#connections) connection.cut();
    this.#server.closeAllConnections();
    await this.#closed;
  }
}

class WsConnection implements TransportSocket {
  readonly remoteAddress: string;
  isOpen = true;
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #endpoint: SocketEndpoint;
  readonly #request: UpgradeRequest;
  readonly #topics: Topics<WsConnection>;
  #handler: SocketHandler | null = null;
  #closeCode = 1006;
  #heardSinceCheck = true;
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(
    socket: WebSocket,
    stream: Duplex,
    endpoint: SocketEndpoint,
    request: UpgradeRequest,
    topics: Topics<WsConnection>,
  ) {
    this.#socket = socket;
    this.#stream = stream;
    this.#endpoint = endpoint;
    this.#request = request;
    this.#topics = topics;
    this.remoteAddress = request.remoteAddress;
  }

  open(): void {
    this.#socket.binaryType = "nodebuffer";
    this.#socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.#heardSinceCheck = true;
      if (this.isOpen) this.#handler?.onMessage(data, isBinary);
    });
    this.#socket.on("pong", () => {
      this.#heardSinceCheck = true;
    });
    this.#socket.on("ping", () => {
      this.#heardSinceCheck = true;
    });
    // A protocol violation: the library has sent its close frame (1002, 1007, 1009) already.
    this.#socket.on("error", () => {
      this.#cutSoon();
      this.#finish(1006);
    });
    this.#socket.on("close", (code) => this.#finish(code));
    this.#stream.on("drain", () => {
      if (this.isOpen) this.#handler?.onDrain();
    });
    // Pings at half of the idle time, cut after two silent halves: what uWebSockets does by itself.
    this.#idleTimer = setInterval(
      () => this.#checkIdle(),
      (this.#endpoint.limits.idleTimeoutSeconds * 1000) / 2,
    );
    this.#idleTimer.unref();
    this.#handler = this.#endpoint.open(this, this.#request);
    // It may have been closed while it was being opened.
    if (!this.isOpen) this.#handler.onClose(this.#closeCode);
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(data: string | Uint8Array): SendResult {
    if (!this.isOpen) return "dropped";
    if (this.#socket.bufferedAmount > this.#endpoint.limits.maxBackpressureBytes) {
      this.terminate();
      return "dropped";
    }
    // A copy, since the stream may keep the bytes for longer than this call.
    this.#socket.send(typeof data === "string" ? data : Buffer.from(data));
    return this.#stream.writableNeedDrain && this.#socket.bufferedAmount > 0 ? "queued" : "sent";
  }

  cork(work: () => void): void {
    this.#stream.cork();
    try {
      work();
    } finally {
      this.#stream.uncork();
    }
  }

  join(topic: string): void {
    if (this.isOpen) this.#topics.join(this, topic);
  }

  leave(topic: string): void {
    this.#topics.leave(this, topic);
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#socket.close(code, reason);
    this.#cutSoon();
    this.#finish(code);
  }

  terminate(): void {
    this.cut();
    this.#finish(1006);
  }

  /** Also after `close`, where a peer does not answer the closing handshake. */
  cut(): void {
    if (this.#socket.readyState !== WebSocket.CLOSED) this.#socket.terminate();
  }

  #cutSoon(): void {
    setTimeout(() => this.cut(), CLOSE_GRACE_MS).unref();
  }

  #checkIdle(): void {
    if (!this.#heardSinceCheck) {
      this.terminate();
      return;
    }
    this.#heardSinceCheck = false;
    this.#socket.ping();
  }

  #finish(code: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#topics.leaveAll(this);
    this.#closeCode = code;
    if (this.#idleTimer !== null) clearInterval(this.#idleTimer);
    this.#handler?.onClose(code);
  }
}

async function answerHttp(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  options: TransportOptions,
): Promise<void> {
  const [path, query] = splitUrl(request.url);
  request.resume();
  if (options.endpoints.some((endpoint) => endpoint.path === path)) {
    response.writeHead(426, { Upgrade: "websocket" }).end();
    return;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
    return;
  }
  try {
    const answer = await options.http({ path, query });
    for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
    response.writeHead(answer.status, {
      "Content-Type": answer.contentType,
      "Content-Length": Buffer.byteLength(answer.body),
    });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  } catch {
    response.writeHead(500, { "Content-Type": "text/plain" }).end("internal error");
  }
}

function refuse(stream: Duplex, status: number): void {
  const text = statusText(status);
  stream.end(
    `HTTP/1.1 ${text}\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
}

function splitUrl(url: string | undefined): [path: string, query: string] {
  const full = url ?? "/";
  const mark = full.indexOf("?");
  return mark < 0 ? [full, ""] : [full.slice(0, mark), full.slice(mark + 1)];
}
