import { beforeAll, describe, expect, it } from "vitest";
import * as commands from "../../protocol/generated/commands.ts";
import * as enums from "../../protocol/generated/enums.ts";
import * as events from "../../protocol/generated/events.ts";
import * as headers from "../../protocol/generated/headers.ts";
import { BLOCK_LENGTHS, MESSAGE_NAMES } from "../../protocol/generated/messages.ts";
import * as session from "../../protocol/generated/session.ts";
import { compileOracle, type Oracle } from "./flatc-oracle.ts";
import { Random } from "./random.ts";

interface Flyweight {
  wrap(view: DataView, offset: number): boolean;
  clear?(): unknown;
  [field: string]: unknown;
}

const flyweights = new Map<string, new () => Flyweight>();
for (const module of [commands, events, headers, session]) {
  for (const [name, item] of Object.entries(module)) {
    if (typeof item === "function") flyweights.set(name, item as unknown as new () => Flyweight);
  }
}

/** Names of the accessors of a flyweight, and whether it is one that can be set. */
function fieldsOf(flyweight: Flyweight): string[] {
  const prototype = Object.getPrototypeOf(flyweight) as object;
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([, descriptor]) => descriptor.get !== undefined && descriptor.set !== undefined)
    .map(([name]) => name);
}

let oracle: Oracle;
beforeAll(async () => {
  oracle = await compileOracle();
}, 60_000);

const OFFSET = 5; // a view need not be aligned
const random = new Random(20260101);

function randomBytes(): Uint8Array {
  const bytes = new Uint8Array(224);
  for (let i = 0; i < bytes.length; i++) {
    // Plenty of the values at which signs and carries go wrong.
    const draw = random.below(8);
    bytes[i] = draw === 0 ? 0 : draw === 1 ? 0xff : draw === 2 ? 0x80 : random.below(256);
  }
  return bytes;
}

const textLengths = new Map([
  ["symbol", 16],
  ["asset", 16],
  ["baseAsset", 16],
  ["quoteAsset", 16],
  ["keyId", 16],
  ["reference", 32],
  ["challenge", 32],
  ["text", 116],
]);
const lengthOf = (field: string) => textLengths.get(field) ?? 0;

describe("generated flyweights against flatc's accessors", () => {
  it("there is one for every struct, of the same size", () => {
    expect([...flyweights.keys()].sort()).toEqual(oracle.structs().sort());
    for (const [name, Flyweight] of flyweights) {
      const flyweight = new Flyweight();
      const size = oracle.sizeOf(name);
      expect(flyweight.wrap(new DataView(new ArrayBuffer(size)), 0), name).toBe(true);
      expect(flyweight.wrap(new DataView(new ArrayBuffer(size)), 1), name).toBe(false);
      const templateId = MESSAGE_NAMES.indexOf(name);
      if (templateId >= 0) expect(BLOCK_LENGTHS[templateId], name).toBe(size);
    }
  });

  it("every field reads the same on random bytes", () => {
    let compared = 0;
    for (const [name, Flyweight] of flyweights) {
      const flyweight = new Flyweight();
      const fields = fieldsOf(flyweight);
      for (let round = 0; round < 50; round++) {
        const bytes = randomBytes();
        flyweight.wrap(new DataView(bytes.buffer), OFFSET);
        const read = oracle.reader(name, bytes, OFFSET);
        for (const field of fields) {
          expect(flyweight[field], `${name}.${field}`).toBe(read(field, lengthOf(field)));
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(20_000);
  });

  it("every field written is read back by flatc, and nothing beside it changes", () => {
    for (const [name, Flyweight] of flyweights) {
      const flyweight = new Flyweight();
      for (let round = 0; round < 20; round++) {
        const target = new Uint8Array(224).fill(0);
        flyweight.wrap(new DataView(target.buffer), OFFSET);
        const written = new Map<string, unknown>();
        for (const field of fieldsOf(flyweight)) {
          const value = randomValue(name, field, flyweight[field]);
          flyweight[field] = value;
          written.set(field, value);
        }
        const read = oracle.reader(name, target, OFFSET);
        for (const [field, value] of written) {
          expect(read(field, lengthOf(field)), `${name}.${field}`).toBe(value);
        }
        const size = oracle.sizeOf(name);
        expect(target.subarray(0, OFFSET).every((byte) => byte === 0)).toBe(true);
        expect(target.subarray(OFFSET + size).every((byte) => byte === 0)).toBe(true);
      }
    }
  });

  it("clear leaves nothing but the message header", () => {
    for (const [name, Flyweight] of flyweights) {
      const flyweight = new Flyweight();
      if (flyweight.clear === undefined) continue;
      const bytes = new Uint8Array(224).fill(0x5a);
      flyweight.wrap(new DataView(bytes.buffer), OFFSET);
      flyweight.clear();
      const size = oracle.sizeOf(name);
      const read = oracle.reader(name, bytes, OFFSET);
      expect(read("blockLength", 0)).toBe(size);
      expect(read("templateId", 0)).toBe(MESSAGE_NAMES.indexOf(name));
      expect(
        bytes.subarray(OFFSET + 8, OFFSET + size).every((byte) => byte === 0),
        name,
      ).toBe(true);
      expect(
        bytes.subarray(OFFSET + size).every((byte) => byte === 0x5a),
        name,
      ).toBe(true);
      expect(
        bytes.subarray(0, OFFSET).every((byte) => byte === 0x5a),
        name,
      ).toBe(true);
    }
  });

  it("every enumerator has flatc's value", () => {
    const ours = enums as unknown as Record<string, Record<string, number>>;
    const theirs = oracle.enums();
    expect(theirs.size).toBe(Object.values(ours).filter((item) => !Array.isArray(item)).length);
    for (const [name, values] of theirs) {
      const named = Object.entries(values).filter(([, value]) => typeof value === "number");
      expect(Object.fromEntries(named), name).toEqual(ours[name]);
    }
  });
});

/** A value that the field can hold: found by writing all ones and seeing what comes back. */
function randomValue(name: string, field: string, zero: unknown): unknown {
  if (typeof zero === "string") {
    const length = random.below(lengthOf(field) + 1);
    return Array.from({ length }, () => String.fromCharCode(32 + random.below(95))).join("");
  }
  if (typeof zero === "boolean") return random.below(2) === 1;
  const probe = new (flyweights.get(name) as new () => Flyweight)();
  probe.wrap(new DataView(new Uint8Array(224).fill(0xff).buffer), OFFSET);
  const ones = probe[field] as number;
  if (ones > Number.MAX_SAFE_INTEGER) return random.safeInteger();
  if (ones > 0) return random.below(ones + 1);
  // Signed: int32 fields are known by name, the rest has 64 bits.
  return /Ticks$|RateE8$/.test(field) ? random.below(2 ** 32) - 2 ** 31 : random.signed();
}
