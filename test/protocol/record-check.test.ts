import { describe, expect, test } from "vitest";
import { NewOrder, ReplaceOrder, SetAccount } from "../../protocol/generated/commands.ts";
import { LAYOUTS } from "../../protocol/generated/layouts.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import { SCHEMA_WORD } from "../../protocol/generated/support.ts";
import { checkRecord, messageLength } from "../../protocol/record-check.ts";

const view = new DataView(new ArrayBuffer(256));

function cleared(templateId: number): number {
  const length = BLOCK_LENGTHS[templateId] as number;
  for (let i = 0; i < view.byteLength; i++) view.setUint8(i, 0);
  view.setUint32(0, length + templateId * 65536, true);
  view.setUint32(4, SCHEMA_WORD, true);
  return length;
}

describe("message length", () => {
  test("is that of a header of ours whose message is all there, and 0 otherwise", () => {
    const length = cleared(1);
    expect(messageLength(view, 0, length)).toBe(length);
    expect(messageLength(view, 0, length - 1)).toBe(0);
    expect(messageLength(view, 0, 7)).toBe(0);
    view.setUint16(0, length + 8, true);
    expect(messageLength(view, 0, 256)).toBe(0);
    cleared(1);
    view.setUint16(6, 99, true); // version
    expect(messageLength(view, 0, 256)).toBe(0);
    for (const templateId of [0, 15, 63, 65535]) {
      cleared(1);
      view.setUint16(2, templateId, true);
      expect(messageLength(view, 0, 256)).toBe(0);
      view.setUint16(0, 0, true);
      expect(messageLength(view, 0, 256)).toBe(0);
    }
  });
});

describe("record check", () => {
  test("every cleared message is in order", () => {
    for (const templateId of LAYOUTS.keys()) {
      cleared(templateId);
      expect(checkRecord(view, 0)).toBeNull();
    }
  });

  test("every byte of every message is looked at, or any value is good", () => {
    // Fields in which all values are fine: nothing to check, and the layout must say so.
    const free = new Set(["u32", "i32", "bytes"]);
    for (const [templateId, fields] of LAYOUTS) {
      const length = cleared(templateId);
      for (let at = 8; at < length; at++) {
        const field = fields.find(({ offset, bytes }) => at >= offset && at < offset + bytes);
        view.setUint8(at, 0xff);
        const wrong = checkRecord(view, 0);
        view.setUint8(at, 0);
        if (field === undefined) expect(wrong).toBe("padding must be zero");
        else if (field.name === "reserved") expect(wrong).toBe("reserved must be zero");
        else if (free.has(field.kind)) expect(wrong).toBeNull();
        else if (field.kind === "u64" || field.kind === "i64") {
          // The upper 11 bits of a 64-bit value; a lower byte gives an integer that is safe.
          if (field.kind === "u64") expect(wrong === null).toBe(at < field.offset + 6);
        } else if (field.rule === "plain" && (field.kind === "u8" || field.kind === "u16")) {
          expect(wrong).toBeNull();
        } else if (field.rule !== "bits") expect(wrong).toContain(field.name);
      }
    }
  });

  test("integers are good up to 2^53-1 in size and no further", () => {
    cleared(1);
    const order = new NewOrder();
    order.wrap(view, 0);
    order.quantityLots = Number.MAX_SAFE_INTEGER;
    expect(checkRecord(view, 0)).toBeNull();
    order.quantityLots = Number.MAX_SAFE_INTEGER + 1;
    expect(checkRecord(view, 0)).toBe("quantityLots is beyond 2^53-1");

    cleared(3);
    const replace = new ReplaceOrder();
    replace.wrap(view, 0);
    for (const value of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, -1]) {
      replace.price = value;
      expect(checkRecord(view, 0)).toBeNull();
    }
    for (const value of [-(2 ** 53), -(2 ** 53) - 2, 2 ** 53, 2 ** 62]) {
      replace.price = value;
      expect(checkRecord(view, 0)).toBe("price is beyond 2^53-1");
    }
  });

  test("text ends at its first zero and is printable", () => {
    cleared(1);
    const order = new NewOrder();
    order.wrap(view, 0);
    order.symbol = "ABCDEFGHIJKLMNOP";
    expect(checkRecord(view, 0)).toBeNull();
    order.symbol = "BTC";
    view.setUint8(101 + 5, 65);
    expect(checkRecord(view, 0)).toContain("symbol");
    order.symbol = "A\nB";
    expect(checkRecord(view, 0)).toContain("symbol");
  });

  test("bits that are not defined are refused", () => {
    cleared(8);
    const settings = new SetAccount();
    settings.wrap(view, 0);
    settings.present = 4095;
    expect(checkRecord(view, 0)).toBeNull();
    settings.present = 4096;
    expect(checkRecord(view, 0)).toBe("present has a value that is not defined");
  });
});
