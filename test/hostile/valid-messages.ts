// Valid messages of every type that a client may send, in both encodings: what mutations start from.

import { Channel, QueryKind } from "../../protocol/generated/enums.ts";
import { BLOCK_LENGTHS, MESSAGE_NAMES } from "../../protocol/generated/messages.ts";
import {
  Heartbeat,
  LOGON_SIGNATURE_OFFSET,
  Logon,
  Query,
  Resume,
  Subscribe,
  Unsubscribe,
} from "../../protocol/generated/session.ts";
import { SCHEMA_WORD } from "../../protocol/generated/support.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import {
  ADMIN_COMMANDS,
  CLIENT_HEARTBEAT,
  LOGON,
  ORDER_COMMANDS,
  QUERIES,
  SUBSCRIPTIONS,
} from "../../protocol/json/shapes/client-shapes.ts";
import {
  type Fields,
  type MessageShape,
  readName,
  type Shape,
} from "../../protocol/json/shapes/shape.ts";
import type { Random } from "../reference/fuzz/random.ts";

export const COMMAND_SHAPES: readonly MessageShape[] = [...ORDER_COMMANDS, ...ADMIN_COMMANDS];
export const CLIENT_SHAPES: readonly MessageShape[] = [
  ...COMMAND_SHAPES,
  ...QUERIES,
  LOGON,
  CLIENT_HEARTBEAT,
  ...SUBSCRIPTIONS,
];

/** A logon that the stand-in for the keys takes; a real one is signed. */
export interface LogonValues {
  readonly keyId: string;
  readonly timestampUs: number;
  readonly signature: Uint8Array;
}

/** One JSON message, its values as they are written. */
export interface TextMessage {
  readonly shape: MessageShape;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export interface BinaryMessage {
  readonly templateId: number;
  readonly bytes: Uint8Array;
}

const SYMBOLS = ["BTC-USD", "BTC-USD", "BTC-USD", "7UP/YEN", "NO-SUCH"];
const DECIMALS = ["1", "100", "64000.25", "0.001", "12.5", "1.50", "7", "200", "0.0005", "-3"];
const CHANNELS = ["l1", "l2", "l3", "trades", "status", "indication"];

/** `account`: what a command may name, where it names one. */
export function drawText(
  shape: MessageShape,
  random: Random,
  account: number,
  logon: LogonValues,
): TextMessage {
  const fields: [string, string][] = [["type", JSON.stringify(shape.type)]];
  for (const [marked, of] of Object.entries(shape.fields)) {
    const { name, optional } = readName(marked);
    const isNeeded = !optional || shape.anyOf?.[0] === name;
    if (!isNeeded && random.chance(name === "account" ? 0.8 : 0.5)) continue;
    fields.push([name, drawValue(name, of, random, account, logon)]);
  }
  return { shape, fields };
}

function drawValue(
  name: string,
  shape: Shape,
  random: Random,
  account: number,
  logon: LogonValues,
): string {
  if (name === "account") return String(account);
  if (name === "symbol") return JSON.stringify(random.pick(SYMBOLS));
  if (name === "channel") return JSON.stringify(random.pick(CHANNELS));
  if (name === "keyId") return JSON.stringify(logon.keyId);
  if (name === "timestamp") return String(logon.timestampUs);
  if (name === "signature") return JSON.stringify(Buffer.from(logon.signature).toString("base64"));
  if (name === "resumeAfter") return `{"seq":${random.pick([0, 0, 0, 1e12])},"index":0}`;
  if (name === "asset") return '"USD"';
  switch (shape.kind) {
    case "decimal":
      return JSON.stringify(random.pick(DECIMALS));
    case "integer":
      return String(random.int(shape.min, Math.min(shape.max, 1_000_000)));
    case "word":
      return JSON.stringify(random.pick(shape.words));
    case "text":
      return JSON.stringify(random.pick(["A", "USD", "EUR-1", ""]) || "REF");
    case "boolean":
      return String(random.chance(0.7));
    case "nullable":
      return random.chance(0.2) ? "null" : drawValue(name, shape.shape, random, account, logon);
    case "object":
      return objectText(shape.fields, random, account, logon);
    default:
      throw new Error(`no client sends a ${shape.kind}`);
  }
}

function objectText(fields: Fields, random: Random, account: number, logon: LogonValues): string {
  const members = Object.entries(fields).map(
    ([name, shape]) => `${JSON.stringify(name)}:${drawValue(name, shape, random, account, logon)}`,
  );
  return `{${members.join(",")}}`;
}

export function textOf(fields: readonly (readonly [string, string])[]): string {
  let text = "{";
  for (let i = 0; i < fields.length; i++) {
    const [name, value] = fields[i] as readonly [string, string];
    text += `${i === 0 ? "" : ","}"${name}":${value}`;
  }
  return `${text}}`;
}

const scratch = new DataView(new ArrayBuffer(256));

/** The command of a text as a record: what a binary client sends. */
export function binaryCommand(text: string, directory: InstrumentDirectory): BinaryMessage {
  const options = { admin: true, accountRequired: false };
  const length = encodeCommand(JSON.parse(text), directory, scratch, 0, options);
  scratch.setUint16(44, 0); // verdict and reason are the server's
  return taken(length);
}

function taken(length: number): BinaryMessage {
  const bytes = new Uint8Array(scratch.buffer.slice(0, length));
  return { templateId: scratch.getUint16(2, true), bytes };
}

const logonRecord = new Logon();
const query = new Query();
const heartbeat = new Heartbeat();
const resume = new Resume();
const subscriptions = [new Subscribe(), new Unsubscribe()];

/** Every binary message of a client that is no command. */
export function binarySessionMessages(random: Random, logon: LogonValues): BinaryMessage[] {
  const messages: BinaryMessage[] = [];
  const write = <
    T extends {
      wrap(view: DataView, offset: number): boolean;
      clear(): unknown;
      readonly blockLength: number;
    },
  >(
    record: T,
    fill: (record: T) => void,
  ) => {
    record.wrap(scratch, 0);
    record.clear();
    fill(record);
    messages.push(taken(record.blockLength));
  };
  write(logonRecord, (record) => {
    record.keyId = logon.keyId;
    record.timestampUs = logon.timestampUs;
    record.signatureLength = logon.signature.length;
    new Uint8Array(scratch.buffer).set(logon.signature, LOGON_SIGNATURE_OFFSET);
  });
  write(heartbeat, () => undefined);
  for (const kind of Object.values(QueryKind)) {
    if (kind === QueryKind.none) continue;
    write(query, (record) => {
      record.kind = kind;
      record.requestId = random.int(0, 1000);
    });
  }
  for (const name of CHANNELS) {
    const channel = Channel[name as keyof typeof Channel];
    for (const record of subscriptions) {
      write(record, () => {
        record.channel = channel;
        record.symbol = random.chance(0.8) ? "BTC-USD" : "*";
      });
    }
    write(resume, (record) => {
      record.channel = channel;
      record.symbol = "BTC-USD";
      record.afterSeq = random.int(0, 5);
    });
  }
  return messages;
}

/** Every template there is, empty: most are the server's to send. */
export function emptyRecords(): BinaryMessage[] {
  const messages: BinaryMessage[] = [];
  MESSAGE_NAMES.forEach((name, templateId) => {
    if (name === "") return;
    new Uint8Array(scratch.buffer).fill(0);
    scratch.setUint16(0, BLOCK_LENGTHS[templateId] as number, true);
    scratch.setUint16(2, templateId, true);
    scratch.setUint32(4, SCHEMA_WORD, true);
    messages.push(taken(BLOCK_LENGTHS[templateId] as number));
  });
  return messages;
}
