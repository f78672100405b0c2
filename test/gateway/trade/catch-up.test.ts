import { expect, test } from "vitest";
import { RecentEvents } from "../../../gateway/stage/recent-events.ts";
import { CatchUp } from "../../../gateway/trade/catch-up.ts";
import { CANCELED_LENGTH, Canceled } from "../../../protocol/generated/events.ts";
import { RECORD_BYTES } from "../../../protocol/rings/pipeline-memory.ts";

/** One event each, seq and index 0, as they stand in the log and in the ring. */
function record(seq: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const event = new Canceled();
  event.wrap(new DataView(bytes.buffer), 0);
  event.clear();
  event.seq = seq;
  event.account = 1;
  return bytes;
}

/** A log of the events from 1 to `last`, which grows. */
function logOf(state: { last: number }, perRead: number) {
  return () => {
    let next = 1;
    return {
      seek: (seq: number) => {
        next = Math.max(1, seq);
      },
      read: (into: Uint8Array) => {
        let bytes = 0;
        for (let i = 0; i < perRead && next <= state.last; i++, next++) {
          into.set(record(next).subarray(0, CANCELED_LENGTH), bytes);
          bytes += CANCELED_LENGTH;
        }
        return bytes;
      },
      close: () => undefined,
    };
  };
}

test("what the log holds and memory does not yet comes once, when it comes to memory", () => {
  const recent = new RecentEvents(16);
  recent.startAfter(10, 0); // a start that has recovered ten
  const state = { last: 14 }; // the log is four events ahead of this thread
  const catchUp = new CatchUp(4, 0, recent, logOf(state, 100));
  const seen: number[] = [];
  const deliver = (view: DataView, offset: number) => seen.push(view.getUint32(offset + 8, true));
  expect(catchUp.advance(deliver, () => true)).toBe(true);
  expect(seen).toEqual([5, 6, 7, 8, 9, 10]);
});

test("whoever falls behind again goes on in the log where it stopped", () => {
  const recent = new RecentEvents(4);
  recent.startAfter(3, 0);
  const state = { last: 40 };
  const catchUp = new CatchUp(0, 0, recent, logOf(state, 10));
  const seen: number[] = [];
  let room = 3;
  const deliver = (view: DataView, offset: number) => {
    seen.push(view.getUint32(offset + 8, true));
    room--;
  };
  expect(catchUp.advance(deliver, () => room > 0)).toBe(false);
  expect(seen).toEqual([1, 2, 3]);
  // Meanwhile memory has moved on by more than it holds.
  for (let seq = 4; seq <= 30; seq++) recent.push(new Int32Array(record(seq).buffer), 0, 1);
  room = 100;
  expect(catchUp.advance(deliver, () => room > 0)).toBe(true);
  expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
});
