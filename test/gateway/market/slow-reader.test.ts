import { describe, expect, test } from "vitest";
import { BookChecksum } from "../../../protocol/book-checksum.ts";
import { PUBLIC_TRADE_TEMPLATE_ID, PublicTrade } from "../../../protocol/generated/session.ts";
import { Reader } from "../../feed/reader.ts";
import type { SlowSocket } from "../../simulation/slow-socket.ts";
import { until } from "../transports.ts";
import { type Json, Market } from "./market.ts";

function messages({ frames }: SlowSocket, type: string): Json[] {
  return frames.map((frame) => JSON.parse(frame as string)).filter((json) => json.type === type);
}

/** [seq, prevSeq, tradeId] of each, in either encoding. */
function tradesOf({ frames }: SlowSocket): number[][] {
  const record = new PublicTrade();
  return frames.flatMap((frame) => {
    if (typeof frame === "string") {
      const json = JSON.parse(frame) as Json;
      if (json.type !== "trades") return [];
      const trades = json.trades as { tradeId: number }[];
      return trades.map(({ tradeId }) => [json.seq as number, json.prevSeq as number, tradeId]);
    }
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const found: number[][] = [];
    for (let at = 0; at < view.byteLength; at += view.getUint16(at, true)) {
      if (view.getUint16(at + 2, true) !== PUBLIC_TRADE_TEMPLATE_ID) continue;
      record.wrap(view, at);
      found.push([record.seq, record.prevSeq, record.tradeId]);
    }
    return found;
  });
}

describe("a slow reader of l1", () => {
  test("gets one step over all that it missed; the checksum holds, the others get every step", () => {
    const market = new Market();
    const slow = market.subscribe("l1");
    const fast = market.subscribe("l1");
    slow.socket.isReading = false;
    for (let i = 1; i <= 2000; i++) market.order(1, 1, 1000 + i, 3);
    slow.socket.catchUp();
    slow.handler.onDrain();
    const all = messages(fast.socket, "l1");
    const merged = messages(slow.socket, "l1");
    expect(all).toHaveLength(2001);
    expect(merged.length).toBeLessThan(400);
    for (const states of [all, merged]) {
      for (let i = 1; i < states.length; i++) {
        expect(states[i]?.prevSeq).toBe(states[i - 1]?.seq);
        expect(states[i]?.snapshot).toBe(false);
      }
      expect(states.at(-1)).toMatchObject({
        seq: market.seq,
        bidPrice: "1500",
        bidQuantity: "0.03",
      });
    }
    const checksum = new BookChecksum();
    checksum.add(1, 3000, 3);
    expect(merged.at(-1)?.checksum).toBe(checksum.hex);
    market.order(2, 1, 3001, 4);
    expect(messages(slow.socket, "l1").at(-1)).toEqual(messages(fast.socket, "l1").at(-1));
  });

  test("that leaves while it is behind is forgotten", () => {
    const market = new Market();
    const slow = market.subscribe("l1");
    slow.socket.isReading = false;
    for (let i = 1; i <= 500; i++) market.order(1, 1, 1000 + i, 3);
    const before = slow.socket.frames.length;
    slow.socket.terminate();
    slow.handler.onClose(1006);
    market.order(1, 1, 2000, 3);
    expect(slow.socket.frames.length).toBe(before);
    expect(market.endpoint.connections).toBe(0);
  });

  test("that unsubscribes while it is behind gets no state afterwards", () => {
    const market = new Market();
    const slow = market.subscribe("l1");
    slow.socket.isReading = false;
    for (let i = 1; i <= 500; i++) market.order(1, 1, 1000 + i, 3);
    const message = { type: "unsubscribe", channel: "l1", symbol: "BTC-USD" };
    slow.handler.onMessage(Buffer.from(JSON.stringify(message)), false);
    slow.socket.catchUp();
    slow.handler.onDrain();
    const all = slow.socket.frames.map((frame) => JSON.parse(frame as string) as Json);
    expect(all.at(-1)).toMatchObject({ type: "unsubscribed" });
  });
});

describe("a slow reader of trades", () => {
  test("keeps every trade up to its limit, then is closed with 1013: no gap it cannot see", () => {
    const market = new Market();
    const slow = market.subscribe("trades");
    const fast = market.subscribe("trades");
    slow.socket.isReading = false;
    let trades = 0;
    while (slow.socket.isOpen && trades < 20_000) {
      market.order(1, 1, 1000, 1);
      market.order(2, 2, 1000, 1);
      trades++;
    }
    expect(slow.socket.closeCode).toBe(1013);
    const all = messages(fast.socket, "trades");
    expect(all).toHaveLength(trades);
    const seen = messages(slow.socket, "trades");
    expect(seen.length).toBeGreaterThan(100);
    expect(seen).toEqual(all.slice(0, seen.length));
    expect(messages(slow.socket, "error").length).toBeLessThanOrEqual(1);
  });
});

describe("two slow readers of trades", () => {
  test.each([false, true])(
    "that read again are told each trade once and in order; until then none waits in their sockets (binary: %s)",
    (isBinary) => {
      const market = new Market();
      const fast = market.subscribe("trades", isBinary);
      const slow = [market.subscribe("trades", isBinary), market.subscribe("trades", isBinary)];
      for (const { socket } of slow) socket.isReading = false;
      const trade = (count: number) => {
        for (let i = 0; i < count; i++) {
          market.order(1, 1, 1000, 1);
          market.order(2, 2, 1000, 1);
        }
      };
      trade(1000); // so much has been sent that who does not read is found out
      const waiting = slow.map(({ socket }) => socket.bufferedBytes);
      expect(Math.max(...waiting)).toBeLessThan(100_000);
      trade(1000);
      expect(slow.map(({ socket }) => socket.bufferedBytes)).toEqual(waiting);
      // The second one later than the first, and with a stop on the way.
      slow[0]?.socket.catchUp();
      slow[0]?.handler.onDrain();
      trade(10);
      slow[1]?.socket.catchUp();
      slow[1]?.handler.onDrain();
      trade(10);
      const all = tradesOf(fast.socket);
      expect(all).toHaveLength(2020);
      for (const { socket } of slow) expect(tradesOf(socket)).toEqual(all);
    },
  );

  test("that has unsubscribed or gone is told none of those that waited", () => {
    const market = new Market();
    const slow = market.subscribe("trades");
    slow.socket.isReading = false;
    for (let i = 0; i < 500; i++) {
      market.order(1, 1, 1000, 1);
      market.order(2, 2, 1000, 1);
    }
    const message = { type: "unsubscribe", channel: "trades", symbol: "BTC-USD" };
    slow.handler.onMessage(Buffer.from(JSON.stringify(message)), false);
    const told = messages(slow.socket, "trades").length;
    slow.socket.catchUp();
    slow.handler.onDrain();
    market.endpoint.tick();
    expect(messages(slow.socket, "trades")).toHaveLength(told);
    expect(messages(slow.socket, "unsubscribed")).toHaveLength(1);
  });
});

test("many who can read again at once are told one after the other, and orders get their turns in between", async () => {
  const market = new Market({ catchUpMs: 0.01 });
  const slow = Array.from({ length: 50 }, () => market.subscribe("l3"));
  for (const { socket } of slow) socket.isReading = false;
  const snapshots = () => slow.filter(({ socket }) => messages(socket, "l3").length > 0).length;
  await until(() => snapshots() === 50, "a snapshot for each");
  for (let i = 1; i <= 500; i++) market.order(1, 1, 1000 + (i % 50), 3);
  const told = () => slow.filter(({ socket }) => messages(socket, "l3").length > before).length;
  const before = Math.max(...slow.map(({ socket }) => messages(socket, "l3").length));
  for (const { socket, handler } of slow) {
    socket.catchUp();
    handler.onDrain();
  }
  expect(told()).toBeLessThan(50);
  await until(() => told() === 50, "an update for each");
  const last = slow.map(({ socket }) => messages(socket, "l3").at(-1));
  expect(last.every((message) => message?.seq === market.seq)).toBe(true);
});

describe("a slow reader of l3", () => {
  /** Orders come and go; every fifth stays. */
  function churn(market: Market, orders: number): void {
    for (let i = 1; i <= orders; i++) {
      market.order(1, 1, 1000 + (i % 50), 3);
      if (i % 5 === 0) continue;
      market.apply({ type: "CancelOrder", account: 1, orderId: market.seq });
    }
  }

  function check(socket: SlowSocket): Reader {
    const sizes = { symbol: "BTC-USD", instrumentId: 1, tick: [5, 1], lot: [1, 2] } as const;
    const reader = new Reader(
      () => sizes,
      () => {},
    );
    for (const frame of socket.frames) reader.take(frame);
    return reader;
  }

  test("gets one update over all that it missed, without what came and went", () => {
    const market = new Market();
    const slow = market.subscribe("l3");
    const fast = market.subscribe("l3");
    churn(market, 20);
    slow.socket.isReading = false;
    churn(market, 500);
    slow.socket.catchUp();
    slow.handler.onDrain();
    const all = messages(fast.socket, "l3");
    const told = messages(slow.socket, "l3");
    const merged = told.at(-1) as Json;
    expect(told.length).toBeLessThan(all.length - 400);
    expect(merged).toMatchObject({ snapshot: false, prevSeq: told.at(-2)?.seq });
    expect((merged.bids as unknown[][]).every(([, , quantity]) => quantity === "0.03")).toBe(true);
    expect(merged).toMatchObject({ seq: all.at(-1)?.seq, checksum: all.at(-1)?.checksum });
    const [own, others] = [check(slow.socket), check(fast.socket)];
    expect(own.channel("l3", 1)?.rows).toEqual(others.channel("l3", 1)?.rows);
  });

  test("that stands still keeps a bounded amount waiting, and gets a snapshot where too much was missed", () => {
    const market = new Market({ windowUpdates: 256 });
    const slow = market.subscribe("l3");
    const fast = market.subscribe("l3");
    slow.socket.isReading = false;
    churn(market, 200);
    // With all that is on its way it has fallen behind; more is not sent.
    const waiting = slow.socket.bufferedBytes;
    expect(waiting).toBeLessThan(100_000);
    churn(market, 600);
    expect(slow.socket.bufferedBytes).toBe(waiting);
    slow.socket.catchUp();
    slow.handler.onDrain();
    const snapshots = messages(slow.socket, "l3").filter(({ snapshot }) => snapshot === true);
    expect(snapshots.length).toBeGreaterThan(1);
    expect(check(slow.socket).channel("l3", 1)?.rows).toEqual(
      check(fast.socket).channel("l3", 1)?.rows,
    );
  });
});
