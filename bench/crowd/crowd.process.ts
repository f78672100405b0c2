// Readers that never read, and clients that send ten times what they may: both for as long as it is not
// told to stop. Options as JSON in the first argument. Prints a line when all readers are there.
import { randomBytes } from "node:crypto";
import net from "node:net";
import { LoadConnection } from "../load/connection.ts";
import { MAX_COMMAND_BYTES, OrderFlow } from "../load/flow.ts";
import { clientHeaderBytes, Opcode, writeClientHeader } from "../load/frame-reader.ts";
import type { LoadKey } from "../load/options.ts";

export interface CrowdOptions {
  readonly tradeUrl: string;
  readonly readers: number;
  readonly keys: readonly LoadKey[];
  /** Of each key. */
  readonly floodPerSecond: number;
  readonly symbol: string;
  readonly instrumentId: number;
}

export interface CrowdResult {
  /** Readers whose connection stands, and those that the server has cut; none has read a byte. */
  readonly readersOpen: number;
  readonly readersCut: number;
  readonly floodSent: number;
  /** Times that a flooder was closed for too many errors and came back. */
  readonly floodReturns: number;
}

const TICK_MS = 5;
const CHANNELS = ["l3", "l2", "l1", "trades"];

const options = JSON.parse(process.argv[2] as string) as CrowdOptions;
const { hostname, port } = new URL(options.tradeUrl);
let readersOpen = 0;
let readersCut = 0;
let floodSent = 0;
let floodReturns = 0;
let isRunning = true;

function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(clientHeaderBytes(payload.length));
  writeClientHeader(header, 0, Opcode.text, payload.length);
  return Buffer.concat([header, payload]);
}

/** Asks for every channel, so that its buffers fill soon, and never takes an answer. */
function openReader(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname);
    socket.once("error", reject);
    socket.once("connect", () => {
      const key = randomBytes(16).toString("base64");
      socket.write(
        `GET /v1/market HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
          `Connection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
    socket.once("data", () => {
      socket.pause();
      for (const channel of CHANNELS) {
        const request = { type: "subscribe", channel, symbol: options.symbol };
        socket.write(frameOf(JSON.stringify(request)));
      }
      readersOpen++;
      socket.removeAllListeners("error");
      socket.on("error", () => undefined);
      socket.once("close", () => {
        readersOpen--;
        readersCut++;
      });
      resolve();
    });
  });
}

/** One flooder, connection after connection. */
async function flood(key: LoadKey, seed: number): Promise<void> {
  let firstClientOrderId = seed * 1e9 + 1;
  while (isRunning) {
    const connection = await LoadConnection.open(options.tradeUrl);
    await connection.logOn(key);
    let hasEnded = false;
    const ignore = () => undefined;
    connection.listen(ignore, ignore, ignore, () => {
      hasEnded = true;
    });
    const { symbol, instrumentId } = options;
    const flow = new OrderFlow(
      { symbol, instrumentId, midTicks: 100_000, depth: 50 },
      seed,
      firstClientOrderId,
    );
    const batch = Math.ceil((options.floodPerSecond * TICK_MS) / 1000);
    const header = clientHeaderBytes(MAX_COMMAND_BYTES);
    const bytes = Buffer.alloc(batch * (header + MAX_COMMAND_BYTES));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let dueMs = performance.now();
    while (isRunning && !hasEnded) {
      let end = 0;
      for (let i = 0; i < batch; i++) {
        // Without a requestId: what is refused is refused, and nothing is a duplicate.
        const length = flow.write(view, end + header, 0);
        writeClientHeader(bytes, end, Opcode.binary, length);
        end += header + length;
      }
      connection.write(Buffer.from(bytes.subarray(0, end)));
      floodSent += batch;
      firstClientOrderId += batch;
      dueMs += TICK_MS;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    }
    connection.close();
    if (isRunning) floodReturns++;
  }
}

for (let i = 0; i < options.readers; i++) await openReader();
const floods = options.keys.map((key, i) => flood(key, i + 1));
process.stdout.write("ready\n");
process.on("message", () => {
  isRunning = false;
  const result: CrowdResult = { readersOpen, readersCut, floodSent, floodReturns };
  void Promise.allSettled(floods).then(() => process.send?.(result, () => process.exit(0)));
});
