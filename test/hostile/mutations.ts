// What is done to valid messages. Every kind has a name, and a campaign in which one of them was never
// used fails.
import { LAYOUTS } from "../../protocol/generated/layouts.ts";
import type { Random } from "../reference/fuzz/random.ts";
import { type BinaryMessage, type TextMessage, textOf } from "./valid-messages.ts";

/** Payloads are cut here: what is longer than a message may be is a kind of its own. */
export const MOST_BYTES = 4096;

export const BYTE_MUTATIONS = [
  "bitFlip",
  "byteSet",
  "bytesFilled",
  "truncated",
  "extended",
  "repeated",
  "spliced",
] as const;
export const TEXT_MUTATIONS = [
  "asIs",
  "space",
  "fieldsShuffled",
  "fieldSwap",
  "fieldDropped",
  "foreignField",
  "duplicateKey",
  "prototypeKey",
  "escapedKey",
  "boundaryInteger",
  "hugeNumber",
  "oddNumber",
  "oddDecimal",
  "wrongType",
  "deepNesting",
  "badUtf8",
  ...BYTE_MUTATIONS,
] as const;
export const BINARY_MUTATIONS = [
  "asIs",
  "several",
  "fieldSwap",
  "boundaryInteger",
  "enumBeyond",
  "reservedByte",
  "textBytes",
  "wrongHeader",
  "sequencersField",
  ...BYTE_MUTATIONS,
] as const;
export type TextMutation = (typeof TEXT_MUTATIONS)[number];
export type BinaryMutation = (typeof BINARY_MUTATIONS)[number];

const INTEGERS = [
  ...["0", "-0", "1", "-1", "255", "256", "65535", "65536", "2147483647", "2147483648"],
  ...["-2147483648", "4294967295", "4294967296", "9007199254740991", "9007199254740992"],
  ...["-9007199254740991", "-9007199254740992", "9007199254740993"],
];
const HUGE = [
  "1e308",
  "1e309",
  "9".repeat(400),
  `-${"9".repeat(30)}`,
  "1E+5",
  "123456789012345678901",
];
const ODD_NUMBERS = [
  "1.0",
  "0.1",
  "1e2",
  "01",
  "+1",
  ".5",
  "5.",
  "0x10",
  "NaN",
  "Infinity",
  "1_000",
  "-",
];
const ODD_DECIMALS = [
  ...[
    '""',
    '"-"',
    '"."',
    '"1."',
    '".5"',
    '"+1"',
    '"1e5"',
    '" 1"',
    '"1 "',
    '"--1"',
    '"1,5"',
    '"0x1"',
  ],
  ...[
    '"٣"',
    '"-0"',
    '"00001"',
    `"${"9".repeat(300)}"`,
    `"0.${"0".repeat(260)}1"`,
    '"1.0000000000"',
  ],
  ...['"9007199254740991"', '"9007199254740992"', '"-9007199254740993"', '"0.00000001"', '"NaN"'],
];
const WRONG_TYPES = [
  "null",
  "true",
  "[]",
  "{}",
  '"x"',
  "1",
  '["limit"]',
  '{"a":1}',
  '""',
  "[[]]",
  "undefined",
];
const PROTOTYPE = [
  '"__proto__":{"admin":true}',
  '"__proto__":null',
  '"constructor":{"prototype":{"role":"admin"}}',
  '"prototype":{}',
  '"hasOwnProperty":1',
  '"toString":"x"',
  '"toJSON":"x"',
  '"__defineGetter__":"type"',
];
const BAD_UTF8 = [
  [0x80],
  [0xc0, 0xaf],
  [0xe2, 0x82],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
  [0xf0, 0x80, 0x80, 0xaf],
  [0],
];
const SPACES = [" ", "\n", "\t", "\r\n", "   "];
const WORD_VALUES = [0, 1, 2, 127, 128, 255];

/** A mutable copy of a payload; `bytes` has room for MOST_BYTES. */
export class Payload {
  readonly bytes = Buffer.alloc(MOST_BYTES + 512);
  readonly view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  length = 0;

  setText(text: string): void {
    this.length = Math.min(MOST_BYTES, this.bytes.write(text, 0, "utf8"));
  }

  setBytes(source: Uint8Array): void {
    this.length = 0;
    this.append(source);
  }

  append(source: Uint8Array): void {
    const taken = Math.min(source.length, MOST_BYTES - this.length);
    this.bytes.set(taken === source.length ? source : source.subarray(0, taken), this.length);
    this.length += taken;
  }

  insert(at: number, source: Uint8Array | readonly number[]): void {
    if (this.length + source.length > MOST_BYTES) return;
    this.bytes.copyWithin(at + source.length, at, this.length);
    this.bytes.set(source, at);
    this.length += source.length;
  }

  data(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Any place in it; 0 where it is empty. */
function anyPlace(payload: Payload, random: Random): number {
  return random.int(0, Math.max(0, payload.length - 1));
}

export function mutateBytes(
  payload: Payload,
  kind: (typeof BYTE_MUTATIONS)[number],
  other: Uint8Array,
  random: Random,
): void {
  const { bytes } = payload;
  const at = anyPlace(payload, random);
  switch (kind) {
    case "bitFlip":
      for (let i = random.int(1, 3); i > 0; i--) {
        const place = anyPlace(payload, random);
        bytes[place] = (bytes[place] as number) ^ (1 << random.int(0, 7));
      }
      break;
    case "byteSet":
      bytes[at] = random.chance(0.5) ? random.pick(WORD_VALUES) : random.int(0, 255);
      break;
    case "bytesFilled":
      bytes.fill(
        random.pick([0, 255, 32, 48]),
        at,
        Math.min(payload.length, at + random.int(1, 16)),
      );
      break;
    case "truncated":
      payload.length = at;
      break;
    case "extended":
      for (let i = random.int(1, 64); i > 0 && payload.length < MOST_BYTES; i--) {
        bytes[payload.length++] = random.chance(0.5) ? 0 : random.int(0, 255);
      }
      break;
    case "repeated":
      payload.append(Buffer.from(bytes.subarray(at, payload.length)));
      break;
    default:
      // The head of one message and the tail of another.
      payload.length = at;
      payload.append(other.subarray(random.int(0, Math.max(0, other.length - 1))));
  }
}

/** The text of a message with one thing done to its members. */
export function mutateText(
  message: TextMessage,
  kind: TextMutation,
  other: TextMessage,
  random: Random,
): string {
  const fields = message.fields.map(([name, value]) => [name, value] as [string, string]);
  const last = fields.length - 1;
  const any = fields[random.int(0, last)] as [string, string];
  // Mostly not the type, which would hide what the rest does.
  const field =
    last === 0 ? any : (fields[random.int(random.chance(0.1) ? 0 : 1, last)] as [string, string]);
  switch (kind) {
    case "space": {
      const space = random.pick(SPACES);
      return textOf(fields).replace(/[{,:}]/g, (mark) =>
        random.chance(0.3) ? `${mark}${space}` : mark,
      );
    }
    case "fieldsShuffled":
      return textOf(fields.toSorted(() => random.int(-1, 1)));
    case "fieldSwap": {
      const second = fields[random.int(0, last)] as [string, string];
      [field[1], second[1]] = [second[1], field[1]];
      break;
    }
    case "fieldDropped":
      fields.splice(random.int(0, last), 1);
      break;
    case "foreignField": {
      const foreign = random.pick(other.fields);
      if (!fields.some(([name]) => name === foreign[0])) fields.push([foreign[0], foreign[1]]);
      else
        fields.push([
          random.pick(["timestamp", "seq", "keyNumber", "openQuantity", "verdict"]),
          "1",
        ]);
      break;
    }
    case "duplicateKey":
      fields.splice(random.int(0, last + 1), 0, [
        any[0],
        random.chance(0.5) ? any[1] : random.pick(WRONG_TYPES),
      ]);
      break;
    case "prototypeKey":
      return `{${random.pick(PROTOTYPE)},${textOf(fields).slice(1)}`;
    case "escapedKey": {
      const at = random.int(0, any[0].length - 1);
      const code = any[0].charCodeAt(at).toString(16).padStart(4, "0");
      any[0] = `${any[0].slice(0, at)}\\u${code}${any[0].slice(at + 1)}`;
      break;
    }
    case "boundaryInteger":
      field[1] = random.pick(INTEGERS);
      break;
    case "hugeNumber":
      field[1] = random.pick(HUGE);
      break;
    case "oddNumber":
      field[1] = random.pick(ODD_NUMBERS);
      break;
    case "oddDecimal":
      field[1] = random.pick(ODD_DECIMALS);
      break;
    case "wrongType":
      field[1] = random.pick(WRONG_TYPES);
      break;
    case "deepNesting": {
      const depth = random.pick([2, 4, 5, 100, 900]);
      const [open, close] = random.chance(0.5) ? ["[", "]"] : ['{"a":', "}"];
      field[1] = `${open.repeat(depth)}1${close.repeat(depth)}`;
      break;
    }
    default:
  }
  return textOf(fields);
}

export function insertBadUtf8(payload: Payload, random: Random): void {
  payload.insert(anyPlace(payload, random), random.pick(BAD_UTF8));
}

const U64_VALUES: readonly (readonly [low: number, high: number])[] = [
  [0, 0],
  [1, 0],
  [4294967295, 0],
  [0, 1],
  [4294967295, 0x1fffff], // 2^53-1
  [0, 0x200000], // 2^53
  [1, 0xffe00000], // -(2^53-1)
  [0, 0xffe00000], // -2^53
  [4294967295, 4294967295],
  [0, 0x80000000],
];
const U32_VALUES = [0, 1, 2, 7, 0x7fffffff, 0x80000000, 4294967295];

/** One field of the record at the start of the payload, or one byte between its fields. */
export function mutateRecord(
  payload: Payload,
  message: BinaryMessage,
  kind: BinaryMutation,
  random: Random,
): void {
  const { view } = payload;
  const layouts = LAYOUTS.get(message.templateId);
  if (layouts === undefined) return;
  const own = layouts.filter(({ offset }) => offset >= 8);
  switch (kind) {
    case "fieldSwap": {
      const from = random.pick(own);
      const to = random.pick(own.filter(({ bytes }) => bytes === from.bytes));
      payload.bytes.copyWithin(to.offset, from.offset, from.offset + from.bytes);
      break;
    }
    case "boundaryInteger": {
      const { offset, bytes } = random.pick(own.filter(({ bytes: size }) => size <= 8));
      if (bytes === 8) {
        const [low, high] = random.pick(U64_VALUES);
        view.setUint32(offset, low, true);
        view.setUint32(offset + 4, high, true);
      } else if (bytes === 4) view.setUint32(offset, random.pick(U32_VALUES), true);
      else view.setUint8(offset, random.pick(WORD_VALUES));
      break;
    }
    case "enumBeyond": {
      const limited = own.filter(({ rule }) => rule !== "plain");
      if (limited.length === 0) return;
      const { offset, bytes, limit } = random.pick(limited);
      view.setUint8(offset + bytes - 1, bytes === 1 ? (limit + random.int(1, 3)) & 255 : 255);
      break;
    }
    case "reservedByte": {
      const zeros: number[] = [];
      let end = 0;
      for (const { name, offset, bytes } of layouts) {
        for (; end < offset; end++) zeros.push(end);
        end = offset + bytes;
        if (name === "reserved") zeros.push(offset);
      }
      for (; end < message.bytes.length; end++) zeros.push(end);
      if (zeros.length > 0) view.setUint8(random.pick(zeros), random.int(1, 255));
      break;
    }
    case "textBytes": {
      const texts = own.filter((layout) => layout.kind === "text");
      if (texts.length === 0) return;
      const { offset, bytes } = random.pick(texts);
      view.setUint8(
        offset + random.int(0, bytes - 1),
        random.pick([0, 1, 31, 32, 65, 126, 127, 200, 255]),
      );
      break;
    }
    case "wrongHeader": {
      const at = random.pick([0, 2, 4, 6]);
      view.setUint16(
        at,
        random.chance(0.5) ? view.getUint16(at, true) + random.int(-2, 2) : random.int(0, 65535),
        true,
      );
      break;
    }
    case "sequencersField": {
      const names = ["seq", "timestampUs", "keyNumber", "verdict", "reason", "flags"];
      const theirs = own.filter(({ name }) => names.includes(name));
      if (theirs.length === 0) return;
      view.setUint8(random.pick(theirs).offset, random.int(1, 3));
      break;
    }
    default:
  }
}
