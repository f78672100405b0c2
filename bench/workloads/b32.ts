import fs from "node:fs";
import { z } from "zod";

/**
 * The b32 format: a stream of 32-byte commands for one or more books, and beside it a JSON file with
 * the answer that every right engine gives.
 *
 *   0      1      2        4         8       12         16          24        32
 *   | type | side | symbol | account | price | quantity | order id  | 0       |
 */
export const B32_BYTES = 32;
export const B32_SIDE_OFFSET = 1;
export const B32_SYMBOL_OFFSET = 2;
export const B32_ACCOUNT_OFFSET = 4;
export const B32_PRICE_OFFSET = 8;
export const B32_QUANTITY_OFFSET = 12;
export const B32_ORDER_ID_OFFSET = 16; // u64, of which the low word is enough

export const B32Type = { limit: 1, cancel: 2, replace: 3, market: 4, ioc: 5 } as const;
export const B32_SELL = 1;

/** What a right engine has done at the end of the stream. */
export interface Outcome {
  readonly trades: number;
  readonly quantity: number;
  readonly resting: number;
  /** Over all fills: see FillHash. */
  readonly hash: number;
}

const answerSchema = z.object({
  prefill: z.number().int(),
  expect: z.object({
    trades: z.number().int(),
    qty: z.number().int(),
    resting: z.number().int(),
    hash: z.string(),
  }),
});

export interface B32Workload {
  readonly view: DataView;
  readonly count: number;
  /** So many commands at the start only build the book: they are not timed. */
  readonly prefill: number;
  /** null: there is no answer to compare with. */
  readonly expected: Outcome | null;
}

/** The published answer beside a workload file; null: there is none. */
export function readAnswer(
  file: string,
): { readonly prefill: number; readonly outcome: Outcome; readonly text: string } | null {
  if (!fs.existsSync(`${file}.json`)) return null;
  const { prefill, expect } = answerSchema.parse(
    JSON.parse(fs.readFileSync(`${file}.json`, "utf8")),
  );
  const { trades, qty, resting, hash } = expect;
  return {
    prefill,
    outcome: { trades, quantity: qty, resting, hash: Number.parseInt(hash, 16) },
    text: JSON.stringify({ trades, qty, resting, hash }),
  };
}

/** Reads the commands, and the answer from FILE.json where it is there. */
export function readB32(file: string): B32Workload {
  const bytes = fs.readFileSync(file);
  if (bytes.length === 0 || bytes.length % B32_BYTES !== 0) {
    throw new Error(`${file} is no whole number of ${B32_BYTES}-byte commands`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / B32_BYTES;
  const answer = readAnswer(file);
  return { view, count, prefill: answer?.prefill ?? 0, expected: answer?.outcome ?? null };
}

/** What differs from the expected outcome, in words; empty: nothing. */
export function differences(expected: Outcome, found: Outcome): string[] {
  return (["trades", "quantity", "resting", "hash"] as const)
    .filter((name) => expected[name] !== found[name])
    .map((name) => `${name} is ${found[name]}, should be ${expected[name]}`);
}

/** FNV-1a over 32-bit words: taker id, maker id, price and quantity of every fill, in order. */
export class FillHash {
  #hash = 0x811c9dc5 | 0;
  trades = 0;
  quantity = 0;

  fill(taker: number, maker: number, price: number, quantity: number): void {
    let h = Math.imul(this.#hash ^ taker, 0x01000193);
    h = Math.imul(h ^ maker, 0x01000193);
    h = Math.imul(h ^ price, 0x01000193);
    this.#hash = Math.imul(h ^ quantity, 0x01000193);
    this.trades++;
    this.quantity += quantity;
  }

  get value(): number {
    return this.#hash >>> 0;
  }
}
