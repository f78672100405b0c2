// A real `crossbook serve` and a real Redis: what is in the event log is in the streams, once.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventsPath } from "../../../engine/journal/data-directory.ts";
import { EventLogReader } from "../../../engine/journal/event-log-reader.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { lengthAt, viewOf } from "../../../gateway/redis/records.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { expectExactlyOnce } from "../redis/expectations.ts";
import { PrivateClient } from "./private-client.ts";

let folder: string;
let servers: ServerProcess[];
let redis: RedisProcess | null;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-serve-redis-"));
  servers = [];
  redis = null;
});
afterEach(async () => {
  for (const server of servers) await server.kill();
  await redis?.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const dataDir = () => path.join(folder, "data");

function start(...flags: string[]): ServerProcess {
  const log = path.join(folder, `server-${servers.length}.log`);
  const server = new ServerProcess(dataDir(), log, ["--demo", "--durability", "os", ...flags]);
  servers.push(server);
  return server;
}

async function logOn(server: ServerProcess): Promise<PrivateClient> {
  const { url } = await server.ready();
  return PrivateClient.logOn(url, path.join(dataDir(), "demo", "trader-1.json"));
}

/** Every second order trades with the one before. */
function* orders(count: number): Generator<object> {
  for (let n = 0; n < count; n++) {
    yield {
      type: "newOrder",
      symbol: n % 4 < 2 ? "BTC-USD" : "ETH-USD",
      side: n % 2 === 0 ? "buy" : "sell",
      orderType: "limit",
      quantity: "0.5",
      price: n % 4 < 2 ? "64000.5" : "3200.25",
    };
  }
}

function eventLog(): Uint8Array[] {
  const reader = new EventLogReader(new NodeDisk(), eventsPath(dataDir()));
  const records: Uint8Array[] = [];
  const buffer = new Uint8Array(1 << 16);
  const view = viewOf(buffer);
  for (let bytes = reader.read(buffer); bytes > 0; bytes = reader.read(buffer)) {
    for (let at = 0; at < bytes; at += lengthAt(view, at)) {
      records.push(buffer.slice(at, at + lengthAt(view, at)));
    }
  }
  reader.close();
  return records;
}

test("all events are in Redis once, over kill -9 of the server and of Redis", async () => {
  redis = await RedisProcess.start();
  const first = start("--redis", redis.url);
  const client = await logOn(first);
  await client.sendAll([...orders(200)]);
  void client.sendAll([...orders(400)]).catch(() => undefined);
  await sleep(20);
  await first.kill();

  const second = start("--redis", redis.url);
  await (await logOn(second)).sendAll([...orders(100)]);
  await redis.kill();
  await (await logOn(second)).sendAll([...orders(100)]); // Redis being away stops nobody
  await redis.restart();
  await second.stop();

  const records = eventLog();
  expect(records.length).toBeGreaterThan(600);
  await expectExactlyOnce(redis.client, records);
  // A quarter of the 400 answered orders trades there; how many of the others did, the kill decides.
  expect(await redis.client.xlen("crossbook:trades:BTC-USD")).toBeGreaterThanOrEqual(100);
});

test("without a URL a server of one's own is published to, and stops with the process", async () => {
  const server = start();
  const client = await logOn(server);
  await client.sendAll([...orders(100)]);
  const socketPath = path.join(dataDir(), "redis", "redis.sock");
  // Orders are taken before the server's Redis is up: its socket may still be missing.
  const own = new Redis({
    path: socketPath,
    protocol: 2,
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
  });
  own.on("error", () => undefined);
  for (let i = 0; i < 500 && (await own.xlen("crossbook:trades:BTC-USD")) < 25; i++)
    await sleep(10);
  expect(await own.xlen("crossbook:trades:BTC-USD")).toBe(25);
  own.disconnect();
  await server.stop();
  expect(fs.existsSync(socketPath)).toBe(false);
});
