import { parseRedisUrl } from "../redis/access.ts";
import {
  bytes,
  choice,
  integer,
  optionalPath,
  path,
  powerOfTwo,
  type Setting,
  text,
  toggle,
} from "./setting.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/**
 * Every setting there is. The names are those of the configuration file; a flag is the name in
 * kebab case, an environment variable the name in upper case after CROSSBOOK_.
 */
export const SETTINGS = {
  dataDir: path({
    group: "Data",
    flag: "data",
    defaultValue: "./data",
    description: "Directory of journal, events, snapshots and keys; made where it is not there.",
  }),
  durability: choice({
    group: "Data",
    values: ["fsync", "os", "none"],
    defaultValue: "fsync",
    description:
      "What must have happened to a command before its events leave: on disk, handed to the operating system, or nothing (no journal, nothing is published to Redis).",
  }),
  segmentBytes: bytes({
    group: "Data",
    min: MIB,
    max: GIB,
    multipleOf: 4096,
    defaultValue: 64 * MIB,
    description: "Size of one journal file; it is allocated in full before it is used.",
  }),
  compressSegments: toggle({
    group: "Data",
    defaultValue: false,
    description:
      "Compress the segments of journal and event log that end before the last two snapshot commands; everything reads both forms.",
  }),
  snapshotIntervalMs: integer({
    group: "Data",
    unit: "ms",
    min: 0,
    max: 86_400_000,
    zero: "never by itself",
    defaultValue: 60_000,
    description:
      "Time between two snapshot commands while commands come; one is also given when none has come for a second, and a second after a start.",
  }),
  diskLowBytes: bytes({
    group: "Data",
    min: 0,
    max: 1024 * GIB,
    multipleOf: 1,
    defaultValue: 256 * MIB,
    description: "Free disk space below which new orders are refused (cancels pass).",
  }),
  demo: toggle({
    group: "Data",
    defaultValue: false,
    description: "Start with demonstration instruments, accounts and keys.",
  }),

  host: text({
    group: "Network",
    defaultValue: "127.0.0.1",
    pattern: /^[0-9A-Za-z.:_-]{1,253}$/,
    allowed: "a host name or an address",
    placeholder: "host",
    description:
      "Address to listen on; anything but loopback needs a certificate, or `insecure` in its place.",
  }),
  port: integer({
    group: "Network",
    unit: null,
    min: 0,
    max: 65_535,
    zero: "a free one",
    defaultValue: 9001,
    description: "TCP port for WebSocket and HTTP.",
  }),
  tlsCert: optionalPath({
    group: "Network",
    description: "PEM file with the certificate chain; needs `tlsKey` too.",
  }),
  tlsKey: optionalPath({
    group: "Network",
    description: "PEM file with the private key of the certificate.",
  }),
  insecure: toggle({
    group: "Network",
    defaultValue: false,
    description: "Allow listening on other addresses than loopback without TLS.",
  }),
  origins: text({
    group: "Network",
    defaultValue: "same",
    pattern: /^(?:same|any|https?:\/\/[^\s,/]{1,260}(?:,https?:\/\/[^\s,/]{1,260})*)$/,
    allowed: 'same, any, or origins with commas between, such as "https://desk.example"',
    placeholder: "list",
    description:
      "Browser pages that may connect: those of the same host, any, or those of the origins listed besides. Programs send no origin and always may.",
  }),
  transport: choice({
    group: "Network",
    values: ["auto", "uws", "ws"],
    defaultValue: "auto",
    description:
      "WebSocket implementation: uWebSockets.js, the `ws` package, or the first where it loads.",
  }),

  redis: text({
    group: "Redis",
    defaultValue: "own",
    accepts: (text) => text === "own" || text === "off" || parseRedisUrl(text) !== null,
    allowed:
      "own, off, or a URL: redis://[user:password@]host[:port][,host[:port]…][/database], the same with rediss:// (TLS), or unix:///path/of/socket",
    placeholder: "url",
    otherVariable: "REDIS_URL",
    mayHoldSecret: true,
    description:
      "Where trades and events are published: a server by its URL, `own` (a redis-server found on the PATH is started and stopped with this process), or `off`. CROSSBOOK_REDIS wins over REDIS_URL.",
  }),
  redisPrefix: text({
    group: "Redis",
    defaultValue: "crossbook",
    pattern: /^[A-Za-z0-9._{}-]{1,40}$/,
    allowed: "1 to 40 letters, digits and . _ - { }",
    placeholder: "text",
    description:
      "What the names of all keys begin with, before a colon. In a Redis Cluster it has to be a hash tag, such as `{crossbook}`, so that all keys are on one node.",
  }),
  redisTlsCa: optionalPath({
    group: "Redis",
    description:
      "PEM file with the certificates that the server of a rediss:// URL must go back to; without it those that Node trusts.",
  }),
  redisTlsCert: optionalPath({
    group: "Redis",
    description: "PEM file with the certificate to show to the server of a rediss:// URL.",
  }),
  redisTlsKey: optionalPath({
    group: "Redis",
    description: "PEM file with the private key of that certificate.",
  }),
  redisTimeoutMs: integer({
    group: "Redis",
    unit: "milliseconds",
    min: 100,
    max: 600_000,
    defaultValue: 10_000,
    description:
      "Redis is taken for gone where it does not answer for so long; then it is connected to anew.",
  }),
  redisBatchBytes: bytes({
    group: "Redis",
    min: 4096,
    max: 16 * MIB,
    multipleOf: 1,
    defaultValue: 128 * 1024,
    description: "Most event bytes that are sent to Redis in one round trip.",
  }),
  redisMaxEntries: integer({
    group: "Redis",
    unit: "entries",
    min: 0,
    max: 1_000_000_000,
    zero: "never trimmed",
    defaultValue: 0,
    description: "About how many entries each stream keeps; older ones are trimmed by Redis.",
  }),

  threading: choice({
    group: "Pipeline",
    values: ["shared", "dedicated"],
    defaultValue: "shared",
    description:
      "Whether the engine runs on the main thread beside the network (two cores), or on one of its own (more).",
  }),
  idle: choice({
    group: "Pipeline",
    values: ["sleep", "spin"],
    defaultValue: "sleep",
    description:
      "What a thread that trades does without work: sleep until it is woken, or look again and again. Spinning takes a whole core for the main thread, each risk worker, the journal and a dedicated engine, and saves a wake-up at each hand-over; with fewer cores it makes everything slower.",
  }),
  riskWorkers: integer({
    group: "Pipeline",
    unit: "threads",
    min: 1,
    max: 8,
    defaultValue: 1,
    description: "Risk workers; each checks the accounts whose number leaves its own remainder.",
  }),
  riskHangTimeoutMs: integer({
    group: "Pipeline",
    unit: "ms",
    min: 100,
    max: 3_600_000,
    defaultValue: 2000,
    description: "A risk worker that does not move for so long, though it could, is replaced.",
  }),
  commandRingSlots: powerOfTwo({
    group: "Pipeline",
    unit: "commands",
    min: 64,
    max: 2 ** 22,
    defaultValue: 2 ** 14,
    description: "Commands that may be under way between the stages (192 bytes each).",
  }),
  eventRingSlots: powerOfTwo({
    group: "Pipeline",
    unit: "events",
    min: 64,
    max: 2 ** 22,
    defaultValue: 2 ** 16,
    description: "Events that may wait for their readers (192 bytes each).",
  }),

  capacityOrders: integer({
    group: "Capacity",
    unit: "orders",
    min: 1,
    max: 16_777_216,
    defaultValue: 1_048_576,
    description:
      "Open orders, waiting stops too, over all instruments; counts when the data directory is made.",
  }),
  capacityLevels: integer({
    group: "Capacity",
    unit: "levels",
    min: 1,
    max: 16_777_216,
    defaultValue: 1_048_576,
    description: "Price levels over all instruments; counts when the data directory is made.",
  }),
  capacityInstruments: integer({
    group: "Capacity",
    unit: "instruments",
    min: 1,
    max: 65_536,
    defaultValue: 10_000,
    description: "Instruments; counts when the data directory is made.",
  }),
  capacityAccounts: integer({
    group: "Capacity",
    unit: "accounts",
    min: 1,
    max: 4_194_304,
    defaultValue: 100_000,
    description: "Accounts; counts when the data directory is made.",
  }),
  capacityAssets: integer({
    group: "Capacity",
    unit: "assets",
    min: 1,
    max: 65_536,
    defaultValue: 10_000,
    description: "Assets; counts when the data directory is made.",
  }),

  heartbeatIntervalMs: integer({
    group: "Sessions",
    unit: "ms",
    min: 100,
    max: 600_000,
    defaultValue: 10_000,
    description: "Time between two heartbeats; a peer silent for three of them is gone.",
  }),
  maxConnections: integer({
    group: "Sessions",
    unit: "connections",
    min: 1,
    max: 1_000_000,
    defaultValue: 10_000,
    description: "WebSocket connections in all.",
  }),
  maxConnectionsPerAddress: integer({
    group: "Sessions",
    unit: "connections",
    min: 1,
    max: 1_000_000,
    defaultValue: 2_000,
    description: "WebSocket connections from one address.",
  }),
  maxMessageBytes: bytes({
    group: "Sessions",
    min: 512,
    max: 16 * MIB,
    multipleOf: 1,
    defaultValue: 64 * 1024,
    description: "Largest message that a client may send.",
  }),
  maxSendBufferBytes: bytes({
    group: "Sessions",
    min: 64 * 1024,
    max: GIB,
    multipleOf: 1,
    defaultValue: 16 * MIB,
    description: "Bytes that may wait for a slow private session before it is closed.",
  }),

  sessionRatePerSecond: integer({
    group: "Limits",
    unit: "messages/s",
    min: 0,
    max: 10_000_000,
    zero: "no limit",
    defaultValue: 200_000,
    description: "Messages a second from one session.",
  }),
  keyRatePerSecond: integer({
    group: "Limits",
    unit: "messages/s",
    min: 0,
    max: 10_000_000,
    zero: "no limit",
    defaultValue: 200_000,
    description: "Messages a second from all sessions of one key.",
  }),
  addressRatePerSecond: integer({
    group: "Limits",
    unit: "messages/s",
    min: 0,
    max: 10_000_000,
    zero: "no limit",
    defaultValue: 1_000_000,
    description: "Messages a second from one address.",
  }),
  rateBurstMs: integer({
    group: "Limits",
    unit: "ms",
    min: 10,
    max: 60_000,
    defaultValue: 1_000,
    description: "How long a limit may be saved up: a burst is the rate times this.",
  }),

  logLevel: choice({
    group: "Logs",
    values: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    defaultValue: "info",
    description: "Least severe messages that are logged.",
  }),
  logFormat: choice({
    group: "Logs",
    values: ["auto", "json", "pretty"],
    defaultValue: "auto",
    description: "Logs as JSON lines, for reading, or for reading on a terminal only.",
  }),
} satisfies Record<string, Setting<never> | Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

/** One value for every setting. */
export type Config = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name]["defaultValue"];
};

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** The setting with its values' type put aside: for code that treats all alike. */
export function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name] as unknown as Setting<unknown>;
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** "dataDir" is `--data`, "riskWorkers" is `--risk-workers`. */
export function flagOf(name: SettingName): string {
  return settingOf(name).flag ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** "riskWorkers" is `CROSSBOOK_RISK_WORKERS`. */
export function variableOf(name: SettingName): string {
  return `CROSSBOOK_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
