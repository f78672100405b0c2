// What one account can do to another's orders, with every message there is: nothing.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CommandHeader } from "../../../protocol/generated/headers.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";
import {
  ADMIN_COMMANDS,
  LOGON,
  ORDER_COMMANDS,
  QUERIES,
  SUBSCRIPTIONS,
} from "../../../protocol/json/shapes/client-shapes.ts";
import { testDirectory } from "../../protocol/json/instruments.ts";
import {
  INSTRUMENT,
  type Json,
  order,
  type TradeClient,
  TradeServer,
} from "../trade/trade-server.ts";
import { TRANSPORTS, until } from "../transports.ts";

const ALICE = 7;
const BOB = 8;
const BOBS_CLIENT_ID = 4711;

/** Each message that a client may send, made to name another's account and orders. */
function attacks(bobsOrder: number): Json[] {
  const ids = [{ orderId: bobsOrder }, { clientOrderId: BOBS_CLIENT_ID }];
  const whose: Json[] = [{}, { account: BOB }];
  const of = (...variants: Json[]) =>
    variants.flatMap((json) => whose.map((w) => ({ ...json, ...w })));
  const byType: Readonly<Record<string, Json[]>> = {
    newOrder: of(
      order({ side: "sell", clientOrderId: BOBS_CLIENT_ID, price: "500", quantity: "1" }),
    ),
    cancelOrder: of(...ids.map((id) => ({ type: "cancelOrder", ...id }))),
    replaceOrder: of(
      ...ids.map((id) => ({ type: "replaceOrder", price: "1", quantity: "0.01", ...id })),
    ),
    massCancel: of({ type: "massCancel" }, { type: "massCancel", symbol: "BTC-USD", side: "buy" }),
    killSwitch: of({ type: "killSwitch", engaged: false }).concat({
      type: "killSwitch",
      engaged: true,
      account: BOB,
    }),
    defineInstrument: of({ ...INSTRUMENT, takerFeeRate: "0.5" }),
    defineAsset: of({ type: "defineAsset", asset: "EVIL", scale: 2 }),
    setMarketState: of({ type: "setMarketState", symbol: "BTC-USD", state: "closed" }),
    setAccount: [{ type: "setAccount", account: BOB, maxOpenOrders: 0 }],
    adjustBalance: [{ type: "adjustBalance", account: BOB, asset: "USD", amount: "-1" }],
    snapshot: of({ type: "snapshot" }),
    instruments: of({ type: "instruments" }),
    openOrders: of({ type: "openOrders" }),
    positions: of({ type: "positions" }),
    balances: of({ type: "balances" }),
    logon: [{ type: "logon", keyId: "bob", timestamp: 1, signature: "AAAA" }],
    subscribe: [{ type: "subscribe", channel: "l1", symbol: "*" }],
    unsubscribe: [{ type: "unsubscribe", channel: "l1", symbol: "*" }],
    resume: [{ type: "resume", channel: "l3", symbol: "BTC-USD" }],
  };
  const shapes = [...ORDER_COMMANDS, ...ADMIN_COMMANDS, ...QUERIES, LOGON, ...SUBSCRIPTIONS];
  // A message that is added must be added here: there is none without an attack.
  return shapes.flatMap(({ type }) => {
    const made = byType[type];
    if (made === undefined) throw new Error(`nobody has tried ${type} on another's orders`);
    return made;
  });
}

/** The same in binary; null where it is no command. */
function inBinary(attack: Json): Uint8Array | null {
  const commands = new Set([...ORDER_COMMANDS, ...ADMIN_COMMANDS].map(({ type }) => type));
  if (!commands.has(attack.type as string)) return null;
  const bytes = new Uint8Array(192);
  const view = new DataView(bytes.buffer);
  const options = { admin: true, accountRequired: false };
  const length = encodeCommand(attack, testDirectory(), view, 0, options);
  const header = new CommandHeader();
  header.wrap(view, 0);
  header.verdict = 0;
  header.reason = 0;
  return bytes.subarray(0, length);
}

describe.each(TRANSPORTS)("another's orders, over %s", (choice) => {
  let server: TradeServer;
  let alice: TradeClient;
  let bob: TradeClient;
  let bobsOrder: number;

  beforeEach(async () => {
    server = new TradeServer();
    await server.listen(choice);
    await server.setUp(INSTRUMENT);
    bob = await server.client("bob");
    bob.send(order({ clientOrderId: BOBS_CLIENT_ID, price: "90", quantity: "3" }));
    bobsOrder = (await bob.first("accepted")).orderId as number;
    alice = await server.client("alice");
  });

  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  async function ask(client: TradeClient, type: string): Promise<Json[]> {
    const before = client.messages.length;
    client.send({ type });
    await until(
      () => client.messages.slice(before).some((message) => message.type === "queryEnd"),
      "the answer",
    );
    return client.messages
      .slice(before)
      .filter(({ type: found }) => found !== "heartbeat" && found !== "queryEnd");
  }

  /** Every message has its answer: an error, an event, a completion or the end of a query. */
  async function attackWith(send: () => number): Promise<void> {
    const kept = await ask(bob, "openOrders");
    const heard = bob.messages.length;
    const firstSeq = server.exchange.intake.lastSeq + 1;
    const sent = send();
    const answers = () =>
      alice.messages.filter(
        ({ type }) => !["challenge", "loggedOn", "heartbeat"].includes(type as string),
      );
    await until(() => answers().length >= sent, `${sent} answers`);

    for (const { seq, account } of server.exchange.commands) {
      if ((seq as number) >= firstSeq) expect(account).toBe(ALICE);
    }
    expect(server.exchange.commands.some(({ seq }) => (seq as number) >= firstSeq)).toBe(true);
    const told = bob.messages.slice(heard).filter(({ type }) => type !== "heartbeat");
    expect(told).toEqual([]);
    expect(await ask(bob, "openOrders")).toEqual(kept);
    for (const answer of answers()) {
      expect(answer).not.toHaveProperty("account", BOB);
      if (answer.type !== "rejected") expect(answer).not.toHaveProperty("orderId", bobsOrder);
      else expect(answer.reason).toBe("unknownOrder");
    }
  }

  test("are out of reach of every message in JSON", async () => {
    await attackWith(() => {
      const all = attacks(bobsOrder);
      for (const attack of all) alice.send(attack);
      return all.length;
    });
  });

  test("are out of reach of every command in binary", async () => {
    await attackWith(() => {
      const all = attacks(bobsOrder).flatMap((attack) => inBinary(attack) ?? []);
      // What comes after it is JSON, so that the answers are.
      for (const attack of all) alice.send(attack);
      alice.send({ type: "nothing" });
      return 1;
    });
    await ask(alice, "positions");
    const sequenced = server.exchange.commands.filter(({ account }) => account === BOB);
    expect(sequenced).toHaveLength(1); // his own order
  });

  test("look the same from outside whether they are there or not", async () => {
    const nobodys = 123_456;
    for (const orderId of [bobsOrder, nobodys]) {
      alice.send({ type: "cancelOrder", orderId });
      alice.send({ type: "replaceOrder", orderId, quantity: "1" });
    }
    for (const clientOrderId of [BOBS_CLIENT_ID, nobodys]) {
      alice.send({ type: "cancelOrder", clientOrderId });
    }
    await alice.last("rejected", 6);
    const answers = alice.ofType("rejected").map(({ seq: _, timestamp: __, ...rest }) => {
      const { orderId: ___, clientOrderId: ____, ...same } = rest;
      return same;
    });
    expect(answers.slice(0, 2)).toEqual(answers.slice(2, 4));
    expect(answers[4]).toEqual(answers[5]);
  });

  test("do not keep others from their clientOrderId", async () => {
    alice.send(order({ clientOrderId: BOBS_CLIENT_ID, price: "80" }));
    await alice.first("accepted");
    alice.send({ type: "cancelOrder", clientOrderId: BOBS_CLIENT_ID });
    expect(await alice.first("canceled")).toMatchObject({ account: ALICE, quantity: "1" });
    expect(await ask(bob, "openOrders")).toHaveLength(1);
  });
});
