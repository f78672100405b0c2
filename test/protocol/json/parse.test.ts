import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CommandError } from "../../../protocol/json/errors.ts";
import { parseJson } from "../../../protocol/json/parse.ts";

function failure(text: string): CommandError {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe("parsing a message", () => {
  it("takes what JSON.parse takes, spaces and escapes included", () => {
    const text = ' { "a" : "x:\\"y\\\\" , "b":[1,-2,{"c":null}], "d":true ,"e":false, "f":{} }\n';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it.each(['{"a":1,"a":2}', '{"a":1,"b":{"c":1,"c":1}}', '[{"a":1,"a":1}]'])(
    "refuses a key given twice: %s",
    (text) => {
      expect(failure(text).message).toMatch(/the key "[ac]" is given twice/);
    },
  );

  it("does not mistake equal keys of different objects for one key", () => {
    expect(parseJson('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}')).toBeTruthy();
  });

  it.each(["1.0", "1e3", "1E3", "-1.5", "9007199254740990.6", '{"a":1e999}', '{"a":[0.1]}'])(
    "refuses a number with a fraction or an exponent: %s",
    (text) => {
      expect(failure(text).message).toContain("numbers are whole");
    },
  );

  it("refuses deep nesting before it parses", () => {
    expect(failure("[".repeat(100_000)).message).toContain("deep");
    expect(failure(`${'{"a":'.repeat(5)}1${"}".repeat(5)}`).message).toContain("deep");
  });

  it("keeps __proto__ as a plain key, seen by whoever checks keys", () => {
    const value = parseJson('{"__proto__":{"admin":true},"x":1}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["__proto__", "x"]);
    expect(value.admin).toBeUndefined();
    expect(failure('{"__proto__":1,"__proto__":2}').message).toContain("twice");
  });

  it.each([
    "",
    "{",
    '{"a":1',
    '{"a"}',
    "{'a':1}",
    '{"a":1}}',
    '"\\',
    '{"a":"\u0001"}',
    "nope",
    "\0",
  ])("refuses what is not JSON: %j", (text) => {
    expect(failure(text).code).toBe("malformed");
  });

  it.each(['{"\\"":1}', '{"\\u0061":1}', '{"a":{"\\\\":1}}'])(
    "refuses escapes in keys: %s",
    (text) => {
      expect(failure(text)).toMatchObject({ code: "malformed", message: /written with an escape/ });
    },
  );

  it("takes escapes in values", () => {
    expect(parseJson('{"a":"\\"","b":"\\\\"}')).toEqual({ a: '"', b: "\\" });
  });

  it("agrees with JSON.parse on every document without repeated keys", () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)),
      fc.boolean(),
      fc.constant(null),
    );
    const key = fc
      .oneof(fc.string(), fc.constantFrom("__proto__", "type", "a", "é"))
      .filter((name) => !JSON.stringify(name).includes("\\"));
    const object = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf), fc.array(leaf)));
    fc.assert(
      fc.property(object, fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.stringify(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });
});
