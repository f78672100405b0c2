import type { SocketHandler } from "../../gateway/transport/transport.ts";
import { SlowSocket } from "../simulation/slow-socket.ts";
import type { Market } from "./market.ts";
import { Reader } from "./reader.ts";
import { marketRequest, type RequestType, SCHEMA_VERSION } from "./request.ts";

const REQUEST = { remoteAddress: "192.0.2.1", origin: "", host: "" };

/** Connects, asks, reads when it likes, and checks every book that it builds. */
export class Client {
  readonly reader: Reader;
  isBinary: boolean;
  isPaused = false;
  /** What it has asked for: "l3 ABC". */
  readonly wanted = new Set<string>();
  states = 0;
  readonly #market: Market;
  #socket!: SlowSocket;
  #handler!: SocketHandler;
  #read = 0;

  constructor(market: Market, isBinary: boolean) {
    this.#market = market;
    this.isBinary = isBinary;
    this.reader = new Reader(
      (symbol) => market.sizes(symbol),
      (book, instrumentId, seq, stateOf) => {
        this.states++;
        const state = stateOf();
        const expected = market.stateAt(book, instrumentId, seq) ?? " | ";
        if (state !== expected) {
          throw new Error(`${book} of ${instrumentId} at ${seq} is\n${state}\nnot\n${expected}`);
        }
      },
    );
    this.connect();
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get isCurrent(): boolean {
    return !this.isPaused && this.#socket.bufferedBytes === 0;
  }

  connect(): void {
    this.#socket = new SlowSocket(this.#market.topics);
    const query = this.isBinary ? "encoding=binary" : "";
    this.#handler = this.#market.endpoint.open(this.#socket, { ...REQUEST, query });
    this.#socket.isReading = !this.isPaused;
    this.#read = 0;
  }

  /** Without a word; what was not read is lost. */
  disconnect(): void {
    this.#socket.terminate();
    this.#handler.onClose(1006);
  }

  ask(type: RequestType, channel: string, symbol: string, seq = 0): void {
    const key = `${channel} ${symbol}`;
    if (type !== "unsubscribe") this.wanted.add(key);
    else
      for (const other of this.wanted) {
        if (other === key || (symbol === "*" && other.startsWith(`${channel} `))) {
          this.wanted.delete(other);
        }
      }
    this.#send(marketRequest(type, channel, symbol, seq, this.isBinary));
  }

  /** What follows comes in the other encoding. */
  switchEncoding(): void {
    this.isBinary = !this.isBinary;
    if (!this.isBinary) {
      this.#send(Buffer.from('{"type":"heartbeat"}'));
      return;
    }
    const bytes = Buffer.alloc(24);
    for (const [i, word] of [24, 131, 0x4342, SCHEMA_VERSION].entries())
      bytes.writeUInt16LE(word, i * 2);
    this.#send(bytes);
  }

  pause(): void {
    this.isPaused = true;
    this.#socket.isReading = false;
  }

  /** Reads some frames of what waits. */
  trickle(frames: number): void {
    let bytes = 0;
    for (let i = 0; i < frames && this.#read < this.#socket.frames.length; i++) {
      const frame = this.#socket.frames[this.#read++] as string | Uint8Array;
      this.reader.take(frame);
      bytes += frame.length;
    }
    this.#socket.read(bytes);
    if (bytes > 0 && this.isOpen) this.#handler.onDrain();
  }

  goOn(): void {
    this.isPaused = false;
    this.#socket.catchUp();
    if (this.isOpen) this.#handler.onDrain();
    this.read();
  }

  /** Everything that has come, unless it is paused. */
  read(): void {
    if (this.isPaused) return;
    while (this.#read < this.#socket.frames.length) {
      this.reader.take(this.#socket.frames[this.#read++] as string | Uint8Array);
    }
  }

  #send(bytes: Uint8Array): void {
    this.#handler.onMessage(bytes, this.isBinary);
  }
}
