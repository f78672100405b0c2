// Walking over event records that stand one right after the other.
import { assert } from "../../protocol/assert.ts";
import { CHECKPOINT_TEMPLATE_ID } from "../../protocol/generated/events.ts";
import {
  EVENT_HEADER_INDEX_OFFSET,
  EVENT_HEADER_SEQ_OFFSET,
  EVENT_HEADER_TIMESTAMP_US_OFFSET,
} from "../../protocol/generated/headers.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import type { EventId } from "./stream-id.ts";

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function lengthAt(view: DataView, offset: number): number {
  return view.getUint16(offset, true);
}

export function templateIdAt(view: DataView, offset: number): number {
  return view.getUint16(offset + 2, true);
}

export function seqAt(view: DataView, offset: number): number {
  return numberAt(view, offset + EVENT_HEADER_SEQ_OFFSET);
}

export function indexAt(view: DataView, offset: number): number {
  return view.getUint32(offset + EVENT_HEADER_INDEX_OFFSET, true);
}

export function eventIdAt(view: DataView, offset: number): EventId {
  return { seq: seqAt(view, offset), index: indexAt(view, offset) };
}

export function timestampUsAt(view: DataView, offset: number): number {
  return numberAt(view, offset + EVENT_HEADER_TIMESTAMP_US_OFFSET);
}

function numberAt(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * TWO_32;
}

/**
 * Takes the internal records (checkpoints) out of those from `start` to `end`, moving the rest
 * together. Returns the new end.
 */
export function dropInternal(bytes: Uint8Array, start: number, end: number): number {
  const view = viewOf(bytes);
  let to = start;
  for (let at = start; at < end; ) {
    const length = lengthAt(view, at);
    assert(length > 0 && at + length <= end, "an event source copies whole records");
    if (templateIdAt(view, at) !== CHECKPOINT_TEMPLATE_ID) {
      if (to !== at) bytes.copyWithin(to, at, at + length);
      to += length;
    }
    at += length;
  }
  return to;
}
