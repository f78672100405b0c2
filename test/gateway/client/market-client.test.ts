import { afterEach, describe, expect, test } from "vitest";
import type { ClientError } from "../../../gateway/client/errors.ts";
import { CrossbookMarketClient, type MarketUpdate } from "../../../gateway/client/index.ts";
import { LocalBook } from "../../../gateway/client/local-book.ts";
import type { Encoding } from "../../../gateway/client/outbound.ts";
import { INSTRUMENT, type Json, order, TradeServer } from "../trade/trade-server.ts";
import { TRANSPORTS, until } from "../transports.ts";

const SIZES = { tickSize: { value: 5, scale: 1 }, lotSize: { value: 1, scale: 2 } };

describe.each(TRANSPORTS)("the market client over %s", (choice) => {
  describe.each(["json", "binary"] as const)("in %s", (encoding: Encoding) => {
    let server: TradeServer;
    const clients: CrossbookMarketClient[] = [];

    async function begin() {
      server = new TradeServer();
      await server.listen(choice);
      await server.setUp(INSTRUMENT);
      const admin = await server.client("root");
      const problems: ClientError[] = [];
      const client = new CrossbookMarketClient({
        url: `ws://127.0.0.1:${server.port}`,
        encoding,
        reconnect: { initialDelayMs: 5 },
        onProblem: (error) => problems.push(error),
      });
      clients.push(client);
      const trade = async (...commands: Json[]) => {
        for (const [i, command] of commands.entries()) admin.send({ account: 50 + i, ...command });
        const { intake } = server.exchange;
        await new Promise((resolve) => setTimeout(resolve, 20));
        await until(() => server.stage.completeSeq === intake.lastSeq, "all commands complete");
        return server.stage.completeSeq;
      };
      return { client, trade, problems };
    }

    afterEach(async () => {
      for (const client of clients.splice(0)) client.close();
      await server.stop();
      expect(server.problems).toEqual([]);
    });

    test("its books are the server's as of a seq, orders as they queue", async () => {
      const { client, trade } = await begin();
      const orders = client.book("BTC-USD", "l3");
      const levels = client.book("BTC-USD");
      expect(client.book("BTC-USD")).toBe(levels);
      const seq = await trade(
        order({ price: "99", quantity: "5", displayQuantity: "1" }),
        order({ price: "99", quantity: "2" }),
        order({ side: "sell", price: "101" }),
      );
      await client.reached(orders, seq);
      await client.reached(levels, seq);
      expect(levels.bids()).toEqual([{ price: "99", quantity: "3", orders: 2 }]);
      expect(levels.asks(1)).toEqual([{ price: "101", quantity: "1", orders: 1 }]);
      expect(orders.bids().map(({ orderId, quantity }) => [orderId, quantity])).toEqual([
        [seq - 2, "1"],
        [seq - 1, "2"],
      ]);
      const later = await trade(order({ side: "sell", price: "99", quantity: "1" }));
      await client.reached(orders, later);
      expect(orders.bids().map(({ orderId }) => orderId)).toEqual([seq - 1, seq - 2]);
      expect(orders.isCurrent).toBe(true);
    });

    test("a lost connection is made again, and the books go on where they were", async () => {
      const { client, trade, problems } = await begin();
      const updates: MarketUpdate[] = [];
      void (async () => {
        for await (const update of client.updates()) updates.push(update);
      })();
      const book = client.book("BTC-USD", "l3");
      await client.reached(book, await trade(order({ price: "99" })));
      server.market.endAll();
      const seq = await trade(order({ price: "98" }));
      await client.reached(book, seq);
      expect(problems.some(({ code }) => code === "connectionLost")).toBe(true);
      expect(book.bids().map(({ price }) => price)).toEqual(["99", "98"]);
      const told = updates.filter(({ channel }) => channel === "l3");
      expect(told.filter(({ message }) => message.snapshot === true)).toHaveLength(1);
      expect(told.at(-1)?.book).toBe(book);
    });

    test("other channels come as messages, of all symbols too", async () => {
      const { client, trade } = await begin();
      const updates: MarketUpdate[] = [];
      void (async () => {
        for await (const update of client.updates()) updates.push(update);
      })();
      client.subscribe("status", "*");
      client.subscribe("trades", "*");
      await until(() => updates.some(({ channel }) => channel === "status"), "a status");
      await trade(order({ price: "100" }), order({ side: "sell", price: "100" }));
      await until(() => updates.some(({ channel }) => channel === "trades"), "a trade");
      const trades = updates.find(({ channel }) => channel === "trades");
      expect(trades?.message.trades).toMatchObject([{ price: "100", quantity: "1" }]);
    });

    test("a wish that cannot be is a problem", async () => {
      const { client, problems } = await begin();
      client.subscribe("l1", "NOPE");
      await until(() => problems.length > 0, "the problem");
      expect(problems[0]).toMatchObject({ code: "refused", reason: "unknownSymbol" });
    });
  });
});

describe("a local book", () => {
  const snapshot = (fields: Json = {}) => ({
    type: "l2",
    snapshot: true,
    prevSeq: 0,
    seq: 4718,
    bids: [
      ["64000", "2.5", 2],
      ["63999.5", "4", 1],
    ],
    asks: [["64000.5", "1", 1]],
    checksum: "7cce5d38a3a79479",
    ...fields,
  });

  test("takes what fits and agrees, and nothing else", () => {
    const book = new LocalBook("BTC-USD", "l2");
    expect(book.apply({ ...snapshot(), snapshot: false, prevSeq: 1 }, SIZES)).toBe("broken");
    expect(book.apply(snapshot(), SIZES)).toBe("current");
    expect(book.seq).toBe(4718);
    const gone = { snapshot: false, prevSeq: 4718, seq: 4721, bids: [["64000", "0", 0]], asks: [] };
    expect(book.apply(snapshot({ ...gone, checksum: "85420cc2b766cb97" }), SIZES)).toBe("current");
    expect(book.bids()).toEqual([{ price: "63999.5", quantity: "4", orders: 1 }]);
    expect(book.apply(snapshot({ ...gone, prevSeq: 4721, seq: 4722 }), SIZES)).toBe("broken");
    expect(book.isCurrent).toBe(false);
    expect(book.apply(snapshot({ checksum: "7cce5d38a3a79478" }), SIZES)).toBe("broken");
  });

  test("is whole after the last part, and a lost part is noticed", () => {
    const book = new LocalBook("BTC-USD", "l2");
    const first = snapshot({ part: 1, parts: 2, asks: [] });
    const second = snapshot({ part: 2, parts: 2, bids: [] });
    expect(book.apply(first, SIZES)).toBe("partial");
    expect(book.isCurrent).toBe(false);
    expect(book.apply(second, SIZES)).toBe("current");
    expect(book.apply(second, SIZES)).toBe("broken");
    expect(book.apply(first, SIZES)).toBe("partial");
    expect(book.apply(snapshot(), SIZES)).toBe("current");
  });
});
