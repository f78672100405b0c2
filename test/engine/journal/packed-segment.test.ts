import { brotliCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../engine/journal/checksum.ts";
import type { FileHandle, OpenMode } from "../../../engine/journal/disk.ts";
import { PACKED_ENDING, PackedDisk } from "../../../engine/journal/packed-disk.ts";
import { Random } from "../../simulation/random.ts";
import { SimulatedDisk } from "../../simulation/simulated-disk.ts";

const PATH = "/journal/00000001.journal";
const BYTES = 12_288;
/** Two frames, the header's and the rest's: where their lengths and the checksum of both stand. */
const LENGTHS = 64;
const CHECKSUM = 72;
const FRAMES = 76;

function withSegment(disk: SimulatedDisk): Uint8Array {
  const content = Uint8Array.from({ length: BYTES }, (_, i) => (i * 7 + (i >> 8)) & 255);
  disk.makeDirectory("/journal");
  disk.replace(PATH, content);
  return content;
}

describe("a compressed segment", () => {
  it("takes the plain one's place only when it gives the same when read back", () => {
    /** Writes one bit of a compressed file wrong, and says nothing. */
    class LyingDisk extends SimulatedDisk {
      lies = 0;
      readonly #packed = new Set<FileHandle>();

      override open(path: string, mode: OpenMode): FileHandle {
        const file = super.open(path, mode);
        if (path.endsWith(`${PACKED_ENDING}.new`)) this.#packed.add(file);
        return file;
      }

      override writeAt(
        file: FileHandle,
        bytes: Uint8Array,
        offset: number,
        length: number,
        position: number,
      ): void {
        const copy = bytes.slice(offset, offset + length);
        if (this.#packed.has(file) && position > FRAMES) {
          copy[length >> 1] = (copy[length >> 1] as number) ^ 1;
          this.lies++;
        }
        super.writeAt(file, copy, 0, length, position);
      }
    }
    const disk = new LyingDisk(new Random(1));
    const content = withSegment(disk);
    expect(() => new PackedDisk(disk).pack(PATH)).toThrow(/reads otherwise/);
    expect(disk.lies).toBe(1);
    expect(disk.bytesAt(PATH)).toEqual(content);
    expect(disk.stat(PATH + PACKED_ENDING)).toBeUndefined();
  });

  it("reads as all ones where a frame gives another size than it should", () => {
    const plain = new SimulatedDisk(new Random(1));
    const content = withSegment(plain);
    new PackedDisk(plain).pack(PATH);
    const packed = plain.bytesAt(PATH + PACKED_ENDING).slice();
    const view = new DataView(packed.buffer);
    const firstLength = view.getUint32(LENGTHS, true);
    for (const size of [BYTES - 4096 - 512, BYTES - 4096 + 512]) {
      const frame = brotliCompressSync(new Uint8Array(size).fill(3));
      const forged = new Uint8Array(FRAMES + firstLength + frame.length);
      forged.set(packed.subarray(0, FRAMES + firstLength));
      forged.set(frame, FRAMES + firstLength);
      const words = new Int32Array(forged.slice(0, CHECKSUM + 4).buffer);
      words[(LENGTHS + 4) >> 2] = frame.length;
      words[CHECKSUM >> 2] = crc32c(words, 0, CHECKSUM >> 2, 0);
      forged.set(new Uint8Array(words.buffer));

      const disk = new SimulatedDisk(new Random(1));
      disk.makeDirectory("/journal");
      disk.replace(PATH + PACKED_ENDING, forged);
      const reading = new PackedDisk(disk);
      const file = reading.open(PATH, "read");
      expect(reading.bytesOf(file)).toBe(BYTES);
      const into = new Uint8Array(BYTES);
      expect(reading.readAt(file, into, 0, BYTES, 0)).toBe(BYTES);
      expect(into.subarray(0, 4096)).toEqual(content.subarray(0, 4096));
      expect(into.subarray(4096).every((byte) => byte === 0xff)).toBe(true);
      reading.close(file);
    }
  });
});
