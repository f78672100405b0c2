import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClientError } from "../../../gateway/client/errors.ts";
import type { Encoding } from "../../../gateway/client/outbound.ts";
import { until } from "../transports.ts";
import { ClientHarness, INSTRUMENT, order, record, settled } from "./harness.ts";

let harness: ClientHarness;
beforeEach(async () => {
  harness = await ClientHarness.start();
});
afterEach(async () => {
  await harness.stop();
  expect(harness.server.problems).toEqual([]);
});

const ENCODINGS: readonly Encoding[] = ["binary", "json"];

describe.each(ENCODINGS)("a client that speaks %s", (encoding) => {
  test("an order's outcome is its first event, and the iterator gives the same", async () => {
    await harness.setUp(INSTRUMENT);
    const { client, events } = await harness.connected("alice", { encoding });
    const outcome = await client.send(order({ clientOrderId: 11, quantity: "0.25" }));
    expect(outcome).toMatchObject({
      type: "accepted",
      account: 7,
      clientOrderId: 11,
      requestId: 1,
      symbol: "BTC-USD",
      price: "100",
      quantity: "0.25",
    });
    await until(() => events.length > 0, "the event");
    expect(events).toEqual([outcome]);
    expect(client.position).toEqual({ seq: 2, index: 0 });
  });

  test("a price off the tick and an unknown symbol are rejected with a seq, not here", async () => {
    await harness.setUp(INSTRUMENT);
    const { client } = await harness.connected("alice", { encoding });
    const outcomes = await settled([
      client.send(order({ price: "100.25" })),
      client.send(order({ symbol: "NO-SUCH" })),
      client.send(order()),
    ]);
    expect(outcomes).toMatchObject([
      { type: "rejected", reason: "priceOffTick", seq: 2 },
      { type: "rejected", reason: "unknownSymbol", seq: 3, symbol: "NO-SUCH" },
      { type: "accepted", seq: 4 },
    ]);
  });

  test("what is no command of this key's is refused without being sent", async () => {
    await harness.setUp(INSTRUMENT);
    const { client } = await harness.connected("alice", { encoding });
    const outcomes = await settled([
      client.send({ ...order(), side: "both" } as never),
      client.send(order({ account: 8 })),
      client.send({ type: "defineInstrument", symbol: "X" }),
    ]);
    expect(outcomes).toMatchObject([
      { code: "refused", reason: "invalidCommand" },
      { code: "refused", reason: "notAuthorized" },
      { code: "refused", reason: "notAuthorized" },
    ]);
    expect(harness.server.exchange.commands).toHaveLength(1);
    expect(await client.send(order({ account: 7 }))).toMatchObject({ type: "accepted" });
  });

  test("an admin acts for the account that it names", async () => {
    const { client } = await harness.connected("root", { encoding });
    expect(await client.send(INSTRUMENT)).toMatchObject({ seq: 1, index: 0 });
    const accepted = await client.send(order({ account: 42 }));
    expect(accepted).toMatchObject({ type: "accepted", account: 42 });
    const stored = await client.send({ type: "setAccount", account: 42, maxOpenOrders: 3 });
    expect(stored).toMatchObject({ type: "account", account: 42, maxOpenOrders: 3 });
  });

  test("an admin who sees both sides of a trade gets both", async () => {
    const { client, events } = await harness.connected("root", { encoding });
    await client.send(INSTRUMENT);
    await client.send(order({ account: 42 }));
    await client.send(order({ account: 43, side: "sell" }));
    await until(() => events.filter(({ type }) => type === "trade").length === 2, "two sides");
    const trades = events.filter(({ type }) => type === "trade");
    expect(trades).toMatchObject([
      { seq: 3, index: 1 },
      { seq: 3, index: 1 },
    ]);
    expect(trades.map(({ account }) => account).sort()).toEqual([42, 43]);
  });

  test("a command that asks for it gets a receipt, one that does not gets none", async () => {
    await harness.setUp(INSTRUMENT);
    const { client, events } = await harness.connected("alice", { encoding });
    const sent = client.sendWithReceipt(order({ clientOrderId: 5 }));
    const plain = client.send(order({ clientOrderId: 6 }));
    const { outcome, receipt } = await sent;
    expect(outcome).toMatchObject({ type: "accepted", clientOrderId: 5, seq: 2 });
    expect(receipt).toMatchObject({ type: "receipt", seq: 2, requestId: 1, clientOrderId: 5 });
    expect(receipt?.sentNs).toBeGreaterThanOrEqual(receipt?.sequencedNs ?? Number.NaN);
    expect(receipt?.received).toBeLessThanOrEqual(Date.now() * 1000 + 1000);
    await plain;
    expect(events.map(({ type }) => type)).toEqual(["accepted", "accepted"]);
  });

  test("a command without events gets its receipt too, a duplicate and a refused one get none", async () => {
    const { client } = await harness.connected("alice", { encoding });
    const silent = await client.sendWithReceipt({ type: "massCancel", requestId: 4 });
    expect(silent).toMatchObject({ outcome: { type: "completed" }, receipt: { seq: 1 } });
    const again = await client.sendWithReceipt({ type: "massCancel", requestId: 4 });
    expect(again).toMatchObject({ outcome: { type: "duplicateRequest" }, receipt: null });
    const refused = client.sendWithReceipt({ type: "defineInstrument", symbol: "X" });
    await expect(refused).rejects.toMatchObject({ code: "refused" });
  });

  test("what is recorded is the same with and without the wish for a receipt", async () => {
    await harness.setUp(INSTRUMENT);
    const { client } = await harness.connected("alice", { encoding });
    await client.sendWithReceipt(order({ clientOrderId: 5 }));
    await client.send(order({ clientOrderId: 5 }));
    const [, asked, plain] = harness.server.exchange.commands;
    const flags = [asked, plain].map((command) => command?.flags);
    expect(flags).toEqual([0, 0]);
  });

  test("a command without events is completed", async () => {
    const { client } = await harness.connected("alice", { encoding });
    const outcome = await client.send({ type: "massCancel" });
    expect(outcome).toEqual({ type: "completed", requestId: 1, seq: 1 });
  });

  test("a requestId that does not rise is a duplicate, and nothing is done", async () => {
    await harness.setUp(INSTRUMENT);
    const { client } = await harness.connected("alice", { encoding });
    await client.send(order({ requestId: 10 }));
    expect(await client.send(order({ requestId: 10 }))).toEqual({
      type: "duplicateRequest",
      requestId: 10,
    });
    expect(await client.send(order())).toMatchObject({ type: "accepted", requestId: 11 });
    client.close();
    const next = await harness.connected("alice", { encoding });
    expect(await next.client.send(order({ requestId: 11 }))).toMatchObject({
      type: "duplicateRequest",
    });
    expect(await next.client.send(order())).toMatchObject({ requestId: 12 });
    expect(harness.server.exchange.commands).toHaveLength(4);
  });

  test("queries give rows as of a seq", async () => {
    await harness.setUp(INSTRUMENT);
    const { client } = await harness.connected("alice", { encoding });
    await client.send(order({ clientOrderId: 1 }));
    await client.send(order({ clientOrderId: 2, price: "99.5" }));
    const [orders, instruments, positions] = await Promise.all([
      client.query("openOrders"),
      client.query("instruments"),
      client.query("positions"),
    ]);
    expect(orders.lastSeq).toBe(3);
    expect(orders.rows).toHaveLength(2);
    const row = { type: "openOrder", clientOrderId: 2, price: "99.5" };
    expect(orders.rows).toContainEqual(expect.objectContaining(row));
    expect(instruments.rows).toMatchObject([{ type: "instrument", symbol: "BTC-USD" }]);
    expect(positions.rows).toEqual([]);
  });

  test("events about instruments that are defined later are understood", async () => {
    const { client, events } = await harness.connected("alice", { encoding });
    await harness.setUp(INSTRUMENT, { ...order({ account: 7 }), clientOrderId: 5 });
    await until(() => events.some(({ type }) => type === "accepted"), "the order");
    expect(events.at(-1)).toMatchObject({ symbol: "BTC-USD", price: "100", clientOrderId: 5 });
    expect(await client.send(order())).toMatchObject({ type: "accepted", price: "100" });
  });

  test("a client that comes later resumes after the position of the one before", async () => {
    await harness.setUp(INSTRUMENT);
    const first = await harness.connected("alice", { encoding });
    await first.client.send(order({ clientOrderId: 1 }));
    const position = first.client.position;
    first.client.close();
    await harness.setUp(order({ account: 7, clientOrderId: 2 }), order({ account: 8 }));
    if (position === null) throw new Error("no position");
    const { events } = await harness.connected("alice", { encoding, resumeAfter: position });
    await until(() => events.length > 0, "what was missed");
    expect(events).toMatchObject([{ type: "accepted", clientOrderId: 2 }]);
  });
});

describe("a client's end", () => {
  test("a key that the server does not know is a refused logon, with the server's words", async () => {
    const client = harness.make("mallory");
    await expect(client.connect()).rejects.toMatchObject({
      code: "logonRefused",
      reason: "logonRefused",
      message: "unknown key or wrong signature",
    });
    expect(client.state).toBe("closed");
  });

  test("no server is a failed connection, at once", async () => {
    const client = harness.make("alice", { url: "ws://127.0.0.1:9" });
    await expect(client.connect()).rejects.toMatchObject({ code: "connectFailed" });
    await expect(client.send(order())).rejects.toMatchObject({ code: "closed" });
  });

  test("a page that is no API is a failed connection", async () => {
    const client = harness.make("alice", { url: `ws://127.0.0.1:${harness.server.port}/nothing` });
    const failure = await client.connect().catch((error: unknown) => error as ClientError);
    expect(failure).toMatchObject({ code: "connectFailed" });
    expect((failure as ClientError).message).toContain("404");
  });

  test("the same key elsewhere ends the first client for good", async () => {
    await harness.setUp(INSTRUMENT);
    const first = harness.make("alice");
    const reasons: unknown[] = [];
    const events = first.events();
    await first.connect();
    const second = await harness.connected("alice");
    const read = async () => {
      for await (const event of events) expect(event).toBeUndefined();
    };
    await read().catch((error: unknown) => reasons.push((error as ClientError).code));
    expect(reasons).toEqual(["replaced"]);
    expect(first.state).toBe("closed");
    expect(await second.client.send(order())).toMatchObject({ type: "accepted" });
  });

  test("a revoked key ends the client", async () => {
    const { client } = await harness.connected("alice");
    harness.server.endpoint.onKeyRevoked(1);
    await until(() => client.state === "closed", "the end");
    await expect(client.send(order())).rejects.toMatchObject({ code: "closed" });
  });

  test("close leaves no command without an answer and ends the iterators", async () => {
    await harness.setUp(INSTRUMENT);
    const client = harness.make("alice");
    const events = record(client);
    await client.connect();
    harness.server.exchange.isMatching = false;
    const sent = client.send(order());
    client.close();
    await expect(sent).rejects.toMatchObject({ code: "closed" });
    await expect(client.query("positions")).rejects.toMatchObject({ code: "closed" });
    expect(events).toEqual([]);
    expect((await client.events().next()).done).toBe(true);
  });

  test("an iterator that is not read ends with an overflow after what it holds", async () => {
    await harness.setUp(INSTRUMENT);
    const client = harness.make("alice", { eventLimit: 2 });
    const events = client.events();
    await client.connect();
    for (let i = 0; i < 4; i++) await client.send(order());
    expect((await events.next()).value).toMatchObject({ requestId: 1 });
    expect((await events.next()).value).toMatchObject({ requestId: 2 });
    await expect(events.next()).rejects.toMatchObject({ code: "eventsOverflow" });
    expect((await events.next()).done).toBe(true);
    expect(await client.send(order())).toMatchObject({ type: "accepted" });
  });

  test("a key or URL that is none is said at once", () => {
    const secretless = JSON.stringify({ keyId: "a" });
    for (const key of ["", "[]", "{}", secretless, '{"keyId":"a","privateKey":"AAAA"}']) {
      expect(() => harness.make("alice", { key })).toThrow(
        expect.objectContaining({ code: "invalidKey" }),
      );
    }
    for (const url of ["", "127.0.0.1:9001", "ftp://x", "ws://", "ws://user@host"]) {
      expect(() => harness.make("alice", { url })).toThrow(
        expect.objectContaining({ code: "invalidUrl" }),
      );
    }
  });
});
