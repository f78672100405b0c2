// What a value may be in JSON, in words that a description of the API can be made from. The decoders
// do not read these tables (theirs is the faster way of saying it); tests hold both against each
// other, value by value.

export type Shape =
  /** A string: optional minus, digits, optional fraction. */
  | { readonly kind: "decimal" }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  /** One of these strings. */
  | { readonly kind: "word"; readonly words: readonly string[] }
  /** A string. `pattern`: as in JSON Schema; without one, any. */
  | { readonly kind: "text"; readonly pattern?: string; readonly maxLength?: number }
  | { readonly kind: "boolean" }
  | { readonly kind: "object"; readonly fields: Fields }
  | { readonly kind: "list"; readonly of: Fields }
  /** Rows, each an array of as many values as there are columns. */
  | { readonly kind: "rows"; readonly columns: readonly Shape[] }
  | { readonly kind: "nullable"; readonly shape: Shape };

/** By name; a name that ends in "?" may be missing. */
export type Fields = Readonly<Record<string, Shape>>;

/** The shape of one message: an object with a `type` and these fields, and no others. */
export interface MessageShape {
  /** The `type`. Two messages may share one where different sides send them. */
  readonly type: string;
  /** One sentence for people. */
  readonly summary: string;
  readonly fields: Fields;
  /** At least one of these must be there. */
  readonly anyOf?: readonly string[];
  /** The record that says the same in binary; 0: none of its own. */
  readonly templateId: number;
}

const MAX_UINT = 4294967295;
export const DECIMAL: Shape = { kind: "decimal" };
export const BOOLEAN: Shape = { kind: "boolean" };
export const TEXT: Shape = { kind: "text" };
/** 0 to 2^53−1: sequence numbers that may be 0, times in microseconds. */
export const COUNT: Shape = { kind: "integer", min: 0, max: Number.MAX_SAFE_INTEGER };
/** 1 to 2^53−1. */
export const ID: Shape = { kind: "integer", min: 1, max: Number.MAX_SAFE_INTEGER };
export const UINT: Shape = { kind: "integer", min: 0, max: MAX_UINT };
export const BYTE: Shape = { kind: "integer", min: 0, max: 255 };
/** Accounts and instrument ids. */
export const NUMBER: Shape = { kind: "integer", min: 1, max: MAX_UINT };

/** names: by value, as generated; the first says "absent" and is no word. */
export function wordsOf(names: readonly string[]): Shape {
  return { kind: "word", words: names.slice(1).filter((name) => name !== "") };
}

/** As `wordsOf`, where "none" may be said too. */
export function wordsWithNone(names: readonly string[]): Shape {
  return { kind: "word", words: names.filter((name) => name !== "") };
}

export function textOf(maxLength: number): Shape {
  return { kind: "text", maxLength };
}

export function nullable(shape: Shape): Shape {
  return { kind: "nullable", shape };
}

/** The name without its mark, and whether the field may be missing. */
export function readName(name: string): { readonly name: string; readonly optional: boolean } {
  const optional = name.endsWith("?");
  return { name: optional ? name.slice(0, -1) : name, optional };
}
