// A real server that compresses what is old while it trades, and the command that does it by hand.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServerProcess } from "../../processes/server-process.ts";
import { crossbook } from "./cli/crossbook.ts";
import { PrivateClient } from "./private-client.ts";

let folder: string;
let servers: ServerProcess[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-compress-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

const data = () => path.join(folder, "data");

function start(...flags: string[]): ServerProcess {
  const log = path.join(folder, `server-${servers.length}.log`);
  const all = ["--demo", "--durability", "os", "--redis", "off", "--segment-bytes", "1048576"];
  const server = new ServerProcess(data(), log, [...all, ...flags]);
  servers.push(server);
  return server;
}

const packed = () =>
  ["journal", "events"].map((name) =>
    fs.readdirSync(path.join(data(), name)).filter((file) => file.endsWith(".br")),
  );

/** One block of the journal for each order: 256 fill a segment. */
async function trade(client: PrivateClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await client.sendAll([
      {
        type: "newOrder",
        symbol: "BTC-USD",
        side: i % 2 === 0 ? "buy" : "sell",
        orderType: "limit",
        quantity: "0.5",
        price: "64000.5",
      },
    ]);
  }
}

test("old segments are compressed while the server trades, and everything reads them", async () => {
  const first = start("--compress-segments", "--snapshot-interval-ms", "200");
  const { url } = await first.ready();
  const key = path.join(data(), "demo", "trader-1.json");
  const client = await PrivateClient.logOn(url, key);
  for (let round = 0; round < 30 && packed()[0]?.length === 0; round++) {
    await trade(client, 300);
    await sleep(400);
  }
  expect(packed()[0]).toContain("00000001.journal.br");
  expect(first.log()).toContainEqual(
    expect.objectContaining({
      msg: "a segment is compressed",
      path: `${data()}/journal/00000001.journal`,
    }),
  );
  // Beside the running server, and again with what is missed from disk.
  expect((await crossbook(["journal", "verify", data()])).status).toBe(0);
  expect((await crossbook(["journal", "compress", data()])).status).toBe(75);
  await first.kill();

  const second = start();
  const again = await PrivateClient.logOn((await second.ready()).url, key, { seq: 1, index: 0 });
  await trade(again, 5);
  await second.stop();
  const before = packed().flat().length;
  const verified = await crossbook(["replay", data(), "--verify", "--json"]);
  expect(verified.status).toBe(0);

  const compress = await crossbook(["journal", "compress", data()]);
  expect([compress.status, compress.stderr]).toEqual([0, ""]);
  expect(compress.stdout).toMatch(/^compressed +\S+0000000\d\.journal: \d+ to \d+ bytes$/m);
  expect(packed().flat().length).toBeGreaterThan(before);
  const nothing = await crossbook(["journal", "compress", data()]);
  expect(nothing.stdout).toBe("no segment to compress, nothing was changed\n");
  const after = await crossbook(["replay", data(), "--verify", "--json"]);
  expect(JSON.parse(after.stdout)).toEqual(JSON.parse(verified.stdout));
  const third = start();
  await third.ready();
  await sleep(50);
  await third.stop();
  expect((await crossbook(["replay", data(), "--verify"])).status).toBe(0);
}, 180_000);

test("what cannot be compressed is said by the exit status", async () => {
  expect((await crossbook(["journal", "compress", path.join(folder, "none")])).status).toBe(66);
  expect((await crossbook(["journal", "compress", folder, "--to", "x"])).status).toBe(64);
});
