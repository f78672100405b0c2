import { afterEach, describe, expect, test } from "vitest";
import { TRANSPORTS, until } from "../transports.ts";
import { INSTRUMENT, order, type ServerSettings, TradeServer } from "./trade-server.ts";

describe.each(TRANSPORTS)("private sessions over %s", (choice) => {
  let server: TradeServer;

  async function begin(settings: ServerSettings = {}): Promise<TradeServer> {
    server = new TradeServer(settings);
    await server.listen(choice);
    return server;
  }

  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  describe("logon", () => {
    test("a right signature over the challenge logs on, and says who one is", async () => {
      await begin();
      const client = await server.connect();
      expect(await client.logon("alice")).toEqual({
        type: "loggedOn",
        account: 7,
        role: "trader",
        lastSeq: 0,
        lastRequestId: 0,
        lastRequestSeq: 0,
        heartbeatInterval: 10_000,
      });
    });

    test("wrong signature, unknown key and another session's challenge get the same answer and 4401", async () => {
      await begin();
      const answers = [];
      const other = await server.connect();
      const stolen = await other.logonMessage("alice");
      for (const change of [
        { signature: Buffer.alloc(32, 7).toString("base64") },
        { signature: Buffer.alloc(64, 7).toString("base64") },
        { keyId: "mallory" },
        { signature: stolen.signature },
      ]) {
        const client = await server.connect();
        client.send({ ...(await client.logonMessage("alice")), ...change });
        expect(await client.closed()).toBe(4401);
        answers.push(client.ofType("error"));
      }
      const refusal = {
        type: "error",
        code: "logonRefused",
        message: "unknown key or wrong signature",
      };
      expect(answers).toEqual(answers.map(() => [refusal]));
    });

    test("a timestamp more than five seconds off is refused, whatever the key", async () => {
      await begin();
      for (const offset of [-6_000_000, 6_000_000]) {
        const client = await server.connect();
        const { serverTime } = await client.first("challenge");
        const timestamp = (serverTime as number) + offset;
        client.send(await client.logonMessage("alice", { timestamp }));
        expect(await client.closed()).toBe(4401);
        expect((await client.first("error")).message).toContain("5 s");
      }
    });

    test("nothing but a logon is answered before it", async () => {
      await begin();
      const client = await server.connect();
      client.send(order({ requestId: 3, clientOrderId: 4 }));
      client.send({ type: "openOrders" });
      await client.last("error", 2);
      expect(client.ofType("error")).toEqual([
        {
          type: "error",
          code: "notLoggedOn",
          message: "log on first",
          request: { type: "newOrder", requestId: 3, clientOrderId: 4 },
        },
        {
          type: "error",
          code: "notLoggedOn",
          message: "log on first",
          request: { type: "openOrders" },
        },
      ]);
      expect(server.exchange.intake.lastSeq).toBe(0);
    });

    test("who does not log on in time is closed with 4401", async () => {
      let nowMs = 0;
      const clock = { nowMs: () => nowMs, nowUs: () => 1_700_000_000_000_000 };
      await begin({ clock });
      const client = await server.connect();
      await client.first("challenge");
      nowMs = 4999;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(client.closeCode).toBe(0);
      nowMs = 5000;
      expect(await client.closed()).toBe(4401);
      expect((await client.first("error")).code).toBe("logonTimeout");
    });

    test("logging on twice is an error, and another session with the key ends the first", async () => {
      await begin();
      const first = await server.connect();
      const message = await first.logonMessage("alice");
      first.send(message);
      await first.first("loggedOn");
      first.send(message);
      expect((await first.first("error")).code).toBe("alreadyLoggedOn");
      await server.client("alice");
      expect(await first.closed()).toBe(4409);
      const watchers = [await server.client("watcher"), await server.client("watcher")];
      expect(watchers.map(({ closeCode }) => closeCode)).toEqual([0, 0]);
    });

    test("a revoked key's sessions end", async () => {
      await begin();
      const client = await server.client("alice");
      server.endpoint.onKeyRevoked(1);
      expect(await client.closed()).toBe(4403);
      expect((await client.first("error")).code).toBe("keyRevoked");
    });
  });

  describe("commands", () => {
    test("an order is sequenced for the key's account, and its events come back with the requestId", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      client.send(order({ clientOrderId: 11, requestId: 5 }));
      const accepted = await client.first("accepted");
      expect(accepted).toMatchObject({
        seq: 2,
        index: 0,
        requestId: 5,
        symbol: "BTC-USD",
        account: 7,
        clientOrderId: 11,
        orderId: 2,
        price: "100",
        quantity: "1",
      });
      const command = server.exchange.commands.at(-1);
      expect(command).toMatchObject({ account: 7, keyNumber: 1, requestId: 5 });
    });

    test("nothing leaves before it is durable", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      server.exchange.isDurable = false;
      client.send(order());
      await until(() => server.exchange.commands.length === 2, "matching");
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(client.events).toEqual([]);
      server.exchange.isDurable = true;
      await client.first("accepted");
    });

    test("a trade shows each side its own half, and no id of the other", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const alice = await server.client("alice");
      const bob = await server.client("bob");
      alice.send(order({ clientOrderId: 101, requestId: 1 }));
      await alice.first("accepted");
      bob.send(order({ side: "sell", clientOrderId: 202, requestId: 77, quantity: "0.4" }));
      const maker = await alice.first("trade");
      const taker = await bob.first("trade");
      const common = { type: "trade", seq: 3, index: 1, symbol: "BTC-USD", tradeId: 1 };
      expect(maker).toEqual({
        ...common,
        timestamp: maker.timestamp,
        account: 7,
        clientOrderId: 101,
        orderId: 2,
        side: "buy",
        price: "100",
        quantity: "0.4",
        leavesQuantity: "0.6",
        fee: "0.04",
        liquidity: "maker",
      });
      expect(taker).toEqual({
        ...common,
        timestamp: maker.timestamp,
        requestId: 77,
        account: 8,
        clientOrderId: 202,
        orderId: 3,
        side: "sell",
        price: "100",
        quantity: "0.4",
        leavesQuantity: "0",
        fee: "0.08",
        liquidity: "taker",
      });
      expect(alice.events).toHaveLength(2);
    });

    test("a requestId not above the last does nothing, and the answer names the first one's seq", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      client.send(order({ requestId: 10 }));
      client.send(order({ requestId: 12 }));
      client.send(order({ requestId: 12 }));
      client.send(order({ requestId: 11 }));
      await client.last("duplicateRequest", 2);
      expect(client.ofType("duplicateRequest")).toEqual([
        { type: "duplicateRequest", requestId: 12, seq: 3 },
        { type: "duplicateRequest", requestId: 11 },
      ]);
      expect(server.exchange.intake.lastSeq).toBe(3);
      await client.close();
      const again = await server.connect();
      expect(await again.logon("alice")).toMatchObject({ lastRequestId: 12, lastRequestSeq: 3 });
    });

    test("roles: viewers send nothing, traders no admin commands nor for others, admins for anyone", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const [viewer, trader, admin] = [
        await server.client("watcher"),
        await server.client("alice"),
        await server.client("root"),
      ];
      const before = server.exchange.intake.lastSeq;
      viewer.send(order());
      for (const command of [
        { ...INSTRUMENT, symbol: "X" },
        { type: "defineAsset", asset: "EUR", scale: 2 },
        { type: "setMarketState", symbol: "BTC-USD", state: "halted" },
        { type: "setAccount", account: 7, maxOpenOrders: 5 },
        { type: "adjustBalance", account: 7, asset: "USD", amount: "1" },
        { type: "killSwitch", engaged: false },
        { type: "snapshot" },
        { type: "sessionStart", account: 7 },
        { type: "sessionEnd", account: 7 },
        { type: "advanceTime" },
        order({ account: 8 }),
        { type: "cancelOrder", account: 8, orderId: 1 },
        { type: "replaceOrder", account: 8, orderId: 1, price: "1" },
        { type: "massCancel", account: 8 },
        { type: "killSwitch", account: 8, engaged: true },
      ]) {
        trader.send(command);
      }
      await viewer.last("error", 1);
      await trader.last("error", 15);
      for (const error of [...viewer.ofType("error"), ...trader.ofType("error")]) {
        expect(error).toMatchObject({ code: "notAuthorized" });
      }
      expect(server.exchange.intake.lastSeq).toBe(before);
      admin.send({ type: "sessionEnd", account: 7 });
      expect((await admin.first("error")).code).toBe("notAuthorized");
      admin.send(order({ account: 8, clientOrderId: 1 }));
      expect(await admin.first("accepted")).toMatchObject({ account: 8 });
      trader.send({ type: "killSwitch", engaged: true });
      expect(await trader.first("account")).toMatchObject({ account: 7, killSwitchEngaged: true });
    });

    test("what is not a command gets an error that names the field, and no seq", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      const wrong: [string | Record<string, unknown>, string, string][] = [
        ["{", "malformed", "not JSON"],
        ["[]", "malformed", "object"],
        ["null", "malformed", "object"],
        ['{"type":"newOrder","type":"newOrder"}', "malformed", "twice"],
        ['{"__proto__":{},"type":"openOrders"}', "invalidCommand", "__proto__"],
        [{}, "invalidCommand", "type"],
        [{ type: "dance" }, "invalidCommand", "dance"],
        [{ type: "challenge" }, "invalidCommand", "challenge"],
        [order({ quantity: 1 }), "invalidCommand", "quantity"],
        [order({ side: "left" }), "invalidCommand", "side"],
        [order({ extra: 1 }), "invalidCommand", "extra"],
        [order({ timestamp: 1 }), "invalidCommand", "timestamp"],
        [order({ requestId: "1" }), "invalidCommand", "requestId"],
        [{ type: "openOrders", symbol: "BTC-USD" }, "invalidCommand", "symbol"],
      ];
      for (const [message] of wrong) client.send(message);
      await client.last("error", wrong.length);
      client.ofType("error").forEach((error, i) => {
        const [, code, word] = wrong[i] as [string, string, string];
        expect(error).toMatchObject({ code });
        expect(error.message).toContain(word);
      });
      expect(server.exchange.intake.lastSeq).toBe(1);
      client.send(order());
      await client.first("accepted");
    });

    test("what does not convert is sequenced with its reject", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      client.send(order({ price: "100.3", clientOrderId: 1 }));
      client.send(order({ symbol: "NOPE", clientOrderId: 2 }));
      await client.last("rejected", 2);
      expect(client.ofType("rejected")).toMatchObject([
        { seq: 2, clientOrderId: 1, reason: "priceOffTick" },
        { seq: 3, clientOrderId: 2, reason: "unknownSymbol", symbol: "NOPE" },
      ]);
    });

    test("a mass cancel with nothing open, and a snapshot, are answered by completed", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const admin = await server.client("root");
      admin.send({ type: "massCancel", requestId: 1 });
      admin.send({ type: "snapshot", requestId: 2 });
      admin.send(order({ requestId: 3 }));
      admin.send({ type: "massCancel", requestId: 4 });
      await admin.first("canceled");
      expect(admin.messages.slice(-4)).toMatchObject([
        { type: "completed", requestId: 1, seq: 2 },
        { type: "completed", requestId: 2, seq: 3 },
        { type: "accepted", requestId: 3, seq: 4 },
        { type: "canceled", requestId: 4, seq: 5, reason: "massCancel" },
      ]);
    });

    test("a full ring refuses orders and still takes cancels", async () => {
      await begin({ commandSlots: 64 });
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      server.exchange.isMatching = false;
      for (let i = 1; i <= 70; i++) client.send(order({ clientOrderId: i, requestId: i }));
      const overloaded = await client.first("error");
      expect(overloaded).toMatchObject({ code: "overloaded", request: { type: "newOrder" } });
      const { lastSeq } = server.exchange.intake;
      client.send({ type: "cancelOrder", clientOrderId: 1 });
      await until(() => server.exchange.intake.lastSeq === lastSeq + 1, "the cancel's seq");
      server.exchange.isMatching = true;
      await client.first("canceled");
    });

    test("who was refused ever so often by a full ring is still there", async () => {
      await begin({ commandSlots: 64 });
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      server.exchange.isMatching = false;
      // More than the errors of its own that a client may make; some at a time, so that it reads them.
      const [count, chunk] = [30_000, 1_000];
      const codes = () => client.ofType("error").map(({ code }) => code);
      for (let sent = 0; sent < count; sent += chunk) {
        for (let i = sent + 1; i <= sent + chunk; i++) {
          client.send(order({ clientOrderId: i, requestId: i }));
        }
        await until(() => codes().length > sent + chunk - 64, "these refusals");
      }
      expect(new Set(codes())).toEqual(new Set(["overloaded"]));
      server.exchange.isMatching = true;
      await client.first("accepted");
      client.send(order({ clientOrderId: count + 1, requestId: count + 1 }));
      await until(
        () => client.ofType("accepted").at(-1)?.clientOrderId === count + 1,
        "an order after them",
      );
      expect(client.closeCode).toBe(0);
    });

    test("what was done is a duplicate also where nothing new can be taken", async () => {
      await begin({ commandSlots: 64 });
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      server.exchange.isMatching = false;
      for (let i = 1; i <= 70; i++) client.send(order({ clientOrderId: i, requestId: i }));
      await client.first("error");
      client.send(order({ clientOrderId: 1, requestId: 1 }));
      expect(await client.first("duplicateRequest")).toMatchObject({ requestId: 1, seq: 2 });
      server.exchange.intake.close();
      client.send(order({ clientOrderId: 2, requestId: 2 }));
      await client.last("duplicateRequest", 2);
      expect(client.ofType("duplicateRequest")[1]).toMatchObject({ requestId: 2, seq: 3 });
      server.exchange.isMatching = true;
    });

    test("a closed intake answers shuttingDown", async () => {
      await begin();
      await server.setUp(INSTRUMENT);
      const client = await server.client("alice");
      const late = await server.connect();
      server.exchange.intake.close();
      client.send(order());
      expect((await client.first("error")).code).toBe("shuttingDown");
      await expect(server.connect()).rejects.toThrow("503");
      late.send(await late.logonMessage("bob"));
      expect(await late.closed()).toBe(1013);
    });
  });
});
