// Small recordings in foreign formats, written by the tests themselves.
import { crc32, deflateRawSync } from "node:zlib";

/** A zip archive; entries whose name ends in .stored are not deflated. */
export function zipFile(entries: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(entries)) {
    const content = Buffer.from(text);
    const stored = name.endsWith(".stored");
    const packed = stored ? content : deflateRawSync(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(stored ? 0 : 8, 8);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(stored ? 0 : 8, 10);
    entry.writeUInt32LE(crc32(content), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(local, Buffer.from(name), packed);
    directory.push(entry, Buffer.from(name));
    at += local.length + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(entries).length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

type ItchField = readonly [bytes: number, value: number | string];

/** One length-prefixed ITCH message: type, header, then big-endian numbers and padded texts. */
export function itchMessage(type: string, nanoseconds: number, ...fields: ItchField[]): Buffer {
  const head = Buffer.alloc(11);
  head.write(type, 0, "latin1");
  head.writeUInt16BE(7, 1);
  head.writeUIntBE(nanoseconds, 5, 6);
  const body = fields.map(([bytes, value]) => {
    if (typeof value === "string") return Buffer.from(value.padEnd(bytes), "latin1");
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(value));
    return wide.subarray(8 - bytes);
  });
  const message = Buffer.concat([head, ...body]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
