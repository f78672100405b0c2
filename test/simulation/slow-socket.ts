import { Topics } from "../../gateway/transport/topics.ts";
import type { SendResult, TransportSocket } from "../../gateway/transport/transport.ts";

/** A client that reads when it is told to. */
export class SlowSocket implements TransportSocket {
  readonly remoteAddress = "192.0.2.1";
  isOpen = true;
  bufferedBytes = 0;
  closeCode = 0;
  /** False: what is sent piles up. */
  isReading = true;
  /** What has been sent, read or not. */
  readonly frames: (string | Uint8Array)[] = [];
  readonly #topics: Topics<SlowSocket>;

  constructor(topics = new Topics<SlowSocket>()) {
    this.#topics = topics;
  }

  join(topic: string): void {
    this.#topics.join(this, topic);
  }

  leave(topic: string): void {
    this.#topics.leave(this, topic);
  }

  send(data: string | Uint8Array): SendResult {
    if (!this.isOpen) return "dropped";
    this.frames.push(typeof data === "string" ? data : data.slice());
    if (this.isReading) return "sent";
    this.bufferedBytes += data.length;
    return "queued";
  }

  cork(work: () => void): void {
    work();
  }

  close(code: number): void {
    this.isOpen = false;
    this.#topics.leaveAll(this);
    this.closeCode = code;
  }

  terminate(): void {
    this.close(1006);
  }

  /** Reads some of what has piled up. */
  read(bytes: number): void {
    this.bufferedBytes = Math.max(0, this.bufferedBytes - bytes);
  }

  /** Reads everything; the handler's onDrain is the caller's to call. */
  catchUp(): void {
    this.isReading = true;
    this.bufferedBytes = 0;
  }
}
