import fs from "node:fs";
import path from "node:path";
import { parseJson } from "../../protocol/json/parse.ts";
import { ConfigError } from "./errors.ts";
import {
  type Config,
  flagOf,
  isSettingName,
  SETTING_NAMES,
  type SettingName,
  settingOf,
  variableOf,
} from "./settings.ts";

/** Values by setting, as the command line gave them: text, or true and false for a switch. */
export type FlagValues = Readonly<Partial<Record<SettingName, string | boolean>>>;

export interface ConfigInput {
  readonly flags?: FlagValues;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Path of the JSON file, if there is one. */
  readonly file?: string | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each value comes from: "default", the file's path, a variable's name or a flag. */
  readonly sources: Readonly<Record<SettingName, string>>;
  /** What works but is probably not meant, in whole sentences. */
  readonly warnings: readonly string[];
}

/** Environment variables with the prefix that are not settings. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(["CROSSBOOK_CONFIG", "CROSSBOOK_NO_APT"]);

/**
 * Defaults, file, environment, flags: what comes later wins. Throws a ConfigError that names every
 * wrong value with its source and what is allowed.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const name of SETTING_NAMES) {
    values[name] = settingOf(name).defaultValue;
    sources[name] = "default";
  }
  const problems: string[] = [];
  const warnings: string[] = [];
  const take = (name: SettingName, value: unknown, source: string) => {
    const result = settingOf(name).schema.safeParse(value);
    if (!result.success) {
      problems.push(wrongValue(source, name, value));
      return;
    }
    values[name] = result.data;
    sources[name] = source;
  };

  if (input.file !== undefined) takeFile(input.file, take, problems);
  const env = input.env ?? {};
  for (const [name, variable, text] of settingsInEnvironment(env)) {
    take(name, settingOf(name).fromText(text), variable);
  }
  warnings.push(...unknownVariables(env));
  for (const [name, value] of Object.entries(input.flags ?? {}) as [SettingName, unknown][]) {
    const setting = settingOf(name);
    take(name, typeof value === "string" ? setting.fromText(value) : value, `--${flagOf(name)}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const config = values as Config;
  checkTogether(config, sources as Record<SettingName, string>, problems, warnings);
  if (problems.length > 0) throw new ConfigError(problems);
  return { config, sources: sources as Record<SettingName, string>, warnings };
}

type Take = (name: SettingName, value: unknown, source: string) => void;

function takeFile(file: string, take: Take, problems: string[]): void {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`${file}: ${(error as Error).message}`], 66, error);
  }
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    throw new ConfigError([`${file}: not JSON: ${(error as Error).message}`], 64, error);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ConfigError([`${file}: must be one JSON object with settings by name`]);
  }
  for (const [name, value] of Object.entries(json)) {
    if (!isSettingName(name)) {
      problems.push(`${file}: there is no setting "${name}"${suggestion(name)}`);
      continue;
    }
    const isPath = settingOf(name).isPath === true && typeof value === "string" && value !== "";
    take(name, isPath ? path.resolve(path.dirname(file), value) : value, file);
  }
}

/** An empty variable counts as one that is not there. */
function* settingsInEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Generator<[SettingName, string, string]> {
  for (const name of SETTING_NAMES) {
    // The setting's own variable comes last and so wins.
    for (const variable of [settingOf(name).otherVariable, variableOf(name)]) {
      const text = variable === undefined ? undefined : env[variable];
      if (variable !== undefined && text !== undefined && text !== "") yield [name, variable, text];
    }
  }
}

/** Only a warning: an orchestrator may set variables after the name of a service. */
function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set<string>([...OTHER_VARIABLES, ...SETTING_NAMES.map(variableOf)]);
  return Object.keys(env)
    .filter((variable) => variable.startsWith("CROSSBOOK_") && !known.has(variable))
    .map((variable) => `The environment variable ${variable} is not a setting and is ignored.`);
}

function wrongValue(source: string, name: SettingName, value: unknown): string {
  // A file holds many settings, so its name alone does not say which one is wrong.
  const isFile = source !== variableOf(name) && source !== `--${flagOf(name)}`;
  const where = isFile && source !== settingOf(name).otherVariable ? `${source}: ${name}` : source;
  const shown = settingOf(name).mayHoldSecret === true ? "this value" : JSON.stringify(value);
  return `${where}: ${shown} is not allowed; allowed: ${settingOf(name).allowed}`;
}

/** Settings that are well by themselves and wrong together. */
function checkTogether(
  config: Config,
  sources: Readonly<Record<SettingName, string>>,
  problems: string[],
  warnings: string[],
): void {
  if ((config.tlsCert === null) !== (config.tlsKey === null)) {
    const [given, missing] =
      config.tlsCert === null ? (["tlsKey", "tlsCert"] as const) : (["tlsCert", "tlsKey"] as const);
    problems.push(`${sources[given]}: ${given} needs ${missing} too`);
  }
  if (!isLoopback(config.host) && config.tlsCert === null && !config.insecure) {
    problems.push(
      `${sources.host}: host ${config.host} can be reached from outside: give tlsCert and tlsKey, or allow it with insecure (--insecure)`,
    );
  }
  if ((config.redisTlsCert === null) !== (config.redisTlsKey === null)) {
    const [given, missing] =
      config.redisTlsCert === null
        ? (["redisTlsKey", "redisTlsCert"] as const)
        : (["redisTlsCert", "redisTlsKey"] as const);
    problems.push(`${sources[given]}: ${given} needs ${missing} too`);
  }
  for (const name of ["redisTlsCa", "redisTlsCert", "redisTlsKey"] as const) {
    const file = config[name];
    if (file === null) continue;
    if (!config.redis.startsWith("rediss://")) {
      problems.push(`${sources[name]}: ${name} needs a redis URL with rediss://`);
    } else if (!isReadable(file)) {
      problems.push(`${sources[name]}: ${name}: ${file} cannot be read`);
    }
  }
  if (config.durability === "none" && config.redis !== "off" && sources.redis !== "default") {
    warnings.push(
      `With durability none (${sources.durability}) nothing is published to Redis (${sources.redis}).`,
    );
  }
}

function isReadable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function suggestion(name: string): string {
  const letters = (word: string) => word.toLowerCase().replace(/[^a-z]/g, "");
  const wanted = letters(name);
  const close = SETTING_NAMES.find((candidate) => distance(letters(candidate), wanted) <= 2);
  return close === undefined ? "" : `; did you mean ${close}?`;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
