// Just enough of the zip format to read a file of recorded data where it lies: stored and deflated
// entries, no encryption, no zip64.
import { crc32, inflateRawSync } from "node:zlib";
import { ImportError } from "./errors.ts";

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65535;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;
const IN_ZIP64 = 0xffffffff;

export interface ZipEntry {
  readonly name: string;
  /** Decompresses and checks it. Throws an ImportError (damaged). */
  read(): Buffer;
}

export function isZip(file: Buffer): boolean {
  return file.length >= 4 && file.readUInt32LE(0) === LOCAL_SIGNATURE;
}

/** The files in the archive, in its order. Throws an ImportError (damaged). */
export function zipEntries(file: Buffer): ZipEntry[] {
  const end = findEnd(file);
  const count = file.readUInt16LE(end + 10);
  const entries: ZipEntry[] = [];
  let at = file.readUInt32LE(end + 16);
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > file.length || file.readUInt32LE(at) !== ENTRY_SIGNATURE) {
      throw damaged(`its directory breaks off at byte ${at}`);
    }
    const nameLength = file.readUInt16LE(at + 28);
    const name = file.toString("utf8", at + ENTRY_BYTES, at + ENTRY_BYTES + nameLength);
    const entryAt = at;
    if (!name.endsWith("/")) entries.push({ name, read: () => readEntry(file, entryAt, name) });
    at += ENTRY_BYTES + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  return entries;
}

function findEnd(file: Buffer): number {
  const last = file.length - END_BYTES;
  for (let at = last; at >= 0 && at >= last - MAX_COMMENT_BYTES; at--) {
    if (file.readUInt32LE(at) === END_SIGNATURE) return at;
  }
  throw damaged("it has no end");
}

function readEntry(file: Buffer, at: number, name: string): Buffer {
  const flags = file.readUInt16LE(at + 8);
  const method = file.readUInt16LE(at + 10);
  const crc = file.readUInt32LE(at + 16);
  const packedBytes = file.readUInt32LE(at + 20);
  const bytes = file.readUInt32LE(at + 24);
  const localAt = file.readUInt32LE(at + 42);
  if ((flags & ENCRYPTED_FLAG) !== 0) throw damaged(`${name} is encrypted`);
  if (bytes === IN_ZIP64 || packedBytes === IN_ZIP64) throw damaged(`${name} is in zip64`);
  if (localAt + LOCAL_BYTES > file.length || file.readUInt32LE(localAt) !== LOCAL_SIGNATURE) {
    throw damaged(`${name} is not where the directory says`);
  }
  const start =
    localAt + LOCAL_BYTES + file.readUInt16LE(localAt + 26) + file.readUInt16LE(localAt + 28);
  const packed = file.subarray(start, start + packedBytes);
  const content = unpack(packed, method, bytes, name);
  if (content.length !== bytes || crc32(content) !== crc) throw damaged(`${name} has changed`);
  return content;
}

function unpack(packed: Buffer, method: number, bytes: number, name: string): Buffer {
  if (method === STORED) return packed;
  if (method !== DEFLATED) throw damaged(`${name} is packed by method ${method}`);
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(bytes, 1) });
  } catch (error) {
    throw new ImportError("damaged", `the zip file is damaged: ${name} does not unpack`, error);
  }
}

function damaged(what: string): ImportError {
  return new ImportError("damaged", `the zip file is damaged: ${what}`);
}
