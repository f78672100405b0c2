import { afterEach, describe, expect, test } from "vitest";
import { BookChecksum } from "../../../protocol/book-checksum.ts";
import { SUBSCRIBE_LENGTH, Subscribe } from "../../../protocol/generated/session.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { decodeMessage } from "../../../protocol/json/decode-message.ts";
import {
  INSTRUMENT,
  type Json,
  order,
  type ServerSettings,
  type TradeClient,
  TradeServer,
} from "../trade/trade-server.ts";
import { TRANSPORTS, until } from "../transports.ts";

/** Best prices in half dollars and hundredths, as INSTRUMENT has them. */
function checksumOf({ bidPrice, bidQuantity, askPrice, askQuantity }: Json): string {
  const checksum = new BookChecksum();
  const ticks = (text: unknown) => Math.round(Number(text) / 0.5);
  const lots = (text: unknown) => Math.round(Number(text) / 0.01);
  if (bidPrice !== undefined) checksum.add(1, ticks(bidPrice), lots(bidQuantity));
  if (askPrice !== undefined) checksum.add(2, ticks(askPrice), lots(askQuantity));
  return checksum.hex;
}

describe.each(TRANSPORTS)("market data over %s", (choice) => {
  let server: TradeServer;
  let admin: TradeClient;

  async function begin(settings: ServerSettings = {}): Promise<void> {
    server = new TradeServer(settings);
    await server.listen(choice);
    await server.setUp(INSTRUMENT, { ...INSTRUMENT, symbol: "ETH-USD" });
    admin = await server.client("root");
  }

  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  let sent = 0;
  /** Orders of many accounts; resolves when all are done. */
  async function trade(...commands: Json[]): Promise<void> {
    for (const command of commands) {
      const isOrder = command.type === "newOrder" || command.type === "cancelOrder";
      admin.send(isOrder ? { account: 50 + (sent++ % 7), ...command } : command);
    }
    await until(
      () => server.stage.completeSeq === server.exchange.intake.lastSeq,
      "all commands complete",
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    await until(
      () => server.stage.completeSeq === server.exchange.intake.lastSeq,
      "all commands complete",
    );
  }

  async function watch(channel: string, symbol = "BTC-USD"): Promise<TradeClient> {
    const client = await server.connect(false, "/v1/market");
    client.send({ type: "subscribe", channel, symbol });
    await client.first("subscribed");
    await current();
    return client;
  }

  /** All have been told how things stand; on a busy machine this comes a little later. */
  async function current(): Promise<void> {
    await until(() => server.market.behind === 0, "all subscribers told");
  }

  describe("l1", () => {
    test("a snapshot, then one update for each command that changes the best prices, joined by seq", async () => {
      await begin();
      await trade(order({ price: "99" }), order({ side: "sell", price: "101", quantity: "2" }));
      const client = await watch("l1");
      const snapshot = await client.first("l1");
      expect(snapshot).toMatchObject({
        symbol: "BTC-USD",
        snapshot: true,
        prevSeq: 0,
        bidPrice: "99",
        bidQuantity: "1",
        askPrice: "101",
        askQuantity: "2",
      });
      await trade(
        order({ price: "98" }), // behind the best: no news
        order({ price: "99", quantity: "0.5" }),
        order({ price: "102", quantity: "3" }), // takes all offers, rests at 102
      );
      await until(() => client.ofType("l1").length === 3, "three states");
      const states = client.ofType("l1");
      expect(states.slice(1)).toMatchObject([
        { snapshot: false, bidPrice: "99", bidQuantity: "1.5", askPrice: "101" },
        { snapshot: false, bidPrice: "102", bidQuantity: "1" },
      ]);
      expect(states[2]).not.toHaveProperty("askPrice");
      for (let i = 1; i < states.length; i++) {
        expect(states[i]?.prevSeq).toBe(states[i - 1]?.seq);
      }
      for (const state of states) expect(state.checksum).toBe(checksumOf(state));
    });

    test("an empty book has neither price, and a checksum of zero", async () => {
      await begin();
      const client = await watch("l1");
      const state = await client.first("l1");
      expect(state).toEqual({
        type: "l1",
        symbol: "BTC-USD",
        snapshot: true,
        prevSeq: 0,
        seq: 0,
        timestamp: 0,
        checksum: "0000000000000000",
      });
    });

    test("an iceberg shows its displayed part only", async () => {
      await begin();
      const client = await watch("l1");
      await trade(order({ price: "99", quantity: "5", displayQuantity: "1.2" }));
      await trade(order({ price: "99", side: "sell", quantity: "1" }));
      await trade(order({ price: "99", side: "sell", quantity: "0.2" }));
      await until(() => client.ofType("l1").length === 4, "all states");
      expect(client.ofType("l1").map(({ bidQuantity }) => bidQuantity)).toEqual([
        undefined,
        "1.2",
        "0.2",
        "1.2",
      ]);
    });
  });

  describe("l2 and l3", () => {
    test("a snapshot of the whole book, then what each command changes in it", async () => {
      await begin();
      await trade(
        order({ price: "99", quantity: "5", displayQuantity: "1" }),
        order({ price: "99", quantity: "2" }),
        order({ price: "98" }),
        order({ side: "sell", price: "101", quantity: "3" }),
      );
      const ids = server.exchange.commands.slice(-4).map(({ seq }) => seq) as number[];
      const levels = await watch("l2");
      const orders = await watch("l3");
      expect(await levels.first("l2")).toMatchObject({
        snapshot: true,
        prevSeq: 0,
        bids: [
          ["99", "3", 2],
          ["98", "1", 1],
        ],
        asks: [["101", "3", 1]],
      });
      expect(await orders.first("l3")).toMatchObject({
        snapshot: true,
        bids: [
          [ids[0], "99", "1", 1],
          [ids[1], "99", "2", 2],
          [ids[2], "98", "1", 3],
        ],
        asks: [[ids[3], "101", "3", 4]],
      });
      // Uses up what the iceberg shows, and half of the order behind it.
      await trade(order({ side: "sell", price: "99", quantity: "2" }));
      await levels.last("l2", 2);
      await orders.last("l3", 2);
      expect(levels.ofType("l2")[1]).toMatchObject({ bids: [["99", "2", 2]], asks: [] });
      expect(orders.ofType("l3")[1]).toMatchObject({
        bids: [
          [ids[0], "99", "1", 5],
          [ids[1], "99", "1", 2],
        ],
        asks: [],
      });
      expect(orders.ofType("l3")[1]?.prevSeq).toBe(orders.ofType("l3")[0]?.seq);
    });

    test("who comes back is told what has changed, or gets a snapshot", async () => {
      await begin();
      const first = await watch("l3");
      await trade(order({ price: "99" }));
      const known = await first.last("l3", 2);
      await first.close();
      await trade(order({ price: "98" }), order({ price: "97" }));
      const again = await server.connect(false, "/v1/market");
      again.send({ type: "resume", channel: "l3", symbol: "BTC-USD", afterSeq: known.seq });
      const told = await again.first("l3");
      expect(told).toMatchObject({ snapshot: false, prevSeq: known.seq });
      expect(told.bids).toHaveLength(2);
      again.send({ type: "resume", channel: "l3", symbol: "BTC-USD", afterSeq: told.seq });
      await again.last("subscribed", 2);
      expect(again.ofType("l3")).toHaveLength(1);
      again.send({ type: "resume", channel: "l3", symbol: "BTC-USD", afterSeq: 1 });
      expect(await again.last("l3", 2)).toMatchObject({ snapshot: true });
      again.send({ type: "resume", channel: "l3", symbol: "*", afterSeq: 1 });
      expect(await again.first("error")).toMatchObject({ code: "invalidCommand" });
    });
  });

  describe("indication", () => {
    test("says while it collects at what price it would uncross, and then that it is over", async () => {
      await begin();
      const client = await watch("indication");
      expect(await client.first("indication")).toMatchObject({ snapshot: true, collecting: false });
      await trade({ type: "setMarketState", symbol: "BTC-USD", state: "auction" });
      await trade(order({ price: "101", quantity: "3" }));
      await trade(order({ side: "sell", price: "100", quantity: "2" }));
      await client.last("indication", 3);
      expect(client.ofType("indication")[2]).toMatchObject({
        collecting: true,
        price: "101",
        quantity: "2",
        imbalance: "1",
        imbalanceSide: "buy",
      });
      await trade({ type: "setMarketState", symbol: "BTC-USD", state: "continuous" });
      const last = await client.last("indication", 4);
      expect(last).toMatchObject({
        collecting: false,
        prevSeq: client.ofType("indication")[2]?.seq,
      });
      expect(last).not.toHaveProperty("price");
    });
  });

  describe("trades", () => {
    test("all trades of a command in one message, in order, without accounts or order ids", async () => {
      await begin();
      const client = await watch("trades");
      await trade(order({ price: "99" }), order({ price: "98" }), order({ price: "97" }));
      await trade(order({ side: "sell", price: "98", quantity: "1.5" }));
      await trade(order({ side: "sell", price: "97", quantity: "0.1" }));
      await until(() => client.ofType("trades").length === 2, "two messages");
      const [first, second] = client.ofType("trades") as [Json, Json];
      expect(first).toEqual({
        type: "trades",
        symbol: "BTC-USD",
        snapshot: false,
        prevSeq: 0,
        seq: first.seq,
        timestamp: first.timestamp,
        trades: [
          { index: 1, tradeId: 1, price: "99", quantity: "1", aggressorSide: "sell" },
          { index: 2, tradeId: 2, price: "98", quantity: "0.5", aggressorSide: "sell" },
        ],
      });
      expect(second).toMatchObject({ prevSeq: first.seq, trades: [{ tradeId: 3, price: "98" }] });
      const late = await watch("trades");
      expect(await late.first("trades")).toMatchObject({
        snapshot: true,
        prevSeq: 0,
        seq: second.seq,
        trades: [{ tradeId: 3 }],
      });
    });

    test("an uncross has no aggressor", async () => {
      await begin();
      await trade({ type: "setMarketState", symbol: "BTC-USD", state: "auction" });
      const client = await watch("trades");
      await trade(order({ price: "100" }), order({ side: "sell", price: "99" }), {
        type: "setMarketState",
        symbol: "BTC-USD",
        state: "continuous",
      });
      expect((await client.first("trades")).trades).toMatchObject([{ aggressorSide: "none" }]);
    });
  });

  describe("status", () => {
    test("definitions and states, of instruments to come as well with *", async () => {
      await begin();
      const client = await watch("status", "*");
      await client.last("status", 2);
      expect(client.ofType("status")).toMatchObject([
        {
          symbol: "BTC-USD",
          snapshot: true,
          tickSize: "0.5",
          lotSize: "0.01",
          state: "continuous",
        },
        { symbol: "ETH-USD", snapshot: true },
      ]);
      await trade(
        { type: "setMarketState", symbol: "BTC-USD", state: "halted" },
        { ...INSTRUMENT, symbol: "NEW", baseAsset: "N", state: "preOpen" },
      );
      await client.last("status", 4);
      const [halted, fresh] = client.ofType("status").slice(2) as [Json, Json];
      expect(halted).toMatchObject({ symbol: "BTC-USD", snapshot: false, state: "halted" });
      expect(halted.prevSeq).toBe(client.ofType("status")[0]?.seq);
      expect(fresh).toMatchObject({ symbol: "NEW", snapshot: true, state: "preOpen" });
    });
  });

  describe("subscriptions", () => {
    test("* gives the snapshots of all instruments, and later ones of new ones", async () => {
      await begin();
      const client = await watch("l1", "*");
      await client.last("l1", 2);
      await trade({ ...INSTRUMENT, symbol: "NEW", baseAsset: "N" });
      await trade(order({ symbol: "NEW" }));
      await client.last("l1", 4);
      expect(client.ofType("l1").map(({ symbol, snapshot }) => [symbol, snapshot])).toEqual([
        ["BTC-USD", true],
        ["ETH-USD", true],
        ["NEW", true],
        ["NEW", false],
      ]);
    });

    test("after unsubscribe nothing comes, and again after subscribe", async () => {
      await begin();
      const client = await watch("l1");
      await client.first("l1");
      client.send({ type: "unsubscribe", channel: "l1", symbol: "BTC-USD" });
      expect(await client.first("unsubscribed")).toMatchObject({
        channel: "l1",
        symbol: "BTC-USD",
      });
      await trade(order());
      expect(client.ofType("l1")).toHaveLength(1);
      client.send({ type: "subscribe", channel: "l1", symbol: "BTC-USD" });
      await client.last("l1", 2);
      expect(client.ofType("l1")[1]).toMatchObject({ snapshot: true, bidPrice: "100" });
    });

    test("what is wrong is answered by name", async () => {
      await begin();
      const client = await watch("l1");
      const wrong: [Json | string, string][] = [
        [{ type: "subscribe", channel: "l1", symbol: "NOPE" }, "unknownSymbol"],
        [{ type: "subscribe", channel: "l9", symbol: "BTC-USD" }, "unknownChannel"],
        [{ type: "subscribe", channel: "none", symbol: "BTC-USD" }, "unknownChannel"],
        [{ type: "subscribe", channel: "toString", symbol: "BTC-USD" }, "unknownChannel"],
        [{ type: "subscribe", channel: "l1" }, "invalidCommand"],
        [{ type: "subscribe", channel: "l1", symbol: "BTC-USD", depth: 5 }, "invalidCommand"],
        [{ type: "unsubscribe", channel: "trades", symbol: "BTC-USD" }, "notSubscribed"],
        [order(), "invalidCommand"],
        ["nonsense", "malformed"],
      ];
      for (const [message] of wrong) client.send(message);
      await client.last("error", wrong.length);
      expect(client.ofType("error").map(({ code }) => code)).toEqual(wrong.map(([, code]) => code));
      expect(client.ofType("error").map(({ request }) => request)).toEqual(
        wrong.map(([message]) => {
          if (typeof message === "string") return undefined;
          const { type, channel, symbol } = message;
          return {
            type,
            ...(channel === undefined ? {} : { channel }),
            ...(symbol === undefined ? {} : { symbol }),
          };
        }),
      );
      expect(server.exchange.commands.every(({ type }) => type !== "NewOrder")).toBe(true);
    });

    test("binary clients get the same in records", async () => {
      await begin();
      await trade(order({ price: "99" }));
      const client = await server.connect(true, "/v1/market");
      const json = await watch("l1");
      const directory = new InstrumentDirectory();
      const found = () => {
        const messages: Json[] = [];
        for (const frame of client.frames) {
          const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
          for (let at = 0; at < frame.byteLength; at += view.getUint16(at, true)) {
            messages.push(decodeMessage(view, at, directory) as Json);
          }
        }
        return messages;
      };
      const ofType = (wanted: string) => found().filter(({ type }) => type === wanted);
      for (const [asked, channel] of ([1, 4, 5] as const).entries()) {
        const bytes = new Uint8Array(SUBSCRIBE_LENGTH);
        const record = new Subscribe();
        record.wrap(new DataView(bytes.buffer), 0);
        record.clear();
        record.channel = channel;
        record.symbol = "BTC-USD";
        client.send(bytes);
        await until(() => ofType("subscribed").length === asked + 1, "a subscription");
        await current();
      }
      await trade(order({ side: "sell", price: "99", quantity: "1.5" }));
      await json.last("l1", 2);
      await until(() => ofType("l1").length === 2, "both states");
      const plain = json.ofType("l1").map(({ seq, prevSeq, checksum }) => [seq, prevSeq, checksum]);
      const binary = ofType("l1");
      expect(binary.map(({ seq, prevSeq, checksum }) => [seq, prevSeq, checksum])).toEqual(plain);
      expect(found().map(({ type }) => type)).toEqual([
        "subscribed",
        "l1",
        "subscribed",
        "subscribed",
        "status",
        "trades",
        "l1",
      ]);
    });

    test("nobody connects while the server recovers", async () => {
      await begin();
      server.market.isLive = false;
      await expect(server.connect(false, "/v1/market")).rejects.toThrow("503");
      server.market.isLive = true;
    });
  });
});
