import { z } from "zod";

/** The settings are listed in these groups, in this order. */
export const GROUPS = [
  "Data",
  "Network",
  "Redis",
  "Pipeline",
  "Capacity",
  "Sessions",
  "Limits",
  "Logs",
] as const;
export type Group = (typeof GROUPS)[number];

/** What one setting is. Flags, environment names, help and documentation are made from it. */
export interface Setting<T> {
  readonly group: Group;
  readonly description: string;
  /** What a number counts; null for what is no quantity. */
  readonly unit: string | null;
  readonly defaultValue: T;
  /** The allowed values in words: what an error message and the documentation say. */
  readonly allowed: string;
  readonly schema: z.ZodType<T>;
  /** Gives text from a flag or a variable the type it has in the file; leaves it where it cannot. */
  readonly fromText: (text: string) => unknown;
  /** Name of the value in the help; null for a switch. */
  readonly placeholder: string | null;
  /** Name of the flag where it is not the setting's own name in kebab case. */
  readonly flag?: string;
  /** A second environment variable, which yields to the setting's own one. */
  readonly otherVariable?: string;
  /** A path in a file is taken from the folder of that file. */
  readonly isPath?: true;
  /** May hold a password, which is masked where the setting is shown. */
  readonly mayHoldSecret?: true;
}

interface Common {
  readonly group: Group;
  readonly description: string;
  readonly flag?: string;
}

const asIs = (text: string): unknown => text;

function numberFromText(text: string): unknown {
  return /^-?\d{1,16}$/.test(text) ? Number(text) : text;
}

export function integer(
  what: Common & {
    unit: string | null;
    min: number;
    max: number;
    defaultValue: number;
    zero?: string;
  },
): Setting<number> {
  const { min, max, zero, ...rest } = what;
  return {
    ...rest,
    allowed: `whole number from ${min} to ${max}${zero === undefined ? "" : ` (0: ${zero})`}`,
    schema: z.number().int().min(min).max(max),
    fromText: numberFromText,
    placeholder: "number",
  };
}

export function powerOfTwo(
  what: Common & { unit: string; min: number; max: number; defaultValue: number },
): Setting<number> {
  const { min, max, ...rest } = what;
  return {
    ...rest,
    allowed: `power of two from ${min} to ${max}`,
    schema: z
      .number()
      .int()
      .min(min)
      .max(max)
      .refine((value) => Number.isInteger(Math.log2(value))),
    fromText: numberFromText,
    placeholder: "number",
  };
}

const BYTE_UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

function bytesFromText(text: unknown): unknown {
  if (typeof text !== "string") return text;
  const match = /^(\d{1,16})\s*(KiB|MiB|GiB)?$/.exec(text);
  return match === null ? text : Number(match[1]) * (BYTE_UNITS[match[2] ?? ""] ?? 1);
}

/** `multipleOf`: the value must be a multiple of so many bytes. */
export function bytes(
  what: Common & { min: number; max: number; defaultValue: number; multipleOf: number },
): Setting<number> {
  const { min, max, multipleOf, ...rest } = what;
  const step = multipleOf === 1 ? "" : `, a multiple of ${multipleOf}`;
  return {
    ...rest,
    unit: "bytes",
    allowed: `${formatBytes(min)} to ${formatBytes(max)}${step}; a plain number of bytes, or text such as "64MiB"`,
    schema: z.preprocess(
      bytesFromText,
      z.number().int().min(min).max(max).multipleOf(multipleOf),
    ) as z.ZodType<number>,
    fromText: bytesFromText,
    placeholder: "size",
  };
}

/** "64MiB" where that is exact, else the number. */
export function formatBytes(value: number): string {
  for (const [name, factor] of Object.entries(BYTE_UNITS).reverse()) {
    if (value >= factor && value % factor === 0) return `${value / factor}${name}`;
  }
  return String(value);
}

export function choice<const Value extends string>(
  what: Common & { values: readonly [Value, ...Value[]]; defaultValue: NoInfer<Value> },
): Setting<Value> {
  const { values, ...rest } = what;
  return {
    ...rest,
    unit: null,
    allowed: values.join(", "),
    schema: z.enum(values) as unknown as z.ZodType<Value>,
    fromText: asIs,
    placeholder: "word",
  };
}

const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  1: true,
  false: false,
  0: false,
};

export function toggle(what: Common & { defaultValue: boolean }): Setting<boolean> {
  return {
    ...what,
    unit: null,
    allowed: "true, false",
    schema: z.boolean(),
    fromText: (text) => SWITCH_WORDS[text] ?? text,
    placeholder: null,
  };
}

export function path(what: Common & { defaultValue: string }): Setting<string> {
  return {
    ...what,
    unit: null,
    allowed: "a path",
    schema: z.string().min(1),
    fromText: asIs,
    placeholder: "path",
    isPath: true,
  };
}

/** A path that need not be there: null is the default. */
export function optionalPath(what: Common): Setting<string | null> {
  return {
    ...what,
    unit: null,
    defaultValue: null,
    allowed: "a path, or null",
    schema: z.string().min(1).nullable(),
    fromText: asIs,
    placeholder: "path",
    isPath: true,
  };
}

export function text(
  what: Common & {
    defaultValue: string;
    allowed: string;
    /** Either the form of the text, or what says whether it is allowed. */
    pattern?: RegExp;
    accepts?: (text: string) => boolean;
    placeholder: string;
    otherVariable?: string;
    mayHoldSecret?: true;
  },
): Setting<string> {
  const { pattern = /^/, accepts = () => true, ...rest } = what;
  return { ...rest, unit: null, schema: z.string().regex(pattern).refine(accepts), fromText: asIs };
}
