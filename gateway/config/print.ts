import type { LoadedConfig } from "./load.ts";
import { formatBytes, GROUPS } from "./setting.ts";
import { flagOf, SETTING_NAMES, type SettingName, settingOf, variableOf } from "./settings.ts";

/**
 * The configuration in force as JSON text, which `--config` takes again. Passwords are masked, and
 * then it does not.
 */
export function formatConfig(loaded: LoadedConfig): string {
  const shown = Object.fromEntries(
    SETTING_NAMES.map((name) => [name, shownValue(name, loaded.config[name])]),
  );
  return `${JSON.stringify(shown, null, 2)}\n`;
}

/** One line for each setting that is not at its default: name, value, source. */
export function formatSources(loaded: LoadedConfig): string {
  return SETTING_NAMES.filter((name) => loaded.sources[name] !== "default")
    .map((name) => {
      const value = JSON.stringify(shownValue(name, loaded.config[name]));
      return `${name} = ${value} (${loaded.sources[name]})\n`;
    })
    .join("");
}

function shownValue(name: SettingName, value: unknown): unknown {
  return settingOf(name).mayHoldSecret === true && typeof value === "string"
    ? maskPassword(value)
    : value;
}

/** The URL with three asterisks in place of a password: for logs and print-outs. */
export function maskPassword(url: string): string {
  return url.replace(/^(\w+:\/\/[^:@/?#]*):.*@/, "$1:***@");
}

/** docs/configuration.md. */
export function configurationPage(): string {
  const lines = [
    "# Configuration",
    "",
    "<!-- Made by scripts/config-docs.mjs from gateway/config/settings.ts. Do not edit. -->",
    "",
    "Every setting can stand in a JSON file (`--config FILE` or `CROSSBOOK_CONFIG`), in an environment",
    "variable and in a flag. A flag wins over a variable, a variable over the file, the file over the",
    "default. An empty variable counts as none. A switch takes `--name` and `--no-name`; in a variable",
    "it is `true` or `false`. Sizes are numbers of bytes, or text with `KiB`, `MiB` or `GiB`. A relative",
    "path in the file is taken from the folder of the file, elsewhere from the working directory.",
    "",
    "`crossbook serve --print-config` prints what is in force (passwords masked), in the form that",
    "`--config` reads, and on standard error where each value that is no default comes from. A wrong",
    "value, an unknown name in the file or two settings that do not go together end the command with",
    "status 64 and a message that names source and allowed values; a file that cannot be read with 66.",
    "A variable that starts with `CROSSBOOK_` and is no setting is named in a warning when the server",
    "starts; `--print-config` says nothing of it.",
    "",
    "The five capacities are kept in the data directory when it is made, since running out of room is a",
    "reject and a replay must give the same. Other values later are ignored, with a warning that names",
    "those that hold; `--print-config` shows those of a directory that is there.",
    "",
    "How to run a server, what it says of itself and what its files are: [operations.md](operations.md).",
    "",
    "```json",
    '{ "port": 9001, "durability": "fsync", "segmentBytes": "64MiB" }',
    "```",
  ];
  for (const group of GROUPS) {
    lines.push("", `## ${group}`, "");
    for (const name of SETTING_NAMES) {
      if (settingOf(name).group === group) lines.push(...entry(name));
    }
  }
  return `${lines.join("\n")}\n`;
}

function entry(name: SettingName): string[] {
  const setting = settingOf(name);
  const words = [`--${flagOf(name)}`, variableOf(name), setting.otherVariable];
  const given = words.filter((word) => word !== undefined).map((word) => `\`${word}\``);
  const unit = setting.unit === null || setting.unit === "bytes" ? "" : ` ${setting.unit}`;
  return [
    `- **${name}**: ${setting.description}\\`,
    `  ${given.join(", ")}. Default: \`${shownDefault(setting.unit, setting.defaultValue)}\`${unit}.`,
    `  Allowed: ${setting.allowed}.`,
  ];
}

function shownDefault(unit: string | null, value: unknown): string {
  if (unit === "bytes" && typeof value === "number") return formatBytes(value);
  return value === null ? "null" : String(value);
}
