import fs from "node:fs";
import { EXIT_IO, EXIT_OK } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";

const FLUSH_CHARACTERS = 1 << 16;
const NAP_MS = 1;

/**
 * Writes lines to a file descriptor, a chunk at a time, and waits while the other side does not
 * read: memory stays small however much is written. Throws an ExitError where writing
 * fails; a reader that has gone away ends the command quietly.
 */
export class LineOutput {
  readonly #fd: number;
  readonly #napWord = new Int32Array(new SharedArrayBuffer(4));
  #text = "";

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** line: without its end. */
  write(line: string): void {
    this.#text += line;
    this.#text += "\n";
    if (this.#text.length >= FLUSH_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#text === "") return;
    const bytes = Buffer.from(this.#text, "utf8");
    this.#text = "";
    for (let at = 0; at < bytes.length; ) at += this.#writeSome(bytes, at);
  }

  #writeSome(bytes: Buffer, at: number): number {
    try {
      return fs.writeSync(this.#fd, bytes, at);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // A pipe that another process has made non-blocking.
      if (code === "EAGAIN") {
        Atomics.wait(this.#napWord, 0, 0, NAP_MS);
        return 0;
      }
      if (code === "EPIPE") throw new ExitError(EXIT_OK, "", error);
      throw new ExitError(EXIT_IO, `cannot write the output: ${message}`, error);
    }
  }
}
