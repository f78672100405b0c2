import { expect, test } from "vitest";
import { BackOff } from "../../../gateway/client/back-off.ts";

const OPTIONS = { initialDelayMs: 100, maxDelayMs: 500, giveUpAfterMs: 10_000 };

test("each attempt waits twice as long as the last, up to a limit, until all is well", () => {
  const backOff = new BackOff(OPTIONS);
  expect([1, 2, 3, 4, 5].map((ms) => backOff.next(ms, 1))).toEqual([100, 200, 400, 500, 500]);
  expect(backOff.next(6, 0)).toBe(250);
  backOff.reset();
  expect(backOff.next(7, 1)).toBe(100);
});

test("after the time that is allowed it gives up; a good time in between starts it anew", () => {
  const backOff = new BackOff(OPTIONS);
  expect(backOff.next(1000, 1)).toBe(100);
  expect(backOff.next(10_999, 1)).toBe(200);
  expect(backOff.next(11_000, 1)).toBeNull();
  backOff.reset();
  expect(backOff.next(50_000, 1)).toBe(100);
  expect(new BackOff({ ...OPTIONS, giveUpAfterMs: 0 }).next(1, 1)).toBeNull();
});
