// A WebSocket server that sends back what it gets, and nothing else: what the transport costs alone. With
// the argument "threads" a message goes through two other threads before it is sent back. Prints its port.
// The `ws` package takes over where uWebSockets.js does not load, and says so.
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { loadUws, type UwsModule } from "../../gateway/transport/uws-binding.ts";
import { HandOvers } from "./hand-overs.ts";

/** Calls it at once, or when it has been through the other threads. */
let pass = (answer: () => void): void => answer();

const HOST = "127.0.0.1";
const MAX_MESSAGE_BYTES = 64 * 1024;

function ready(transport: string, port: number): void {
  process.stdout.write(`${JSON.stringify({ transport, port })}\n`);
}

function serveUws(uws: UwsModule): void {
  uws
    .App()
    .ws("/*", {
      compression: uws.DISABLED,
      maxPayloadLength: MAX_MESSAGE_BYTES,
      maxBackpressure: 64 * 1024 * 1024,
      closeOnBackpressureLimit: false,
      idleTimeout: 0,
      maxLifetime: 0,
      sendPingsAutomatically: false,
      upgrade(response, request, context) {
        response.upgrade(
          {},
          request.getHeader("sec-websocket-key"),
          request.getHeader("sec-websocket-protocol"),
          request.getHeader("sec-websocket-extensions"),
          context,
        );
      },
      open: () => undefined,
      message(socket, message, isBinary) {
        if (!isThreaded) {
          socket.send(new Uint8Array(message), isBinary, false);
          return;
        }
        const copy = new Uint8Array(message.slice(0)); // its bytes are not there any more after this call
        pass(() => socket.send(copy, isBinary, false));
      },
      drain: () => undefined,
      close: () => undefined,
    })
    .listen(HOST, 0, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
      if (!socket) throw new Error("the echo server cannot listen");
      ready("uWebSockets.js", uws.us_socket_local_port(socket));
    });
}

function serveWs(): void {
  const server = new WebSocketServer({ host: HOST, port: 0, perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("message", (message, binary) => {
      pass(() => socket.send(message as Buffer, { binary }));
    });
  });
  server.on("listening", () => ready("ws", (server.address() as AddressInfo).port));
}

const isThreaded = process.argv[2] === "threads";
if (isThreaded) {
  const handOvers = await HandOvers.start();
  pass = (answer) => handOvers.pass(answer);
}
const uws = loadUws();
if (uws instanceof Error) serveWs();
else serveUws(uws);
process.on("SIGTERM", () => process.exit(0));
