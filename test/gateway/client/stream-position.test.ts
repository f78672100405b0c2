import { expect, test } from "vitest";
import { StreamPosition } from "../../../gateway/client/stream-position.ts";

test("events are taken once, whatever is replayed", () => {
  const position = new StreamPosition({ seq: 4, index: 1 });
  expect(position.advance(4, 1)).toBe(false);
  expect(position.advance(4, 0)).toBe(false);
  expect(position.advance(3, 9)).toBe(false);
  expect(position.advance(4, 2)).toBe(true);
  expect(position.advance(6, 0)).toBe(true);
  expect(position.advance(4, 2)).toBe(false);
  expect(position.last).toEqual({ seq: 6, index: 0 });
});

test("two sides of a trade are both taken, and neither twice, wherever the stream is cut", () => {
  const position = StreamPosition.behind(6);
  expect(position.resume()).toEqual({ seq: 6, index: 4294967295 });
  expect(position.advance(7, 0)).toBe(true);
  expect(position.advance(7, 1)).toBe(true);
  // Cut between the two.
  expect(position.resume()).toEqual({ seq: 7, index: 0 });
  expect(position.advance(7, 1)).toBe(false);
  expect(position.advance(7, 1)).toBe(true);
  // Cut behind them, and once more within the replay.
  expect(position.resume()).toEqual({ seq: 7, index: 0 });
  expect(position.advance(7, 1)).toBe(false);
  expect(position.resume()).toEqual({ seq: 7, index: 0 });
  expect(position.advance(7, 1)).toBe(false);
  expect(position.advance(7, 1)).toBe(false);
  expect(position.advance(8, 0)).toBe(true);
  expect(position.resume()).toEqual({ seq: 7, index: 1 });
});
