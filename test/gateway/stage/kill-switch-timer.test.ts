import { expect, it } from "vitest";
import { KillSwitchTimer } from "../../../gateway/stage/kill-switch-timer.ts";
import { Account } from "../../../protocol/generated/events.ts";
import { event } from "../../engine/risk/records.ts";

let nowUs = 0;

function engaged(seq: number, timestampUs: number, killSwitchEngaged = true): DataView {
  return event(Account, { seq, timestampUs, account: 7, killSwitchEngaged });
}

it("a kill switch takes from its stamp until its command is complete", () => {
  const timer = new KillSwitchTimer(() => nowUs);
  timer.onEvent(engaged(10, 1000), 0);
  nowUs = 1400;
  timer.onCommandsComplete(9);
  expect(timer.times.count).toBe(0);
  nowUs = 1700;
  timer.onCommandsComplete(12);
  expect(timer.times).toEqual({ count: 1, lastUs: 700, maxUs: 700 });
});

it("other settings of an engaged account do not count, another engagement does", () => {
  const timer = new KillSwitchTimer(() => nowUs);
  timer.onEvent(engaged(10, 1000), 0);
  timer.onEvent(engaged(11, 1500), 0);
  nowUs = 2000;
  timer.onCommandsComplete(11);
  timer.onEvent(engaged(12, 2000, false), 0);
  timer.onEvent(engaged(13, 2100), 0);
  nowUs = 2300;
  timer.onCommandsComplete(13);
  expect(timer.times).toEqual({ count: 2, lastUs: 200, maxUs: 1000 });
});
