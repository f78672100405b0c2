import { describe, expect, test } from "vitest";
import type { JournalEvent } from "../crash/private-view.ts";
import { parseTape } from "./tape.ts";
import { VolumeAccount, type VolumeReport } from "./volume.ts";

// Time, type, order id, size, price × 10000, direction of the resting order.
const TAPE = [
  "34200.1,1,501,100,1000000,1",
  "34200.2,1,502,50,1000000,1",
  "34200.3,4,501,60,1000000,1",
  "34200.4,4,499,30,1000000,1", // never seen
  "34200.5,4,502,50,1000000,1",
  "34200.6,5,0,10,1000000,1", // hidden: no visible execution
  "34200.7,4,501,40,1000000,1",
];

let seq = 0;
function accepted(orderId: number, fields: object): JournalEvent {
  return { type: "accepted", seq: ++seq, index: 0, timestamp: seq, orderId, ...fields };
}

function ioc(orderId: number, quantity: string): JournalEvent {
  return accepted(orderId, { timeInForce: "ioc", side: "sell", quantity, price: "100" });
}

/** A sale to the buyer with this client order id. */
function sold(orderId: number, buyClientOrderId: number, quantity: string): JournalEvent {
  const fields = { aggressorSide: "sell", sellOrderId: orderId, buyClientOrderId, quantity };
  return { type: "trade", seq, index: 1, timestamp: seq, ...fields } as unknown as JournalEvent;
}

function account(events: readonly JournalEvent[]): VolumeReport {
  const volume = new VolumeAccount(parseTape(TAPE.join("\n")));
  for (const event of events) volume.onEvent(event);
  return volume.end();
}

describe("traded volume against the tape", () => {
  test("a day that went as the tape says differs by the orders never seen only", () => {
    const report = account([
      ioc(11, "60"),
      sold(11, 501, "60"),
      ioc(12, "50"),
      sold(12, 502, "50"),
      ioc(13, "40"),
      sold(13, 501, "40"),
    ]);
    expect(report).toEqual({
      tape: { count: 4, quantity: 180 },
      neverSeen: { count: 1, quantity: 30 },
      gone: { count: 0, quantity: 0 },
      sent: { count: 3, quantity: 150 },
      hitNamed: { count: 3, quantity: 150 },
      hitOther: { count: 0, quantity: 0 },
      unfilled: { count: 0, quantity: 0 },
      crossed: { count: 0, quantity: 0 },
      traded: { count: 3, quantity: 150 },
      unexplained: 0,
    });
  });

  test("every cause of a difference is counted under its own name", () => {
    const report = account([
      accepted(9, { timeInForce: "gtc", side: "sell", quantity: "5", price: "100" }),
      sold(9, 501, "5"), // rested on the tape
      ioc(11, "60"),
      sold(11, 501, "45"), // the rest found nothing
      ioc(13, "40"), // for 502 nothing was sent
      sold(13, 502, "40"),
    ]);
    expect(report).toMatchObject({
      gone: { count: 1, quantity: 50 },
      crossed: { count: 1, quantity: 5 },
      unfilled: { count: 1, quantity: 15 },
      hitNamed: { count: 1, quantity: 45 },
      hitOther: { count: 1, quantity: 40 },
      traded: { count: 3, quantity: 90 },
      unexplained: 0,
    });
  });

  test("a trade that nothing on the tape accounts for stays unexplained", () => {
    const day = [ioc(11, "60"), sold(11, 501, "60"), ioc(12, "7"), sold(12, 502, "7")];
    expect(account(day).unexplained).toBe(7);
  });

  test("a fill that is counted twice stays unexplained", () => {
    const day = [ioc(11, "60"), sold(11, 501, "60"), sold(11, 501, "60")];
    expect(account(day).unexplained).toBe(60);
  });
});

test("a row that is no message is refused", () => {
  expect(() => parseTape("34200.1,1,501,100,1000000,2")).toThrow("row 1 is no message");
});
