// The tables that the description of the API is made from, against the codecs: what the description
// allows is taken and nothing else, and what is said is what it describes.
import { describe, expect, test } from "vitest";
import { readJsonLogon } from "../../../gateway/trade/logon.ts";
import { type InputHandler, takeText } from "../../../gateway/trade/session-input.ts";
import { CHANNEL_NAMES, REJECT_REASON_NAMES } from "../../../protocol/generated/enums.ts";
import { type FieldLayout, LAYOUTS } from "../../../protocol/generated/layouts.ts";
import { BLOCK_LENGTHS, MESSAGE_NAMES } from "../../../protocol/generated/messages.ts";
import {
  BOOK_UPDATE_CHANNEL_OFFSET,
  BOOK_UPDATE_TEMPLATE_ID,
} from "../../../protocol/generated/session.ts";
import { SCHEMA_WORD, TWO_32 } from "../../../protocol/generated/support.ts";
import { decodeMessage } from "../../../protocol/json/decode-message.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";
import { CommandError } from "../../../protocol/json/errors.ts";
import {
  ADMIN_COMMANDS,
  CHANNEL,
  LOGON,
  ORDER_COMMANDS,
  QUERIES,
} from "../../../protocol/json/shapes/client-shapes.ts";
import { EVENTS } from "../../../protocol/json/shapes/event-shapes.ts";
import {
  COMMON_MESSAGES,
  MARKET_MESSAGES,
  QUERY_ROWS,
  SESSION_MESSAGES,
} from "../../../protocol/json/shapes/server-shapes.ts";
import { type MessageShape, readName, type Shape } from "../../../protocol/json/shapes/shape.ts";
import { MAX_INTEGER } from "../../../protocol/terms.ts";
import { messageProblem, schemaProblem } from "../../asyncapi.ts";
import { Random } from "../random.ts";
import { testDirectory } from "./instruments.ts";

type Json = Record<string, unknown>;

const directory = testDirectory();
const view = new DataView(new ArrayBuffer(256));

/** Values of every kind, on both sides of every limit. */
const CANDIDATES: readonly unknown[] = [
  ...[null, true, false, "", "x", "none", "unset", "buy", "limit", "gtc", "l1", "closed", "all"],
  ...["1", "-1", "-0", "01", "1.50", ".5", "1.", "1e3", "+1", " 1", "--1", "9".repeat(60), "0.1.2"],
  ...[0, -0, 1, -1, 255, 256, 2147483648, 4294967295, 4294967296, 1.5, Number.NaN, 1e300],
  ...[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1, Number.MIN_SAFE_INTEGER],
  ...[[], {}, { perSecond: 1, burst: 2 }, { perSecond: 1 }, { perSecond: "1", burst: 2 }, [1]],
  ...[{ seq: 1, index: 0 }, { seq: 1 }, { seq: -1, index: 0 }, { seq: 1, index: 4294967296 }],
  ...["é", "a".repeat(32), "a".repeat(33), "AAAA", "A===", `${"A".repeat(128)}=`, "a b", "\n"],
];

function exampleOf(shape: Shape): unknown {
  switch (shape.kind) {
    case "decimal":
      return "1.5";
    case "integer":
      return shape.min;
    case "word":
      return shape.words[0];
    case "text":
      return "AAAA";
    case "boolean":
      return true;
    case "object":
      return Object.fromEntries(
        Object.entries(shape.fields).map(([name, inner]) => [
          readName(name).name,
          exampleOf(inner),
        ]),
      );
    case "list":
    case "rows":
      return [];
    case "nullable":
      return null;
  }
}

/** A message with all of its fields, and each candidate in the place of each field, or none there. */
function variants({ type, fields }: MessageShape): Json[] {
  const names = Object.keys(fields).map((name) => readName(name).name);
  const full: Json = { type };
  for (const [name, shape] of Object.entries(fields)) full[readName(name).name] = exampleOf(shape);
  const without = (name: string) => {
    const { [name]: _, ...rest } = full;
    return rest;
  };
  const words = Object.values(fields).flatMap((shape) =>
    shape.kind === "word" ? shape.words : [],
  );
  return [
    full,
    { type },
    { ...full, extra: 1 },
    { ...full, timestamp: 1 },
    ...names.map(without),
    ...names.map((name) => ({ type, [name]: full[name] })),
    ...names.flatMap((name) =>
      [...CANDIDATES, ...words].map((candidate) => ({ ...full, [name]: candidate })),
    ),
  ];
}

function isTaken(take: () => void): boolean {
  try {
    take();
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

/** The schema and the decoder say the same of every variant; both answers occur. */
function expectAgreement(shape: MessageShape, take: (json: Json) => void): void {
  const seen = new Set<boolean>();
  for (const json of variants(shape)) {
    const problem = schemaProblem(shape.type, json);
    const taken = isTaken(() => take(json));
    seen.add(taken);
    expect(taken, `${JSON.stringify(json)}: ${problem}`).toBe(problem === null);
  }
  expect([...seen].sort()).toEqual([false, true]);
}

describe("what the description says of clients' messages is what the server takes", () => {
  test.each([...ORDER_COMMANDS, ...ADMIN_COMMANDS].map((shape) => [shape.type, shape] as const))(
    "%s",
    (_, shape) => {
      expectAgreement(shape, (json) => {
        encodeCommand(json, directory, view, 0, { admin: true, accountRequired: false });
      });
    },
  );

  test("logon", () => expectAgreement(LOGON, readJsonLogon));

  test.each(QUERIES.map((shape) => [shape.type, shape] as const))("%s", (_, shape) => {
    expectAgreement(shape, (json) => {
      let failure: CommandError | null = null;
      const unexpected = () => {
        throw new Error("a query was taken for something else");
      };
      const handler: InputHandler = {
        isOpen: true,
        mayGoOn: () => true,
        onQuery: () => undefined,
        onLogon: unexpected,
        onJsonCommand: unexpected,
        onBinaryCommand: unexpected,
        onError: (error) => {
          failure = error;
        },
      };
      takeText(Buffer.from(JSON.stringify(json)), handler);
      if (failure !== null) throw failure;
    });
  });
});

const SAID = [
  ...SESSION_MESSAGES,
  ...COMMON_MESSAGES,
  ...QUERY_ROWS,
  ...EVENTS,
  ...MARKET_MESSAGES,
];

/** Enumerations that may be 0 in what is said: "none" is a word there, or the field is left out. */
const MAY_BE_NONE = new Set(["aggressorSide", "imbalanceSide"]);
/** 1 in so many records lacks what an optional field stands for. */
const LACKS = 4;
/** What an error says of the message that it answers. */
const OPTIONAL_PARTS = new Set(["requestTemplateId", "requestId", "clientOrderId"]);

/**
 * A record as the server may write it: anything that its layout allows, except that what its shape
 * needs is there.
 */
function fillRecord(random: Random, shape: MessageShape): void {
  const { templateId, fields } = shape;
  new Uint8Array(view.buffer).fill(0);
  const lacksAll = random.below(LACKS) === 0;
  for (const layout of LAYOUTS.get(templateId) ?? []) {
    const { name, offset, bytes, kind } = layout;
    const isNeeded = name in fields;
    if (name === "reserved" || (!isNeeded && lacksAll && OPTIONAL_PARTS.has(name))) continue;
    if (kind === "text") {
      if (!isNeeded && random.below(LACKS) === 0) continue;
      const text = "ABCDEFGHIJKLMNOP".slice(0, random.below(Math.min(bytes, 16)) + 1);
      for (let i = 0; i < text.length; i++) view.setUint8(offset + i, text.charCodeAt(i));
      continue;
    }
    const value = drawValue(random, layout, fields);
    if (bytes === 1) view.setUint8(offset, value);
    else if (bytes === 2) view.setUint16(offset, value, true);
    else {
      view.setUint32(offset, value % TWO_32, true);
      if (bytes === 8) view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
    }
  }
  if (templateId === BOOK_UPDATE_TEMPLATE_ID) {
    view.setUint8(BOOK_UPDATE_CHANNEL_OFFSET, CHANNEL_NAMES.indexOf(shape.type));
  }
  view.setUint16(0, BLOCK_LENGTHS[templateId] as number, true);
  view.setUint16(2, templateId, true);
  view.setUint32(4, SCHEMA_WORD, true);
}

function drawValue(random: Random, layout: FieldLayout, fields: MessageShape["fields"]): number {
  const { name, bytes, kind, rule, limit } = layout;
  const isNeeded = name in fields;
  // The rows of a book would be records of their own.
  if (name === "rowCount") return 0;
  if (name === "parts") return 1 + random.below(2);
  if (name === "instrumentId") {
    if ("symbol" in fields || isNeeded) return 1 + random.below(2);
    return "symbol?" in fields ? random.below(3) : 0;
  }
  if (name === "command" || name === "requestTemplateId") return 1 + random.below(14);
  if (kind === "bool") return random.below(2);
  if (rule === "bits") return random.below(limit + 1) & limit;
  if (rule === "enum") {
    if (name === "channel" && CHANNEL.kind === "word") {
      return CHANNEL_NAMES.indexOf(random.pick(CHANNEL.words));
    }
    if (MAY_BE_NONE.has(name)) return random.below(limit + 1);
    for (;;) {
      const value = 1 + random.below(limit);
      if (name !== "reason" || limit < 64 || REJECT_REASON_NAMES[value] !== "") return value;
    }
  }
  if (bytes === 1) return random.below(16);
  if (bytes === 2) return random.below(256);
  if (name === "maxNotional" && random.below(2) === 0) return MAX_INTEGER;
  if (!isNeeded && random.below(LACKS) === 0) return 0;
  const value = random.below(bytes === 4 ? 2147483648 : 1_000_000_000_000);
  const needed = fields[name];
  return needed?.kind === "integer" ? Math.max(value, needed.min) : value;
}

describe("what the server says is what the description says of it", () => {
  test("every record that a client may get has a shape", () => {
    const described = new Set(SAID.map(({ templateId }) => templateId));
    const unsaid = ["Trade", "Checkpoint", "Logon", "Query", "Subscribe", "Unsubscribe"];
    // Rows are part of their book's message.
    unsaid.push("Resume", "BookLevel", "BookOrder");
    const missing = MESSAGE_NAMES.filter(
      (name, templateId) =>
        templateId >= 64 && name !== "" && !unsaid.includes(name) && !described.has(templateId),
    );
    expect(missing).toEqual([]);
  });

  test.each(SAID.map((shape) => [shape.type, shape] as const))("%s", (type, shape) => {
    const random = new Random(20260105);
    const optional = Object.keys(shape.fields)
      .map(readName)
      .filter((field) => field.optional)
      .map(({ name }) => name);
    const present = new Set<string>();
    const absent = new Set<string>();
    for (let round = 0; round < 500; round++) {
      fillRecord(random, shape);
      const json = decodeMessage(view, 0, directory) as Json;
      // One record says both.
      expect(type.replace("unsub", "sub")).toBe(String(json.type).replace("unsub", "sub"));
      expect(messageProblem(json)).toBeNull();
      for (const name of optional) (name in json ? present : absent).add(name);
    }
    expect([...present].sort()).toEqual([...optional].sort());
    expect([...absent].sort()).toEqual([...optional].sort());
  });
});
