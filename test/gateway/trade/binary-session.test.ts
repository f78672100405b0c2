import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signedText, signHmac } from "../../../gateway/keys/signature.ts";
import { NEW_ORDER_LENGTH, NewOrder } from "../../../protocol/generated/commands.ts";
import { OrderType, QueryKind, Side } from "../../../protocol/generated/enums.ts";
import { BLOCK_LENGTHS } from "../../../protocol/generated/messages.ts";
import {
  HEARTBEAT_LENGTH,
  Heartbeat,
  LOGON_LENGTH,
  Logon,
  QUERY_LENGTH,
  Query,
} from "../../../protocol/generated/session.ts";
import { SCHEMA_WORD } from "../../../protocol/generated/support.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { decodeMessage } from "../../../protocol/json/decode-message.ts";
import { TRANSPORTS, until } from "../transports.ts";
import { INSTRUMENT, type Json, order, type TradeClient, TradeServer } from "./trade-server.ts";

/** Every message of every frame, as JSON. */
function messagesOf(client: TradeClient): Json[] {
  const directory = new InstrumentDirectory();
  const messages: Json[] = [];
  for (const frame of client.frames) {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    for (let at = 0; at < frame.byteLength; ) {
      const length = view.getUint16(at, true);
      expect(length).toBe(BLOCK_LENGTHS[view.getUint16(at + 2, true)]);
      directory.onEvent(view, at);
      messages.push(decodeMessage(view, at, directory) as Json);
      at += length;
    }
  }
  return messages;
}

async function message(client: TradeClient, type: string, count = 1): Promise<Json> {
  const found = () => messagesOf(client).filter((candidate) => candidate.type === type);
  await until(() => found().length >= count, `${count} messages of type ${type}`);
  return found()[count - 1] as Json;
}

function frame(length: number, ...writers: ((view: DataView, offset: number) => void)[]): Buffer {
  const bytes = Buffer.alloc(length * writers.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  writers.forEach((write, i) => {
    write(view, i * length);
  });
  return bytes;
}

function newOrder(fields: Partial<NewOrder>): (view: DataView, offset: number) => void {
  return (view, offset) => {
    const record = new NewOrder();
    record.wrap(view, offset);
    record.clear();
    Object.assign(record, {
      instrumentId: 1,
      side: Side.buy,
      orderType: OrderType.limit,
      priceTicks: 200,
      quantityLots: 5,
      present: 1,
      ...fields,
    });
  };
}

function heartbeat(): Buffer {
  return frame(HEARTBEAT_LENGTH, (view, offset) => {
    const record = new Heartbeat();
    record.wrap(view, offset);
    record.clear();
  });
}

describe.each(TRANSPORTS)("a binary session over %s", (choice) => {
  let server: TradeServer;

  beforeEach(async () => {
    server = new TradeServer();
    await server.listen(choice);
    await server.setUp(INSTRUMENT);
  });
  afterEach(async () => {
    await server.stop();
    expect(server.problems).toEqual([]);
  });

  async function logOn(client: TradeClient, fields: Partial<Logon> = {}): Promise<Json> {
    const { challenge, serverTime } = await message(client, "challenge");
    const text = signedText(challenge as string, "alice", serverTime as number);
    client.send(
      frame(LOGON_LENGTH, (view, offset) => {
        const record = new Logon();
        record.wrap(view, offset);
        record.clear();
        record.keyId = "alice";
        record.timestampUs = serverTime as number;
        record.signatureLength = 32;
        record.signature().set(signHmac("secret of alice", text));
        Object.assign(record, fields);
      }),
    );
    return message(client, "loggedOn");
  }

  test("logs on, orders, asks and resumes without a word of JSON", async () => {
    const client = await server.connect(true);
    expect(await logOn(client)).toMatchObject({ account: 7, role: "trader", lastSeq: 1 });
    client.send(frame(NEW_ORDER_LENGTH, newOrder({ clientOrderId: 3, present: 129 })));
    expect(await message(client, "accepted")).toMatchObject({ seq: 2, clientOrderId: 3 });
    client.send(
      frame(QUERY_LENGTH, (view, offset) => {
        const record = new Query();
        record.wrap(view, offset);
        record.clear();
        record.kind = QueryKind.openOrders;
        record.requestId = 8;
      }),
    );
    expect(await message(client, "queryEnd")).toMatchObject({ requestId: 8, rows: 1, lastSeq: 2 });
    expect(client.messages).toEqual([]);
    await client.close();
    const again = await server.connect(true);
    await logOn(again, { resume: true, resumeSeq: 1 });
    expect(await message(again, "accepted")).toMatchObject({ seq: 2 });
  });

  test("several commands in one frame are taken in order, and their events come in few frames", async () => {
    const client = await server.connect(true);
    await logOn(client);
    const before = client.frames.length;
    const orders = Array.from({ length: 100 }, (_, i) =>
      newOrder({ clientOrderId: i + 1, present: 129 }),
    );
    client.send(frame(NEW_ORDER_LENGTH, ...orders));
    await message(client, "accepted", 100);
    const accepted = messagesOf(client).filter(({ type }) => type === "accepted");
    expect(accepted.map(({ clientOrderId }) => clientOrderId)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    expect(client.frames.length - before).toBeLessThan(5);
  });

  test("replies use the encoding of the client's last frame, events as well", async () => {
    const client = await server.connect(true);
    await logOn(client);
    client.send({ type: "positions", requestId: 1 });
    await client.first("queryEnd");
    client.send(order({ price: "90" }));
    await client.first("accepted");
    client.send(heartbeat());
    client.send(frame(NEW_ORDER_LENGTH, newOrder({})));
    await message(client, "accepted");
    expect(client.ofType("accepted")).toHaveLength(1);
  });

  test("what is no message is answered, the frame's rest is not read, the session goes on", async () => {
    const client = await server.connect(true);
    await logOn(client);
    const good = frame(NEW_ORDER_LENGTH, newOrder({}));
    const cut = good.subarray(0, 100);
    const otherVersion = Buffer.from(good);
    otherVersion.writeUInt16LE(99, 6);
    const unknown = Buffer.from(good);
    unknown.writeUInt16LE(60, 2);
    const dirty = Buffer.from(good);
    dirty[119] = 1; // padding
    const frames = [
      Buffer.alloc(0),
      Buffer.alloc(5),
      cut,
      otherVersion,
      unknown,
      Buffer.concat([good, otherVersion, good]),
      dirty,
    ];
    for (const bytes of frames) client.send(bytes);
    await message(client, "error", frames.length);
    const errors = messagesOf(client).filter(({ type }) => type === "error");
    expect(errors.map(({ code }) => code)).toEqual(frames.map(() => "malformed"));
    expect(errors[5]?.message).toContain("byte 120");
    expect(errors[6]).toMatchObject({ message: "padding must be zero" });
    expect(messagesOf(client).filter(({ type }) => type === "accepted")).toHaveLength(1);
    client.send(good);
    await message(client, "accepted", 2);
  });

  test("messages that only the server sends are malformed from a client", async () => {
    const client = await server.connect(true);
    await logOn(client);
    const templates = [64, 66, 127, 128, 130, 132, 138, 139, 142];
    for (const templateId of templates) {
      const bytes = Buffer.alloc(BLOCK_LENGTHS[templateId] as number);
      bytes.writeUInt16LE(bytes.length, 0);
      bytes.writeUInt16LE(templateId, 2);
      bytes.writeUInt32LE(SCHEMA_WORD, 4);
      client.send(bytes);
    }
    await message(client, "error", templates.length);
    const errors = messagesOf(client).filter(({ type }) => type === "error");
    expect(errors.map(({ code }) => code)).toEqual(templates.map(() => "malformed"));
  });
});
