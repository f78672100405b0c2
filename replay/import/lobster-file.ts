// Finds the two files of a LOBSTER recording: in a zip file, or side by side.
import fs from "node:fs";
import path from "node:path";
import { ImportError } from "./errors.ts";
import { midnightUs } from "./exchange-time.ts";
import type { LobsterRecording } from "./lobster.ts";
import { isZip, zipEntries } from "./zip.ts";

/** SYMBOL_YYYY-MM-DD_START_END_message_LEVELS.csv */
const MESSAGE_NAME = /(?:^|\/)([^/_]+)_(\d{4}-\d\d-\d\d)_[^/]*_?message_[^/]*\.csv$/i;

/**
 * The recordings in `file`, a zip file or a message file, by date; those of `symbols` where any are
 * named. An order book file beside a message file is taken too. Throws an ImportError.
 */
export function readLobster(file: string, symbols: readonly string[]): LobsterRecording[] {
  const content = readBinary(file);
  const recordings = isZip(content) ? fromZip(content) : [fromCsv(file, content, symbols)];
  const wanted = recordings.filter(
    ({ symbol }) => symbols.length === 0 || symbols.includes(symbol),
  );
  if (wanted.length === 0) {
    const found = recordings.map(({ symbol }) => symbol).join(", ") || "no message file";
    throw new ImportError("missing", `${file} holds ${found}`);
  }
  return wanted.sort((a, b) => a.midnightUs - b.midnightUs);
}

function fromZip(content: Buffer): LobsterRecording[] {
  const entries = zipEntries(content);
  return entries.flatMap((entry) => {
    const match = MESSAGE_NAME.exec(entry.name);
    if (match === null) return [];
    const bookName = bookNameOf(entry.name);
    return [
      {
        symbol: match[1] as string,
        midnightUs: midnightUs(match[2] as string),
        messages: entry.read(),
        book: entries.find(({ name }) => name === bookName)?.read(),
      },
    ];
  });
}

function fromCsv(file: string, messages: Buffer, symbols: readonly string[]): LobsterRecording {
  const match = MESSAGE_NAME.exec(path.basename(file));
  const symbol = match?.[1] ?? symbols[0];
  if (symbol === undefined) {
    throw new ImportError("damaged", `the name of ${file} tells no symbol: name it with --symbol`);
  }
  const bookFile = path.join(path.dirname(file), bookNameOf(path.basename(file)));
  const hasBook = bookFile !== file && fs.existsSync(bookFile);
  return {
    symbol,
    midnightUs: match === null ? 0 : midnightUs(match[2] as string),
    messages,
    book: hasBook ? fs.readFileSync(bookFile) : undefined,
  };
}

function bookNameOf(messageName: string): string {
  return messageName.replace(/message(_[^/]*\.csv)$/i, "orderbook$1");
}

function readBinary(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw new ImportError("missing", `cannot read ${file}: ${(error as Error).message}`, error);
  }
}
