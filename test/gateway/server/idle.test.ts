import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { cpuSeconds } from "../../../bench/machine.ts";
import { BENCH_SYMBOL, BenchServer } from "../../../bench/server.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { CrossbookClient } from "../../../gateway/client/index.ts";
import { replayDirectory } from "../../../replay/replay.ts";

const QUIET_MS = 1500;

let server: BenchServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

describe.each(["shared", "dedicated"])("a server whose threads spin, threading %s", (threading) => {
  test("does not sleep while it is quiet, trades, and stops", async () => {
    server = await BenchServer.start({
      durability: "fsync",
      clients: 1,
      parentDirectory: os.tmpdir(),
      flags: ["--threading", threading, "--idle", "spin", "--redis", "off"],
    });
    const before = cpuSeconds(server.pid);
    await sleep(QUIET_MS);
    // Two cores or more, of which other tests take their part; one that sleeps takes a hundredth.
    expect(cpuSeconds(server.pid) - before).toBeGreaterThan(QUIET_MS / 4000);
    const [key] = server.keys;
    const client = new CrossbookClient({ url: server.url, key: JSON.stringify(key) });
    await client.connect();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () =>
        client.send({
          type: "newOrder",
          symbol: BENCH_SYMBOL,
          side: "buy",
          orderType: "limit",
          price: "10",
          quantity: "1",
        }),
      ),
    );
    expect(outcomes.every(({ type }) => type === "accepted")).toBe(true);
    client.close();
    const { result } = replayDirectory(new NodeDisk(), server.directory, { verify: false });
    expect(result.lastSeq).toBeGreaterThan(50);
  });
});
