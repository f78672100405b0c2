import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ClientRecord, canonical } from "./client-record.ts";
import type { Message } from "./wire.ts";

let directory: string;
let record: ClientRecord;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-record-"));
  record = new ClientRecord("client", 7, path.join(directory, "seen.jsonl"));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const event = (seq: number, index = 0, more: object = {}): Message => ({
  type: "accepted",
  seq,
  index,
  ...more,
});

function see(...events: readonly Message[]): void {
  for (const message of events) record.onEvent(message);
}

test("after a resume, what is told again is compared and not counted twice", () => {
  see(event(1), event(2), event(3));
  expect(record.resume(2)).toEqual({ seq: 1, index: 0 });
  see(event(2), event(3), event(4));
  record.flush();
  expect(record.errors).toEqual([]);
  expect(record.seenCount).toBe(4);
  expect(record.comparedAgain).toBe(2);
  expect(fs.readFileSync(record.seenFile, "utf8").trim().split("\n")).toHaveLength(4);
});

test("a resume goes at least one event back, and to the start where little was seen", () => {
  expect(record.resume(0)).toEqual({ seq: 0, index: 0 });
  see(event(1), event(2));
  expect(record.resume(0)).toEqual({ seq: 1, index: 0 });
  expect(record.resume(50)).toEqual({ seq: 0, index: 0 });
});

test("an acknowledged event that is not told again after a restart is found", () => {
  see(event(1), event(2), event(3));
  record.resume(2);
  see(event(2), event(4));
  expect(record.errors.join()).toContain("event 3-0, seen before the restart, is missing");
});

test("an event that is left out between two that are told again is found", () => {
  see(event(1), event(2), event(3), event(4));
  record.resume(3);
  see(event(2), event(4));
  expect(record.errors.join()).toContain("event 4-0 came again in place of 3-0");
});

test("an event that differs the second time is found", () => {
  see(event(1), event(2, 0, { price: "1" }));
  record.resume(1);
  see(event(2, 0, { price: "2" }));
  expect(record.errors.join()).toContain('event 2-0 came again as {"index":0,"price":"2"');
});

test("an event that comes twice on one connection is found", () => {
  see(event(1), event(1));
  expect(record.errors.join()).toContain("event 1-0 came twice");
});

test("an event from the past is found", () => {
  see(event(5), event(4));
  expect(record.errors.join()).toContain("event 4-0 came after 5-0");
});

test("both sides of a trade with oneself are events of their own", () => {
  const half = (side: string) => ({ type: "trade", seq: 2, index: 1, side });
  see(event(2), half("buy"), half("sell"));
  expect(record.errors).toEqual([]);
  expect(record.seenCount).toBe(3);
  expect(record.resume(1)).toEqual({ seq: 2, index: 1 });
});

test("an answer that contradicts the first is found", () => {
  const command = { type: "cancelOrder", clientOrderId: 1 } as const;
  record.requests.set(1, { command, sentCount: 1, outcome: null });
  record.answered(1, { kind: "answered", seq: 5, hasEvents: true });
  record.answered(1, { kind: "duplicate", seq: 5 });
  record.answered(1, { kind: "duplicate", seq: 0 });
  expect(record.errors).toEqual([]);
  record.answered(1, { kind: "duplicate", seq: 6 });
  expect(record.errors.join()).toContain("request 1 has two seqs: 6 and 5");
  record.answered(1, { kind: "refused", code: "overloaded" });
  expect(record.errors).toHaveLength(2);
});

test("an answer to what was never sent is found", () => {
  record.answered(9, { kind: "answered", seq: 5, hasEvents: true });
  expect(record.errors.join()).toContain("an answer to request 9, which was never sent");
});

test("two events with the same fields in another order are the same", () => {
  expect(canonical({ b: 1, a: { d: 2, c: 3 } })).toBe(canonical({ a: { c: 3, d: 2 }, b: 1 }));
});
