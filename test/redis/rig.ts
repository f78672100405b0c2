// A real `crossbook serve` under load, a real redis-server, and a network between them that can fail.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerStatus } from "../../gateway/http/server-status.ts";
import { createKey } from "../../gateway/keys/key-creation.ts";
import { ACCOUNTS, defineMarket } from "../crash/set-up.ts";
import type { Key } from "../crash/wire.ts";
import { RedisProcess } from "../processes/redis-process.ts";
import { ServerProcess } from "../processes/server-process.ts";
import { FlakyProxy } from "../simulation/flaky-proxy.ts";
import type { Random } from "../simulation/random.ts";
import { Load } from "./load.ts";
import { checkStreams, type StreamCounts } from "./streams.ts";

/** Short, so that a Redis that hangs is left soon. */
export const TIMEOUT_MS = 1_000;
const WAIT_MS = 30_000;
const POLL_MS = 25;

export type Health = ServerStatus;

export class Rig {
  readonly random: Random;
  readonly directory: string;
  redis: RedisProcess;
  readonly proxy: FlakyProxy;
  /** What others have trimmed away since the streams were last written from the start. */
  readonly trimmed = new Map<string, string>();
  #server: ServerProcess | null = null;
  #load: Load | null = null;
  #ordersBefore = 0;
  #starts = 0;
  #url = "";
  #key: Key | null = null;

  private constructor(random: Random, directory: string, redis: RedisProcess, proxy: FlakyProxy) {
    this.random = random;
    this.directory = directory;
    this.redis = redis;
    this.proxy = proxy;
  }

  /** directory: empty, for data and logs. */
  static async start(random: Random, directory: string): Promise<Rig> {
    const redis = await RedisProcess.start();
    const rig = new Rig(random, directory, redis, await FlakyProxy.to(redis.port));
    rig.#key = await key(rig.dataDir, "trader", ACCOUNTS.shared);
    const admin = await key(rig.dataDir, "admin", ACCOUNTS.admin);
    await rig.#startProcess();
    await defineMarket(rig.#url, admin);
    await rig.#startLoad();
    return rig;
  }

  get dataDir(): string {
    return path.join(this.directory, "data");
  }

  get server(): ServerProcess {
    if (this.#server === null) throw new Error("the server is not running");
    return this.#server;
  }

  get load(): Load {
    if (this.#load === null) throw new Error("there is no load");
    return this.#load;
  }

  get orders(): number {
    return this.#ordersBefore + (this.#load?.orders ?? 0);
  }

  async startServer(): Promise<void> {
    await this.#startProcess();
    await this.#startLoad();
  }

  async #startProcess(): Promise<void> {
    const log = path.join(this.directory, `server-${this.#starts++}.log`);
    const flags = ["--redis", `redis://127.0.0.1:${this.proxy.port}`];
    flags.push("--redis-timeout-ms", String(TIMEOUT_MS), "--durability", "os");
    this.#server = new ServerProcess(this.dataDir, log, flags);
    this.#url = (await this.#server.ready()).url;
  }

  async #startLoad(): Promise<void> {
    this.#load = await Load.connect(this.#url, this.#key as Key, this.random);
  }

  /** By SIGTERM, or by kill -9, with orders under way if there are any. */
  async endServer(how: "stop" | "kill"): Promise<void> {
    if (how === "stop") {
      await this.load.stop();
      this.#dropLoad();
      await this.server.stop();
    } else {
      await this.server.kill();
      this.#dropLoad();
    }
    this.#server = null;
  }

  async close(): Promise<void> {
    this.#load?.close();
    await this.#server?.kill();
    await this.proxy.close();
    await this.redis.remove();
  }

  async health(): Promise<Health> {
    const response = await fetch(new URL("/healthz", this.#url.replace(/^ws/, "http")));
    return (await response.json()) as Health;
  }

  async metrics(): Promise<string> {
    const response = await fetch(new URL("/metrics", this.#url.replace(/^ws/, "http")));
    return response.text();
  }

  /** Looks at /healthz until it is as wanted. Throws with `what` and the last look after half a minute. */
  async until(what: string, isSo: (health: Health) => boolean): Promise<Health> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const health = await this.health();
      if (isSo(health)) return health;
      if (performance.now() > deadline) {
        throw new Error(`${what}: not within ${WAIT_MS} ms; ${JSON.stringify(health.redis)}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Publishing is under way: a batch came through since now. */
  async untilPublishing(): Promise<void> {
    const { redis } = await this.health();
    await this.until("publishing", (now) => now.redis.batches > redis.batches + 1);
  }

  /** The publisher has met a fault whose reason contains the text. */
  async untilReason(text: string): Promise<string> {
    const health = await this.until(`waits for ${text}`, ({ redis }) =>
      (redis.reason ?? "").includes(text),
    );
    return health.redis.reason as string;
  }

  /** Everything that was ordered has been published; a further order goes with it. */
  async settled(): Promise<Health> {
    await this.load.stop();
    await this.load.send(5);
    const { eventSeq } = this.load; // orders are answered a little before their events are logged
    return this.until("everything published", ({ redis, log }) => {
      const isAll = log.lastSeq >= eventSeq && redis.publishedEvents === log.eventCount;
      return redis.code !== null || (redis.state === "publishing" && isAll);
    });
  }

  check(): Promise<StreamCounts> {
    return checkStreams(this.redis.client, this.dataDir, this.trimmed);
  }

  /** Last id of crossbook:events; 0-0: there is none. */
  async lastPublished(redis = this.redis): Promise<string> {
    const found = await redis.client.xrevrange("crossbook:events", "+", "-", "COUNT", 1);
    return found[0]?.[0] ?? "0-0";
  }

  /** Log lines of the present server at level error that name a halt. */
  haltLines(): readonly Record<string, unknown>[] {
    return this.server.log().filter(({ msg }) => String(msg).includes("has halted"));
  }

  /** As the next start finds them: nobody may have written to them since. */
  saveData(): void {
    fs.rmSync(this.#savedDir, { recursive: true, force: true });
    fs.cpSync(this.dataDir, this.#savedDir, { recursive: true });
  }

  restoreData(): void {
    fs.rmSync(this.dataDir, { recursive: true, force: true });
    fs.renameSync(this.#savedDir, this.dataDir);
  }

  get #savedDir(): string {
    return path.join(this.directory, "saved");
  }

  #dropLoad(): void {
    this.#ordersBefore = this.orders;
    this.#load?.close();
    this.#load = null;
  }
}

async function key(dataDir: string, role: "admin" | "trader", account: number): Promise<Key> {
  fs.mkdirSync(dataDir, { recursive: true });
  const request = { account, role, algorithm: "hmac", allAccounts: role === "admin" } as const;
  return (await createKey(dataDir, request, Date.now() * 1000)) as Key;
}

/** Seq first, then index, as Redis orders them. */
export function isBefore(a: string, b: string): boolean {
  const [seqA, indexA] = a.split("-").map(Number) as [number, number];
  const [seqB, indexB] = b.split("-").map(Number) as [number, number];
  return seqA === seqB ? indexA < indexB : seqA < seqB;
}
