// Snapshots of a real server: made beside it, and what it starts from.
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crc32c } from "../../../engine/journal/checksum.ts";
import { crossbook } from "../../processes/command-line.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { PrivateClient } from "./private-client.ts";

let folder: string;
let servers: ServerProcess[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-snapshots-"));
  servers = [];
});

afterEach(async () => {
  for (const server of servers) await server.kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

const dataDir = () => path.join(folder, "data");
const snapshotFiles = () => {
  const directory = path.join(dataDir(), "snapshots");
  return fs.existsSync(directory) ? fs.readdirSync(directory).sort() : [];
};
const snapshotPath = (name: string) => path.join(dataDir(), "snapshots", name);

function start(...flags: string[]): ServerProcess {
  const log = path.join(folder, `server-${servers.length}.log`);
  const server = new ServerProcess(dataDir(), log, ["--redis", "off", "--demo", ...flags]);
  servers.push(server);
  return server;
}

/** Where it started from: seq of the snapshot, and commands after it. */
function replayed(server: ServerProcess) {
  const line = server.log().find((one) => one.msg === "the journal is replayed");
  return line as unknown as { snapshotSeq: number; commands: number };
}

function stopped(server: ServerProcess) {
  return server.log().findLast((line) => line.msg === "stopped") as Record<string, unknown>;
}

async function session(server: ServerProcess) {
  const { url } = await server.ready();
  return PrivateClient.logOn(url, path.join(dataDir(), "demo", "trader-1.json"));
}

const order = (clientOrderId: number, side: string, price: string) => ({
  ...{ type: "newOrder", clientOrderId, side, price, quantity: "0.2" },
  ...{ symbol: "BTC-USD", orderType: "limit" },
});

async function trade(server: ServerProcess, commands: readonly object[]) {
  const client = await session(server);
  const events = await client.sendAll(commands);
  client.close();
  return events;
}

/** As whole as before, but with another hash of its block. */
function withOtherChain(bytes: Uint8Array): Uint8Array {
  bytes[160] = (bytes[160] as number) ^ 1;
  const words = new Int32Array(bytes.buffer, 0, 64);
  words[63] = crc32c(words, 0, 63, 0);
  const end = bytes.length - 32;
  bytes.set(createHash("sha256").update(bytes.subarray(0, end)).digest(), end);
  return bytes;
}

/** A server that has made a snapshot at its end, twice. */
async function twoRuns(): Promise<void> {
  for (const [first, second] of [
    [1, 2],
    [3, 4],
  ] as const) {
    const server = start("--snapshot-interval-ms", "0"); // none while it is quiet
    await trade(server, [order(first, "buy", "63990"), order(second, "sell", "64010")]);
    await server.stop();
  }
  expect(snapshotFiles()).toHaveLength(2);
}

describe("a server with snapshots", () => {
  it("starts from the last one, knows its orders, and replays to the same hashes", async () => {
    await twoRuns();
    const third = start("--risk-workers", "3");
    const events = await trade(third, [
      { type: "cancelOrder", clientOrderId: 1 },
      order(5, "buy", "64010"),
      order(6, "buy", "64010"),
    ]);
    expect(events.map(({ type }) => type)).toEqual([
      "canceled",
      "accepted",
      "trade",
      "trade",
      "accepted",
    ]);
    await third.stop();
    expect(replayed(third).snapshotSeq).toBeGreaterThan(0);
    expect(replayed(third).commands).toBe(0);

    const check = stopped(third);
    const { stdout } = await crossbook([
      "replay",
      dataDir(),
      "--json",
      "--verify",
      "--from",
      "genesis",
    ]);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result.stateHash).toBe(check.stateHash);
    expect(result.eventHash).toBe(check.eventHash);
    expect(result.lastSeq).toBe(check.lastSeq);
    expect((result.verified as { snapshots: number }).snapshots).toBe(snapshotFiles().length);
    // From a snapshot it comes to the same, to the end and to a seq in the middle.
    const [older] = snapshotFiles() as [string];
    const middle = String(Number.parseInt(older, 10) + 3);
    for (const to of [[], ["--to", middle]]) {
      const [quick, whole] = await Promise.all(
        ["snapshot", "genesis"].map(async (from) => {
          const args = ["replay", dataDir(), "--json", "--verify", "--from", from, ...to];
          return JSON.parse((await crossbook(args)).stdout) as Record<string, unknown>;
        }),
      );
      expect(quick?.snapshotSeq).toBeGreaterThan(0);
      expect(whole?.snapshotSeq).toBe(0);
      for (const field of ["lastSeq", "events", "trades", "stateHash", "eventHash", "anchor"]) {
        expect(quick?.[field], field).toEqual(whole?.[field]);
      }
    }
  });

  it("replays what came after it when it was killed", async () => {
    await twoRuns();
    const third = start();
    await trade(third, [order(5, "buy", "64010")]);
    await third.kill();
    const fourth = start();
    await fourth.ready();
    expect(replayed(fourth).snapshotSeq).toBeGreaterThan(0);
    expect(replayed(fourth).commands).toBeGreaterThan(0);
    const [canceled] = await trade(fourth, [{ type: "cancelOrder", clientOrderId: 4 }]);
    expect(canceled).toMatchObject({ type: "canceled", clientOrderId: 4 });
    await fourth.stop();
    await crossbook(["replay", dataDir(), "--verify", "--from", "genesis"]);
  });

  it("passes over a damaged one and says so, and starts without any", async () => {
    await twoRuns();
    const [older, newer] = snapshotFiles() as [string, string];
    const bytes = fs.readFileSync(snapshotPath(newer));
    bytes[700] = (bytes[700] as number) ^ 4;
    fs.writeFileSync(snapshotPath(newer), bytes);
    const third = start();
    await third.ready();
    expect(replayed(third).snapshotSeq).toBe(Number.parseInt(older, 10));
    const refused = third.log().find((line) => line.msg === "a snapshot is passed over");
    expect(refused).toMatchObject({ path: snapshotPath(newer) });
    await third.kill();

    fs.rmSync(path.join(dataDir(), "snapshots"), { recursive: true });
    const fourth = start();
    const [canceled] = await trade(fourth, [{ type: "cancelOrder", clientOrderId: 3 }]);
    expect(canceled).toMatchObject({ type: "canceled", clientOrderId: 3 });
    expect(replayed(fourth).snapshotSeq).toBe(0);
  });

  it("refuses a snapshot that was made of another journal", async () => {
    await twoRuns();
    const [, newer] = snapshotFiles() as [string, string];
    const bytes = new Uint8Array(fs.readFileSync(snapshotPath(newer)));
    fs.writeFileSync(snapshotPath(newer), withOtherChain(bytes));
    const third = start();
    const exit = await third.exited;
    expect(exit.code).toBe(65);
    expect(third.logTail()).toContain("was made of another journal");
  });

  it("makes one on command while it runs, and keeps the idempotency of requests", async () => {
    const first = start();
    const { url } = await first.ready();
    const admin = await PrivateClient.logOn(url, path.join(dataDir(), "demo", "admin.json"));
    await trade(first, [order(1, "buy", "63990"), order(2, "buy", "63990")]);
    await admin.sendAll([{ type: "snapshot" }]);
    admin.close();
    const made = await first.waitFor(
      () => first.log().find((line) => line.msg === "a snapshot is taken") ?? null,
      10_000,
    );
    expect(made).not.toBeNull();
    expect(snapshotFiles().length).toBeGreaterThan(0);
    await first.kill();
    const second = start();
    const client = await session(second);
    expect(replayed(second).snapshotSeq).toBeGreaterThan(0);
    // The client counts on from what `loggedOn` says was its last request.
    const [answer] = await client.sendAll([order(3, "buy", "63990")]);
    expect(answer).toMatchObject({ type: "accepted", requestId: 3 });
    client.close();
  });
});
