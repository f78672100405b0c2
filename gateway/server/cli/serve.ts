import fs from "node:fs";
import type { Command } from "commander";
import { pino } from "pino";
import { readMeta } from "../../../engine/journal/data-directory.ts";
import { exitStatusOf } from "../../../engine/journal/errors.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { ConfigError } from "../../config/errors.ts";
import { type LoadedConfig, loadConfig } from "../../config/load.ts";
import { configInputOf, registerConfigOptions } from "../../config/options.ts";
import { formatConfig, formatSources } from "../../config/print.ts";
import type { Config } from "../../config/settings.ts";
import { KeyError } from "../../keys/errors.ts";
import { TransportError } from "../../transport/transport.ts";
import { Exchange } from "../exchange.ts";
import { removeServeFile } from "../serve-file.ts";
import { EXIT_IO, EXIT_NO_INPUT, EXIT_SOFTWARE } from "./exit-codes.ts";
import { KEY_EXIT_CODES } from "./keys.ts";

/** A stop that takes longer than this has something wrong with it. */
const STOP_TIMEOUT_MS = 30_000;

/** `crossbook serve`: the exchange, until SIGTERM or SIGINT. */
export function register(program: Command): void {
  const command = program
    .command("serve")
    .description("run the exchange: sessions, matching, journal, market data, Redis")
    .option("--print-config", "print the configuration in force and exit");
  registerConfigOptions(command);
  command.action(async (options: { printConfig?: boolean }) => {
    let loaded: LoadedConfig;
    try {
      loaded = loadConfig(configInputOf(command, process.env));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = error.exitCode;
      return;
    }
    if (options.printConfig) {
      const inForce = withCapacitiesOf(loaded);
      process.stdout.write(formatConfig(inForce));
      process.stderr.write(formatSources(inForce));
      return;
    }
    await serve(loaded);
  });
}

/** Those of a data directory that is there already hold, whatever the settings say. */
function withCapacitiesOf(loaded: LoadedConfig): LoadedConfig {
  const { dataDir } = loaded.config;
  if (!fs.existsSync(`${dataDir}/meta.json`)) return loaded;
  const { capacity } = readMeta(new NodeDisk(), dataDir);
  if (capacity === undefined) return loaded;
  const fixed = {
    capacityOrders: capacity.orders,
    capacityLevels: capacity.levels,
    capacityInstruments: capacity.instruments,
    capacityAccounts: capacity.accounts,
    capacityAssets: capacity.assets,
  };
  const names = Object.keys(fixed) as (keyof typeof fixed)[];
  const from = Object.fromEntries(names.map((name) => [name, `${dataDir}/meta.json`]));
  return {
    ...loaded,
    config: { ...loaded.config, ...fixed },
    sources: { ...loaded.sources, ...from },
  };
}

async function serve({ config, warnings }: LoadedConfig): Promise<void> {
  const log = createLogger(config);
  for (const warning of warnings) log.warn(warning);
  let exchange: Exchange;
  try {
    exchange = new Exchange(config, log, (fault) => {
      log.fatal({ err: fault, role: fault.role }, "the server ends: recovery starts from disk");
      forgetServeFile(config.dataDir);
      process.exit(exitStatusOf(fault.cause as Error) ?? faultStatus(fault.cause));
    });
    stopOnSignals(exchange, log);
    await exchange.start();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.fatal({ code: (error as { code?: string }).code }, `cannot start: ${message}`);
    process.exit(startStatus(error));
  }
}

/** The disk may be the reason for the end: then the file stays. */
function forgetServeFile(dataDir: string): void {
  try {
    removeServeFile(dataDir);
  } catch {}
}

function startStatus(error: unknown): number {
  if (error instanceof KeyError) return KEY_EXIT_CODES[error.code];
  if (error instanceof TransportError && isMissing(error.cause)) return EXIT_NO_INPUT;
  return exitStatusOf(error) ?? EXIT_IO;
}

function isMissing(cause: unknown): boolean {
  return (cause as { code?: unknown } | undefined)?.code === "ENOENT";
}

/** Errors lose their class on the way between threads; their stable code stays. */
function faultStatus(cause: unknown): number {
  const code = (cause as { code?: string } | undefined)?.code;
  const ofTheDisk = ["writeFailed", "syncFailed", "createFailed", "stopped", "diskFull"];
  return code !== undefined && ofTheDisk.includes(code) ? EXIT_IO : EXIT_SOFTWARE;
}

function stopOnSignals(exchange: Exchange, log: pino.Logger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    if (!exchange.isReady) {
      log.warn({ signal }, "ended before the start was over: nothing has been accepted");
      process.exit(0);
    }
    const timer = setTimeout(() => {
      log.fatal("the stop takes too long: ending without it, recovery starts from disk");
      process.exit(EXIT_SOFTWARE);
    }, STOP_TIMEOUT_MS);
    exchange.stop(signal).then(
      () => {
        clearTimeout(timer);
        process.exit(0);
      },
      (error: unknown) => {
        log.fatal({ err: error }, "the stop failed: recovery starts from disk");
        process.exit(EXIT_SOFTWARE);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

function createLogger(config: Config): pino.Logger {
  const pretty =
    config.logFormat === "pretty" || (config.logFormat === "auto" && process.stdout.isTTY === true);
  const options: pino.LoggerOptions = {
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (!pretty) return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino({
    ...options,
    transport: {
      target: "pino-pretty",
      options: { translateTime: "HH:MM:ss.l", singleLine: true, sync: true },
    },
  });
}
