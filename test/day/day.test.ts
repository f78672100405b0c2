// A day of our own making in the form of a LOBSTER recording, through all real processes.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runDay } from "./day.ts";
import { formatDay } from "./report.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-day-"));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const MESSAGES = [
  "34200.000000100,1,101,100,1000000,1",
  "34200.000100000,1,102,50,1000000,1",
  "34200.000200000,1,201,80,1000100,-1",
  "34200.000300000,2,102,10,1000000,1", // 40 are left
  "34200.000400000,4,101,60,1000000,1",
  "34200.000500000,4,999,20,1000000,1", // an order never seen
  "34200.000600000,4,101,40,1000000,1",
  "34200.000700000,5,0,15,1000050,1", // hidden
  "34200.000800000,4,201,30,1000100,-1",
  "34200.000900000,3,102,40,1000000,1",
  "34200.001000000,3,998,5,1000000,1", // never seen either
  "34200.001100000,4,201,50,1000100,-1",
];

test("a recorded day comes back in full, and journal, Redis, client and replay agree", async () => {
  const file = path.join(directory, "ACME_2020-02-03_34200000_57600000_message_1.csv");
  fs.writeFileSync(file, `${MESSAGES.join("\n")}\n`);
  const out = path.join(directory, "out");
  fs.mkdirSync(out);
  const report = await runDay({ file, directory: out, durability: "fsync", readers: 4 });
  expect(report.findings, formatDay(report)).toEqual([]);
  expect(report.volume).toMatchObject({
    tape: { count: 5, quantity: 200 },
    neverSeen: { count: 1, quantity: 20 },
    sent: { count: 4, quantity: 180 },
    hitNamed: { count: 4, quantity: 180 },
    traded: { count: 4, quantity: 180 },
    unexplained: 0,
  });
  expect(report.totals.trades).toBe(4);
  expect(report.publishedTrades).toBe(4);
  expect(report.publishedEvents).toBe(report.totals.events);
  expect(report.eventsBack).toBe(report.totals.events + 4); // both sides of each trade
  expect(report.watching?.readers.map(({ name, joins }) => [name, joins > 0])).toEqual([
    ["fast, JSON", true],
    ["fast, binary", true],
    ["slow, JSON", true],
    ["slow, binary", true],
  ]);
  // All four have l1, l2 and l3 of the end.
  expect(report.watching?.compared).toBeGreaterThanOrEqual(12);
  expect(formatDay(report)).toContain("Journal, Redis, client and replay agree.");
}, 120_000);
