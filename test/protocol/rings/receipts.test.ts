import { describe, expect, test } from "vitest";
import { monotonicNs } from "../../../protocol/monotonic.ts";
import {
  createReceiptMemory,
  RECEIPT_PLACES,
  ReceiptColumn,
  ReceiptDesk,
  type ReceiptMemory,
  StageStamps,
} from "../../../protocol/rings/receipts.ts";

function fresh(riskWorkers = 1) {
  const memory: ReceiptMemory = { receipts: createReceiptMemory(riskWorkers), riskWorkers };
  const state = { completeSeq: 0 };
  const desk = new ReceiptDesk(memory, () => state.completeSeq);
  const stage = (column: number) => new StageStamps(memory, column);
  const read = (place: number, seq: number) => {
    const stamps = { checkedNs: -1, matchedNs: -1, durableNs: -1 };
    desk.read(place, seq, stamps);
    return stamps;
  };
  return { memory, state, desk, stage, read };
}

describe("receipts", () => {
  test("a stage stamps what was asked for and has passed, and nothing else", () => {
    const { desk, stage, read } = fresh();
    const matched = stage(ReceiptColumn.matched);
    const [five, seven] = [desk.ask(5), desk.ask(7)];
    matched.reached(4);
    expect(read(five, 5).matchedNs).toBe(0);
    const before = monotonicNs();
    matched.reached(6);
    expect(read(five, 5).matchedNs).toBeGreaterThanOrEqual(before);
    expect(read(seven, 7).matchedNs).toBe(0);
    matched.reached(9);
    expect(read(seven, 7).matchedNs).toBeGreaterThanOrEqual(read(five, 5).matchedNs);
    expect(read(five, 5)).toMatchObject({ checkedNs: 0, durableNs: 0 });
  });

  test("checked is when the last of the risk workers has passed it", () => {
    const { desk, stage, read } = fresh(2);
    const workers = [0, 1].map((worker) => stage(ReceiptColumn.risk + worker));
    const place = desk.ask(1);
    workers[1]?.reached(1);
    const first = read(place, 1).checkedNs;
    const between = monotonicNs();
    workers[0]?.reached(1);
    expect(first).toBeGreaterThan(0);
    expect(read(place, 1).checkedNs).toBeGreaterThanOrEqual(between);
  });

  test("as many as there are places may be under way, and a place is used again clean", () => {
    const { desk, stage, state, read } = fresh();
    const durable = stage(ReceiptColumn.durable);
    for (let seq = 1; seq <= RECEIPT_PLACES; seq++) expect(desk.ask(seq)).toBe(seq - 1);
    expect(desk.ask(RECEIPT_PLACES + 1)).toBe(-1);
    expect(read(-1, RECEIPT_PLACES + 1)).toEqual({ checkedNs: 0, matchedNs: 0, durableNs: 0 });
    durable.reached(RECEIPT_PLACES);
    expect(read(0, 1).durableNs).toBeGreaterThan(0);
    state.completeSeq = 1;
    expect(desk.ask(RECEIPT_PLACES + 2)).toBe(0);
    expect(read(0, RECEIPT_PLACES + 2).durableNs).toBe(0);
    expect(read(0, 1).durableNs).toBe(0); // no more its place
  });

  test("the low 32 bits of a seq may wrap on the way", () => {
    const { desk, stage, read } = fresh();
    const matched = stage(ReceiptColumn.matched);
    const seqs = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32 + 1];
    for (const seq of seqs) {
      const place = desk.ask(seq);
      matched.reached((seq - 1) | 0);
      expect(read(place, seq).matchedNs).toBe(0);
      matched.reached(seq | 0);
      expect(read(place, seq).matchedNs).toBeGreaterThan(0);
    }
  });

  test("a stage that comes later starts with what is asked for from then on", () => {
    const { desk, stage, read } = fresh();
    const early = desk.ask(3);
    const late = stage(ReceiptColumn.risk);
    late.reached(3);
    expect(read(early, 3).checkedNs).toBe(0);
    const place = desk.ask(4);
    late.reached(4);
    expect(read(place, 4).checkedNs).toBeGreaterThan(0);
  });
});

test("the clock is the system's monotonic one", () => {
  const [seconds, nanoseconds] = process.hrtime();
  expect(Math.abs(monotonicNs() - (seconds * 1e9 + nanoseconds))).toBeLessThan(5e6);
});
