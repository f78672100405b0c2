// Commands that are taken out of the journal: an operator's answer to a command that makes the engine
// assert at every restart. The list stands in the headers of all segments since, and its hash in all
// of their blocks, so that the chain covers it. Cold.
import { hash } from "node:crypto";
import { CHAIN_BYTES, getBytes, getNumber, setBytes, setNumber } from "./block-format.ts";

/** One command that is taken out. */
export interface Skip {
  readonly seq: number;
  /** SHA-256 of its record as journaled: what exactly was taken out. */
  readonly record: Uint8Array;
  /** When that was done, microseconds since 1970. */
  readonly skippedUs: number;
}

export const SKIP_BYTES = 48;
const RECORD_OFFSET = 16;
/** No command is taken out. */
export const NO_SKIPS: readonly Skip[] = [];

/** The list as it stands in a segment's header. */
export function encodeSkips(skips: readonly Skip[]): Uint8Array {
  const bytes = new Uint8Array(skips.length * SKIP_BYTES);
  const view = new DataView(bytes.buffer);
  skips.forEach(({ seq, record, skippedUs }, i) => {
    setNumber(view, i * SKIP_BYTES, seq);
    setNumber(view, i * SKIP_BYTES + 8, skippedUs);
    setBytes(view, i * SKIP_BYTES + RECORD_OFFSET, record);
  });
  return bytes;
}

export function decodeSkips(bytes: Uint8Array): Skip[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const skips: Skip[] = [];
  for (let at = 0; at < bytes.length; at += SKIP_BYTES) {
    const record = new Uint8Array(CHAIN_BYTES);
    getBytes(view, at + RECORD_OFFSET, record);
    skips.push({ seq: getNumber(view, at), skippedUs: getNumber(view, at + 8), record });
  }
  return skips;
}

/** SHA-256 of the encoded list; zeros where nothing is taken out. */
export function hashOfSkips(encoded: Uint8Array): Uint8Array {
  if (encoded.length === 0) return new Uint8Array(CHAIN_BYTES);
  return Uint8Array.from(hash("sha256", encoded, "buffer"));
}

/** Whether `later` says what `earlier` says, and perhaps more at its end. */
export function continuesSkips(earlier: Uint8Array, later: Uint8Array): boolean {
  return (
    later.length >= earlier.length && earlier.every((byte, i) => byte === later[i]) // both short
  );
}
