// A compressed segment: the bytes of the segment, cut into frames that are compressed one by one, so
// that a reader may begin anywhere. docs/journal-format.md describes every byte. Cold.
import { createHash, type Hash } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { getBytes, getNumber, SEGMENT_HEADER_BYTES, setBytes, setNumber } from "./block-format.ts";
import { crc32c } from "./checksum.ts";
import type { Disk, FileHandle } from "./disk.ts";

const FORMAT_VERSION = 1;
const METHOD_BROTLI = 1;
// "CROSSPAK" as two little-endian words.
const MAGIC_LOW = 0x534f5243;
const MAGIC_HIGH = 0x4b415053;
const FIXED_BYTES = 64;
const DIGEST_BYTES = 32;
/** Unpacked; the first frame holds the segment's header alone, since it is read most. */
export const FRAME_BYTES = 1 << 20;
const MAX_FRAMES = 4096;
/** One more than a window of the reader can touch. */
const CACHED_FRAMES = 3;

interface Directory {
  readonly bytes: number;
  /** SHA-256 of the segment. */
  readonly digest: Uint8Array;
  /** Where frame i begins in the file; one more for the end. */
  readonly starts: readonly number[];
}

function frameCount(bytes: number): number {
  if (bytes <= SEGMENT_HEADER_BYTES) return bytes === 0 ? 0 : 1;
  return 1 + Math.ceil((bytes - SEGMENT_HEADER_BYTES) / FRAME_BYTES);
}

/** Where frame i begins in the segment. */
function frameStart(index: number): number {
  return index === 0 ? 0 : SEGMENT_HEADER_BYTES + (index - 1) * FRAME_BYTES;
}

function frameOf(position: number): number {
  if (position < SEGMENT_HEADER_BYTES) return 0;
  return 1 + Math.floor((position - SEGMENT_HEADER_BYTES) / FRAME_BYTES);
}

function directoryBytes(frames: number): number {
  return FIXED_BYTES + 4 * frames + 4;
}

/** Packs the file at `from` into a new one at `to`, synced. Returns the bytes of both. */
export function packSegment(
  disk: Disk,
  from: string,
  to: string,
): { readonly bytes: number; readonly packedBytes: number } {
  const source = disk.open(from, "read");
  let target: FileHandle | undefined;
  try {
    const bytes = disk.bytesOf(source);
    const frames = frameCount(bytes);
    const lengths: number[] = [];
    const digest = createHash("sha256");
    const frame = new Uint8Array(FRAME_BYTES);
    target = disk.open(to, "create");
    let position = directoryBytes(frames);
    for (let index = 0; index < frames; index++) {
      const start = frameStart(index);
      const length = Math.min(frameStart(index + 1), bytes) - start;
      const count = disk.readAt(source, frame, 0, length, start);
      if (count !== length) throw new RangeError(`${from} became shorter while it was read`);
      digest.update(frame.subarray(0, count));
      const packed = brotliCompressSync(frame.subarray(0, count), {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: 1,
          [constants.BROTLI_PARAM_SIZE_HINT]: count,
        },
      });
      disk.writeAt(target, packed, 0, packed.length, position);
      position += packed.length;
      lengths.push(packed.length);
    }
    const directory = encodeDirectory(bytes, lengths, digest);
    disk.writeAt(target, directory, 0, directory.length, 0);
    disk.sync(target);
    return { bytes, packedBytes: position };
  } finally {
    disk.close(source);
    if (target !== undefined) disk.close(target);
  }
}

function encodeDirectory(bytes: number, lengths: readonly number[], digest: Hash): Uint8Array {
  const directory = new Uint8Array(directoryBytes(lengths.length));
  const view = new DataView(directory.buffer);
  view.setInt32(0, MAGIC_LOW, true);
  view.setInt32(4, MAGIC_HIGH, true);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint8(10, METHOD_BROTLI);
  setNumber(view, 16, bytes);
  view.setUint32(24, FRAME_BYTES, true);
  view.setUint32(28, lengths.length, true);
  setBytes(view, 32, digest.digest());
  lengths.forEach((length, i) => {
    view.setUint32(FIXED_BYTES + 4 * i, length, true);
  });
  const words = directory.length / 4 - 1;
  view.setInt32(words * 4, crc32c(new Int32Array(directory.buffer), 0, words, 0), true);
  return directory;
}

/**
 * A compressed segment, opened for reading. What cannot be unpacked reads as bytes of all ones, which
 * no segment holds: whoever reads finds a wrong header or sector there, and says so in his own words.
 */
export class PackedSegment {
  /** Of the segment. */
  readonly bytes: number;
  /** undefined: the file is no compressed segment of a known version. */
  readonly #directory: Directory | undefined;
  readonly #disk: Disk;
  readonly #file: FileHandle;
  /** The frames used last, the latest at the end. */
  #cache: { readonly index: number; readonly bytes: Uint8Array }[] = [];

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#file = disk.open(path, "read");
    try {
      this.#directory = readDirectory(disk, this.#file);
    } catch (error) {
      disk.close(this.#file);
      throw error;
    }
    this.bytes = this.#directory?.bytes ?? SEGMENT_HEADER_BYTES;
  }

  readAt(into: Uint8Array, offset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.bytes);
    let at = position;
    while (at < end) {
      const index = frameOf(at);
      const start = frameStart(index);
      const frame = this.#frame(index);
      const stop = Math.min(end, frameStart(index + 1));
      into.set(frame.subarray(at - start, stop - start), offset + at - position);
      at = stop;
    }
    return Math.max(0, end - position);
  }

  sync(): void {
    this.#disk.sync(this.#file);
  }

  close(): void {
    this.#disk.close(this.#file);
  }

  /** Unpacks all of it. False: it does not give the segment that was packed. */
  isWhole(): boolean {
    if (this.#directory === undefined) return false;
    const digest = createHash("sha256");
    const frames = this.#directory.starts.length - 1;
    for (let index = 0; index < frames; index++) digest.update(this.#unpack(index));
    return digest.digest().equals(this.#directory.digest);
  }

  #frame(index: number): Uint8Array {
    const cached = this.#cache.find((one) => one.index === index);
    if (cached !== undefined) return cached.bytes;
    const bytes = this.#unpack(index);
    if (this.#cache.length === CACHED_FRAMES) this.#cache.shift();
    this.#cache.push({ index, bytes });
    return bytes;
  }

  #unpack(index: number): Uint8Array {
    const expected = Math.min(frameStart(index + 1), this.bytes) - frameStart(index);
    if (this.#directory !== undefined) {
      const from = this.#directory.starts[index] as number;
      const packed = new Uint8Array((this.#directory.starts[index + 1] as number) - from);
      const count = this.#disk.readAt(this.#file, packed, 0, packed.length, from);
      const frame = unpacked(packed.subarray(0, count), expected);
      if (frame !== undefined) return frame;
    }
    return new Uint8Array(expected).fill(0xff);
  }
}

function unpacked(packed: Uint8Array, expected: number): Uint8Array | undefined {
  try {
    const frame = brotliDecompressSync(packed, { maxOutputLength: Math.max(expected, 1) });
    return frame.length === expected ? frame : undefined;
  } catch {
    return undefined;
  }
}

function readDirectory(disk: Disk, file: FileHandle): Directory | undefined {
  const size = disk.bytesOf(file);
  const fixed = new Uint8Array(FIXED_BYTES);
  if (disk.readAt(file, fixed, 0, FIXED_BYTES, 0) !== FIXED_BYTES) return undefined;
  const view = new DataView(fixed.buffer);
  const bytes = getNumber(view, 16);
  const frames = view.getUint32(28, true);
  const isKnown =
    view.getInt32(0, true) === MAGIC_LOW &&
    view.getInt32(4, true) === MAGIC_HIGH &&
    view.getUint16(8, true) === FORMAT_VERSION &&
    view.getUint8(10) === METHOD_BROTLI &&
    view.getUint32(24, true) === FRAME_BYTES &&
    frames <= MAX_FRAMES &&
    frames === frameCount(bytes) &&
    directoryBytes(frames) <= size;
  if (!isKnown) return undefined;
  const all = new Uint8Array(directoryBytes(frames));
  disk.readAt(file, all, 0, all.length, 0);
  const words = all.length / 4 - 1;
  const allView = new DataView(all.buffer);
  if (crc32c(new Int32Array(all.buffer), 0, words, 0) !== allView.getInt32(words * 4, true)) {
    return undefined;
  }
  const starts = [all.length];
  for (let i = 0; i < frames; i++) {
    starts.push((starts[i] as number) + allView.getUint32(FIXED_BYTES + 4 * i, true));
  }
  if (starts.at(-1) !== size) return undefined;
  const digest = new Uint8Array(DIGEST_BYTES);
  getBytes(allView, 32, digest);
  return { bytes, digest, starts };
}
