const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Cuts a stream of bytes into lines; the last one needs no end, and "\r\n" ends a line too. */
export class LineSplitter {
  readonly #maxBytes: number;
  /** undefined: a line longer than maxBytes. */
  readonly #onLine: (line: string | undefined) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(maxBytes: number, onLine: (line: string | undefined) => void) {
    this.#maxBytes = maxBytes;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#keep(chunk, start, end);
      this.#emit();
      start = end + 1;
    }
    this.#keep(chunk, start, chunk.length);
  }

  end(): void {
    if (this.#restBytes > 0) this.#emit();
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    if (start === end) return;
    this.#restBytes += end - start;
    // What is too long anyway need not be kept.
    if (this.#restBytes <= this.#maxBytes) this.#rest.push(chunk.subarray(start, end));
  }

  #emit(): void {
    const bytes = this.#rest.length === 1 ? (this.#rest[0] as Buffer) : Buffer.concat(this.#rest);
    const fits = this.#restBytes <= this.#maxBytes;
    this.#rest = [];
    this.#restBytes = 0;
    if (!fits) {
      this.#onLine(undefined);
      return;
    }
    const last = bytes.length - 1;
    this.#onLine(bytes.toString("utf8", 0, bytes[last] === CARRIAGE_RETURN ? last : last + 1));
  }
}
