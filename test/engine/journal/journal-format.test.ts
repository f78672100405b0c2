import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../engine/journal/checksum.ts";
import { exitStatusOf, JournalError } from "../../../engine/journal/errors.ts";
import { JournalReader } from "../../../engine/journal/journal-reader.ts";
import { EXAMPLE_TIME_US, exampleJournal } from "./example-journal.ts";
import { DIRECTORY_ID } from "./records.ts";
import { DIRECTORY, LAST_FILE, makeJournal } from "./small-journal.ts";

const DOC = readFileSync(new URL("../../../docs/journal-format.md", import.meta.url), "utf8");

/** The bytes of the hex dump in the document. */
function documented(): Uint8Array {
  const dump = /```hex\n([\s\S]*?)```/.exec(DOC)?.[1] ?? "";
  const rows = dump.trim().split("\n");
  const bytes = new Uint8Array(Number.parseInt(rows.at(-1) ?? "0", 16));
  for (const row of rows) {
    const [offset, data] = row.split("  ");
    if (data === undefined) continue;
    bytes.set(Buffer.from(data.replaceAll(" ", ""), "hex"), Number.parseInt(offset as string, 16));
  }
  return bytes;
}

/** Bit by bit, from the definition: shares nothing with the code under test. */
function slowCrc(bytes: Uint8Array, start: number): number {
  let crc = ~start;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe("the worked example of the format", () => {
  const bytes = documented();
  const view = new DataView(bytes.buffer);
  const u64 = (at: number) => Number(view.getBigUint64(at, true));
  const text = (at: number) => Buffer.from(bytes.subarray(at, at + 8)).toString("latin1");

  it("is what the writer writes, byte for byte", () => {
    expect(Buffer.compare(bytes, exampleJournal())).toBe(0);
  });

  it("has a segment header as the table says", () => {
    expect(text(0)).toBe("CROSSSEG");
    expect([view.getUint16(8, true), bytes[10], bytes[11]]).toEqual([1, 1, 2]);
    expect(view.getUint16(12, true)).toBe(1);
    expect(bytes.subarray(16, 32)).toEqual(DIRECTORY_ID);
    expect([u64(32), u64(40), u64(48), u64(64), u64(72)]).toEqual([1, 1, 0, 1, 65536]);
    expect(view.getUint32(60, true)).toBe(8192);
    expect(u64(80)).toBe(EXAMPLE_TIME_US);
    expect(view.getUint32(508, true)).toBe(slowCrc(bytes.subarray(0, 508), 0));
  });

  it("has sectors that check, each from its own start value", () => {
    for (const [block, number] of [
      [0x1000, 1],
      [0x2000, 2],
    ] as const) {
      const place = new Uint8Array(32);
      place.set(DIRECTORY_ID);
      new DataView(place.buffer).setBigUint64(16, 1n, true);
      new DataView(place.buffer).setBigUint64(24, BigInt(number), true);
      const key = slowCrc(place, 0);
      for (let i = 0; i < 8; i++) {
        const at = block + i * 512;
        const expected = slowCrc(bytes.subarray(at, at + 508), (key + i) >>> 0);
        expect(view.getUint32(at + 508, true)).toBe(expected);
      }
    }
  });

  it("has blocks as the table says, chained", () => {
    expect([text(0x1000), text(0x2000)]).toEqual(["CROSSBLK", "CROSSBLK"]);
    expect([bytes[0x100b], bytes[0x200b]]).toEqual([0, 1]);
    expect([view.getUint32(0x100c, true), view.getUint32(0x200c, true)]).toEqual([8, 8]);
    expect([u64(0x1028), u64(0x1030), u64(0x1038), u64(0x1040)]).toEqual([1, 1, 2, 0]);
    expect([u64(0x2028), u64(0x2030), u64(0x2038), u64(0x2040)]).toEqual([2, 3, 2, 2]);
    expect([view.getUint32(0x1048, true), view.getUint32(0x104c, true)]).toEqual([2, 112]);
    const chain = createHash("sha256").update(bytes.subarray(0x1000, 0x2000)).digest();
    expect(Buffer.compare(bytes.subarray(0x2080, 0x20a0), chain)).toBe(0);
  });

  it("has the two commands that the text names", () => {
    expect([view.getUint16(0x10c0, true), view.getUint16(0x10c2, true)]).toEqual([48, 14]);
    expect([view.getUint16(0x10f0, true), view.getUint16(0x10f2, true)]).toEqual([64, 2]);
    expect([u64(0x10c8), u64(0x10f8)]).toEqual([1, 2]);
    expect([u64(0x10f0 + 24), view.getUint32(0x10f0 + 32, true), u64(0x10f0 + 48)]).toEqual([
      7, 42, 1001,
    ]);
  });
});

describe("crc32c", () => {
  it("is the Castagnoli checksum, whole and continued", () => {
    const bytes = new Uint8Array(64);
    bytes.set(Buffer.from("123456781234567812345678"));
    const words = new Int32Array(bytes.buffer);
    for (const count of [0, 1, 2, 3, 5, 16]) {
      expect(crc32c(words, 0, count, 77) >>> 0).toBe(slowCrc(bytes.subarray(0, count * 4), 77));
    }
    const half = crc32c(words, 0, 3, 0);
    expect(crc32c(words, 3, 5, half)).toBe(crc32c(words, 0, 8, 0));
    // The check value of the algorithm's catalogue: "123456789" gives E3069283.
    expect(slowCrc(Buffer.from("123456789"), 0)).toBe(0xe3069283);
  });
});

describe("a journal with records of another schema version", () => {
  it("is refused by name, not taken for damaged, and not touched", () => {
    const disk = makeJournal([3], "closed");
    const bytes = disk.bytesAt(LAST_FILE);
    const header = new DataView(bytes.buffer, bytes.byteOffset);
    const before = header.getUint16(14, true);
    header.setUint16(14, before - 1, true);
    header.setUint32(508, slowCrc(bytes.subarray(0, 508), 0), true);
    const asItWas = bytes.slice();
    let error: unknown;
    try {
      JournalReader.open(disk, DIRECTORY).next();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(JournalError);
    expect((error as JournalError).code).toBe("otherSchema");
    expect((error as JournalError).message).toContain(
      `schema version ${before - 1}; this program reads version ${before} only`,
    );
    expect(exitStatusOf(error)).toBe(65);
    expect(Buffer.compare(disk.bytesAt(LAST_FILE), asItWas)).toBe(0);
  });
});
