import fs from "node:fs";
import type { ConnectionOptions } from "node:tls";

/** How Redis is reached, as the settings have it. */
export interface RedisAccess {
  /** redis:// or rediss:// with one host or several, or unix:///path/of/socket: REDIS_URL_PATTERN. */
  readonly url: string;
  /** What the names of all keys begin with, before a colon. */
  readonly prefix: string;
  /** PEM files for rediss://; null: what Node trusts, no certificate of our own. */
  readonly tlsCaFile?: string | null;
  readonly tlsCertFile?: string | null;
  readonly tlsKeyFile?: string | null;
  /** Redis is taken for gone where it does not answer for so long. */
  readonly timeoutMs?: number;
}

const HOST = String.raw`(?:\[[0-9a-fA-F:.]+\]|[^\s,:/@?#[\]]+)(?::\d{1,5})?`;
const URL_PATTERN = new RegExp(
  String.raw`^(rediss?)://(?:(\S*)@)?(${HOST}(?:,${HOST})*)(?:/(\d{1,5})?)?$`,
);
const SOCKET_PATTERN = /^unix:\/\/(\/\S+)$/;
const DEFAULT_PORT = 6379;

/** One server and who we are to it. */
interface RedisTarget {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  readonly tls?: ConnectionOptions;
}

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** What a URL says; null: it is none that is understood. */
export interface RedisLocation {
  /** Path of the socket; then there are no addresses. */
  readonly socketPath: string | null;
  readonly addresses: readonly RedisAddress[];
  readonly isTls: boolean;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
}

export function parseRedisUrl(url: string): RedisLocation | null {
  const socketPath = SOCKET_PATTERN.exec(url)?.[1];
  if (socketPath !== undefined) {
    const path = decoded(socketPath);
    if (path === null) return null;
    const nobody = { username: null, password: null, database: 0 };
    return { socketPath: path, addresses: [], isTls: false, ...nobody };
  }
  const match = URL_PATTERN.exec(url);
  if (match === null) return null;
  const [, scheme, who = "", hosts, database = "0"] = match;
  const colon = who.indexOf(":");
  const username = decoded(colon < 0 ? who : who.slice(0, colon));
  const password = decoded(colon < 0 ? "" : who.slice(colon + 1));
  const addresses = (hosts as string).split(",").map(parseAddress);
  if (username === null || password === null || addresses.some(({ port }) => port > 65_535)) {
    return null;
  }
  return {
    socketPath: null,
    addresses,
    isTls: scheme === "rediss",
    username: username || null,
    password: password || null,
    database: Number(database),
  };
}

/** null: broken percent signs. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function parseAddress(text: string): RedisAddress {
  const [, ipv6, name, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text) as string[];
  return { host: (ipv6 ?? name) as string, port: port === undefined ? DEFAULT_PORT : Number(port) };
}

/**
 * The servers to be tried: those of the URL in turn, or the one to which a Redis Cluster has sent us.
 * Certificates are read anew for every connection, so that they may be renewed under way.
 */
export class RedisNodes {
  readonly #access: RedisAccess;
  readonly #location: RedisLocation;
  #place = 0;
  #sentTo: RedisAddress | null = null;

  constructor(access: RedisAccess) {
    const location = parseRedisUrl(access.url);
    if (location === null) throw new TypeError("the URL of Redis is not one that is understood");
    this.#access = access;
    this.#location = location;
  }

  /** Where to connect, and as whom. Throws where a certificate's file cannot be read. */
  options(): RedisTarget {
    const { socketPath, addresses, isTls, username, password, database } = this.#location;
    const credentials = {
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      db: database,
    };
    if (socketPath !== null) return { path: socketPath, ...credentials };
    const address = this.#sentTo ?? (addresses[this.#place % addresses.length] as RedisAddress);
    return { ...address, ...credentials, ...(isTls ? { tls: this.#certificates() } : {}) };
  }

  /** The last connection has failed: the next one of the URL is tried. */
  failed(): void {
    if (this.#sentTo === null) this.#place++;
    this.#sentTo = null;
  }

  /** Another node of the cluster has the keys. An empty host is the one that said so. */
  sentTo({ host, port }: RedisAddress): void {
    const { addresses } = this.#location;
    const from = this.#sentTo ?? addresses[this.#place % addresses.length];
    this.#sentTo = { host: host || (from?.host ?? "127.0.0.1"), port };
  }

  #certificates(): ConnectionOptions {
    const { tlsCaFile = null, tlsCertFile = null, tlsKeyFile = null } = this.#access;
    return {
      ...(tlsCaFile === null ? {} : { ca: fs.readFileSync(tlsCaFile) }),
      ...(tlsCertFile === null ? {} : { cert: fs.readFileSync(tlsCertFile) }),
      ...(tlsKeyFile === null ? {} : { key: fs.readFileSync(tlsKeyFile) }),
    };
  }
}
