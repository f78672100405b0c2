// A uWebSockets server that publishes messages of one size at one rate to all who are connected, and
// does nothing else: the floor under the fan-out of market data. Arguments: bytes, messages a second.
// Prints its port.
import { loadUws } from "../../gateway/transport/uws-binding.ts";

const [bytes = 0, ratePerSecond = 0] = process.argv.slice(2).map(Number);
const TOPIC = "all";
const TICK_MS = 1;
const uws = loadUws();
if (uws instanceof Error) throw uws;
const message = new Uint8Array(bytes);
const app = uws.App();
app
  .ws("/*", {
    compression: uws.DISABLED,
    maxPayloadLength: 1024,
    maxBackpressure: 64 * 1024 * 1024,
    closeOnBackpressureLimit: false,
    idleTimeout: 0,
    maxLifetime: 0,
    sendPingsAutomatically: false,
    upgrade(response, request, context) {
      const key = request.getHeader("sec-websocket-key");
      response.upgrade({}, key, "", "", context);
    },
    open: (socket) => void socket.subscribe(TOPIC),
    message: () => undefined,
    drain: () => undefined,
    close: () => undefined,
  })
  .listen("127.0.0.1", 0, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, (socket) => {
    if (!socket) throw new Error("the server cannot listen");
    process.stdout.write(`${JSON.stringify({ port: uws.us_socket_local_port(socket) })}\n`);
  });

const startMs = performance.now();
let published = 0;
setInterval(() => {
  const due = ((performance.now() - startMs) / 1000) * ratePerSecond;
  for (; published < due; published++) app.publish(TOPIC, message, true, false);
}, TICK_MS);
process.on("SIGTERM", () => process.exit(0));
