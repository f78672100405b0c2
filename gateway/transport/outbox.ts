// Hot path: no allocation while the peer keeps up.
import type { TransportSocket } from "./transport.ts";

/** While more than this waits in the socket, messages wait here. */
const SOCKET_FULL_BYTES = 256 * 1024;
/** Binary messages go out together, up to this many bytes in a frame. */
const BATCH_BYTES = 16 * 1024;
const FIRST_BATCH_BYTES = 1024;

/** What the endpoints' sockets must allow on top of what an outbox lets wait in them. */
export const SOCKET_HEADROOM_BYTES = SOCKET_FULL_BYTES + 4 * BATCH_BYTES;

/**
 * What waits for one client. Binary messages are put one after the other into one frame; each text
 * message is a frame of its own. Nothing is sent before `flush`.
 */
export class Outbox {
  readonly #socket: TransportSocket;
  #batch = new Uint8Array(0);
  #view = new DataView(this.#batch.buffer);
  #batchBytes = 0;
  // Frames in order, from #first on; the batch comes after them.
  #frames: (string | Uint8Array)[] = [];
  #first = 0;
  #frameBytes = 0;

  constructor(socket: TransportSocket) {
    this.#socket = socket;
  }

  /** Where a message may be written after `claim`; another one after the next `claim`. */
  get view(): DataView {
    return this.#view;
  }

  /** Bytes that wait here and in the socket. */
  get waitingBytes(): number {
    return this.#frameBytes + this.#batchBytes + this.#socket.bufferedBytes;
  }

  get isEmpty(): boolean {
    return this.#batchBytes === 0 && this.#first === this.#frames.length;
  }

  /** Byte offset in `view` for a binary message of `length` bytes, at most 1024. */
  claim(length: number): number {
    if (this.#batchBytes + length > this.#batch.length) this.#makeRoom(length);
    return this.#batchBytes;
  }

  commit(length: number): void {
    this.#batchBytes += length;
  }

  /** One text frame. */
  text(text: string): void {
    this.frame(text);
  }

  /** A whole frame; bytes must stay as they are until it has been sent. */
  frame(frame: string | Uint8Array): void {
    this.#seal();
    this.#frames.push(frame);
    this.#frameBytes += frame.length;
  }

  /** Hands over what the socket takes; the rest waits for the next call. */
  flush(): void {
    if (this.#first === this.#frames.length) this.#flushBatch();
    else this.#socket.cork(() => this.#flushFrames());
  }

  #flushFrames(): void {
    while (this.#first < this.#frames.length) {
      if (!this.#socket.isOpen || this.#socket.bufferedBytes > SOCKET_FULL_BYTES) {
        this.#forgetSent();
        return;
      }
      const frame = this.#frames[this.#first++] as string | Uint8Array;
      this.#frameBytes -= frame.length;
      this.#socket.send(frame);
    }
    this.#frames.length = 0;
    this.#first = 0;
    this.#flushBatch();
  }

  #flushBatch(): void {
    if (this.#batchBytes === 0 || this.#socket.bufferedBytes > SOCKET_FULL_BYTES) return;
    const length = this.#batchBytes;
    this.#batchBytes = 0;
    this.#socket.send(this.#batch.subarray(0, length));
  }

  #forgetSent(): void {
    if (this.#first < 1024) return;
    this.#frames = this.#frames.slice(this.#first);
    this.#first = 0;
  }

  #makeRoom(length: number): void {
    if (this.#batch.length < BATCH_BYTES) {
      const grown = new Uint8Array(Math.max(FIRST_BATCH_BYTES, this.#batch.length * 2));
      grown.set(this.#batch);
      this.#batch = grown;
      this.#view = new DataView(grown.buffer);
      if (this.#batchBytes + length <= grown.length) return;
    }
    this.#seal();
  }

  #seal(): void {
    if (this.#batchBytes === 0) return;
    this.#frames.push(this.#batch.slice(0, this.#batchBytes));
    this.#frameBytes += this.#batchBytes;
    this.#batchBytes = 0;
  }
}
