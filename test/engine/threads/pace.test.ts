import { expect, test } from "vitest";
import { Pace } from "../../../engine/threads/pace.ts";

/** Works in pieces of so many milliseconds; returns the part of the time that it was busy. */
function busyPart(restsEach: number | undefined, pieceMs: number, pieces: number): number {
  let nowMs = 1000;
  const pace = new Pace(restsEach, () => nowMs);
  for (let i = 0; i < pieces; i++) {
    nowMs += pieceMs;
    const restMs = pace.restMs();
    if (restMs === 0) continue;
    nowMs += restMs;
    pace.goOn();
  }
  return (pieces * pieceMs) / (nowMs - 1000);
}

test("half of the time is rest, whether the pieces are small or large", () => {
  expect(busyPart(undefined, 0.5, 10_000)).toBeCloseTo(0.5, 2);
  expect(busyPart(undefined, 300, 100)).toBeCloseTo(0.5, 2);
  expect(busyPart(3, 1, 10_000)).toBeCloseTo(0.25, 2);
});

test("a rest that took longer than it should is not made up for", () => {
  let nowMs = 0;
  const pace = new Pace(1, () => nowMs);
  nowMs = 25;
  expect(pace.restMs()).toBe(25);
  nowMs = 5000;
  pace.goOn();
  nowMs = 5010;
  expect(pace.restMs()).toBe(0);
});
