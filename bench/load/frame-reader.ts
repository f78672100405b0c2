/** Takes whole WebSocket frames of a server out of a stream of bytes. No fragments, no extensions. */
export class FrameReader {
  #bytes: Buffer;
  #end = 0;
  /** Of the frame that `next` has found. */
  opcode = 0;
  start = 0;
  length = 0;
  #at = 0;

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#at > 0) {
      this.#bytes.copyWithin(0, this.#at, this.#end);
      this.#end -= this.#at;
      this.#at = 0;
    }
    if (this.#end + chunk.length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (this.#end + chunk.length));
      this.#bytes.copy(larger, 0, 0, this.#end);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** What was pushed and not yet taken, up to and with the first `mark`; null: it is not there yet. */
  takeThrough(mark: string): string | null {
    const text = this.#bytes.toString("latin1", this.#at, this.#end);
    const found = text.indexOf(mark);
    if (found === -1) return null;
    this.#at += found + mark.length;
    return text.slice(0, found + mark.length);
  }

  /** True: the payload is `bytes` from `start`, `length` long, until the next push. */
  next(): boolean {
    const available = this.#end - this.#at;
    if (available < 2) return false;
    const bytes = this.#bytes;
    let header = 2;
    let length = (bytes[this.#at + 1] as number) & 0x7f;
    if (length === 126) {
      if (available < 4) return false;
      length = bytes.readUInt16BE(this.#at + 2);
      header = 4;
    } else if (length === 127) {
      if (available < 10) return false;
      length = bytes.readUInt32BE(this.#at + 6); // nobody sends 4 GiB here
      header = 10;
    }
    if (available < header + length) return false;
    this.opcode = (bytes[this.#at] as number) & 0x0f;
    this.start = this.#at + header;
    this.length = length;
    this.#at += header + length;
    return true;
  }
}

export const Opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Bytes before the payload in a frame of `length` bytes (below 64 KiB) from a client. */
export function clientHeaderBytes(length: number): number {
  return length < 126 ? 6 : 8;
}

/**
 * Writes the header of a client's frame. The mask is zero, so that the payload stays as it is: it is
 * there to protect proxies from browsers, and neither is here.
 */
export function writeClientHeader(
  into: Uint8Array,
  at: number,
  opcode: number,
  length: number,
): void {
  into[at] = 0x80 | opcode;
  if (length < 126) {
    into[at + 1] = 0x80 | length;
    into.fill(0, at + 2, at + 6);
  } else {
    into[at + 1] = 0x80 | 126;
    into[at + 2] = length >> 8;
    into[at + 3] = length & 0xff;
    into.fill(0, at + 4, at + 8);
  }
}
