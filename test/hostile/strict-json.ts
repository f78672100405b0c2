// What a JSON message may be, read a second time: slowly, by hand, and apart from the code that it
// judges. Whatever the server takes must pass here too.
import {
  type Fields,
  type MessageShape,
  readName,
  type Shape,
} from "../../protocol/json/shapes/shape.ts";

export type JsonObject = Record<string, unknown>;

const DEEPEST = 4;
const DECIMAL = /^-?[0-9]+(\.[0-9]+)?$/;

/** A number by its digits, so that nothing is rounded unseen. */
class WrittenNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

/**
 * The value of a text, numbers as WrittenNumber. Throws an Error for what is no JSON, a key given twice or written with an
 * escape, a number that is not whole or not exactly what it says, and deep nesting.
 */
export function strictParse(text: string): unknown {
  const reader = new Reader(text);
  reader.skipSpace();
  const value = reader.value(0);
  reader.skipSpace();
  if (reader.at !== text.length) throw new Error(`more text at ${reader.at}`);
  return value;
}

class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  skipSpace(): void {
    while (this.at < this.#text.length && " \t\n\r".includes(this.#text.charAt(this.at))) this.at++;
  }

  value(depth: number): unknown {
    const first = this.#text.charAt(this.at);
    if (first === "{" || first === "[") {
      if (depth === DEEPEST) throw new Error("nested too deep");
      return first === "{" ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    if (first === '"') return this.#string().value;
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (!this.#text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    const [number] = /^-?(0|[1-9][0-9]*)/.exec(this.#text.slice(this.at, this.at + 400)) ?? [];
    if (number === undefined) throw new Error(`no value at ${this.at}`);
    this.at += number.length;
    if (".eE".includes(this.#text.charAt(this.at) || "x")) throw new Error("a number is not whole");
    return new WrittenNumber(number);
  }

  #object(depth: number): JsonObject {
    const object: JsonObject = Object.create(null) as JsonObject;
    this.#items("}", () => {
      const key = this.#string();
      if (key.hasEscape) throw new Error("a key with an escape");
      if (Object.hasOwn(object, key.value)) throw new Error(`${key.value} is given twice`);
      this.skipSpace();
      if (this.#text.charAt(this.at++) !== ":") throw new Error("no colon");
      this.skipSpace();
      object[key.value] = this.value(depth);
    });
    return object;
  }

  #array(depth: number): unknown[] {
    const list: unknown[] = [];
    this.#items("]", () => list.push(this.value(depth)));
    return list;
  }

  #items(end: string, item: () => void): void {
    this.at++;
    this.skipSpace();
    if (this.#text.charAt(this.at) === end) {
      this.at++;
      return;
    }
    for (;;) {
      this.skipSpace();
      item();
      this.skipSpace();
      const next = this.#text.charAt(this.at++);
      if (next === end) return;
      if (next !== ",") throw new Error("no comma");
    }
  }

  #string(): { value: string; hasEscape: boolean } {
    const found = /^"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/.exec(
      this.#text.slice(this.at),
    );
    if (found === null) throw new Error(`no string at ${this.at}`);
    const [whole] = found;
    this.at += whole.length;
    // A single string has no keys and no numbers: nothing that could be read in two ways.
    return { value: JSON.parse(whole) as string, hasEscape: whole.includes("\\") };
  }
}

function integerOf(value: unknown): number | null {
  if (!(value instanceof WrittenNumber)) return null;
  const exact = BigInt(value.digits);
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  return exact > most || exact < -most ? null : Number(exact);
}

/** The message with plain numbers; null: not of this shape. Read with strictParse. */
export function fitMessage(shape: MessageShape, value: unknown): JsonObject | null {
  if (!isPlainObject(value) || value.type !== shape.type) return null;
  const { type, ...rest } = value;
  const fields = fitFields(shape.fields, rest);
  if (fields === null) return null;
  if (shape.anyOf !== undefined && !shape.anyOf.some((name) => name in fields)) return null;
  return { type, ...fields };
}

const MISFIT = Symbol("misfit");

function fitFields(fields: Fields, value: JsonObject): JsonObject | null {
  const result: JsonObject = {};
  const left = new Set(Object.keys(value));
  for (const [marked, shape] of Object.entries(fields)) {
    const { name, optional } = readName(marked);
    if (!left.delete(name)) {
      if (optional) continue;
      return null;
    }
    const fitted = fitValue(shape, value[name]);
    if (fitted === MISFIT) return null;
    result[name] = fitted;
  }
  return left.size === 0 ? result : null;
}

function fitValue(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case "decimal":
      return typeof value === "string" && DECIMAL.test(value) ? value : MISFIT;
    case "integer": {
      const integer = integerOf(value);
      return integer !== null && integer >= shape.min && integer <= shape.max ? integer : MISFIT;
    }
    case "word":
      return typeof value === "string" && shape.words.includes(value) ? value : MISFIT;
    case "text": {
      if (typeof value !== "string" || value.length > (shape.maxLength ?? value.length))
        return MISFIT;
      return shape.pattern === undefined || new RegExp(shape.pattern).test(value) ? value : MISFIT;
    }
    case "boolean":
      return typeof value === "boolean" ? value : MISFIT;
    case "nullable":
      return value === null ? null : fitValue(shape.shape, value);
    case "object":
      return isPlainObject(value) ? (fitFields(shape.fields, value) ?? MISFIT) : MISFIT;
    default:
      return MISFIT; // no client sends lists
  }
}

function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null) return false;
  return !Array.isArray(value) && !(value instanceof WrittenNumber);
}
