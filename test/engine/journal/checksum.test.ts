import { expect, test } from "vitest";
import { crc32c, crc32cPair, pairResult } from "../../../engine/journal/checksum.ts";
import { Random } from "../../simulation/random.ts";

/** Bit by bit, straight from the definition. */
function plainCrc(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

test("the checksum of 123456789 is the published one, with three bytes of zeros behind it too", () => {
  expect(plainCrc(new TextEncoder().encode("123456789")) >>> 0).toBe(0xe3069283);
  const padded = new Uint8Array(12);
  padded.set(new TextEncoder().encode("123456789"));
  expect(crc32c(new Int32Array(padded.buffer), 0, 3, 0)).toBe(plainCrc(padded));
});

test("two stretches at once give what each gives alone", () => {
  const random = new Random(11);
  const words = Int32Array.from({ length: 300 }, () => random.below(2 ** 32) | 0);
  for (let round = 0; round < 200; round++) {
    const count = 1 + 2 * random.below(64);
    const at = random.below(100);
    const other = random.below(100);
    const seed = random.below(2 ** 32) | 0;
    const otherSeed = random.below(2 ** 32) | 0;
    crc32cPair(words, at, other, count, seed, otherSeed);
    expect([...pairResult]).toEqual([
      crc32c(words, at, count, seed),
      crc32c(words, other, count, otherSeed),
    ]);
  }
});

test("a seed goes on where another stretch ended", () => {
  const words = Int32Array.from({ length: 9 }, (_, i) => i * 0x01234567);
  expect(crc32c(words, 4, 5, crc32c(words, 0, 4, 0))).toBe(crc32c(words, 0, 9, 0));
});
