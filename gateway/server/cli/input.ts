import fs from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { EXIT_DATA, EXIT_IO, EXIT_NO_INPUT } from "./exit-codes.ts";
import { ExitError } from "./exit-error.ts";

const CHUNK_BYTES = 1 << 18;
const GZIP_MAGIC = [0x1f, 0x8b];

/**
 * The bytes of a file, or of standard input where no file is named, unpacked where they are gzip.
 * Throws an ExitError where the file cannot be opened, gzip is damaged or reading fails.
 */
export async function* readInput(file: string | undefined): AsyncGenerator<Buffer, void, void> {
  const source = openSource(file);
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let first: Buffer = Buffer.alloc(0);
  const name = file ?? "standard input";
  try {
    while (first.length < GZIP_MAGIC.length) {
      const next = await chunks.next();
      if (next.done === true) break;
      first = Buffer.concat([first, next.value]);
    }
    const plain = rest(first, chunks);
    if (!GZIP_MAGIC.every((byte, i) => first[i] === byte)) {
      yield* plain;
      return;
    }
    const unpacked = Readable.from(plain)
      .on("error", () => {})
      .pipe(createGunzip({ chunkSize: CHUNK_BYTES }));
    yield* unpacked as AsyncIterable<Buffer>;
  } catch (error) {
    throw inputError(name, error);
  } finally {
    source.destroy();
  }
}

async function* rest(first: Buffer, chunks: AsyncIterator<Buffer, undefined>) {
  if (first.length > 0) yield first;
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return;
    yield next.value;
  }
}

function openSource(file: string | undefined): Readable {
  if (file === undefined) return process.stdin;
  try {
    if (fs.statSync(file).isDirectory()) throw new Error("it is a directory");
    return fs.createReadStream("", { fd: fs.openSync(file, "r"), highWaterMark: CHUNK_BYTES });
  } catch (error) {
    const { message } = error as Error;
    throw new ExitError(EXIT_NO_INPUT, `cannot read ${file}: ${message}`, error);
  }
}

function inputError(name: string, error: unknown): unknown {
  if (error instanceof ExitError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (code.startsWith("Z_")) {
    return new ExitError(EXIT_DATA, `${name} is damaged: ${message}`, error);
  }
  return new ExitError(EXIT_IO, `cannot read ${name}: ${message}`, error);
}
