import { CommandError } from "./errors.ts";

/** A message is an object, and at most one object deep inside it. */
const MAX_DEPTH = 4;

const QUOTE = 34;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const LOWER_E = 101;
const UPPER_E = 69;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/**
 * Parses one message from outside. Stricter than JSON.parse where it is silent: a key given twice
 * (whose value counts depends on the reader), a number with a fraction or an exponent (it may be
 * rounded to an integer unseen), and deep nesting are refused. A key "__proto__" is a key like any
 * other, so it ends as an unknown field. Throws a CommandError ("malformed").
 */
export function parseJson(text: string): unknown {
  const members = scan(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What JSON.parse says differs from version to version; our output must not.
    throw malformed("not JSON");
  }
  if (countMembers(value) !== members)
    throw malformed(`the key "${keyGivenTwice(text)}" is given twice`);
  return value;
}

/**
 * Members in all objects of the text: each has one colon outside of strings. Keys with escapes are
 * refused: no field is written so, and the JSON.parse of Node 24 confuses them (it gives
 * `{"\"":1,"\\":2}` one member).
 */
function scan(text: string): number {
  const length = text.length;
  let colons = 0;
  let depth = 0;
  let stringStart = 0;
  for (let at = 0; at < length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        stringStart = at;
        at = endOfString(text, at);
        break;
      case COLON:
        colons++;
        if (hasEscape(text, stringStart, at)) throw malformed("a key is written with an escape");
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > MAX_DEPTH) throw malformed(`nested more than ${MAX_DEPTH} deep`);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        break;
      case LOWER_E:
        // The letter ends "true" and "false" as well.
        if (at > 0 && isDigit(text.charCodeAt(at - 1))) throw notWhole();
        break;
      case POINT:
      case UPPER_E:
        throw notWhole();
      default:
    }
  }
  return colons;
}

/** Whether there is a backslash between the start of the last string and the colon after it. */
function hasEscape(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (text.charCodeAt(at) === BACKSLASH) return true;
  }
  return false;
}

/** Index of the closing quote; the length of the text where there is none. */
function endOfString(text: string, start: number): number {
  const length = text.length;
  let at = start + 1;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
  return length;
}

function countMembers(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += countMembers(item);
    return count;
  }
  const object = value as Record<string, unknown>;
  for (const key in object) {
    count++;
    const member = object[key];
    if (typeof member === "object") count += countMembers(member);
  }
  return count;
}

/** Only after parsing has found a difference: the first key that is repeated within its object. */
function keyGivenTwice(text: string): string {
  const open: Set<string>[] = [];
  let lastString = "";
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      lastString = JSON.parse(text.slice(at, end + 1)) as string;
      at = end;
    } else if (code === OPEN_BRACE) open.push(new Set());
    else if (code === CLOSE_BRACE) open.pop();
    else if (code === COLON) {
      const keys = open.at(-1);
      if (keys?.has(lastString)) break;
      keys?.add(lastString);
    }
  }
  return shorten(lastString);
}

/** Words of others in our messages: short, whatever was sent. */
export function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function notWhole(): CommandError {
  return malformed(
    "numbers are whole and without an exponent (prices and quantities are decimal strings)",
  );
}

function malformed(message: string): CommandError {
  return new CommandError("malformed", message);
}
