// CRC-32C (Castagnoli) over 32-bit words, eight table look-ups for every eight bytes. Own code
// because the same bytes must check on every Node version; as fast as zlib's at sector size.

const POLYNOMIAL = 0x82f63b78;

function tables(): Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) {
      value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    }
    first[byte] = value;
  }
  const all = [first];
  for (let slice = 1; slice < 8; slice++) {
    const before = all[slice - 1] as Int32Array;
    const next = new Int32Array(256);
    for (let byte = 0; byte < 256; byte++) {
      const value = before[byte] as number;
      next[byte] = (value >>> 8) ^ (first[value & 255] as number);
    }
    all.push(next);
  }
  return all;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = tables() as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** What `crc32cPair` has found. */
export const pairResult = new Int32Array(2);

/**
 * Two stretches of `count` words (an odd number), from `words[at]` and from `words[other]`, with
 * seeds of their own: the results stand in `pairResult`. The look-ups of one wait for each other,
 * those of the two do not: a quarter faster than one after the other.
 */
export function crc32cPair(
  words: Int32Array,
  at: number,
  other: number,
  count: number,
  seed: number,
  otherSeed: number,
): void {
  let crc = ~seed;
  let crcOther = ~otherSeed;
  const end = at + count - 1;
  const distance = other - at;
  for (let i = at; i < end; i += 2) {
    let low = (words[i] as number) ^ crc;
    let high = words[i + 1] as number;
    crc =
      (T7[low & 255] as number) ^
      (T6[(low >>> 8) & 255] as number) ^
      (T5[(low >>> 16) & 255] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[high & 255] as number) ^
      (T2[(high >>> 8) & 255] as number) ^
      (T1[(high >>> 16) & 255] as number) ^
      (T0[high >>> 24] as number);
    low = (words[i + distance] as number) ^ crcOther;
    high = words[i + distance + 1] as number;
    crcOther =
      (T7[low & 255] as number) ^
      (T6[(low >>> 8) & 255] as number) ^
      (T5[(low >>> 16) & 255] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[high & 255] as number) ^
      (T2[(high >>> 8) & 255] as number) ^
      (T1[(high >>> 16) & 255] as number) ^
      (T0[high >>> 24] as number);
  }
  pairResult[0] = ~lastWord(words[end] as number, crc);
  pairResult[1] = ~lastWord(words[end + distance] as number, crcOther);
}

function lastWord(word: number, crc: number): number {
  const low = word ^ crc;
  return (
    (T3[low & 255] as number) ^
    (T2[(low >>> 8) & 255] as number) ^
    (T1[(low >>> 16) & 255] as number) ^
    (T0[low >>> 24] as number)
  );
}

/**
 * CRC-32C of `count` little-endian words from `words[at]`, as a signed 32-bit integer. `seed` is
 * the checksum of what came before (0: nothing).
 */
export function crc32c(words: Int32Array, at: number, count: number, seed: number): number {
  let crc = ~seed;
  const end = at + (count & ~1);
  for (let i = at; i < end; i += 2) {
    const low = (words[i] as number) ^ crc;
    const high = words[i + 1] as number;
    crc =
      (T7[low & 255] as number) ^
      (T6[(low >>> 8) & 255] as number) ^
      (T5[(low >>> 16) & 255] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[high & 255] as number) ^
      (T2[(high >>> 8) & 255] as number) ^
      (T1[(high >>> 16) & 255] as number) ^
      (T0[high >>> 24] as number);
  }
  if ((count & 1) === 1) crc = lastWord(words[end] as number, crc);
  return ~crc;
}
