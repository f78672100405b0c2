import { Verdict } from "../../../protocol/generated/enums.ts";
import { CommandHeader, EventHeader } from "../../../protocol/generated/headers.ts";
import { BLOCK_LENGTHS } from "../../../protocol/generated/messages.ts";
import { SCHEMA_WORD } from "../../../protocol/generated/support.ts";

export const DIRECTORY_ID = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i);

/** Templates of different lengths, so that records end at all places of a sector. */
const COMMANDS = [1, 2, 3, 4, 10, 14, 5];
const EVENTS = [64, 66, 67, 65, 69, 73];

/** Writes a command that depends on nothing but seq and salt; returns its length. */
export function writeCommand(view: DataView, offset: number, seq: number, salt = 0): number {
  const template = COMMANDS[(seq + salt) % COMMANDS.length] as number;
  const length = BLOCK_LENGTHS[template] as number;
  fill(view, offset, length, seq + salt * 101);
  writeMessageHeader(view, offset, length, template);
  const header = new CommandHeader();
  header.wrap(view, offset);
  header.seq = seq;
  header.timestampUs = 1_700_000_000_000_000 + seq;
  header.verdict = Verdict.passed;
  return length;
}

export function writeEvent(
  view: DataView,
  offset: number,
  seq: number,
  index: number,
  salt = 0,
): number {
  const template = EVENTS[(seq + index + salt) % EVENTS.length] as number;
  const length = BLOCK_LENGTHS[template] as number;
  fill(view, offset, length, seq * 31 + index + salt * 101);
  writeMessageHeader(view, offset, length, template);
  const header = new EventHeader();
  header.wrap(view, offset);
  header.seq = seq;
  header.timestampUs = 1_700_000_000_000_000 + seq;
  header.index = index;
  return length;
}

/** The bytes of command `seq`, as the journal should give them back. */
export function commandBytes(seq: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(192);
  return bytes.subarray(0, writeCommand(new DataView(bytes.buffer), 0, seq, salt));
}

function writeMessageHeader(view: DataView, offset: number, length: number, template: number) {
  view.setUint16(offset, length, true);
  view.setUint16(offset + 2, template, true);
  view.setInt32(offset + 4, SCHEMA_WORD, true);
}

function fill(view: DataView, offset: number, length: number, seed: number): void {
  for (let i = 0; i < length; i++) view.setUint8(offset + i, (seed * 7 + i * 13) & 255);
}
