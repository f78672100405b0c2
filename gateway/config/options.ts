import { type Command, Option } from "commander";
import type { FlagValues } from "./load.ts";
import { flagOf, SETTING_NAMES, type SettingName, settingOf, variableOf } from "./settings.ts";

/**
 * Adds the settings as options, all of them or those that are named, and `--config`. The options
 * have no defaults of their own, so that what is there was given.
 */
export function registerConfigOptions(
  command: Command,
  names: readonly SettingName[] = SETTING_NAMES,
): Command {
  command.option("--config <file>", "configuration file, JSON (env: CROSSBOOK_CONFIG)");
  for (const name of names) {
    const setting = settingOf(name);
    const flag = `--${flagOf(name)}`;
    if (setting.placeholder === null) {
      command.addOption(new Option(flag, helpOf(name)));
      command.addOption(new Option(`--no-${flagOf(name)}`).hideHelp());
    } else {
      command.addOption(new Option(`${flag} <${setting.placeholder}>`, helpOf(name)));
    }
  }
  return command;
}

/** What was given on the command line, for loadConfig. */
export function configInputOf(
  command: Command,
  env: Readonly<Record<string, string | undefined>>,
): {
  flags: FlagValues;
  env: Readonly<Record<string, string | undefined>>;
  file: string | undefined;
} {
  const options = command.opts<Record<string, string | boolean | undefined>>();
  const flags: Partial<Record<SettingName, string | boolean>> = {};
  for (const name of SETTING_NAMES) {
    const value = options[attributeOf(name)];
    if (value !== undefined) flags[name] = value;
  }
  const file = options.config ?? env.CROSSBOOK_CONFIG;
  return { flags, env, file: typeof file === "string" && file !== "" ? file : undefined };
}

/** The name under which commander keeps the option. */
function attributeOf(name: SettingName): string {
  return new Option(`--${flagOf(name)}`).attributeName();
}

function helpOf(name: SettingName): string {
  const setting = settingOf(name);
  const fallback = setting.defaultValue === null ? "none" : String(setting.defaultValue);
  return `${setting.description} Allowed: ${setting.allowed}. (default: ${fallback}, env: ${variableOf(name)})`;
}
