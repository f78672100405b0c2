import { describe, expect, test } from "vitest";
import { BookChecksum } from "../../protocol/book-checksum.ts";

const MASK = (1n << 64n) - 1n;

/** MurmurHash3 x86 32-bit over any bytes, written down once more, with BigInt. */
function murmur3(bytes: Uint8Array, seed: number): bigint {
  const u32 = (value: bigint) => value & 0xffffffffn;
  const rotate = (value: bigint, by: bigint) => u32((value << by) | (value >> (32n - by)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let h = BigInt(seed);
  for (let at = 0; at < bytes.length; at += 4) {
    let k = BigInt(view.getUint32(at, true));
    k = u32(rotate(u32(k * 0xcc9e2d51n), 15n) * 0x1b873593n);
    h = u32(rotate(h ^ k, 13n) * 5n + 0xe6546b64n);
  }
  h ^= BigInt(bytes.length);
  h = u32((h ^ (h >> 16n)) * 0x85ebca6bn);
  h = u32((h ^ (h >> 13n)) * 0xc2b2ae35n);
  return h ^ (h >> 16n);
}

type Row = readonly [side: number, priceTicks: number, lots: number];

function expected(rows: readonly Row[]): string {
  let sum = 0n;
  for (const [side, priceTicks, lots] of rows) {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, side, true);
    view.setInt32(4, priceTicks, true);
    view.setBigUint64(8, BigInt(lots), true);
    sum = (sum + (murmur3(bytes, 2) << 32n) + murmur3(bytes, 1)) & MASK;
  }
  return sum.toString(16).padStart(16, "0");
}

const ROWS: readonly Row[] = [
  [1, 100, 5],
  [2, 101, 7],
  [1, -2147483648, Number.MAX_SAFE_INTEGER],
  [2, 2147483647, 1],
  [1, -1, 4294967296],
  ...Array.from({ length: 200 }, (_, i): Row => [1 + (i & 1), i * 7919 - 500_000, i * 1e9 + 1]),
];

describe("book checksum", () => {
  test("is the sum of the rows' hashes as the documents define it", () => {
    const checksum = new BookChecksum();
    ROWS.forEach(([side, priceTicks, lots], i) => {
      checksum.add(side, priceTicks, lots);
      expect(checksum.hex).toBe(expected(ROWS.slice(0, i + 1)));
    });
  });

  test("of an example in the documents", () => {
    const checksum = new BookChecksum();
    checksum.add(1, 128_000, 250);
    checksum.add(2, 128_001, 100);
    expect(checksum.hex).toBe(
      expected([
        [1, 128_000, 250],
        [2, 128_001, 100],
      ]),
    );
    expect(checksum.hex).toBe("90d09e4d4aa76840");
  });

  test("does not depend on the order, and comes back when rows go", () => {
    const forwards = new BookChecksum();
    const backwards = new BookChecksum();
    for (const row of ROWS) forwards.add(...row);
    for (const row of [...ROWS].reverse()) backwards.add(...row);
    expect(backwards.hex).toBe(forwards.hex);
    for (const row of ROWS.slice(10)) forwards.remove(...row);
    expect(forwards.hex).toBe(expected(ROWS.slice(0, 10)));
    for (const row of ROWS.slice(0, 10)) forwards.remove(...row);
    expect(forwards.hex).toBe("0000000000000000");
  });

  test("a row without lots is no row", () => {
    const checksum = new BookChecksum();
    checksum.add(1, 5, 0);
    checksum.remove(2, 5, 0);
    expect(checksum.hex).toBe("0000000000000000");
  });
});
