import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, test } from "vitest";
import { DEFAULT_CAPACITY } from "../../../engine/engine.ts";
import { ConfigError } from "../../../gateway/config/errors.ts";
import { loadConfig } from "../../../gateway/config/load.ts";
import { configInputOf, registerConfigOptions } from "../../../gateway/config/options.ts";
import {
  configurationPage,
  formatConfig,
  formatSources,
  maskPassword,
} from "../../../gateway/config/print.ts";
import { flagOf, SETTING_NAMES, settingOf, variableOf } from "../../../gateway/config/settings.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-config-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function configFile(content: unknown): string {
  const file = path.join(folder, `${Math.random().toString(36).slice(2)}.json`);
  fs.writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

function errorOf(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("no ConfigError was thrown");
}

describe("precedence", () => {
  test("without input every setting has its default", () => {
    const { config, sources, warnings } = loadConfig({});
    expect(config).toMatchObject({
      dataDir: "./data",
      host: "127.0.0.1",
      port: 9001,
      durability: "fsync",
      redis: "own",
    });
    expect(new Set(Object.values(sources))).toEqual(new Set(["default"]));
    expect(warnings).toEqual([]);
  });

  test("a flag wins over a variable, a variable over the file, the file over the default", () => {
    const file = configFile({ port: 1, riskWorkers: 2, logLevel: "warn" });
    const { config, sources } = loadConfig({
      file,
      env: { CROSSBOOK_PORT: "2", CROSSBOOK_RISK_WORKERS: "3" },
      flags: { port: "3" },
    });
    expect([config.port, config.riskWorkers, config.logLevel]).toEqual([3, 3, "warn"]);
    expect([sources.port, sources.riskWorkers, sources.logLevel, sources.host]).toEqual([
      "--port",
      "CROSSBOOK_RISK_WORKERS",
      file,
      "default",
    ]);
  });

  test("REDIS_URL wins over the file and yields to CROSSBOOK_REDIS", () => {
    const file = configFile({ redis: "redis://file" });
    const env = { REDIS_URL: "redis://plain:6379" };
    expect(loadConfig({ file, env }).config.redis).toBe("redis://plain:6379");
    const both = { ...env, CROSSBOOK_REDIS: "off" };
    expect(loadConfig({ file, env: both }).config.redis).toBe("off");
  });

  test("an empty variable counts as none", () => {
    expect(loadConfig({ env: { CROSSBOOK_PORT: "", REDIS_URL: "" } }).sources.port).toBe("default");
  });

  test("a relative path in the file is taken from the folder of the file", () => {
    const { config } = loadConfig({ file: configFile({ dataDir: "state" }) });
    expect(config.dataDir).toBe(path.join(folder, "state"));
    expect(loadConfig({ env: { CROSSBOOK_DATA_DIR: "state" } }).config.dataDir).toBe("state");
  });

  test("sizes may be written with a unit", () => {
    const file = configFile({ segmentBytes: "8MiB" });
    const { config } = loadConfig({ file, flags: { diskLowBytes: "2GiB" } });
    expect([config.segmentBytes, config.diskLowBytes]).toEqual([8 * 2 ** 20, 2 * 2 ** 30]);
  });
});

describe("wrong input", () => {
  test("a wrong flag is named with the allowed values, and the status is 64", () => {
    const error = errorOf(() => loadConfig({ flags: { durability: "always" } }));
    expect(error.message).toBe('--durability: "always" is not allowed; allowed: fsync, os, none');
    expect(error.exitCode).toBe(64);
  });

  test("every wrong value is named, each with its source", () => {
    const file = configFile({ port: "9001", riskWorkers: 0 });
    const error = errorOf(() => loadConfig({ file, env: { CROSSBOOK_LOG_LEVEL: "loud" } }));
    expect(error.message.split("\n")).toEqual([
      `${file}: port: "9001" is not allowed; allowed: whole number from 0 to 65535 (0: a free one)`,
      `${file}: riskWorkers: 0 is not allowed; allowed: whole number from 1 to 8`,
      'CROSSBOOK_LOG_LEVEL: "loud" is not allowed; allowed: trace, debug, info, warn, error, fatal, silent',
    ]);
  });

  test.each([
    ["port", "65536"],
    ["port", "-1"],
    ["port", "1e3"],
    ["port", " 80"],
    ["port", "80.5"],
    ["commandRingSlots", "1000"],
    ["segmentBytes", "1048577"],
    ["segmentBytes", "1TiB"],
    ["redis", "localhost:6379"],
    ["redis", "http://localhost"],
    ["redis", "redis://one,,two"],
    ["redisPrefix", "two words"],
    ["host", "a host"],
    ["dataDir", ""],
    ["demo", "yes"],
  ] as const)("%s does not take %j", (name, value) => {
    expect(errorOf(() => loadConfig({ flags: { [name]: value } })).message).toContain(
      `--${flagOf(name)}: `,
    );
  });

  test("an unknown name in the file is refused with the nearest one", () => {
    const file = configFile({ durablity: "os" });
    expect(errorOf(() => loadConfig({ file })).message).toBe(
      `${file}: there is no setting "durablity"; did you mean durability?`,
    );
  });

  test("names that objects inherit are no settings", () => {
    const file = configFile('{"__proto__": 1, "constructor": 2}');
    expect(errorOf(() => loadConfig({ file })).message).toContain('no setting "constructor"');
  });

  test("a password in a wrong URL is not repeated", () => {
    const message = errorOf(() => loadConfig({ env: { REDIS_URL: "user:secret@host" } })).message;
    expect(message).toContain("REDIS_URL: ");
    expect(message).not.toContain("secret");
  });

  test("a file that is not there ends with 66, one that is not JSON with 64", () => {
    expect(errorOf(() => loadConfig({ file: path.join(folder, "none.json") })).exitCode).toBe(66);
    expect(errorOf(() => loadConfig({ file: configFile("port: 1") })).exitCode).toBe(64);
    expect(errorOf(() => loadConfig({ file: configFile("[]") })).exitCode).toBe(64);
  });

  test("a name given twice, and one that no object should have, are refused", () => {
    const twice = errorOf(() => loadConfig({ file: configFile('{"port":1,"port":2}') }));
    expect([twice.exitCode, twice.message]).toEqual([64, expect.stringContaining('"port"')]);
    const proto = errorOf(() => loadConfig({ file: configFile('{"__proto__":1}') }));
    expect([proto.exitCode, proto.message]).toEqual([64, expect.stringContaining("__proto__")]);
  });

  test("an unknown CROSSBOOK_ variable is a warning", () => {
    const { warnings } = loadConfig({ env: { CROSSBOOK_PROT: "1", CROSSBOOK_CONFIG: "x" } });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("CROSSBOOK_PROT");
  });
});

test("the default capacities are those of the engine", () => {
  const { config } = loadConfig({});
  expect({
    orders: config.capacityOrders,
    levels: config.capacityLevels,
    instruments: config.capacityInstruments,
    accounts: config.capacityAccounts,
    assets: config.capacityAssets,
  }).toEqual(DEFAULT_CAPACITY);
});

describe("settings that must go together", () => {
  test("another address than loopback needs TLS or insecure", () => {
    const error = errorOf(() => loadConfig({ flags: { host: "0.0.0.0" } }));
    expect(error.message).toContain("--host");
    expect(error.message).toContain("--insecure");
    expect(loadConfig({ flags: { host: "0.0.0.0", insecure: true } }).config.host).toBe("0.0.0.0");
    const flags = { host: "::", tlsCert: "a.pem", tlsKey: "b.pem" };
    expect(loadConfig({ flags }).config.host).toBe("::");
  });

  test.each(["127.0.0.1", "127.8.9.1", "::1", "localhost"])("%s is loopback", (host) => {
    expect(loadConfig({ flags: { host } }).config.host).toBe(host);
  });

  test("a certificate needs its key", () => {
    expect(errorOf(() => loadConfig({ flags: { tlsCert: "a.pem" } })).message).toBe(
      "--tls-cert: tlsCert needs tlsKey too",
    );
  });

  test("certificates for Redis need rediss:// and have to be there", () => {
    const redis = "rediss://h";
    const messageOf = (flags: Record<string, string>) =>
      errorOf(() => loadConfig({ flags })).message;
    const file = configFile({});
    expect(messageOf({ redis, redisTlsCert: file })).toBe(
      "--redis-tls-cert: redisTlsCert needs redisTlsKey too",
    );
    expect(messageOf({ redis: "redis://h", redisTlsCa: file })).toBe(
      "--redis-tls-ca: redisTlsCa needs a redis URL with rediss://",
    );
    expect(messageOf({ redis, redisTlsCa: "/nowhere.pem" })).toBe(
      "--redis-tls-ca: redisTlsCa: /nowhere.pem cannot be read",
    );
    expect(loadConfig({ flags: { redis, redisTlsCa: file } }).config.redisTlsCa).toBe(file);
  });

  test("durability none with a Redis URL is a warning, since nothing is published", () => {
    const flags = { durability: "none", redis: "redis://localhost" };
    expect(loadConfig({ flags }).warnings[0]).toContain("nothing is published");
  });
});

describe("command line", () => {
  function parse(...argv: string[]) {
    const command = registerConfigOptions(new Command("serve")).exitOverride();
    command.parse(argv, { from: "user" });
    return configInputOf(command, {});
  }

  test("every setting has a flag that reaches it", () => {
    for (const name of SETTING_NAMES) {
      const isSwitch = settingOf(name).placeholder === null;
      const { flags } = parse(`--${flagOf(name)}`, ...(isSwitch ? [] : ["value"]));
      expect(flags).toEqual({ [name]: isSwitch ? true : "value" });
    }
  });

  test("what was not given is not there, and a switch can be turned off", () => {
    expect(parse()).toEqual({ flags: {}, env: {}, file: undefined });
    expect(parse("--no-demo", "--data", "d", "--config", "c.json")).toMatchObject({
      flags: { demo: false, dataDir: "d" },
      file: "c.json",
    });
  });

  test("the help names every flag and variable", () => {
    const help = registerConfigOptions(new Command("serve")).helpInformation();
    for (const name of SETTING_NAMES) {
      expect(help).toContain(`--${flagOf(name)}`);
      expect(help.replace(/\s+/g, " ")).toContain(variableOf(name));
    }
  });
});

describe("what is printed", () => {
  test("the printed configuration is read back as the same configuration", () => {
    const loaded = loadConfig({ flags: { port: "0", segmentBytes: "1MiB" }, env: {} });
    const again = loadConfig({ file: configFile(formatConfig(loaded)) });
    expect(again.config).toEqual({ ...loaded.config, dataDir: path.join(folder, "data") });
  });

  test("passwords are masked", () => {
    const loaded = loadConfig({ env: { REDIS_URL: "redis://me:se:c@ret@host:1/0" } });
    expect(formatConfig(loaded)).toContain('"redis://me:***@host:1/0"');
    expect(formatSources(loaded)).toBe('redis = "redis://me:***@host:1/0" (REDIS_URL)\n');
    expect(maskPassword("redis://:p@h")).toBe("redis://:***@h");
    expect(maskPassword("redis://h:6379/0")).toBe("redis://h:6379/0");
  });

  test("docs/configuration.md is the page made from the table", () => {
    const file = new URL("../../../docs/configuration.md", import.meta.url);
    expect(fs.readFileSync(file, "utf8")).toBe(configurationPage());
  });

  test("every setting has a default that is allowed, and one description", () => {
    for (const name of SETTING_NAMES) {
      const setting = settingOf(name);
      expect(setting.schema.safeParse(setting.defaultValue).success, name).toBe(true);
      expect(setting.description, name).toMatch(/^[A-Z][^\n]*\.$/);
    }
  });
});
