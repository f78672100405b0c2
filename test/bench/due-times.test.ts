import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { dayRate, dueTimes } from "../../bench/load/due-times.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-due-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const TIMES_S = [34_200.004, 34_200.004, 34_200.5, 34_201.25, 34_203, 34_210];
const file = path.join(folder, "TEST_2012-06-21_34200000_57600000_message_1.csv");
fs.writeFileSync(file, TIMES_S.map((at) => `${at},1,16113575,18,5853300,1\n`).join(""));

const options = { schedule: "day", ratePerSecond: 1, seed: 1 } as const;

test("a recorded day comes at its own pace, from its first message on", () => {
  const due = dueTimes({ ...options, day: { file, speed: 1 } }, 5);
  expect([...due].map((ns) => Math.round(ns / 1e6))).toEqual([0, 0, 496, 1_246, 2_996]);
});

test("so many times as fast, the same moments lie so many times closer", () => {
  const due = dueTimes({ ...options, day: { file, speed: 4 } }, 1.25);
  expect([...due].map((ns) => Math.round(ns / 1e6))).toEqual([0, 0, 124, 311, 749]);
  expect(dayRate({ file, speed: 4 }, 1.25)).toBe(4);
});

test("a day that is over too early is refused, not played short", () => {
  expect(() => dueTimes({ ...options, day: { file, speed: 10 } }, 5)).toThrow("lasts 1.0 s");
  expect(() => dueTimes({ ...options, day: null }, 5)).toThrow("needs a recorded day");
});
