import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { BENCH_SYMBOL, BenchServer } from "../../../bench/server.ts";
import { threadCpusNs } from "../../../bench/thread-cpu.ts";
import { NodeDisk } from "../../../engine/journal/node-disk.ts";
import { CrossbookClient } from "../../../gateway/client/index.ts";
import { replayDirectory } from "../../../replay/replay.ts";

/** What a start leaves to do is done by then. */
const SETTLE_MS = 1500;
const QUIET_MS = 1500;
/** Of one core. On two cores four such threads and other tests share; one that sleeps takes a hundredth. */
const BUSY = 0.08;

let server: BenchServer | null = null;
afterEach(async () => {
  await server?.stop();
  server = null;
});

/** Threads of a process that are at work though nobody asks for anything. */
async function busyThreads(pid: number): Promise<number> {
  await sleep(SETTLE_MS);
  const before = threadCpusNs(pid);
  await sleep(QUIET_MS);
  const used = [...threadCpusNs(pid)].map(([id, ns]) => ns - (before.get(id) ?? ns));
  return used.filter((ns) => ns / 1e6 / QUIET_MS > BUSY).length;
}

describe.runIf(process.platform === "linux")("the threads of a server that trade", () => {
  test.each([
    { threading: "shared", idle: "spin", busy: 3 }, // main, risk, journal
    { threading: "dedicated", idle: "spin", busy: 4 },
    { threading: "dedicated", idle: "sleep", busy: 0 },
  ])("$idle while it is quiet, and trade (threading $threading)", async (expected) => {
    const { threading, idle, busy } = expected;
    server = await BenchServer.start({
      durability: "fsync",
      clients: 1,
      parentDirectory: os.tmpdir(),
      flags: ["--threading", threading, "--idle", idle, "--redis", "off"],
    });
    expect(await busyThreads(server.pid)).toBe(busy);
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
