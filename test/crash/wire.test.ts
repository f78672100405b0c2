// The campaign's own encodings against those of the server: written apart, they have to agree.
import { expect, test } from "vitest";
import { copyBinaryCommand } from "../../gateway/trade/binary-command.ts";
import { formatDecimal } from "../../protocol/decimal.ts";
import { MarketState } from "../../protocol/generated/enums.ts";
import * as events from "../../protocol/generated/events.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import * as session from "../../protocol/generated/session.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeMessage } from "../../protocol/json/decode-message.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { Random } from "../protocol/random.ts";
import { canonical } from "./client-record.ts";
import { decimalText, INSTRUMENTS } from "./instruments.ts";
import { OrderFlow } from "./order-flow.ts";
import { binaryWire } from "./wire-binary.ts";
import { jsonWire } from "./wire-json.ts";
import { parseRecord, parseRecords } from "./wire-records.ts";

const directory = campaignDirectory();

function campaignDirectory(): InstrumentDirectory {
  const known = new InstrumentDirectory();
  const view = new DataView(new ArrayBuffer(256));
  for (const { id, symbol, tick, lot, feeScale } of INSTRUMENTS) {
    const event = new events.Instrument();
    event.wrap(view, 0);
    event.clear();
    event.instrumentId = id;
    event.symbol = symbol;
    event.tickSize = tick.value;
    event.tickSizeScale = tick.scale;
    event.lotSize = lot.value;
    event.lotSizeScale = lot.scale;
    event.quoteAssetScale = feeScale;
    event.maxLots = Number.MAX_SAFE_INTEGER;
    event.state = MarketState.continuous;
    known.onEvent(view, 0);
  }
  return known;
}

/** Fields that are words; all others are numbers of any size that they can hold. */
const WORDS: Readonly<Record<string, number>> = {
  side: 2,
  aggressorSide: 2,
  orderType: 4,
  timeInForce: 5,
  selfTradePrevention: 5,
  liquidity: 3,
  reason: 13,
  command: 10,
  mode: 3,
  instruments: 2,
  code: 19,
  role: 4,
  requestTemplateId: 10,
};

interface Flyweight {
  wrap(view: DataView, offset: number): boolean;
  clear(): unknown;
  readonly templateId: number;
  readonly blockLength: number;
}

/** Every field of the record at random; words are never "none", which no message says. */
function randomise(record: Flyweight, random: Random): void {
  const fields = record as unknown as Record<string, unknown>;
  const setters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(record)));
  for (const [name, { set }] of setters) {
    if (set === undefined || /^(blockLength|templateId|schemaId|version|reserved)$/.test(name)) {
      continue;
    }
    const limit = WORDS[name];
    if (limit !== undefined) fields[name] = 1 + random.below(limit);
    else if (name === "symbol") fields[name] = "";
    else if (typeof fields[name] === "string") fields[name] = "words";
    else if (typeof fields[name] === "boolean") fields[name] = random.below(2) === 1;
    else if (name === "instrumentId") fields[name] = 1 + random.below(INSTRUMENTS.length);
    else fields[name] = random.below(100_000);
  }
}

const ORDER_EVENTS = [
  events.Accepted,
  events.Rejected,
  events.Canceled,
  events.Reduced,
  events.Replaced,
  events.Triggered,
  events.Trade,
  session.Fill,
];

test.each(ORDER_EVENTS.map((Event) => [Event.name, Event] as const))(
  "%s reads the same in both encodings",
  (_, Event) => {
    const random = new Random(17);
    const view = new DataView(new ArrayBuffer(256));
    for (let round = 0; round < 200; round++) {
      const record = new Event();
      record.wrap(view, 0);
      record.clear();
      randomise(record, random);
      expect(canonical(parseRecord(view, 0))).toBe(canonical(decodeMessage(view, 0, directory)));
    }
  },
);

const MESSAGES = [
  session.Challenge,
  session.DuplicateRequest,
  session.Completed,
  session.Heartbeat,
  session.ServerShutdown,
];

test.each(MESSAGES.map((Message) => [Message.name, Message] as const))(
  "%s says the same in both encodings",
  (_, Message) => {
    const view = new DataView(new ArrayBuffer(256));
    const record = new Message();
    record.wrap(view, 0);
    record.clear();
    randomise(record, new Random(3));
    const json = decodeMessage(view, 0, directory);
    expect(json).toMatchObject({ ...parseRecord(view, 0) });
  },
);

test("the settings of an account read the same in both encodings", () => {
  const view = new DataView(new ArrayBuffer(256));
  const record = new events.Account();
  record.wrap(view, 0);
  record.clear();
  Object.assign(record, { seq: 3, timestampUs: 4, account: 13, mode: 2, instruments: 1 });
  Object.assign(record, { selfTradePrevention: 3, present: 32 | 8, maxOpenOrders: 20 });
  Object.assign(record, { maxOrderQuantity: 1250, maxOrderQuantityScale: 2 });
  expect(canonical(parseRecord(view, 0))).toBe(canonical(decodeMessage(view, 0, directory)));
});

test("a frame with several records gives them all, half a record is an error", () => {
  const bytes = new Uint8Array(48);
  const record = new session.Completed();
  for (const [i, offset] of [0, 24].entries()) {
    record.wrap(new DataView(bytes.buffer), offset);
    record.clear();
    record.seq = i + 5;
  }
  expect(parseRecords(bytes).map(({ seq }) => seq)).toEqual([5, 6]);
  expect(() => parseRecords(bytes.subarray(0, 40))).toThrow("half a record at byte 24");
});

test("a command is the same order in both encodings", () => {
  const flow = new OrderFlow(5, 1);
  const types = new Set<string>();
  const fromJson = new DataView(new ArrayBuffer(256));
  const fromBinary = new DataView(new ArrayBuffer(256));
  for (let requestId = 1; requestId < 3000; requestId++) {
    const command = flow.next();
    types.add(command.type);
    const json = JSON.parse(jsonWire.command(requestId, command) as string);
    const options = { admin: false, accountRequired: false };
    const length = encodeCommand(json, directory, fromJson, 0, options);
    const frame = binaryWire.command(requestId, command) as Uint8Array;
    expect(frame.length).toBe(length);
    copyBinaryCommand(new DataView(frame.buffer), 0, fromBinary, 0, directory, false);
    // A replaceOrder carries decimals in JSON and ticks in binary: the engine makes them the same.
    if (command.type !== "replaceOrder") {
      expect(Buffer.from(fromBinary.buffer, 0, length)).toEqual(
        Buffer.from(fromJson.buffer, 0, length),
      );
    }
  }
  expect([...types].sort()).toEqual(["cancelOrder", "massCancel", "newOrder", "replaceOrder"]);
  expect(BLOCK_LENGTHS[1]).toBe(120);
});

test("decimals are printed as the server prints them", () => {
  const random = new Random(11);
  for (let round = 0; round < 1000; round++) {
    const units = random.below(4_000_000) - 2_000_000;
    const scale = random.below(9);
    expect(decimalText(units, { value: 1, scale })).toBe(formatDecimal(units, scale));
  }
  expect(decimalText(7, { value: 5, scale: 1 })).toBe("3.5");
  expect(decimalText(4, { value: 25, scale: 0 })).toBe("100");
});
