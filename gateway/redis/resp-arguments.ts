// Hot path: a trade is eleven arguments, and there may be tens of thousands a second. No strings here
// where digits can be written right away.

import { formatUnits } from "../../protocol/decimal.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";

const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
const BILLION = 1e9;
/** Longest number: sign, 16 digits, a point, zeros before them; and what frames it. */
const MOST_NUMBER_BYTES = 64;
const FRAME_BYTES = 16;

/**
 * Arguments of a Redis command as they go over the wire: `$<length>\r\n<bytes>\r\n` each. Written one
 * after the other into memory that is used again for the next command.
 */
export class RespArguments {
  #bytes: Buffer;
  #end = 0;
  /** Arguments so far. */
  count = 0;
  readonly #digits = new Uint8Array(MOST_NUMBER_BYTES);

  constructor(bytes = 1 << 16) {
    this.#bytes = Buffer.allocUnsafeSlow(bytes);
  }

  clear(): void {
    this.#end = 0;
    this.count = 0;
  }

  /** What has been written; good until the next write. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Of characters below 128. */
  text(value: string): void {
    this.#frame(value.length);
    this.#end += this.#bytes.write(value, this.#end, "latin1");
    this.#close();
  }

  bytes(value: Uint8Array): void {
    this.#frame(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
    this.#close();
  }

  /** A safe integer from 0. */
  integer(value: number): void {
    this.#number(this.#writeDigits(value, MOST_NUMBER_BYTES));
  }

  /** `<seq>-<index>`. */
  id(seq: number, index: number): void {
    let from = this.#writeDigits(index, MOST_NUMBER_BYTES);
    this.#digits[--from] = MINUS;
    this.#number(this.#writeDigits(seq, from));
  }

  /** units × unitValue × 10^-unitScale, as formatUnits writes it. */
  decimal(units: number, unitValue: number, unitScale: number): void {
    const product = Math.abs(units * unitValue);
    if (product > MAX_INTEGER || unitScale > 20) {
      this.text(formatUnits(units, unitValue, unitScale));
      return;
    }
    if (product === 0) {
      this.integer(0);
      return;
    }
    const digits = this.#digits;
    let from = this.#writeDigits(product, MOST_NUMBER_BYTES);
    let end = MOST_NUMBER_BYTES;
    if (unitScale > 0) {
      while (end - from <= unitScale) digits[--from] = ZERO;
      // The whole part moves one to the left, to make room for the point.
      const point = end - unitScale;
      digits.copyWithin(from - 1, from, point);
      from--;
      digits[point - 1] = POINT;
      while (digits[end - 1] === ZERO) end--;
      if (end === point) end--;
    }
    if (units < 0) digits[--from] = MINUS;
    this.#number(from, end);
  }

  /** Digits that end right before `end` in the scratch; returns where they begin. */
  #writeDigits(value: number, end: number): number {
    const digits = this.#digits;
    let at = end;
    let rest = value;
    while (rest >= BILLION) {
      const high = Math.floor(rest / BILLION);
      let low = (rest - high * BILLION) | 0;
      for (let n = 0; n < 9; n++) {
        const next = (low / 10) | 0;
        digits[--at] = ZERO + (low - next * 10);
        low = next;
      }
      rest = high;
    }
    let low = rest | 0;
    do {
      const next = (low / 10) | 0;
      digits[--at] = ZERO + (low - next * 10);
      low = next;
    } while (low > 0);
    return at;
  }

  #number(from: number, end = MOST_NUMBER_BYTES): void {
    this.#frame(end - from);
    const bytes = this.#bytes;
    const digits = this.#digits;
    let at = this.#end;
    for (let i = from; i < end; i++) bytes[at++] = digits[i] as number;
    this.#end = at;
    this.#close();
  }

  /** Makes room for so many bytes and all around them. */
  #frame(length: number): void {
    const needed = this.#end + length + FRAME_BYTES;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.written);
      this.#bytes = larger;
    }
    const bytes = this.#bytes;
    bytes[this.#end++] = DOLLAR;
    if (length < 10) bytes[this.#end++] = ZERO + length;
    else if (length < 100) {
      const tens = (length / 10) | 0;
      bytes[this.#end++] = ZERO + tens;
      bytes[this.#end++] = ZERO + (length - tens * 10);
    } else this.#end += bytes.write(String(length), this.#end, "latin1");
    bytes[this.#end++] = CR;
    bytes[this.#end++] = LF;
    this.count++;
  }

  #close(): void {
    this.#bytes[this.#end++] = CR;
    this.#bytes[this.#end++] = LF;
  }
}
