// docs/asyncapi.json as a check: whether a message is what the document says.
import fs from "node:fs";
import { createRequire } from "node:module";

/** What is used of the validator. */
export interface Validate {
  (value: unknown): boolean;
  readonly errors?: readonly { instancePath: string; message?: string; params?: object }[] | null;
}
export interface Validator {
  addSchema(schema: object, key: string): unknown;
  compile(schema: object): Validate;
  getSchema(key: string): Validate | undefined;
}

export const DOCUMENT = JSON.parse(
  fs.readFileSync(new URL("../docs/asyncapi.json", import.meta.url), "utf8"),
) as {
  readonly channels: Record<"trade" | "market", { messages: Record<string, { $ref: string }> }>;
  readonly operations: Record<string, { action: string; channel: { $ref: string } }>;
  readonly components: {
    readonly messages: Record<string, { name: string; "x-record": { templateId: number } }>;
    readonly schemas: Record<string, object>;
  };
};

const require = createRequire(import.meta.url);
let validator: Validator | null = null;

/** Throws where the validator is not installed. */
export function createValidator(): Validator {
  const { Ajv } = require("ajv") as { Ajv: new (options: object) => Validator };
  // Not strict: the document has words of AsyncAPI beside those of JSON Schema.
  return new Ajv({ strict: false, validateFormats: false, allErrors: true });
}

function load(): Validator {
  validator ??= createValidator();
  if (validator.getSchema("asyncapi") === undefined) validator.addSchema(DOCUMENT, "asyncapi");
  return validator;
}

/** The words of what is wrong with it; null where the value is what the schema says. */
export function schemaProblem(schema: string, value: unknown): string | null {
  const validate = load().getSchema(`asyncapi#/components/schemas/${schema}`);
  if (validate === undefined) return `there is no schema ${schema}`;
  if (validate(value)) return null;
  const words = (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${instancePath} ${message ?? ""} ${JSON.stringify(params)}`,
  );
  return `${JSON.stringify(value)} is no ${schema}: ${words.join("; ")}`;
}

/** As `schemaProblem`, for what a server has said: its type tells the schema. */
export function messageProblem(message: Readonly<Record<string, unknown>>): string | null {
  return schemaProblem(String(message.type), message);
}

/**
 * For harnesses, whose tests are about something else: where the validator is not installed they go
 * on without it, except where nothing may be left out.
 */
export const checkedMessageProblem: typeof messageProblem = isInstalled()
  ? messageProblem
  : () => null;

function isInstalled(): boolean {
  try {
    require.resolve("ajv");
    return true;
  } catch (error) {
    if (process.env.CI) throw error;
    return false;
  }
}
