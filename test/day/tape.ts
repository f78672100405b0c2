// A recorded day as it is on the tape, read apart from the import that makes commands of it.
import fs from "node:fs";
import { isZip, zipEntries } from "../../replay/import/zip.ts";

export interface TapeMessage {
  /** 1: a new limit order, 4: the execution of a visible one. */
  readonly type: number;
  readonly orderId: number;
  readonly size: number;
  /** In the file's unit, 10^-4. */
  readonly price: number;
  /** Of the order that rests. */
  readonly side: "buy" | "sell";
}

export const NEW_ORDER = 1;
export const EXECUTION = 4;

/** The message file itself, or the first one in a zip file. */
export function readTape(file: string): TapeMessage[] {
  const content = fs.readFileSync(file);
  if (!isZip(content)) return parseTape(content.toString("latin1"));
  const entry = zipEntries(content).find(({ name }) => /_message_[^/]*\.csv$/.test(name));
  if (entry === undefined) throw new Error(`${file} holds no message file`);
  return parseTape(entry.read().toString("latin1"));
}

/** Rows of time, type, order id, size, price, direction. */
export function parseTape(text: string): TapeMessage[] {
  const rows = text.split("\n").filter((line) => line.trim() !== "");
  return rows.map((row, i) => {
    const [, type, orderId, size, price, direction] = row.split(",").map(Number) as number[];
    if (direction !== 1 && direction !== -1) throw new Error(`row ${i + 1} is no message: ${row}`);
    return {
      type: type as number,
      orderId: orderId as number,
      size: size as number,
      price: price as number,
      side: direction === 1 ? "buy" : "sell",
    };
  });
}
