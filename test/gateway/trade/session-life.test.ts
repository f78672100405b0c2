import { afterEach, describe, expect, test } from "vitest";
import { SCHEMA_WORD } from "../../../protocol/generated/support.ts";
import { TRANSPORTS, until } from "../transports.ts";
import { INSTRUMENT, type Json, order, type ServerSettings, TradeServer } from "./trade-server.ts";

/** The command's seq and the event's index: what identifies an event. */
function places(events: readonly Json[]): string[] {
  return events.map(({ seq, index }) => `${seq}/${index}`);
}

describe.each(TRANSPORTS)("the life of a session over %s", (choice) => {
  let server: TradeServer;

  async function begin(settings: ServerSettings = {}): Promise<void> {
    server = new TradeServer(settings);
    await server.listen(choice);
    await server.setUp(INSTRUMENT);
  }

  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  describe("resume", () => {
    test.each([
      ["from memory", 4096],
      ["from the event log", 16],
    ])("%s: every own event after the position, once and in order", async (_, recentSlots) => {
      await begin({ recentSlots });
      const first = await server.client("alice");
      first.send(order({ price: "90" }));
      const { seq, index } = await first.first("accepted");
      await first.close();
      await server.tradeAlong(40);
      const witness = await server.connect();
      await witness.logon("alice", { resumeAfter: { seq: 0, index: 0 } });
      await witness.first("heartbeat");
      const again = await server.connect();
      await again.logon("alice", { resumeAfter: { seq, index } });
      await again.first("heartbeat");
      const all = places(witness.events);
      expect(all).toHaveLength(1 + 2 * 40); // the order at 90, then accepted and trade each time
      expect(new Set(all).size).toBe(all.length);
      expect(places(again.events)).toEqual(all.slice(all.indexOf(`${seq}/${index}`) + 1));
    });

    test("while the market goes on: nothing missed, nothing twice", async () => {
      await begin({ recentSlots: 64 });
      const bob = await server.client("bob");
      let sent = 0;
      const timer = setInterval(() => {
        for (let i = 0; i < 5 && sent < 500; i++, sent++) {
          bob.send(order({ side: "sell", clientOrderId: sent + 1, price: `${200 + sent}` }));
        }
      }, 1);
      const viewers = [];
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        const viewer = await server.connect();
        viewers.push(viewer);
        await viewer.logon("auditor", { resumeAfter: { seq: 0, index: 0 } });
      }
      await until(() => bob.ofType("accepted").length === 500, "all orders");
      clearInterval(timer);
      for (const viewer of viewers) {
        await until(() => viewer.ofType("accepted").length >= 500, "all of them at the viewer");
        const seqs = viewer.ofType("accepted").map((event) => event.seq as number);
        expect(seqs).toEqual(Array.from({ length: 500 }, (_, i) => (seqs[0] as number) + i));
      }
    });

    test("a question asked while behind is answered after the events that were missed", async () => {
      await begin({ recentSlots: 16 });
      await server.tradeAlong(200);
      const client = await server.connect();
      client.send(await client.logonMessage("auditor", { resumeAfter: { seq: 1, index: 0 } }));
      client.send({ type: "positions", requestId: 1 });
      await client.first("queryEnd");
      const end = client.messages.findIndex(({ type }) => type === "queryEnd");
      const { lastSeq } = client.messages[end] as Json;
      expect(lastSeq).toBe(server.exchange.intake.lastSeq);
      const before = client.messages.slice(0, end).filter(({ type }) => type === "trade");
      expect(before).toHaveLength(400);
    });

    test("a position beyond the history is refused with 4410", async () => {
      await begin();
      const client = await server.connect();
      const message = await client.logonMessage("alice");
      client.send({ ...message, resumeAfter: { seq: 99, index: 0 } });
      expect(await client.closed()).toBe(4410);
      expect((await client.first("error")).code).toBe("resumeUnavailable");
    });

    test("a part of the history that cannot be read ends the session with 4410, and no other", async () => {
      let reads = 0;
      const damaged = () => ({
        seek: () => undefined,
        read: () => {
          reads++;
          throw new Error("damaged at byte 4096");
        },
        close: () => undefined,
      });
      await begin({ recentSlots: 16, history: damaged });
      await server.tradeAlong(40);
      const other = await server.client("bob");
      const client = await server.connect();
      const message = await client.logonMessage("alice");
      client.send({ ...message, resumeAfter: { seq: 1, index: 0 } });
      expect(await client.closed()).toBe(4410);
      expect((await client.first("error")).code).toBe("resumeUnavailable");
      expect(reads).toBe(1);
      other.send(order({ side: "sell", clientOrderId: 5, price: "300" }));
      await other.first("accepted");
    });

    test("the requestId of another key's command is not shown to an account's other sessions, viewers excepted", async () => {
      await begin();
      const sessions = [
        await server.client("alice"),
        await server.client("alice2"),
        await server.client("watcher"),
      ] as const;
      const [first, second, viewer] = sessions;
      const auditor = await server.client("auditor");
      const root = await server.client("root");
      first.send(order({ clientOrderId: 1, requestId: 5 }));
      await second.first("accepted");
      second.send({ type: "replaceOrder", clientOrderId: 1, quantity: "2", requestId: 6 });
      await first.first("replaced");
      root.send(order({ side: "sell", account: 30, requestId: 7 }));
      await first.first("trade");
      root.send({ type: "cancelOrder", account: 7, clientOrderId: 1, requestId: 8 });
      await until(() => auditor.ofType("canceled").length === 1, "the cancel");
      await until(() => sessions.every((one) => one.events.length === 4), "all events");
      const seen = (client: typeof first) => client.events.map(({ requestId }) => requestId);
      expect(first.events.map(({ type }) => type)).toEqual([
        "accepted",
        "replaced",
        "trade",
        "canceled",
      ]);
      expect(seen(first)).toEqual([5, undefined, undefined, undefined]);
      expect(seen(second)).toEqual([undefined, 6, undefined, undefined]);
      expect(seen(viewer)).toEqual([5, 6, undefined, 8]);
      expect(new Set(seen(auditor))).toEqual(new Set([5, 6, 7, 8]));
    });

    test("the requestId of another account's command is not shown", async () => {
      await begin();
      const bob = await server.client("bob");
      const alice = await server.client("alice");
      bob.send(order({ side: "sell", requestId: 5, quantity: "2" }));
      await bob.first("accepted");
      alice.send(order({ orderType: "stop", price: undefined, stopPrice: "100" }));
      await alice.first("accepted");
      const viewer = await server.client("auditor");
      const root = await server.client("root");
      root.send(order({ account: 30, requestId: 9, quantity: "0.5" }));
      await alice.first("triggered");
      await alice.first("trade");
      await until(() => viewer.ofType("trade").length === 4, "both sides of both trades");
      expect(alice.events.map((event) => [event.type, event.requestId])).toEqual([
        ["accepted", undefined],
        ["triggered", undefined],
        ["trade", undefined],
      ]);
      expect(bob.ofType("trade").map((event) => event.requestId)).toEqual([undefined, undefined]);
      expect(viewer.ofType("triggered")[0]).toMatchObject({ requestId: 9, account: 7 });
    });
  });

  describe("drop copy", () => {
    test("a viewer sees its account's events, one of all accounts sees both sides of a trade", async () => {
      await begin();
      const own = await server.client("watcher");
      const all = await server.client("auditor");
      await server.tradeAlong(1);
      await until(() => all.events.length === 4, "four events");
      expect(own.events.map((event) => [event.type, event.account])).toEqual([
        ["accepted", 7],
        ["trade", 7],
      ]);
      expect(all.events.map((event) => [event.type, event.account, event.liquidity])).toEqual([
        ["accepted", 8, undefined],
        ["accepted", 7, undefined],
        ["trade", 7, "taker"],
        ["trade", 8, "maker"],
      ]);
    });
  });

  test("nobody gets in while no logon can be taken: who resumes would be told wrong things", async () => {
    await begin();
    server.exchange.intake.close();
    await expect(server.connect()).rejects.toThrow("503");
    server.exchange.intake.open();
    const alice = await server.client("alice");
    expect(alice.closeCode).toBe(0);
  });

  describe("heartbeats", () => {
    test("the server sends them, and closes a session that is silent for three", async () => {
      let nowMs = 0;
      const clock = { nowMs: () => nowMs, nowUs: () => 1_700_000_000_000_000 };
      await begin({ clock });
      const client = await server.client("alice");
      await client.first("heartbeat"); // the present is reached
      for (let beat = 1; beat <= 3; beat++) {
        nowMs += 10_000;
        await client.last("heartbeat", 1 + beat);
      }
      expect(client.closeCode).toBe(0);
      nowMs += 1;
      expect(await client.closed()).toBe(4408);
      expect((await client.first("error")).code).toBe("heartbeatTimeout");
    });

    test("a heartbeat with a wrong value in it is answered with an error", async () => {
      await begin();
      for (const path of ["/v1/trade", "/v1/market"]) {
        const client = await server.connect(false, path);
        if (path === "/v1/trade") await client.logon("alice");
        client.send({ type: "heartbeat", lastSeq: 5, serverTime: "noon" });
        const { code, message } = await client.first("error");
        expect(code).toBe("invalidCommand");
        expect(message).toContain("serverTime");
      }
    });

    test("a heartbeat of the client keeps its session", async () => {
      let nowMs = 0;
      const clock = { nowMs: () => nowMs, nowUs: () => 1_700_000_000_000_000 };
      await begin({ clock });
      const client = await server.client("alice");
      for (let beat = 0; beat < 5; beat++) {
        nowMs += 20_000;
        client.send({ type: "heartbeat" });
        client.send({ type: "positions", requestId: beat + 1 });
        await client.last("queryEnd", beat + 1);
      }
      expect(client.closeCode).toBe(0);
    });
  });

  describe("cancel on disconnect", () => {
    test.each([
      ["a close", "closed"],
      ["a broken connection", "closed"],
      ["revocation", "revoked"],
      ["another logon", "replaced"],
      ["shutdown", "shutdown"],
    ])("%s is sequenced as the session's end, with its reason", async (how, reason) => {
      await begin();
      const client = await server.client("alice", { cancelOnDisconnect: true });
      client.send(order());
      await client.first("accepted");
      if (how === "a close") client.socket.close();
      else if (how === "a broken connection") client.socket.terminate();
      else if (how === "revocation") server.endpoint.onKeyRevoked(1);
      else if (how === "shutdown") {
        server.exchange.intake.close();
        server.endpoint.announceShutdown();
        await client.first("serverShutdown");
        server.endpoint.endAll();
        expect(await client.closed()).toBe(1012);
      } else await server.client("alice");
      await until(
        () => server.exchange.commands.some(({ type }) => type === "SessionEnd"),
        "the session's end",
      );
      const commands = server.exchange.commands.filter(({ type }) => type.startsWith("Session"));
      expect(commands).toMatchObject([
        { type: "SessionStart", account: 7, keyNumber: 1, keyId: "alice" },
        { type: "SessionEnd", account: 7, keyNumber: 1, keyId: "alice", cancelOnDisconnect: true },
      ]);
      const codes = { closed: 1, timeout: 2, revoked: 3, shutdown: 4, recovery: 5, replaced: 6 };
      expect(commands[1]).toMatchObject({ endReason: codes[reason as keyof typeof codes] });
      server.exchange.intake.open();
      const viewer = await server.connect();
      await viewer.logon("watcher", { resumeAfter: { seq: 0, index: 0 } });
      expect(await viewer.first("canceled")).toMatchObject({ reason: "cancelOnDisconnect" });
    });

    test("an end waits for room in a full ring and is not lost", async () => {
      await begin({ commandSlots: 64 });
      const client = await server.client("alice", { cancelOnDisconnect: true });
      server.exchange.isMatching = false;
      const admin = await server.client("root");
      for (let i = 0; i < 80; i++) admin.send({ type: "cancelOrder", orderId: 1 });
      await admin.last("error", 1);
      while (server.exchange.intake.claimOwn() >= 0) {
        server.exchange.intake.commit(fillWithSnapshot(server));
      }
      client.socket.terminate();
      await until(() => server.endpoint.unwrittenEnds === 1, "an end that waits");
      server.exchange.isMatching = true;
      await until(
        () => server.exchange.commands.some(({ type }) => type === "SessionEnd"),
        "the session's end",
      );
      expect(server.endpoint.unwrittenEnds).toBe(0);
    });

    test("without it, and for viewers, nothing is sequenced", async () => {
      await begin();
      const { lastSeq } = server.exchange.intake;
      await (await server.client("alice")).close();
      await (await server.client("watcher")).close();
      const viewer = await server.connect();
      viewer.send(await viewer.logonMessage("watcher", { cancelOnDisconnect: true }));
      expect(await viewer.closed()).toBe(4401);
      expect(server.exchange.intake.lastSeq).toBe(lastSeq);
    });
  });

  describe("too much", () => {
    test("a reader that does not read is closed with 1013, the others go on", async () => {
      await begin({ trade: { maxSendBufferBytes: 512 * 1024 } });
      const stuck = await server.client("watcher");
      stuck.socket.pause();
      const alice = await server.client("alice");
      const before = alice.messages.length;
      let connections = server.endpoint.connections;
      expect(connections).toBe(2);
      let sent = 0;
      while (connections === 2 && sent < 60_000) {
        // Rejected ones: they cost the least.
        for (let i = 0; i < 1000; i++) alice.send(order({ price: "1.3" }));
        sent += 1000;
        await until(() => alice.messages.length >= before + sent, "their events");
        connections = server.endpoint.connections;
      }
      expect(connections).toBe(1);
      alice.send({ type: "positions", requestId: 1 });
      await alice.first("queryEnd");
      stuck.socket.resume();
      const code = await stuck.closed();
      // Where nothing more could be written to it, the connection just ends.
      expect([1013, 1006]).toContain(code);
    });

    test("more messages than the session's rate are answered, and cancels have their own budget", async () => {
      let nowMs = 0;
      const clock = { nowMs: () => nowMs, nowUs: () => 1_700_000_000_000_000 };
      await begin({ rates: { sessionPerSecond: 10, burstMs: 1000 }, clock });
      const client = await server.client("alice"); // its logon takes one
      for (let i = 1; i <= 12; i++) client.send(order({ clientOrderId: i }));
      await client.last("error", 3);
      expect(client.ofType("accepted")).toHaveLength(9);
      expect(client.ofType("error")[0]).toMatchObject({
        code: "rateLimited",
        request: { type: "newOrder", clientOrderId: 10 },
      });
      for (let i = 1; i <= 9; i++) client.send({ type: "cancelOrder", clientOrderId: i });
      await client.last("canceled", 9);
      nowMs += 200;
      client.send(order({ clientOrderId: 50 }));
      client.send(order({ clientOrderId: 51 }));
      await client.last("accepted", 11);
      client.send(order({ clientOrderId: 52 }));
      await client.last("error", 4);
    });

    test("a key's rate counts over all its sessions, an address's over all its keys", async () => {
      await begin({ rates: { keyPerSecond: 1, burstMs: 5000 } });
      const viewers = [await server.client("watcher"), await server.client("watcher")];
      for (const viewer of viewers) {
        for (let i = 0; i < 4; i++) viewer.send({ type: "positions" });
      }
      await until(
        () => viewers.reduce((sum, viewer) => sum + viewer.ofType("error").length, 0) >= 3,
        "three errors over both",
      );
      const answers = viewers.map((viewer) => viewer.ofType("queryEnd").length);
      expect(answers.reduce((sum, count) => sum + count, 0)).toBe(5);
    });

    test("a frame larger than allowed is answered and closed with 1009", async () => {
      await begin({ trade: { maxMessageBytes: 512 } });
      const client = await server.client("alice");
      client.send(JSON.stringify(order({ symbol: "A".repeat(600) })));
      expect(await client.closed()).toBe(1009);
      expect((await client.first("error")).code).toBe("tooLarge");
    });

    test("endless errors end the session", async () => {
      await begin();
      const client = await server.client("alice");
      // More in a second than a session may have, however slow the machine is.
      for (let batch = 0; client.closeCode === 0 && batch < 100; batch++) {
        for (let i = 0; i < 4_000; i++) client.send("{");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(await client.closed()).toBe(1008);
    });
  });
});

/** Any command; the ring only has to be full. */
function fillWithSnapshot(server: TradeServer): number {
  const { intake } = server.exchange;
  const offset = intake.claimOwn();
  for (let i = 0; i < 48; i++) intake.view.setUint8(offset + i, 0);
  intake.view.setUint32(offset, 48 + 11 * 65536, true);
  intake.view.setUint32(offset + 4, SCHEMA_WORD, true);
  return offset;
}
