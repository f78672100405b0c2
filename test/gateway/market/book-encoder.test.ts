import { expect, test } from "vitest";
import { BookEncoder } from "../../../gateway/market/book-encoder.ts";
import { BookRows, RowKind } from "../../../gateway/market/book-rows.ts";
import { Channel, Side } from "../../../protocol/generated/enums.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { instrumentEvent } from "../redis/events.ts";

const ROWS_A_PART = 10;
const STATEMENT = {
  channel: Channel.l3,
  instrumentId: 1,
  isSnapshot: true,
  prevSeq: 0,
  seq: 77,
  timestampUs: 1_700_000_000_000_000,
  checksum: { low: 1, high: 2 },
};

/** Counts how often somebody asks for the instrument: once for each frame of text. */
class CountingDirectory extends InstrumentDirectory {
  asked = 0;

  override get(id: number): ReturnType<InstrumentDirectory["get"]> {
    this.asked++;
    return super.get(id);
  }
}

function setUp(count: number) {
  const directory = new CountingDirectory();
  const event = instrumentEvent(1, 1, "ABC");
  directory.onEvent(new DataView(event.buffer, event.byteOffset, event.byteLength), 0);
  const rows = new BookRows();
  for (let n = 1; n <= count; n++) rows.push(Side.buy, RowKind.added, 1000 - n, n, n, n);
  return { directory, rows, encoder: new BookEncoder(directory, ROWS_A_PART) };
}

test.each([
  [true, 95],
  [false, 95],
  [true, 0],
  [false, 0],
])("frames on demand are those that are made at once (binary %s, %i rows)", (isBinary, count) => {
  const { rows, encoder } = setUp(count);
  const expected = encoder.frames(STATEMENT, rows, isBinary);
  const frames = encoder.framesOnDemand(STATEMENT, rows, isBinary);
  expect(frames.length).toBe(expected.length);
  // In any order, and with other messages in between.
  for (let i = expected.length - 1; i >= 0; i--) {
    encoder.frames({ ...STATEMENT, seq: 5 }, setUp(3).rows, isBinary);
    expect(frames.frame(i)).toEqual(expected[i]);
    expect(frames.frame(i)).toBe(frames.frame(i));
  }
});

test("a frame that nobody has read yet costs nothing, and one that was read is made once", () => {
  const { directory, rows, encoder } = setUp(95);
  const frames = encoder.framesOnDemand(STATEMENT, rows, false);
  expect(directory.asked).toBe(0);
  frames.frame(0);
  const asked = directory.asked;
  expect(asked).toBeGreaterThan(0);
  frames.frame(0);
  expect(directory.asked).toBe(asked);
});
