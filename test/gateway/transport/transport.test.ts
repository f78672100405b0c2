import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type {
  SocketEndpoint,
  SocketHandler,
  Transport,
  TransportSocket,
} from "../../../gateway/transport/transport.ts";
import { start, TRANSPORTS, until } from "../transports.ts";

const LIMITS = { maxPayloadBytes: 1024, maxBackpressureBytes: 256 * 1024, idleTimeoutSeconds: 60 };

interface Recorded {
  readonly socket: TransportSocket;
  readonly messages: { data: Buffer; isBinary: boolean }[];
  readonly closes: number[];
}

class RecordingEndpoint implements SocketEndpoint {
  readonly path = "/v1/test";
  readonly limits = LIMITS;
  readonly connections: Recorded[] = [];
  refusal = 0;
  lastOrigin = "";
  drains = 0;
  onMessage: (socket: TransportSocket, data: Buffer, isBinary: boolean) => void = () => {};

  admit({ origin }: { origin: string }): number {
    this.lastOrigin = origin;
    return this.refusal;
  }

  open(socket: TransportSocket): SocketHandler {
    const recorded: Recorded = { socket, messages: [], closes: [] };
    this.connections.push(recorded);
    return {
      onMessage: (data, isBinary) => {
        const copy = Buffer.from(data);
        recorded.messages.push({ data: copy, isBinary });
        this.onMessage(socket, copy, isBinary);
      },
      onDrain: () => {
        this.drains++;
      },
      onClose: (code) => recorded.closes.push(code),
    };
  }

  at(index: number): Recorded {
    return this.connections[index] as Recorded;
  }
}

function closed(client: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    client.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

describe.each(TRANSPORTS)("transport %s", (choice) => {
  let transport: Transport;
  let endpoint: RecordingEndpoint;
  const clients: WebSocket[] = [];

  async function connectClient(): Promise<WebSocket> {
    const client = new WebSocket(`ws://127.0.0.1:${transport.port}/v1/test`);
    clients.push(client);
    await new Promise((resolve, reject) => {
      client.once("open", resolve);
      client.on("error", reject);
    });
    return client;
  }

  async function begin(): Promise<void> {
    endpoint = new RecordingEndpoint();
    transport = await start(choice, {
      endpoints: [endpoint],
      http: ({ path, query }) =>
        path === "/hello"
          ? { status: 200, contentType: "text/plain", body: `hello ${query}` }
          : { status: 404, contentType: "text/plain", body: "nothing here" },
    });
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await transport.close();
  });

  test("text and binary frames arrive as what they are, and the same bytes go back", async () => {
    await begin();
    endpoint.onMessage = (socket, data, isBinary) => socket.send(isBinary ? data : data.toString());
    const client = await connectClient();
    const echoes: { data: Buffer; isBinary: boolean }[] = [];
    client.on("message", (data: Buffer, isBinary) => echoes.push({ data, isBinary }));
    client.send("text é");
    client.send(Buffer.from([0, 255, 1]));
    await until(() => echoes.length === 2, "both echoes");
    expect(echoes[0]).toEqual({ data: Buffer.from("text é"), isBinary: false });
    expect(echoes[1]).toEqual({ data: Buffer.from([0, 255, 1]), isBinary: true });
  });

  test("bytes given to send may be overwritten at once", async () => {
    await begin();
    const client = await connectClient();
    const received: Buffer[] = [];
    client.on("message", (data: Buffer) => received.push(data));
    const scratch = new Uint8Array(64);
    const { socket } = endpoint.at(0);
    socket.cork(() => {
      for (let i = 1; i <= 20; i++) {
        scratch.fill(i);
        socket.send(scratch.subarray(0, 32));
      }
    });
    scratch.fill(99);
    await until(() => received.length === 20, "20 messages");
    expect(received.map((data) => [...new Set(data)])).toEqual(
      Array.from({ length: 20 }, (_, i) => [i + 1]),
    );
  });

  test("a close reaches the peer with its code, the handler hears it once, later calls do nothing", async () => {
    await begin();
    const client = await connectClient();
    const { socket, closes } = endpoint.at(0);
    const end = closed(client);
    socket.close(4401, "logon refused");
    expect(closes).toEqual([4401]);
    expect(socket.isOpen).toBe(false);
    expect(socket.send("late")).toBe("dropped");
    socket.close(1000, "again");
    socket.terminate();
    expect(await end).toEqual({ code: 4401, reason: "logon refused" });
    expect(closes).toEqual([4401]);
  });

  test("the handler hears when the peer closes and when it vanishes", async () => {
    await begin();
    const polite = await connectClient();
    polite.close(1000);
    const rude = await connectClient();
    await until(() => endpoint.connections.length === 2, "two connections");
    rude.terminate();
    await until(() => endpoint.connections.every(({ closes }) => closes.length > 0), "two closes");
    expect(endpoint.connections.map(({ closes }) => closes)).toEqual([[1000], [1006]]);
  });

  test("an oversized message ends the connection and is not delivered", async () => {
    await begin();
    const client = await connectClient();
    client.removeAllListeners("error");
    client.on("error", () => {});
    const end = closed(client);
    client.send(Buffer.alloc(LIMITS.maxPayloadBytes + 1));
    await end;
    expect(endpoint.at(0).messages).toEqual([]);
    expect(endpoint.at(0).closes).toHaveLength(1);
  });

  test("a peer that never reads is cut at the back-pressure limit", async () => {
    await begin();
    const client = await connectClient();
    client.pause();
    const { socket, closes } = endpoint.at(0);
    const block = new Uint8Array(64 * 1024);
    const results = new Set<string>();
    for (let i = 0; i < 1000 && socket.isOpen; i++) {
      results.add(socket.send(block));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket.isOpen).toBe(false);
    expect(closes).toEqual([1006]);
    expect(results).toContain("queued");
    expect(results).toContain("dropped");
  });

  test("drain is reported once a slow peer reads again", async () => {
    await begin();
    const client = await connectClient();
    client.pause();
    const { socket } = endpoint.at(0);
    const block = new Uint8Array(32 * 1024);
    while (socket.send(block) !== "queued") await new Promise((resolve) => setImmediate(resolve));
    expect(socket.bufferedBytes).toBeGreaterThan(0);
    const before = endpoint.drains;
    client.resume();
    await until(() => endpoint.drains > before, "a drain");
    await until(() => socket.bufferedBytes === 0, "an empty buffer");
  });

  test("a refused upgrade is answered with its status, and the origin is shown to the endpoint", async () => {
    await begin();
    endpoint.refusal = 403;
    const client = new WebSocket(`ws://127.0.0.1:${transport.port}/v1/test`, {
      origin: "https://elsewhere.example",
    });
    const status = await new Promise((resolve) => {
      client.on("error", () => {});
      client.once("unexpected-response", (_request, response) => resolve(response.statusCode));
    });
    expect(status).toBe(403);
    expect(endpoint.lastOrigin).toBe("https://elsewhere.example");
    expect(endpoint.connections).toEqual([]);
  });

  test("plain requests: pages for GET, 405 for others, 426 on a WebSocket path", async () => {
    await begin();
    const base = `http://127.0.0.1:${transport.port}`;
    const page = await fetch(`${base}/hello?x=1`);
    expect([page.status, await page.text()]).toEqual([200, "hello x=1"]);
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    const head = await fetch(`${base}/hello`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect((await fetch(`${base}/other`)).status).toBe(404);
    expect((await fetch(`${base}/hello`, { method: "POST", body: "x" })).status).toBe(405);
    expect((await fetch(`${base}/v1/test`)).status).toBe(426);
  });

  test("garbage instead of HTTP and of WebSocket frames leaves the others alone", async () => {
    await begin();
    const client = await connectClient();
    const garbage = connect(transport.port, "127.0.0.1");
    garbage.on("error", () => {});
    garbage.write(Buffer.alloc(5000, 0xfe));
    garbage.resume();
    await new Promise((resolve) => garbage.once("close", resolve));
    const frames = await connectClient();
    const { socket } = endpoint.at(1);
    const raw = (frames as unknown as { _socket: { write(data: Buffer): void } })._socket;
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
    await until(() => !socket.isOpen, "the bad connection's end");
    endpoint.onMessage = (peer) => peer.send("still here");
    const answer = new Promise((resolve) => {
      client.once("message", (data) => resolve(String(data)));
    });
    client.send("anybody?");
    expect(await answer).toBe("still here");
  });

  test("a port in use is named in the error", async () => {
    await begin();
    await expect(start(choice, { endpoints: [], port: transport.port })).rejects.toMatchObject({
      code: "listenFailed",
      message: expect.stringContaining(String(transport.port)),
    });
  });

  test("closing ends every connection with 1001 and runs every close handler", async () => {
    await begin();
    const ends = [await connectClient(), await connectClient()].map(closed);
    await transport.close();
    expect((await Promise.all(ends)).map(({ code }) => code)).toEqual([1001, 1001]);
    expect(endpoint.connections.map(({ closes }) => closes)).toEqual([[1001], [1001]]);
    await expect(connectClient()).rejects.toThrow();
    await begin();
  });
});
