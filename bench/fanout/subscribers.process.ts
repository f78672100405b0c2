// Many readers of one channel in one process: counts what they get. Options as JSON in the first
// argument. Prints a line when all have their first message, and the counts when told to stop.
import { randomBytes } from "node:crypto";
import net from "node:net";
import { clientHeaderBytes, FrameReader, Opcode, writeClientHeader } from "../load/frame-reader.ts";

export interface SubscribersOptions {
  readonly url: string;
  readonly count: number;
  /** What each sends first, base64; empty: nothing. */
  readonly request: string;
}

/** Of all readers together, since all had their first message. */
export interface SubscribersResult {
  readonly frames: number;
  readonly bytes: number;
}

const FIRST_BYTES = 8 * 1024;
const options = JSON.parse(process.argv[2] as string) as SubscribersOptions;
const { hostname, port, pathname, search } = new URL(options.url);
// All reads go through one buffer: each is taken before the next.
const chunk = Buffer.alloc(256 * 1024);
let frames = 0;
let bytes = 0;
let ready = 0;

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader(FIRST_BYTES);
    let isOpen = false;
    const take = () => {
      if (!isOpen) {
        const head = reader.takeThrough("\r\n\r\n");
        if (head === null) return;
        if (!head.startsWith("HTTP/1.1 101")) throw new Error(head.split("\r\n")[0]);
        isOpen = true;
        ready++;
        resolve();
        const request = Buffer.from(options.request, "base64");
        if (request.length > 0) {
          const header = Buffer.alloc(clientHeaderBytes(request.length));
          writeClientHeader(header, 0, Opcode.binary, request.length);
          socket.write(Buffer.concat([header, request]));
        }
      }
      while (reader.next()) {
        if (reader.opcode !== Opcode.binary) continue;
        frames++;
        bytes += reader.length;
      }
    };
    const socket: net.Socket = net.connect({
      host: hostname,
      port: Number(port),
      onread: {
        buffer: chunk,
        callback: (length: number) => {
          reader.push(chunk.subarray(0, length));
          take();
          return true;
        },
      },
    });
    socket.once("error", reject);
    socket.once("close", () => {
      process.stderr.write("a reader was cut off\n");
      process.exit(1);
    });
    socket.once("connect", () => {
      const key = randomBytes(16).toString("base64");
      socket.write(
        `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
          `Connection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
  });
}

// One after the other: a crowd at once would overflow the listener's queue.
while (ready < options.count) await open();
process.stdout.write("ready\n");
process.on("message", (what) => {
  if (what === "begin") {
    frames = 0;
    bytes = 0;
    process.send?.("begun");
  } else process.send?.({ frames, bytes });
});
