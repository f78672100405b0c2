import fs from "node:fs";
import { createRequire } from "node:module";
import { afterEach, describe, expect, test } from "vitest";
import { CHANNEL_NAMES } from "../../protocol/generated/enums.ts";
import { CHANNEL } from "../../protocol/json/shapes/client-shapes.ts";
import { createValidator, DOCUMENT, schemaProblem } from "../asyncapi.ts";
import { INSTRUMENT, type Json, order, TradeServer } from "./trade/trade-server.ts";
import { until } from "./transports.ts";

const require = createRequire(import.meta.url);
const RULES = "@asyncapi/specs/schemas/3.0.0.json";

describe("docs/asyncapi.json", () => {
  test("is a document of AsyncAPI 3.0, and one with a fault in it is not", () => {
    const validate = createValidator().compile(rules());
    expect(validate(DOCUMENT), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
    const operation = { ...DOCUMENT.operations.logOn, action: "shout" };
    expect(validate({ ...DOCUMENT, operations: { operation } })).toBe(false);
    expect(validate({ ...DOCUMENT, info: { title: "no version" } })).toBe(false);
  });

  test("every reference leads somewhere, and no message is left without a channel", () => {
    const references: string[] = [];
    JSON.stringify(DOCUMENT, (key, value: unknown) => {
      if (key === "$ref") references.push(value as string);
      return value;
    });
    expect(references.length).toBeGreaterThan(100);
    for (const reference of references) expect(find(reference), reference).toBeDefined();
    const onChannels = Object.values(DOCUMENT.channels).flatMap(({ messages }) =>
      Object.keys(messages),
    );
    expect(new Set(onChannels)).toEqual(new Set(Object.keys(DOCUMENT.components.messages)));
  });

  test("every message has an operation on each of its channels", () => {
    for (const [name, { messages }] of Object.entries(DOCUMENT.channels)) {
      const used = new Set<string>();
      JSON.stringify(DOCUMENT.operations, (key, value: unknown) => {
        const prefix = `#/channels/${name}/messages/`;
        if (key === "$ref" && String(value).startsWith(prefix)) {
          used.add(String(value).slice(prefix.length));
        }
        return value;
      });
      expect(used).toEqual(new Set(Object.keys(messages)));
    }
  });
});

function rules(): object {
  const text = fs.readFileSync(require.resolve(RULES), "utf8");
  const schema = JSON.parse(text) as { definitions: Record<string, unknown> };
  // The validator has its own copy and takes no other of the same name.
  delete schema.definitions["http://json-schema.org/draft-07/schema"];
  return schema;
}

function find(reference: string): unknown {
  let at: unknown = DOCUMENT;
  for (const part of reference.replace("#/", "").split("/")) at = (at as Json | undefined)?.[part];
  return at;
}

describe("the examples of docs/api.md", () => {
  const page = fs.readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");
  const examples = [...page.matchAll(/```json\n(.*?)```/gs)].flatMap(([, block]) =>
    (block as string)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json),
  );
  /** A heartbeat with nothing else is the client's. */
  const schemaOf = (json: Json): string =>
    json.type === "heartbeat" && json.lastSeq === undefined ? "clientHeartbeat" : String(json.type);

  test("are what the document describes", () => {
    expect(examples.length).toBeGreaterThan(20);
    for (const example of examples) expect(schemaProblem(schemaOf(example), example)).toBeNull();
  });

  test("are not, with a field that is not described, or without one that must be there", () => {
    for (const example of examples) {
      const schema = schemaOf(example);
      expect(schemaProblem(schema, { ...example, surprise: 1 })).toContain("surprise");
      const { type: _, ...untyped } = example;
      expect(schemaProblem(schema, untyped)).toContain("type");
    }
  });
});

describe("a server and the document", () => {
  let server: TradeServer;
  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  test("the channels that are offered are those of the document", async () => {
    server = new TradeServer();
    await server.listen("ws");
    await server.setUp(INSTRUMENT);
    const client = await server.connect(false, "/v1/market");
    const names = CHANNEL_NAMES.slice(1);
    for (const channel of names) client.send({ type: "subscribe", channel, symbol: "BTC-USD" });
    const answers = () => [...client.ofType("subscribed"), ...client.ofType("error")];
    await until(() => answers().length === names.length, "an answer for each channel");
    const offered = client.ofType("subscribed").map(({ channel }) => channel);
    expect(CHANNEL).toEqual({ kind: "word", words: offered });
  });

  test("what is said in a session's life is in the document, in words and in names", async () => {
    server = new TradeServer();
    await server.listen("ws");
    await server.setUp(INSTRUMENT, {
      type: "setAccount",
      account: 7,
      maxOpenOrders: 5,
      orderRate: { perSecond: 1000, burst: 1000 },
    });
    const market = await server.connect(false, "/v1/market");
    for (const channel of ["l1", "l2", "l3", "trades", "status", "indication"]) {
      market.send({ type: "subscribe", channel, symbol: "*" });
    }
    const auditor = await server.client("auditor");
    const [alice, bob] = [await server.client("alice"), await server.client("bob")];
    const script: Json[] = [
      order({ clientOrderId: 1, price: "101", quantity: "2", displayQuantity: "1" }),
      { type: "replaceOrder", clientOrderId: 1, price: "100.5" },
      order({ clientOrderId: 2, orderType: "stopLimit", stopPrice: "150", price: "151" }),
      order({ clientOrderId: 3, price: "0.3" }),
      { type: "cancelOrder", orderId: 999 },
    ];
    for (const command of script) alice.send(command);
    await until(() => alice.events.length >= script.length, "alice's events");
    bob.send(order({ side: "sell", orderType: "market", price: undefined, quantity: "1" }));
    await bob.first("trade");
    alice.send({ type: "openOrders", requestId: 1 });
    alice.send({ type: "positions" });
    alice.send({ type: "balances" });
    alice.send({ type: "instruments" });
    await alice.last("queryEnd", 4);
    alice.send({ type: "massCancel", requestId: 1 });
    alice.send({ type: "massCancel", requestId: 1 });
    alice.send({ type: "massCancel", requestId: 2, receipt: true });
    alice.send({ type: "nothing" });
    await alice.first("completed");
    await alice.first("receipt");
    await alice.first("error");
    const said = new Set(
      [market, auditor, alice, bob].flatMap(({ messages }) => messages.map(({ type }) => type)),
    );
    for (const type of [
      ...["accepted", "rejected", "trade", "canceled", "replaced", "openOrder", "position"],
      ...["assetBalance", "instrument", "queryEnd", "duplicateRequest", "completed", "error"],
      "receipt",
      ...[
        "l1",
        "l2",
        "l3",
        "trades",
        "status",
        "indication",
        "subscribed",
        "challenge",
        "loggedOn",
      ],
    ]) {
      expect(said).toContain(type);
    }
    // The harness has held every message against the document; see afterEach.
  });
});
