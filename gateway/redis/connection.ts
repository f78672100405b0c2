import { Command, Redis, type RedisOptions } from "ioredis";
import type { RedisNodes } from "./access.ts";
import { type Anchor, anchorId } from "./anchor-queue.ts";
import type { Batch } from "./batch.ts";
import { SocketConnector } from "./connector.ts";
import { RedisUnavailable } from "./errors.ts";
import { type StreamKeys, streamKeys } from "./keys.ts";
import { ANCHOR_SCRIPT, APPEND_SCRIPT, CLAIM_SCRIPT } from "./scripts.ts";
import { type EventId, formatEventId } from "./stream-id.ts";

/** A command that has the form of the wire already: the library would take it apart and make it anew. */
class EncodedCommand extends Command {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    super("EVALSHA", [], { replyEncoding: "utf8" });
    this.#bytes = bytes;
  }

  override toWritable(): Buffer {
    return this.#bytes;
  }
}

/** One entry of a stream. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

/**
 * One connection, from its opening to its first fault: nothing is queued while it is not there,
 * nothing is sent a second time, and it never comes back. Whoever holds it opens another one and
 * looks where Redis stands.
 */
export class RedisConnection {
  readonly keys: StreamKeys;
  readonly #client: Redis;
  readonly #timeoutMs: number;
  #claimSha = "";
  #appendSha = "";
  #anchorSha = "";

  private constructor(client: Redis, keys: StreamKeys, timeoutMs: number) {
    this.keys = keys;
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Opens a connection and loads the scripts. Rejects where that is not done within `timeoutMs`.
   * signal: closes the connection at once, also while it is being opened. onClosed: called once,
   * whenever the connection has ended.
   */
  static async open(
    nodes: RedisNodes,
    prefix: string,
    timeoutMs: number,
    signal: AbortSignal,
    onClosed: () => void,
  ): Promise<RedisConnection> {
    const options = {
      protocol: 2,
      replyMapping: "legacy",
      lazyConnect: true,
      enableReadyCheck: false, // the first script says whether Redis is ready
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      retryStrategy: null,
      maxRetriesPerRequest: 0,
      connectTimeout: timeoutMs,
      disableClientInfo: true,
      connectionName: "crossbook",
      Connector: SocketConnector,
    } satisfies RedisOptions;
    const client = new Redis({ ...options, ...nodes.options() });
    let lastError: Error | undefined;
    client.on("error", (error: Error) => {
      lastError = error;
    });
    const disconnect = () => client.disconnect(false);
    client.once("end", () => {
      signal.removeEventListener("abort", disconnect);
      onClosed();
    });
    signal.addEventListener("abort", disconnect, { once: true });
    const connection = new RedisConnection(client, streamKeys(prefix), timeoutMs);
    try {
      await connection.#inTime(client.connect());
      connection.#claimSha = String(await connection.call("SCRIPT", ["LOAD", CLAIM_SCRIPT]));
      connection.#appendSha = String(await connection.call("SCRIPT", ["LOAD", APPEND_SCRIPT]));
      connection.#anchorSha = String(await connection.call("SCRIPT", ["LOAD", ANCHOR_SCRIPT]));
    } catch (error) {
      connection.close();
      throw lastError ?? error;
    }
    return connection;
  }

  /** Rejects with the error of Redis, or with RedisUnavailable after the time limit. */
  call(name: string, values: readonly (string | Buffer)[]): Promise<unknown> {
    return this.#inTime(this.#client.call(name, values as (string | Buffer)[]));
  }

  claim(keys: readonly string[], values: readonly string[]): Promise<unknown> {
    return this.call("EVALSHA", [this.#claimSha, String(keys.length), ...keys, ...values]);
  }

  /** No time limit of its own: the publisher watches all that is under way together. */
  append(batch: Batch, owner: string): Promise<unknown> {
    const { keys, argumentCount } = batch;
    const first = ["EVALSHA", this.#appendSha, String(keys.length), ...keys, owner];
    const head = first.map((text) => `$${text.length}\r\n${text}\r\n`).join("");
    const count = Buffer.from(`*${first.length + argumentCount}\r\n${head}`, "latin1");
    const command = new EncodedCommand(Buffer.concat([count, batch.arguments]));
    return this.#client.sendCommand(command) as Promise<unknown>;
  }

  /** Nor has this one. */
  appendAnchor(
    owner: string,
    after: EventId,
    anchor: Anchor,
    keepEntries: number,
  ): Promise<unknown> {
    const { seq, block, chain, timestamp } = anchor;
    const ids = [formatEventId(after), formatEventId(anchorId(anchor))];
    const values = [owner, ...ids, ...[seq, block, chain, timestamp, keepEntries].map(String)];
    const keys = [this.keys.directory, this.keys.events, this.keys.anchors];
    return this.#client.call("EVALSHA", [this.#anchorSha, String(keys.length), ...keys, ...values]);
  }

  async hash(key: string): Promise<Map<string, string>> {
    const reply = (await this.call("HGETALL", [key])) as string[];
    return new Map(pairs(reply));
  }

  async binaryHash(key: string): Promise<Map<string, Buffer>> {
    const reply = (await this.#inTime(this.#client.callBuffer("HGETALL", key))) as Buffer[];
    return new Map(pairs(reply).map(([field, value]) => [field.toString(), value]));
  }

  /** The last id the stream has given; null: there is no such stream. */
  async lastId(stream: string): Promise<string | null> {
    try {
      const reply = (await this.call("XINFO", ["STREAM", stream])) as unknown[];
      return String(new Map(pairs(reply)).get("last-generated-id"));
    } catch (error) {
      if (error instanceof Error && error.message.includes("no such key")) return null;
      throw error;
    }
  }

  /** null: the stream holds no entry. */
  async lastEntry(stream: string): Promise<StreamEntry | null> {
    const reply = (await this.#inTime(
      this.#client.callBuffer("XREVRANGE", stream, "+", "-", "COUNT", "1"),
    )) as [Buffer, Buffer[]][];
    const entry = reply[0];
    if (entry === undefined) return null;
    const fields = pairs(entry[1]).map(([name, value]) => [name.toString(), value] as const);
    return { id: entry[0].toString(), fields: new Map(fields) };
  }

  /** At once; what is under way rejects. */
  close(): void {
    this.#client.disconnect(false);
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new RedisUnavailable(`no answer within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }
}

function pairs<T>(flat: readonly T[]): [T, T][] {
  const result: [T, T][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) result.push([flat[i] as T, flat[i + 1] as T]);
  return result;
}
