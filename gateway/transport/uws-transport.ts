import { accessSync, constants } from "node:fs";
import {
  CLOSE_GRACE_MS,
  type HttpHandler,
  type HttpResponse,
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
import type {
  UwsApp,
  UwsListenSocket,
  UwsModule,
  UwsRequest,
  UwsResponse,
  UwsSocket,
} from "./uws-binding.ts";

interface ConnectionData {
  readonly request: UpgradeRequest;
  connection: UwsConnection | null;
}

/**
 * uWebSockets lives in the main thread: a live app in a worker aborts the whole process when that
 * worker ends.
 */
export async function startUwsTransport(
  uws: UwsModule,
  options: TransportOptions,
): Promise<Transport> {
  const app = createApp(uws, options);
  const connections = new Set<UwsConnection>();
  for (const endpoint of options.endpoints) {
    addEndpoint(app, uws, endpoint, connections);
    endpoint.attach?.({
      publish: (topic, data) => app.publish(topic, data, typeof data !== "string", false),
    });
  }
  app.any("/*", (response, request) => answerHttp(response, request, options));

  const listening = await new Promise<UwsListenSocket>((resolve, reject) => {
    // Exclusive: without it a second process could share the port and take half of the clients.
    app.listen(options.host, options.port, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
      if (socket) resolve(socket);
      else {
        const place = `${options.host}:${options.port}`;
        reject(new TransportError("listenFailed", `cannot listen on ${place}: is it taken?`));
      }
    });
  });
  return new UwsTransport(uws, app, listening, connections);
}

function createApp(uws: UwsModule, { tls }: TransportOptions): UwsApp {
  if (tls === undefined) return uws.App();
  try {
    for (const file of [tls.certFile, tls.keyFile]) accessSync(file, constants.R_OK); // names it
    return uws.SSLApp({
      key_file_name: tls.keyFile,
      cert_file_name: tls.certFile,
      ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    });
  } catch (error) {
    const message = `cannot use certificate ${tls.certFile} with key ${tls.keyFile}: ${(error as Error).message}`;
    throw new TransportError("tlsFailed", message, error);
  }
}

class UwsTransport implements Transport {
  readonly kind = "uWebSockets";
  readonly port: number;
  readonly #uws: UwsModule;
  readonly #app: UwsApp;
  readonly #connections: Set<UwsConnection>;
  #listening: UwsListenSocket | null;

  constructor(
    uws: UwsModule,
    app: UwsApp,
    listening: UwsListenSocket,
    connections: Set<UwsConnection>,
  ) {
    this.#uws = uws;
    this.#app = app;
    this.#listening = listening;
    this.#connections = connections;
    this.port = uws.us_socket_local_port(listening);
  }

  stopListening(): void {
    if (this.#listening === null) return;
    this.#uws.us_listen_socket_close(this.#listening);
    this.#listening = null;
  }

  async close(): Promise<void> {
    this.stopListening();
    for (const connection of [...this.#connections]) connection.close(1001, "server stops");
    // The close handlers have run; the peers get a moment to read what they were sent. app.close
    // cuts whoever is left, stuck readers included.
    await new Promise((resolve) => setTimeout(resolve, Math.min(CLOSE_GRACE_MS, 100)));
    this.#app.close();
  }
}

function addEndpoint(
  app: UwsApp,
  uws: UwsModule,
  endpoint: SocketEndpoint,
  connections: Set<UwsConnection>,
): void {
  app.ws<ConnectionData>(endpoint.path, {
    compression: uws.DISABLED,
    maxPayloadLength: endpoint.limits.maxPayloadBytes,
    maxBackpressure: endpoint.limits.maxBackpressureBytes,
    closeOnBackpressureLimit: true,
    idleTimeout: endpoint.limits.idleTimeoutSeconds,
    maxLifetime: 0,
    sendPingsAutomatically: true,
    upgrade: (response, request, context) => {
      const upgrade: UpgradeRequest = {
        remoteAddress: Buffer.from(response.getRemoteAddressAsText()).toString("latin1"),
        origin: request.getHeader("origin"),
        host: request.getHeader("host"),
        query: request.getQuery() ?? "",
      };
      // The answer comes before the handler returns, so an abort cannot fall in between; uWebSockets
      // wants the handler all the same.
      response.onAborted(() => {});
      // uWebSockets itself asks for a key and nothing else.
      if (!isHandshake(request)) {
        response.writeStatus(statusText(426));
        response
          .writeHeader("Upgrade", "websocket")
          .writeHeader("Sec-WebSocket-Version", "13")
          .end();
        return;
      }
      const refusal = endpoint.admit(upgrade);
      if (refusal !== 0) {
        response.writeStatus(statusText(refusal)).end(statusText(refusal));
        return;
      }
      response.upgrade<ConnectionData>(
        { request: upgrade, connection: null },
        request.getHeader("sec-websocket-key"),
        "",
        "",
        context,
      );
    },
    open: (socket) => {
      const data = socket.getUserData();
      const connection = new UwsConnection(socket, data.request.remoteAddress);
      data.connection = connection;
      connections.add(connection);
      connection.handler = endpoint.open(connection, data.request);
      // It may have been closed while it was being opened.
      if (!connection.isOpen) connection.handler.onClose(connection.closeCode);
    },
    message: (socket, message, isBinary) => {
      const connection = socket.getUserData().connection;
      if (connection?.isOpen) connection.handler?.onMessage(new Uint8Array(message), isBinary);
    },
    drain: (socket) => {
      const connection = socket.getUserData().connection;
      if (connection?.isOpen) connection.handler?.onDrain();
    },
    close: (socket, code) => {
      const connection = socket.getUserData().connection;
      if (connection === null) return;
      connections.delete(connection);
      connection.closed(code);
    },
  });
}

/** 16 bytes in base64. */
const HANDSHAKE_KEY = /^[A-Za-z0-9+/]{22}==$/;

function isHandshake(request: UwsRequest): boolean {
  return (
    request.getHeader("upgrade").toLowerCase() === "websocket" &&
    request.getHeader("connection").toLowerCase().includes("upgrade") &&
    request.getHeader("sec-websocket-version") === "13" &&
    HANDSHAKE_KEY.test(request.getHeader("sec-websocket-key"))
  );
}

class UwsConnection implements TransportSocket {
  readonly remoteAddress: string;
  handler: SocketHandler | null = null;
  isOpen = true;
  closeCode = 1006;
  readonly #socket: UwsSocket<ConnectionData>;

  constructor(socket: UwsSocket<ConnectionData>, remoteAddress: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
  }

  get bufferedBytes(): number {
    return this.isOpen ? this.#socket.getBufferedAmount() : 0;
  }

  send(data: string | Uint8Array): SendResult {
    if (!this.isOpen) return "dropped";
    const result = this.#socket.send(data, typeof data !== "string", false);
    if (result === 1) return "sent";
    return result === 0 ? "queued" : "dropped";
  }

  cork(work: () => void): void {
    if (this.isOpen) this.#socket.cork(work);
  }

  join(topic: string): void {
    if (this.isOpen) this.#socket.subscribe(topic);
  }

  leave(topic: string): void {
    if (this.isOpen) this.#socket.unsubscribe(topic);
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.closeCode = code;
    this.#socket.end(code, reason);
  }

  terminate(): void {
    if (this.isOpen) this.#socket.close();
  }

  /** From the close handler, which runs once whoever ended the connection. */
  closed(code: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.closeCode = code;
    this.handler?.onClose(code);
  }
}

function answerHttp(response: UwsResponse, request: UwsRequest, options: TransportOptions): void {
  let aborted = false;
  response.onAborted(() => {
    aborted = true;
  });
  const method = request.getMethod();
  const path = request.getUrl();
  if (options.endpoints.some((endpoint) => endpoint.path === path)) {
    response.writeStatus(statusText(426)).writeHeader("Upgrade", "websocket").end();
    return;
  }
  if (method !== "get" && method !== "head") {
    response.writeStatus(statusText(405)).writeHeader("Allow", "GET, HEAD").end();
    return;
  }
  void respond(options.http, path, request.getQuery() ?? "").then((answer) => {
    if (aborted) return;
    response.cork(() => {
      response.writeStatus(statusText(answer.status));
      response.writeHeader("Content-Type", answer.contentType);
      for (const [name, value] of SECURITY_HEADERS) response.writeHeader(name, value);
      if (method === "head") response.endWithoutBody(Buffer.byteLength(answer.body));
      else response.end(answer.body);
    });
  });
}

async function respond(http: HttpHandler, path: string, query: string): Promise<HttpResponse> {
  try {
    return await http({ path, query });
  } catch {
    return { status: 500, contentType: "text/plain", body: "internal error" };
  }
}
