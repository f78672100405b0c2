import { describe, expect, it } from "vitest";
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { InlinePipeline } from "../../engine/inline-pipeline.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader, EventHeader } from "../../protocol/generated/headers.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";

const CAPACITY = { ...DEFAULT_CAPACITY, orders: 10_000, levels: 1000 };
const OPTIONS = { admin: true, accountRequired: true, internal: true };
const DEFINE = { type: "defineInstrument", symbol: "X", tickSize: "1", lotSize: "1" };
const order = (side: string, quantity: string) => ({
  type: "newOrder",
  account: 1,
  symbol: "X",
  side,
  orderType: "limit",
  quantity,
  price: "5",
});

function start(eventSlots = 64) {
  const directory = new InstrumentDirectory();
  const header = new EventHeader();
  const matched: string[] = [];
  const durable: string[] = [];
  const nameOf = (view: DataView, offset: number) => {
    header.wrap(view, offset);
    return `${header.seq}.${header.index}`;
  };
  const pipeline = new InlinePipeline({
    capacity: CAPACITY,
    commandSlots: 64,
    eventSlots,
    onMatched: (view, offset) => {
      matched.push(nameOf(view, offset));
      directory.onEvent(view, offset);
    },
    onDurable: (view, offset) => durable.push(nameOf(view, offset)),
  });
  const send = (json: unknown, timestampUs = pipeline.lastTimestampUs + 1) => {
    encodeCommand(json, directory, pipeline.view, pipeline.next(), OPTIONS);
    return pipeline.commit(timestampUs);
  };
  return { pipeline, send, matched, durable };
}

describe("the pipeline in one thread", () => {
  it("has matched a command when it returns its seq", () => {
    const { pipeline, send, matched, durable } = start();
    expect(send(DEFINE)).toBe(1);
    expect(send(order("sell", "3"))).toBe(2);
    expect(send(order("buy", "1"))).toBe(3);
    expect(matched).toEqual(["1.0", "1.1", "1.2", "2.0", "3.0", "3.1"]);
    expect(durable).toEqual(matched);
    expect(pipeline.engine.tradeCount).toBe(1);
  });

  it("holds the time where it would go back", () => {
    const { pipeline, send } = start();
    send(DEFINE, 500);
    send(order("buy", "1"), 400);
    expect(pipeline.lastTimestampUs).toBe(500);
  });

  it("gives every event once, in order, over rings far smaller than one command", () => {
    const { pipeline, send, matched, durable } = start(64);
    send(DEFINE);
    for (let i = 0; i < 5000; i++) send(order("sell", "1"));
    send(order("buy", "5000"));
    pipeline.settle();
    expect(matched).toHaveLength(3 + 5000 + 1 + 5000);
    expect(matched.slice(-2)).toEqual(["5002.4999", "5002.5000"]);
    expect(durable).toEqual(matched);
  });

  it("takes commands with their verdicts and comes to the same state", () => {
    const first = start();
    const copies: DataView[] = [];
    const keep = (json: unknown) => {
      const offset = first.pipeline.next();
      first.send(json);
      const { buffer } = first.pipeline.view;
      copies.push(new DataView(buffer.slice(offset, offset + 192) as ArrayBuffer));
    };
    keep(DEFINE);
    keep({ type: "setAccount", account: 1, maxOrderQuantity: "10" });
    keep(order("sell", "11"));
    keep(order("sell", "10"));
    keep(order("buy", "4"));
    const verdicts = copies.map((view) => {
      const header = new CommandHeader();
      header.wrap(view, 0);
      return header.verdict;
    });
    expect(verdicts[2]).toBe(Verdict.refusedByRisk);

    const second = start();
    for (const view of copies) second.pipeline.replay(view, 0, view.getUint16(0, true));
    const hashes = [first, second].map(({ pipeline }) => {
      const words = new Uint32Array(4);
      pipeline.engine.stateHash(words);
      return [...words];
    });
    expect(second.matched).toEqual(first.matched);
    expect(hashes[1]).toEqual(hashes[0]);
    // The risk state has followed too.
    expect(second.send(order("sell", "11"))).toBe(6);
    expect(second.pipeline.engine.eventCount).toBe(first.pipeline.engine.eventCount + 1);
  });
});
