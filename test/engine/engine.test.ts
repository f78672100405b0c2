import { describe, expect, test } from "vitest";
import { Engine } from "../../engine/engine.ts";
import { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import { createPipelineMemory, RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import { completeCommand, writeRecord } from "../reference/records.ts";
import { EngineOnRing } from "./engine-on-ring.ts";
import { Market } from "./scenarios/market.ts";

const LARGE = { orders: 40_000, levels: 40_000, instruments: 4, accounts: 16, assets: 16 };

/** Milliseconds. */
function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

describe("nobody can make one command cost more than its own fills", () => {
  test("a sweep goes through ten thousand prices from one end of the range to the other", () => {
    const market = new Market(new EngineOnRing(LARGE));
    const step = 400_000;
    for (let i = 0; i < 10_000; i++) market.sell(`1@${i * step - 2_000_000_000}`);
    const events = market.buy("10000@2147483647");
    expect(events).toHaveLength(10_001);
    expect(events[10_000]).toBe("trade 1@1999600000 #10001 (0 left) with #10000 (0 left)");
    expect(market.book()).toEqual({ bids: "", asks: "" });
  });

  test("thirty thousand orders at one price cancel in any order in time for each alone", () => {
    const market = new Market(new EngineOnRing(LARGE));
    const count = 30_000;
    for (let i = 0; i < count; i++) market.buy("1@100");
    let canceled = 0;
    const elapsed = timed(() => {
      // All over the queue: hardly ever its head or its tail, until the end.
      for (let i = 0; i < count; i++) {
        const id = 1 + ((i * 7919 + (count >> 1)) % count);
        if (market.cancel(id, 1)[0] === `canceled #${id} 1 requested`) canceled++;
      }
    });
    expect(canceled).toBe(count);
    // A walk along the queue for each would be 450 million steps.
    expect(elapsed).toBeLessThan(10_000);
    expect(market.book().bids).toBe("");
  });

  test("a fill or kill looks at totals, however many orders there are", () => {
    const market = new Market(new EngineOnRing(LARGE));
    for (let i = 0; i < 30_000; i++) market.sell(`1@${100 + (i % 3)}`);
    const elapsed = timed(() => {
      for (let i = 0; i < 2000; i++) {
        expect(market.buy("30001@102", { tif: "fok" })[1]).toMatch(/fillOrKill/);
      }
    });
    expect(elapsed).toBeLessThan(5000);
  });

  test("an account's mass cancel does not look at the orders of others", () => {
    const market = new Market(new EngineOnRing(LARGE));
    for (let i = 0; i < 30_000; i++) market.buy(`1@${1 + (i % 500)}`, { account: 2 });
    const elapsed = timed(() => {
      for (let i = 0; i < 2000; i++) {
        market.buy("1@600", { account: 3 });
        expect(market.send({ type: "MassCancel", account: 3 })).toHaveLength(1);
      }
    });
    expect(elapsed).toBeLessThan(5000);
  });
});

test("a record may lie anywhere in memory", () => {
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 64, riskWorkers: 1 });
  const writer = new EventRingWriter(memory, [], () => undefined);
  const engine = new Engine(LARGE, writer);
  const define = completeCommand({
    type: "DefineInstrument",
    verdict: 1,
    symbol: "ABC-USD",
    tickSize: 1,
    lotSize: 1,
    present: 3,
  });
  const buffer = new ArrayBuffer(RECORD_BYTES + 16);
  const apply = (view: DataView, offset: number) => {
    writeRecord({ ...define, seq: engine.lastSeq + 1 }, view, offset);
    engine.apply(view, offset);
  };
  for (let shift = 0; shift < 9; shift++) {
    apply(new DataView(buffer), shift);
    apply(new DataView(buffer, shift), 0);
  }
  expect(engine.lastSeq).toBe(18);
  expect(engine.eventCount).toBe(2 + 18); // two assets, and the instrument each time
});

test("engines of one process do not share state", () => {
  const first = new Market(new EngineOnRing(LARGE));
  const second = new Market(new EngineOnRing(LARGE));
  first.buy("5@100");
  second.sell("5@100");
  expect(first.book()).toEqual({ bids: "5@100×1", asks: "" });
  expect(second.book()).toEqual({ bids: "", asks: "5@100×1" });
});

test("the seed of the hash shows nowhere", () => {
  const hashes = [0, 1, -12345].map((seed) => {
    const stand = new EngineOnRing(LARGE, seed);
    const market = new Market(stand);
    for (let i = 0; i < 3000; i++) market.buy(`${1 + (i % 7)}@${90 + (i % 11)}`);
    for (let i = 0; i < 3000; i += 3) market.cancel(i + 1, 1);
    market.sell("500@90");
    const words = new Uint32Array(4);
    stand.engine.stateHash(words);
    return [...words];
  });
  expect(hashes[1]).toEqual(hashes[0]);
  expect(hashes[2]).toEqual(hashes[0]);
});

test("a capacity that makes no sense is refused at the start", () => {
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 64, riskWorkers: 1 });
  const writer = new EventRingWriter(memory, [], () => undefined);
  expect(() => new Engine({ ...LARGE, orders: 0 }, writer)).toThrow(RangeError);
  expect(() => new Engine({ ...LARGE, levels: 1.5 }, writer)).toThrow(/levels/);
  expect(() => new Engine({ ...LARGE, orders: 2 ** 31 }, writer)).toThrow(/one buffer/);
});
