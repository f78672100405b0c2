// A real server whose engine asserts on one order: at every start, until the order is taken out.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  FATAL_CLIENT_ORDER_ID,
  FAULT_MESSAGE,
  plantedFault,
} from "../../processes/planted-fault.ts";
import { RedisProcess } from "../../processes/redis-process.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { BIN, jsonLines } from "./cli/crossbook.ts";
import { PrivateClient } from "./private-client.ts";

let folder: string;
let servers: ServerProcess[];
let redis: RedisProcess;
let fault: string[];

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-skip-"));
  servers = [];
  redis = await RedisProcess.start();
  fault = plantedFault(folder);
});
afterEach(async () => {
  for (const server of servers) await server.kill();
  await redis.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const data = () => path.join(folder, "data");

function start(): ServerProcess {
  const log = path.join(folder, `server-${servers.length}.log`);
  const server = new ServerProcess(data(), log, ["--demo", "--redis", redis.url], fault);
  servers.push(server);
  return server;
}

async function logOn(server: ServerProcess): Promise<PrivateClient> {
  const { url } = await server.ready();
  return PrivateClient.logOn(url, path.join(data(), "demo", "trader-1.json"));
}

/** Every command here runs the same engine, fault and all. */
function crossbook(...args: string[]) {
  return spawnSync(process.execPath, [...fault, BIN, ...args], { encoding: "utf8" });
}

const order = {
  type: "newOrder",
  symbol: "BTC-USD",
  side: "buy",
  orderType: "limit",
  quantity: "0.5",
  price: "64000.5",
};

test("a command that makes the engine assert at every start is taken out, and the rest comes back", async () => {
  const first = start();
  const client = await logOn(first);
  const before = await client.sendAll([order, { ...order, side: "sell" }, order]);
  // Behind the fatal order come others, which the journal may still take: nobody is answered.
  const fatal = { ...order, clientOrderId: FATAL_CLIENT_ORDER_ID };
  void client.sendAll([fatal, order, order]).catch(() => undefined);
  expect(await first.exited).toEqual({ code: 70, signal: null });
  expect(first.logTail()).toContain(FAULT_MESSAGE);

  const again = start();
  expect(await again.exited).toEqual({ code: 70, signal: null });
  const dump = jsonLines(crossbook("journal", "dump", data()).stdout);
  const seq = dump.find(({ clientOrderId }) => clientOrderId === FATAL_CLIENT_ORDER_ID)?.seq;
  const lastSeq = dump.at(-1)?.seq as number;

  // The log names it, and so does a replay.
  const named = `the engine fails at seq ${seq}: ${FAULT_MESSAGE}`;
  expect(again.logTail()).toContain(named);
  const failing = crossbook("replay", data());
  expect([failing.status, failing.stdout]).toEqual([70, ""]);
  expect(failing.stderr).toContain(`crossbook: ${named}`);

  const wrong = crossbook("journal", "skip", data(), String((seq as number) - 1));
  expect(wrong.status).toBe(65);
  expect(wrong.stderr).toContain(`seq ${(seq as number) - 1} does not make the engine fail`);
  expect(crossbook("journal", "skip", data(), "99999").status).toBe(66);
  expect(crossbook("journal", "skip", data(), "none").status).toBe(64);
  expect(crossbook("journal", "verify", data()).stdout).not.toContain("taken out");

  const skip = crossbook("journal", "skip", data(), String(seq));
  expect([skip.status, skip.stderr]).toEqual([0, ""]);
  expect(skip.stdout).toMatch(
    new RegExp(`^command .*"clientOrderId":${FATAL_CLIENT_ORDER_ID}`, "m"),
  );
  expect(skip.stdout).toMatch(new RegExp(`^fails +${FAULT_MESSAGE}$`, "m"));
  const twice = crossbook("journal", "skip", data(), String(seq));
  expect([twice.status, twice.stdout]).toEqual([
    0,
    `seq ${seq} is taken out already, nothing was changed\n`,
  ]);
  expect(crossbook("journal", "verify", data()).stdout).toMatch(
    new RegExp(`^taken out +seq ${seq}, at 20`, "m"),
  );

  const second = start();
  const back = await logOn(second);
  const busy = crossbook("journal", "skip", data(), String(seq));
  expect(busy.status).toBe(75);
  await back.sendAll([order]);
  expect(second.log()).toContainEqual(
    expect.objectContaining({ msg: "commands are taken out of the journal", seqs: [seq] }),
  );
  await second.stop();

  // Journal, event log, replay and Redis agree: one rejection in its place, and all others.
  const replay = crossbook("replay", data(), "--verify", "--json");
  expect(JSON.parse(replay.stdout)).toMatchObject({ skipped: [seq], journal: "closed" });
  const events = jsonLines(crossbook("replay", data(), "--events").stdout);
  expect(events.filter((event) => event.seq === seq)).toMatchObject([
    {
      type: "rejected",
      index: 0,
      clientOrderId: FATAL_CLIENT_ORDER_ID,
      command: "newOrder",
      reason: "skipped",
    },
  ]);
  for (const { seq: at, index, type } of before) {
    expect(events).toContainEqual(expect.objectContaining({ seq: at, index, type }));
  }
  const orders = dump.filter(({ type, seq: at }) => type === "newOrder" && at !== seq);
  for (const { seq: at } of orders) {
    expect(events.find((event) => event.seq === at && event.index === 0)?.type).toBe("accepted");
  }
  expect(lastSeq).toBeLessThan(events.at(-1)?.seq as number);
  for (let i = 0; i < 200; i++) {
    const [last] = await redis.client.xrevrange("crossbook:events", "+", "-", "COUNT", 1);
    if (last?.[0] === `${events.at(-1)?.seq}-${events.at(-1)?.index}`) break;
    await sleep(10);
  }
  const batches = await redis.client.xrange("crossbook:events", "-", "+");
  const published = batches.reduce((sum, [, fields]) => sum + Number(fields[3]), 0);
  expect(published).toBe(events.length);
  // It stands in the journal as it was.
  const after = jsonLines(crossbook("journal", "dump", data(), "--from", String(seq)).stdout)[0];
  expect(after).toMatchObject({ seq, skipped: true, verdict: "passed", type: "newOrder" });
}, 180_000);
