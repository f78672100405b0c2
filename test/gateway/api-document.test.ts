import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { signedText, signHmac } from "../../gateway/keys/signature.ts";
import { CloseCode } from "../../gateway/trade/close-codes.ts";
import { readJsonLogon } from "../../gateway/trade/logon.ts";
import { BookChecksum, RowHash } from "../../protocol/book-checksum.ts";
import {
  CANCEL_REASON_NAMES,
  ErrorCode,
  REJECT_REASON_NAMES,
} from "../../protocol/generated/enums.ts";
import { encodeCommand, isCommandType } from "../../protocol/json/encode-command.ts";
import { parseJson } from "../../protocol/json/parse.ts";
import { TYPE_NAMES } from "../../protocol/json/words.ts";
import { checksumOf, Reader } from "../feed/reader.ts";
import { testDirectory } from "../protocol/json/instruments.ts";

const page = fs.readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");

type Json = Record<string, unknown>;

/** Every line of every block of JSON. */
const examples: Json[] = [...page.matchAll(/```json\n(.*?)```/gs)].flatMap(([, block]) =>
  (block as string)
    .trim()
    .split("\n")
    .map((line) => parseJson(line) as Json),
);

function rowOf([side, priceTicks, lots, first = 0, second]: number[]) {
  const [orderId, extra] = second === undefined ? [0, first] : [first, second];
  return { side, priceTicks, lots, orderId, extra } as Parameters<typeof checksumOf>[1][number];
}

function example(type: string): Json {
  const found = examples.find((candidate) => candidate.type === type);
  if (found === undefined) throw new Error(`no example of ${type}`);
  return found;
}

describe("the API document", () => {
  test("every example of a command is one", () => {
    const commands = examples.filter(({ type }) => isCommandType(type as string));
    expect(commands.length).toBeGreaterThan(3);
    const view = new DataView(new ArrayBuffer(192));
    for (const command of commands) {
      encodeCommand(command, testDirectory(), view, 0, { admin: true, accountRequired: false });
    }
  });

  test("every other example is of a type that there is", () => {
    const known = new Set([
      ...TYPE_NAMES,
      ...[
        "error",
        "l1",
        "l2",
        "l3",
        "trades",
        "status",
        "indication",
        "resume",
        "unsubscribed",
        "openOrders",
      ],
    ]);
    for (const { type } of examples) expect(known).toContain(type);
  });

  test("the logon is signed as it says", () => {
    const { challenge } = example("challenge");
    const { keyId, timestampUs, signature, resumeAfter } = readJsonLogon(example("logon"));
    const secret = /secret `([^`]+)`/.exec(page)?.[1] as string;
    const text = signedText(challenge as string, keyId, timestampUs);
    expect(Buffer.from(signature).equals(signHmac(secret, text))).toBe(true);
    expect(resumeAfter).toEqual({ seq: 4711, index: 0 });
  });

  test("the checksums are those of the rows that stand beside them", () => {
    for (const channel of ["l1", "l2", "l3"] as const) {
      const rows: number[][] = [];
      const width = { l1: 3, l2: 4, l3: 5 }[channel];
      for (const [, list] of page.matchAll(/\((\d(?:, \d+){2,4})\)/g)) {
        const row = (list as string).split(", ").map(Number);
        if (row.length === width) rows.push(row);
      }
      expect(rows.length).toBeGreaterThan(1);
      expect(checksumOf(channel, rows.map(rowOf))).toBe(example(channel).checksum);
      const hash = new RowHash();
      const sum = new BookChecksum();
      for (const [side = 0, price = 0, lots = 0, first = 0, second = 0] of rows) {
        if (channel === "l1") hash.ofBest(side, price, lots);
        else if (channel === "l2") hash.ofLevel(side, price, lots, first);
        else hash.ofOrder(side, price, lots, first, second);
        sum.addHash(hash.low, hash.high);
      }
      expect(sum.hex).toBe(example(channel).checksum);
    }
  });

  test("the books in the examples have the checksums that they name, updates too", () => {
    const known = {
      symbol: "BTC-USD",
      instrumentId: 1,
      tick: [5, 1],
      lot: [1, 2],
    } as const;
    let states = 0;
    const reader = new Reader(
      () => known,
      () => states++,
    );
    for (const message of examples) {
      if (message.type === "l2" || message.type === "l3") reader.take(JSON.stringify(message));
    }
    expect(states).toBe(4);
  });

  test("every error code is there with its number", () => {
    for (const [name, number] of Object.entries(ErrorCode)) {
      if (number !== 0) expect(page).toContain(`| ${name} | ${number} |`);
    }
  });

  test("every close code and every reason is there", () => {
    for (const code of Object.values(CloseCode)) {
      if (code !== CloseCode.normal)
        expect(page).toMatch(new RegExp(`^\\| [^|]*\\b${code}\\b`, "m"));
    }
    for (const name of [...REJECT_REASON_NAMES, ...CANCEL_REASON_NAMES]) {
      if (name !== "" && name !== "none") expect(page).toContain(name);
    }
  });
});
