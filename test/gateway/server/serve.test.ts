// `crossbook serve` as a real process: start, orders, stop, restart, and what must refuse to start.
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandFailed, crossbook } from "../../processes/command-line.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { PrivateClient } from "./private-client.ts";

let folder: string;
let servers: ServerProcess[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-serve-"));
  servers = [];
});

afterEach(async () => {
  for (const server of servers) await server.kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

const dataDir = () => path.join(folder, "data");

function start(...flags: string[]): ServerProcess {
  const log = path.join(folder, `server-${servers.length}.log`);
  const server = new ServerProcess(dataDir(), log, ["--redis", "off", ...flags]);
  servers.push(server);
  return server;
}

async function health(server: ServerProcess) {
  const { url } = await server.ready();
  const answer = await fetch(`${url.replace("ws:", "http:")}/healthz`);
  return (await answer.json()) as Record<string, unknown> & {
    check: { seq: number; stateHash: string; eventHash: string };
  };
}

function lastLogLine(server: ServerProcess) {
  return server.log().findLast((line) => line.msg === "stopped") as Record<string, unknown>;
}

const ORDERS = [
  { type: "newOrder", clientOrderId: 1, side: "sell", quantity: "0.5", price: "64000" },
  { type: "newOrder", clientOrderId: 2, side: "buy", quantity: "0.2", price: "64000" },
  { type: "newOrder", clientOrderId: 3, side: "buy", quantity: "0.1", price: "63999.5" },
].map((order) => ({ ...order, symbol: "BTC-USD", orderType: "limit" }));

async function trade(server: ServerProcess, commands: readonly object[]) {
  const { url } = await server.ready();
  const client = await PrivateClient.logOn(url, path.join(dataDir(), "demo", "trader-1.json"));
  const events = await client.sendAll(commands);
  client.close();
  return events;
}

describe("serve", () => {
  it("answers orders, and after a stop comes back with the same book and the same hashes", async () => {
    const first = start("--demo");
    const events = await trade(first, ORDERS);
    expect(events.map(({ type }) => type)).toEqual([
      "accepted",
      "accepted",
      "trade",
      "trade",
      "accepted",
    ]);
    await first.stop();
    expect(fs.existsSync(path.join(dataDir(), "serve.json"))).toBe(false);
    const stopped = lastLogLine(first);

    const second = start("--demo");
    await second.ready();
    const [canceled] = await trade(second, [
      { type: "cancelOrder", clientOrderId: 1 },
      { type: "cancelOrder", clientOrderId: 2 },
    ]);
    expect(canceled).toMatchObject({ type: "canceled", clientOrderId: 1, quantity: "0.3" });
    await second.stop();
    expect(stopped.eventHash).toMatch(/^[0-9a-f]{32}$/);
    expect(lastLogLine(second).eventHash).not.toBe(stopped.eventHash);
    expect(lastLogLine(second).events).toBe((stopped.events as number) + 2);
  });

  it("an acknowledged order is there after kill -9", async () => {
    const first = start("--demo");
    const events = await trade(first, ORDERS);
    await first.kill();

    const second = start("--demo");
    const { url } = await second.ready();
    const client = await PrivateClient.logOn(url, path.join(dataDir(), "demo", "trader-1.json"), {
      seq: 0,
      index: 0,
    });
    const replayed = await client.sendAll([{ type: "cancelOrder", clientOrderId: 3 }]);
    client.close();
    expect(replayed.slice(-1)).toMatchObject([{ type: "canceled", clientOrderId: 3 }]);
    const own = replayed.filter(({ clientOrderId }) => clientOrderId !== undefined);
    expect(own.slice(0, -1)).toEqual(events);
  });

  it("tells the hashes of its last check once it is quiet", async () => {
    const server = start("--demo");
    await trade(server, ORDERS);
    await expect
      .poll(async () => (await health(server)).check.seq, { timeout: 5000 })
      .toBeGreaterThan(0);
    const { lastSeq, check } = await health(server);
    expect(check.seq).toBe(lastSeq);
    expect(check.stateHash).toMatch(/^[0-9a-f]{32}$/);
  });

  it("a second server on the same directory refuses with status 75", async () => {
    const first = start();
    await first.ready();
    const second = start();
    expect(await second.exited).toEqual({ code: 75, signal: null });
    expect(second.logTail()).toContain(`in use by process ${first.pid}`);
    expect(first.isAlive).toBe(true);
  });

  it("a port that is taken is named, with status 74", async () => {
    const other = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as net.AddressInfo;
    const server = start("--port", String(port));
    expect((await server.exited).code).toBe(74);
    expect(server.logTail()).toContain(String(port));
    other.close();
  });

  it("a wrong setting is named with what is allowed, with status 64", async () => {
    const server = start("--durability", "sometimes");
    expect((await server.exited).code).toBe(64);
    expect(server.logTail()).toContain("allowed: fsync, os, none");
    expect(fs.existsSync(dataDir())).toBe(false);
  });

  it("a directory keeps the capacities it was made with", async () => {
    const first = start("--capacity-orders", "100");
    await first.ready();
    await first.stop();
    const second = start("--capacity-orders", "200");
    await second.ready();
    const warning = second.log().find(({ level }) => level === 40);
    expect(warning).toMatchObject({ capacity: { orders: 100 } });
    await second.stop();
  });

  it("durability none does not go on with a journal", async () => {
    const first = start();
    await first.ready();
    await first.stop();
    const second = start("--durability", "none");
    expect((await second.exited).code).toBe(65);
    expect(second.logTail()).toContain("holds a journal");
  });

  it("prints the configuration in force", async () => {
    const { stdout } = await crossbook(["serve", "--print-config", "--risk-workers", "2"]);
    expect(JSON.parse(stdout)).toMatchObject({ riskWorkers: 2, durability: "fsync" });
    const made = start("--capacity-orders", "1234");
    await made.ready();
    await made.stop();
    const inForce = await crossbook(["serve", "--print-config", "--data", dataDir()]);
    expect(JSON.parse(inForce.stdout)).toMatchObject({ capacityOrders: 1234 });
    expect(inForce.stderr).toContain("capacityOrders = 1234");
    await expect(crossbook(["serve", "--no-such-flag"])).rejects.toThrow(CommandFailed);
    await expect(crossbook(["serve", "--no-such-flag"])).rejects.toMatchObject({ exitCode: 64 });
  });
});
