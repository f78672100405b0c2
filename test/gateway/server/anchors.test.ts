// A real `crossbook serve` and a real Redis: both hold anchors, and the journal holds to them.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { COMMAND_HEADER_REQUEST_ID_OFFSET } from "../../../protocol/generated/headers.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { forgeEventLog, forgeJournal } from "../../replay/forger.ts";
import { crossbook, jsonLines } from "./cli/crossbook.ts";
import { PrivateClient } from "./private-client.ts";

let folder: string;
let servers: ServerProcess[];
let redis: RedisProcess;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-anchors-"));
  servers = [];
  redis = await RedisProcess.start();
});
afterEach(async () => {
  for (const server of servers) await server.kill();
  await redis.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const data = () => path.join(folder, "data");
const logFile = () => path.join(folder, "server.log");

async function start(): Promise<[ServerProcess, PrivateClient]> {
  const flags = ["--demo", "--durability", "os", "--redis", redis.url];
  const server = new ServerProcess(data(), logFile(), flags);
  servers.push(server);
  const { url } = await server.ready();
  return [server, await PrivateClient.logOn(url, path.join(data(), "demo", "trader-1.json"))];
}

const order = {
  type: "newOrder",
  symbol: "BTC-USD",
  side: "buy",
  orderType: "limit",
  quantity: "0.5",
  price: "64000.5",
};

/** Orders until there are so many anchors: two seconds, or more where the machine is busy. */
async function trade(client: PrivateClient, anchors: number): Promise<void> {
  while (logged().length < anchors) {
    await client.sendAll([order, { ...order, side: "sell" }]);
    await sleep(200);
  }
}

const logged = () =>
  jsonLines(fs.readFileSync(logFile(), "utf8")).filter(({ msg }) => msg === "anchor");

test("the log and Redis hold anchors once a second, over kill -9, and an edit is found by either", async () => {
  const [first, client] = await start();
  await trade(client, 3);
  await first.kill();
  const afterKill = logged().length;
  const [second, again] = await start();
  await again.sendAll([order]);
  // Opened, the mark of a quiet journal; the last comes with the end.
  while (logged().length < afterKill + 2) await sleep(100);
  await second.stop();
  expect(logged().length).toBeGreaterThan(afterKill + 2);
  const verify = (anchors: string) =>
    crossbook(["journal", "verify", data(), "--anchors", anchors]);
  expect(await verify(logFile())).toMatchObject({ status: 0, stderr: "" });

  const { port } = new URL(redis.url);
  const { stdout } = spawnSync(
    "redis-cli",
    ["-p", port, "--json", "XRANGE", "crossbook:anchors", "-", "+"],
    { encoding: "utf8" },
  );
  const exported = path.join(folder, "redis.json");
  fs.writeFileSync(exported, stdout);
  const result = await verify(exported);
  expect(result).toMatchObject({ status: 0, stderr: "" });
  const count = Number(/^anchors +(\d+) hold$/m.exec(result.stdout)?.[1]);
  expect(count).toBeGreaterThanOrEqual(3);

  // One field of one command changes, and with it everything that rests on it.
  const disk = new NodeDisk();
  forgeJournal(disk, data(), 20, (view, offset) => {
    const at = offset + COMMAND_HEADER_REQUEST_ID_OFFSET;
    view.setUint32(at, view.getUint32(at, true) + 1, true);
  });
  forgeEventLog(disk, data());
  expect((await crossbook(["journal", "verify", data()])).status).toBe(0);
  // The snapshots know the chain, too; whoever can forge journals can take those away.
  expect((await crossbook(["replay", data(), "--verify"])).status).toBe(65);
  fs.rmSync(path.join(data(), "snapshots"), { recursive: true });
  expect((await crossbook(["replay", data(), "--verify"])).status).toBe(0);
  for (const file of [logFile(), exported]) {
    const found = await verify(file);
    expect(found.status).toBe(65);
    expect(found.stderr).toMatch(/the anchor of seq \d+ \(block \d+, 20\S+\) does not hold/);
    const replay = await crossbook(["replay", data(), "--verify", "--anchors", file]);
    expect([replay.status, replay.stderr]).toEqual([65, found.stderr]);
  }
}, 180_000);
