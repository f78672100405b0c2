// A TCP connection that knows what a WebSocket is and does as it likes.
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FrameReader } from "../../bench/load/frame-reader.ts";
import { handshake } from "./wire-faults.ts";
import { frame, Opcode } from "./ws-frame.ts";

const READER_BYTES = 4096;

/** How a connection ended, as its client saw it. */
export interface End {
  /** A close frame's code; 0: there was none. */
  readonly closeCode: number;
  /** Status of an answer over HTTP; 0: there was none. */
  readonly httpStatus: number;
}

export class RawConnection {
  readonly #socket: net.Socket;
  readonly #reader = new FrameReader(READER_BYTES);
  readonly #ended: Promise<void>;
  #sayEnd: () => void = () => undefined;
  #isUpgraded = false;
  #hasEnded = false;
  #httpStatus = 0;
  #closeCode = 0;
  /** Text that waits for `message`; none is kept once nobody wants any. */
  #texts: string[] | null = [];
  #wake: (() => void) | null = null;
  framesRead = 0;
  bytesRead = 0;

  constructor(port: number, localAddress: string) {
    const socket = net.connect({ host: "127.0.0.1", port, localAddress, noDelay: true });
    this.#socket = socket;
    this.#ended = new Promise((resolve) => {
      const end = () => {
        this.#hasEnded = true;
        this.#wake?.();
        resolve();
      };
      this.#sayEnd = resolve;
      socket.on("end", end);
      socket.on("close", end);
    });
    socket.on("error", () => undefined); // being cut is what most of them are for
    socket.on("data", (chunk) => this.#received(chunk));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get end(): End {
    return { closeCode: this.#closeCode, httpStatus: this.#httpStatus };
  }

  write(bytes: Uint8Array | string): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes as Uint8Array);
  }

  /** Each byte in a packet of its own, as far as the kernel lets us. */
  async writeByteByByte(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#hasEnded; at++) {
      this.write(bytes.subarray(at, at + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What was written has left for the kernel. */
  async drained(): Promise<void> {
    while (this.#socket.writableLength > 0 && !this.#hasEnded) await sleep(1);
  }

  async upgrade(path: string): Promise<boolean> {
    this.write(handshake(path));
    await this.#until(() => this.#httpStatus !== 0);
    return this.#isUpgraded;
  }

  /** The next JSON message of that type; null where the connection ends first. */
  async message(type: string): Promise<Record<string, unknown> | null> {
    for (;;) {
      await this.#until(() => (this.#texts?.length ?? 0) > 0);
      const text = this.#texts?.shift();
      if (text === undefined) return null;
      const json = JSON.parse(text) as Record<string, unknown>;
      if (json.type === type) return json;
    }
  }

  /** From now on what the server says is only counted. */
  ignoreMessages(): void {
    this.#texts = null;
  }

  stopReading(): void {
    this.#socket.pause();
  }

  readAgain(): void {
    this.#socket.resume();
  }

  /** True: the server has ended it in that time, or has said good-bye. */
  async endedWithin(ms: number): Promise<boolean> {
    const timeout = new AbortController();
    await Promise.race([
      this.#ended,
      sleep(ms, undefined, { signal: timeout.signal }).catch(() => undefined),
    ]);
    timeout.abort();
    return this.#hasEnded || this.#closeCode !== 0;
  }

  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** A reset in the place of an orderly end. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = null;
  }

  #received(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.#reader.push(chunk);
    if (!this.#isUpgraded) this.#readHead();
    if (this.#isUpgraded) this.#readFrames();
    this.#wake?.();
  }

  #readHead(): void {
    const head = this.#reader.takeThrough("\r\n\r\n");
    if (head === null) return;
    this.#httpStatus = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
    this.#isUpgraded = this.#httpStatus === 101;
  }

  #readFrames(): void {
    const reader = this.#reader;
    while (reader.next()) {
      this.framesRead++;
      const { opcode, start, length } = reader;
      if (opcode === Opcode.text)
        this.#texts?.push(reader.bytes.toString("utf8", start, start + length));
      else if (opcode === Opcode.close) {
        this.#closeCode = length >= 2 ? reader.bytes.readUInt16BE(start) : 1005;
        this.#sayEnd();
      } else if (opcode === Opcode.ping) {
        this.write(frame(Opcode.pong, reader.bytes.subarray(start, start + length)));
      }
    }
  }
}
