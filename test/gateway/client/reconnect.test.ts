import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClientError } from "../../../gateway/client/errors.ts";
import type { ClientEvent, Outcome } from "../../../gateway/client/messages.ts";
import type { Encoding } from "../../../gateway/client/outbound.ts";
import { openWsSocket } from "../../../gateway/client/ws-socket.ts";
import { Random } from "../../simulation/random.ts";
import { until } from "../transports.ts";
import { ClientHarness, INSTRUMENT, order, settled } from "./harness.ts";

let harness: ClientHarness;
beforeEach(async () => {
  harness = await ClientHarness.start({ commandSlots: 4096 });
  await harness.setUp(INSTRUMENT);
});
afterEach(async () => {
  await harness.stop();
  expect(harness.server.problems).toEqual([]);
});

/** The requestIds that the exchange has carried out for the key, in order. */
function carriedOut(keyNumber = 1): number[] {
  const own = harness.server.exchange.commands.filter(
    (command) => command.keyNumber === keyNumber && command.requestId > 0,
  );
  return own.map(({ requestId }) => requestId);
}

function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function expectRising(events: readonly ClientEvent[]): void {
  const places = events.map(({ seq, index }) => seq * 1000 + index);
  expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
}

describe.each<Encoding>(["binary", "json"])(
  "a connection that speaks %s and breaks",
  (encoding) => {
    test("again and again in any place: every order is done once, and every event comes once", async () => {
      const seed = (Math.random() * 2 ** 32) >>> 0;
      const random = new Random(seed);
      const lost: ClientError[] = [];
      const { client, events } = await harness.connected("alice", {
        encoding,
        onState: (_, error) => {
          if (error !== null) lost.push(error);
        },
      });
      const total = 600;
      const sent: Promise<Outcome>[] = [];
      while (sent.length < total) {
        const wave = Math.min(total - sent.length, 1 + random.below(60));
        for (let i = 0; i < wave; i++)
          sent.push(client.send(order({ clientOrderId: sent.length + 1 })));
        if (random.below(2) === 0) harness.proxy.cutAfterRequestBytes(1 + random.below(4000));
        else harness.proxy.cutAfterReplyBytes(1 + random.below(8000));
        await new Promise((resolve) => setTimeout(resolve, random.below(15)));
      }
      const outcomes = await settled(sent);
      const wanted = oneTo(total).map((id) => ({
        type: "accepted",
        clientOrderId: id,
        requestId: id,
      }));
      expect(outcomes, `seed ${seed}`).toMatchObject(wanted);
      expect(carriedOut(), `seed ${seed}`).toEqual(oneTo(total));
      await until(() => events.length === total, `${total} events (seed ${seed})`);
      expectRising(events);
      expect(lost.length, "connections lost").toBeGreaterThan(3);
    });

    test("after the command was taken: its answer comes from the record", async () => {
      const { client, events } = await harness.connected("alice", { encoding });
      harness.server.exchange.isDurable = false;
      const sent = client.send(order({ clientOrderId: 9 }));
      await until(() => carriedOut().length === 1, "the order to arrive");
      harness.proxy.cut();
      await until(() => client.state === "reconnecting", "the loss");
      harness.server.exchange.isDurable = true;
      expect(await sent).toMatchObject({ type: "accepted", clientOrderId: 9, requestId: 1 });
      await client.send(order());
      expect(carriedOut()).toEqual([1, 2]);
      expect(events).toHaveLength(2);
    });

    test("before the command was taken: it is sent again", async () => {
      const { client } = await harness.connected("alice", { encoding });
      harness.proxy.cutAfterRequestBytes(40);
      expect(await client.send(order())).toMatchObject({ type: "accepted", requestId: 1 });
      expect(carriedOut()).toEqual([1]);
    });

    test("with a command under way that has no event: it is completed all the same", async () => {
      const { client } = await harness.connected("alice", { encoding });
      harness.server.exchange.isDurable = false;
      const sent = client.send({ type: "massCancel" });
      await until(() => carriedOut().length === 1, "the command to arrive");
      harness.proxy.cut();
      await until(() => client.state === "reconnecting", "the loss");
      harness.server.exchange.isDurable = true;
      await until(() => client.state === "ready", "the new connection");
      // The heartbeat after the logon may have been too early for it; another follows an event.
      harness.server.endpoint.tick();
      expect(await sent).toMatchObject({ type: "completed", requestId: 1, seq: 2 });
      expect(carriedOut()).toEqual([1]);
    });

    test("while it is broken commands and queries wait", async () => {
      const { client } = await harness.connected("alice", { encoding });
      harness.proxy.cut();
      await until(() => client.state === "reconnecting", "the loss");
      const waiting = [
        client.send(order({ clientOrderId: 1 })),
        client.send(order({ price: "1.3" })),
      ];
      const query = client.query("openOrders");
      expect(await settled(waiting)).toMatchObject([
        { type: "accepted", requestId: 1 },
        { type: "rejected", requestId: 2, reason: "priceOffTick" },
      ]);
      expect((await query).lastSeq).toBeGreaterThan(0);
    });
  },
);

describe("what happens to the server", () => {
  test("a stop that was announced: refused commands go to the server that comes after", async () => {
    const announced: string[] = [];
    const { client } = await harness.connected("alice", {
      onServerShutdown: () => announced.push("shutdown"),
    });
    const { endpoint, exchange } = harness.server;
    endpoint.announceShutdown();
    exchange.intake.close();
    const sent = [client.send(order()), client.send(order())];
    await until(() => announced.length === 1, "the announcement");
    await new Promise((resolve) => setTimeout(resolve, 30));
    endpoint.endAll();
    await until(() => client.state === "reconnecting", "the end of the connection");
    exchange.intake.open();
    expect(await settled(sent)).toMatchObject([
      { type: "accepted", requestId: 1 },
      { type: "accepted", requestId: 2 },
    ]);
    expect(carriedOut()).toEqual([1, 2]);
  });

  test("one that is gone for good ends the client, and says so to every command", async () => {
    let away = false;
    const { client } = await harness.connected("alice", {
      reconnect: { initialDelayMs: 10, giveUpAfterMs: 100 },
      openSocket: (url, handler) => openWsSocket(away ? "ws://127.0.0.1:9" : url, handler),
    });
    harness.server.exchange.isMatching = false;
    const sent = client.send(order());
    away = true;
    harness.proxy.cut();
    await expect(sent).rejects.toMatchObject({ code: "connectFailed" });
    expect(client.state).toBe("closed");
  });

  test("another one in its place is noticed: events or requests are missing there", async () => {
    let target = harness.url;
    const { client } = await harness.connected("alice", {
      openSocket: (url, handler) => openWsSocket(`${target}${new URL(url).pathname}`, handler),
    });
    await client.send(order());
    const other = await ClientHarness.start();
    try {
      target = other.url;
      harness.proxy.cut();
      await until(() => client.state === "closed", "the end");
      await expect(client.send(order())).rejects.toMatchObject({ code: "closed" });
      expect(other.server.exchange.commands).toEqual([]);

      target = harness.url;
      const second = await harness.connected("bob", {
        openSocket: (url, handler) => openWsSocket(`${target}${new URL(url).pathname}`, handler),
      });
      const events = second.client.events();
      await second.client.send(order({ quantity: "2" }));
      await other.setUp(INSTRUMENT, ...oneTo(5).map(() => order({ account: 3 })));
      target = other.url;
      harness.proxy.cut();
      await events.next();
      await expect(events.next()).rejects.toMatchObject({ code: "historyMismatch" });
    } finally {
      await other.stop();
    }
  });
});

describe("a network that goes silent", () => {
  test("is noticed by the missing heartbeats", async () => {
    const quick = await ClientHarness.start({ trade: { heartbeatIntervalMs: 50 } });
    try {
      await quick.setUp(INSTRUMENT);
      const lost: ClientError[] = [];
      const { client } = await quick.connected("alice", {
        onState: (_, error) => {
          if (error !== null) lost.push(error);
        },
      });
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(lost).toEqual([]);
      quick.proxy.silent = true;
      const sent = client.send(order());
      await until(() => client.state === "reconnecting", "the loss");
      expect(lost[0]).toMatchObject({ code: "connectionLost" });
      quick.proxy.silent = false;
      quick.proxy.cut();
      expect(await sent).toMatchObject({ type: "accepted" });
    } finally {
      await quick.stop();
    }
  });
});

describe("two keys of one account", () => {
  test("do not take each other's events for answers", async () => {
    const first = await harness.connected("alice");
    const second = await harness.connected("alice2");
    harness.server.exchange.isDurable = false;
    const sent = [
      first.client.send(order({ clientOrderId: 1 })),
      second.client.send(order({ clientOrderId: 2, price: "99" })),
      second.client.send(order({ clientOrderId: 3, price: "98" })),
    ];
    await until(() => carriedOut(6).length === 2 && carriedOut(1).length === 1, "all orders");
    harness.server.exchange.isDurable = true;
    expect(await settled(sent)).toMatchObject([
      { clientOrderId: 1, requestId: 1 },
      { clientOrderId: 2, requestId: 1 },
      { clientOrderId: 3, requestId: 2 },
    ]);
  });
});

describe("an overloaded server", () => {
  test("refuses with its reason, and the client goes on", async () => {
    const { client } = await harness.connected("alice");
    harness.server.exchange.isMatching = false;
    const sent = oneTo(4096).map((clientOrderId) => client.send(order({ clientOrderId })));
    const all = settled(sent);
    await expect(sent.at(-1)).rejects.toMatchObject({ code: "refused", reason: "overloaded" });
    harness.server.exchange.isMatching = true;
    const outcomes = await all;
    const taken = outcomes.filter((outcome) => (outcome as Outcome).type === "accepted").length;
    expect(taken).toBeGreaterThan(3000);
    expect(carriedOut()).toHaveLength(taken);
    expect(await client.send(order())).toMatchObject({ type: "accepted" });
  });
});
