import { once } from "node:events";
import net from "node:net";

/**
 * Simulates a bad network between a client and a server on this machine: a TCP proxy that passes
 * bytes on until it is told to lose or delay replies, to hold requests back, or to cut connections.
 */
export class FlakyProxy {
  /** New connections go to this port of the loopback address. */
  target: number;
  readonly #server: net.Server;
  readonly #pairs = new Set<readonly [client: net.Socket, upstream: net.Socket]>();
  #losesReplies = false;
  #heldRequests: { upstream: net.Socket; bytes: Buffer }[] | null = null;
  #cutAfterBytes = Number.POSITIVE_INFINITY;
  #isSilent = false;
  #replyDelayMs = 0;
  /** Replies that were held back for a while. */
  repliesDelayed = 0;
  #cutAfterReplyBytes = Number.POSITIVE_INFINITY;
  /** How often a connection was cut between a request and its reply. */
  repliesLost = 0;
  /** Connections that are over. */
  ended = 0;

  private constructor(target: number) {
    this.target = target;
    this.#server = net.createServer((client) => this.#accept(client));
  }

  /** A proxy to that port of the loopback address. */
  static async to(target: number): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** The next reply does not arrive: the connection is cut in its place, the request was done. */
  loseNextReply(): void {
    this.#losesReplies = true;
  }

  /** Cuts the connection after so many more request bytes: most likely within a request. */
  cutAfterRequestBytes(bytes: number): void {
    this.#cutAfterBytes = bytes;
  }

  /** Cuts the connection after so many more reply bytes: most likely within a reply. */
  cutAfterReplyBytes(bytes: number): void {
    this.#cutAfterReplyBytes = bytes;
  }

  /** While true nothing is passed on either way, and both sides believe that all is well. */
  set silent(silent: boolean) {
    this.#isSilent = silent;
  }

  /** Every reply arrives so much later; those on their way do too. */
  set replyDelayMs(delayMs: number) {
    this.#replyDelayMs = delayMs;
  }

  /** From now on requests of the present connections stay on the way; new connections are well. */
  holdRequests(): void {
    this.#heldRequests = [];
    for (const [client, upstream] of this.#pairs) {
      client.removeAllListeners("data");
      client.on("data", (bytes) => this.#heldRequests?.push({ upstream, bytes }));
      client.removeAllListeners("close"); // the server is not told either
    }
  }

  /** Delivers what was held back, late. Returns how many bytes that were. */
  releaseRequests(): number {
    let total = 0;
    for (const { upstream, bytes } of this.#heldRequests ?? []) {
      upstream.write(bytes);
      total += bytes.length;
    }
    this.#heldRequests = null;
    return total;
  }

  cut(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: net.Socket): void {
    const upstream = net.connect(this.target, "127.0.0.1");
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    client.on("data", (bytes) => {
      if (this.#isSilent) return;
      this.#cutAfterBytes -= bytes.length;
      if (this.#cutAfterBytes > 0) {
        upstream.write(bytes);
        return;
      }
      upstream.write(bytes.subarray(0, bytes.length + this.#cutAfterBytes));
      this.#cutAfterBytes = Number.POSITIVE_INFINITY;
      this.#end(pair);
    });
    upstream.on("data", (bytes) => {
      if (this.#isSilent) return;
      this.#cutAfterReplyBytes -= bytes.length;
      if (this.#cutAfterReplyBytes <= 0) {
        // Ended first, so that this part still arrives.
        client.end(bytes.subarray(0, bytes.length + this.#cutAfterReplyBytes));
        this.#cutAfterReplyBytes = Number.POSITIVE_INFINITY;
        upstream.end();
        return;
      }
      if (this.#losesReplies) {
        this.#losesReplies = false;
        this.repliesLost++;
        this.#end(pair);
      } else if (this.#replyDelayMs > 0) {
        this.repliesDelayed++;
        setTimeout(() => client.write(bytes), this.#replyDelayMs);
      } else {
        client.write(bytes);
      }
    });
    for (const socket of pair) {
      socket.on("error", () => this.#end(pair));
      socket.on("close", () => this.#end(pair));
    }
  }

  #end(pair: readonly [net.Socket, net.Socket]): void {
    if (this.#pairs.delete(pair)) this.ended++;
    // What was passed on still arrives: `end` flushes, unlike `destroy`.
    pair[1].end();
    pair[0].destroy();
  }
}
