import net from "node:net";
import tls from "node:tls";
import { AbstractConnector } from "ioredis";

/** What this connector reads of the client's options. */
interface Target {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly tls?: tls.ConnectionOptions;
}

/**
 * Opens the socket in the client library's place. A TLS socket may fail twice (it refuses the server's
 * certificate, then the server complains of that), and the library listens once: an error that nobody
 * listens to would end the thread.
 */
export class SocketConnector extends AbstractConnector {
  readonly #target: Target;

  constructor(options: unknown) {
    super(0);
    this.#target = options as Target;
  }

  override async connect(): Promise<net.Socket> {
    this.connecting = true;
    await new Promise((resolve) => process.nextTick(resolve));
    if (!this.connecting) throw new Error("the connection was given up");
    const { host, port, path, tls: certificates } = this.#target;
    const where = path === undefined ? { host: host ?? "127.0.0.1", port: port ?? 6379 } : { path };
    const socket =
      certificates === undefined
        ? net.connect(where)
        : tls.connect({
            ...where,
            // The name that the certificate must have; an address is no name to ask for.
            ...(net.isIP(host ?? "") === 0 && host !== undefined ? { servername: host } : {}),
            ...certificates,
          });
    socket.on("error", (error) => {
      this.firstError ??= error;
    });
    this.stream = socket;
    return socket;
  }

  /** At once: what it still says does not matter. */
  override disconnect(): void {
    this.connecting = false;
    this.stream?.destroy();
  }
}
