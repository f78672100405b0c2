// What a binary message may be, read a second time from the tables of the schema: field by field,
// with big integers, and apart from the code that it judges.
import { type FieldLayout, LAYOUTS } from "../../protocol/generated/layouts.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import { SCHEMA_ID, SCHEMA_VERSION } from "../../protocol/generated/support.ts";

export type FieldValue = number | string | boolean;

export interface PlainRecord {
  readonly templateId: number;
  readonly fields: ReadonlyMap<string, FieldValue>;
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);
const HEADER_BYTES = 8;

/** The messages of a frame up to the first that is none; those that are not well-formed as null. */
export function readFrame(bytes: Uint8Array): (PlainRecord | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: (PlainRecord | null)[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER_BYTES) {
    const length = view.getUint16(at, true);
    const templateId = view.getUint16(at + 2, true);
    if (view.getUint16(at + 4, true) !== SCHEMA_ID) break;
    if (view.getUint16(at + 6, true) !== SCHEMA_VERSION) break;
    const fields = LAYOUTS.get(templateId);
    if (fields === undefined || length !== BLOCK_LENGTHS[templateId]) break;
    if (length > bytes.length - at) break;
    records.push(readRecord(view, at, templateId));
    at += length;
  }
  return records;
}

/** null: a byte is not what it may be. */
export function readRecord(view: DataView, offset: number, templateId: number): PlainRecord | null {
  const fields = new Map<string, FieldValue>();
  let end = 0;
  for (const layout of LAYOUTS.get(templateId) ?? []) {
    if (!isZero(view, offset + end, offset + layout.offset)) return null; // padding
    end = layout.offset + layout.bytes;
    const value = readField(view, offset + layout.offset, layout);
    if (value === null) return null;
    fields.set(layout.name, value);
  }
  const length = BLOCK_LENGTHS[templateId] as number;
  return isZero(view, offset + end, offset + length) ? { templateId, fields } : null;
}

function readField(view: DataView, at: number, layout: FieldLayout): FieldValue | null {
  const { name, bytes, kind, rule, limit } = layout;
  if (name === "reserved") return isZero(view, at, at + bytes) ? 0 : null;
  switch (kind) {
    case "bool": {
      const value = view.getUint8(at);
      return value > 1 ? null : value === 1;
    }
    case "u64":
    case "i64": {
      const value = kind === "u64" ? view.getBigUint64(at, true) : view.getBigInt64(at, true);
      return value > MOST || value < -MOST ? null : Number(value);
    }
    case "i32":
      return view.getInt32(at, true);
    case "u32":
      return view.getUint32(at, true);
    case "text": {
      const text = latin1(view, at, bytes);
      return /^[ -~]*\0*$/.test(text) ? text.replace(/\0+$/, "") : null;
    }
    case "bytes":
      return latin1(view, at, bytes);
    default: {
      const value = bytes === 1 ? view.getUint8(at) : view.getUint16(at, true);
      if (rule === "enum" && value > limit) return null;
      return rule === "bits" && (value & ~limit) !== 0 ? null : value;
    }
  }
}

function latin1(view: DataView, at: number, bytes: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, bytes).toString("latin1");
}

function isZero(view: DataView, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (view.getUint8(at) !== 0) return false;
  return true;
}
