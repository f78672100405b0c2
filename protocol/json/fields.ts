// Checks of single values. Each returns what a record holds, or throws a CommandError that names
// the field and what it may be.
import { DecimalReader } from "../decimal.ts";
import { MAX_INTEGER } from "../terms.ts";
import { type CommandError, invalid } from "./errors.ts";
import { shorten } from "./parse.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** The words of an enumeration, by name. The value 0 means "absent" and has no word. */
export class WordList {
  readonly #values = new Map<string, number>();
  /** For messages: `"buy" or "sell"`. */
  readonly allowed: string;

  /** names: by value; the first is left out, and so are values without a name. */
  constructor(names: readonly string[]) {
    const words: string[] = [];
    names.forEach((name, value) => {
      if (value === 0 || name === "") return;
      this.#values.set(name, value);
      words.push(`"${name}"`);
    });
    this.allowed = either(words);
  }

  valueOf(word: string): number | undefined {
    return this.#values.get(word);
  }
}

function either(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

export function wordField(name: string, value: unknown, words: WordList): number {
  if (typeof value === "string") {
    const found = words.valueOf(value);
    if (found !== undefined) return found;
  }
  throw wrong(name, value, words.allowed);
}

/** min ≥ 0. The number must be a safe integer. */
export function integerField(
  name: string,
  value: unknown,
  min: number,
  max: number = MAX_INTEGER,
): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
    return value === 0 ? 0 : value; // no -0
  }
  throw wrong(name, value, `an integer from ${min} to ${max}`);
}

export function booleanField(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(name, value, "true or false");
}

export function stringField(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw wrong(name, value, "a string");
}

const reader = new DecimalReader();

/** The result stands in the returned reader until the next call. */
export function decimalField(name: string, value: unknown): DecimalReader {
  if (typeof value === "string" && reader.read(value)) return reader;
  throw wrong(name, value, 'a decimal string such as "64000.25"');
}

/** Printable ASCII of at most `length` characters fits into a text field of a record. */
export function fitsText(text: string, length: number): boolean {
  if (text.length === 0 || text.length > length) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code > 126) return false;
  }
  return true;
}

export function wrong(name: string, value: unknown, allowed: string): CommandError {
  if (value === undefined) return invalid(`${name} is missing: ${allowed}`);
  return invalid(`${name} must be ${allowed}, not ${describe(value)}`);
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

/** Throws where the object has a field that is not in the set. */
export function checkFieldNames(
  json: JsonObject,
  allowed: ReadonlySet<string>,
  what: string,
): void {
  for (const key in json) {
    if (!allowed.has(key)) {
      throw invalid(
        `unknown field "${shorten(key)}" in ${what}; its fields are ${[...allowed].join(", ")}`,
      );
    }
  }
}
