// A real server whose fdatasync fails or dawdles, and one that may write only half a block.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ServerProcess } from "../processes/server-process.ts";
import { countInjected, readTrace, straceWrapper } from "./strace.ts";
import { requireTool } from "./tools.ts";
import { Trader } from "./trader.ts";
import { checkWhole } from "./wholeness.ts";

/** Starts and traced servers take their time on a busy machine. */
const TIMEOUT_MS = 180_000;
const FLAGS = ["--redis", "off", "--demo", "--session-rate-per-second", "0"];
const RATES = ["--key-rate-per-second", "0", "--address-rate-per-second", "0"];
const EXIT_IO_ERROR = 74;

let folder: string;
let servers: ServerProcess[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-failing-disk-"));
  servers = [];
});

afterEach(async () => {
  for (const server of servers) await server.kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

const dataDir = () => path.join(folder, "data");
const traceFile = () => path.join(folder, "trace");

function start(wrapper: readonly string[], ...flags: string[]): ServerProcess {
  const log = path.join(folder, `server-${servers.length}.log`);
  const all = [...FLAGS, ...RATES, ...flags];
  const server = new ServerProcess(dataDir(), log, all, [], wrapper);
  servers.push(server);
  return server;
}

/** Its first life defines the instruments, so that the failing one has little else to write. */
async function prepareDirectory(): Promise<void> {
  const server = start([]);
  await server.ready();
  await server.stop();
}

function faultOf(server: ServerProcess): string {
  const line = server.log().findLast((entry) => Number(entry.level) === 60);
  return JSON.stringify(line?.err ?? null);
}

async function comesBack(told: Trader["told"]): Promise<void> {
  const again = start([]);
  const { url } = await again.ready();
  const trader = await Trader.logOn(url, dataDir());
  await trader.trade(20, 5);
  expect(trader.tookMs).toHaveLength(20);
  await trader.close();
  await again.stop();
  await checkWhole(dataDir(), [...told, ...trader.told]);
}

describe("a server", { timeout: TIMEOUT_MS }, () => {
  // With thousands of commands under way blocks are large, and another thread syncs them.
  it.each([
    { window: 3, when: 40 },
    { window: 6_000, when: 25 },
  ])(
    "stops at a failed fdatasync, acknowledges nothing more and comes back whole ($window under way)",
    async ({ window, when }) => {
      await prepareDirectory();
      const inject = `fdatasync:error=EIO:when=${when}+`; // of each thread's calls
      const calls = ["fdatasync"];
      const server = start(
        straceWrapper({ output: traceFile(), calls, bufferBytes: 32, inject }),
        ...["--segment-bytes", "1MiB"],
      );
      const { url } = await server.ready();
      const trader = await Trader.logOn(url, dataDir());
      await trader.trade(200_000, window);
      const exit = await server.exited;
      expect(exit.code).toBe(EXIT_IO_ERROR);
      expect(faultOf(server)).toMatch(/journal.*syncFailed/);
      expect(countInjected(await readTrace(traceFile()), "fdatasync")).toBeGreaterThan(0);
      expect(trader.told.length).toBeGreaterThan(10);
      expect(trader.told.length).toBeLessThan(200_000);
      await comesBack(trader.told);
    },
  );

  it("that syncs in the background stops at a failed one and comes back whole", async () => {
    await prepareDirectory();
    // Counted for each thread. The journal makes a few itself; all others, the zeros of the next segment
    // included, are made by the only thread of the pool: the next segment gets long enough to be synced.
    const inject = "fdatasync:error=EIO:when=25+";
    const environment = ["UV_THREADPOOL_SIZE=1"];
    const calls = ["fdatasync"];
    const server = start(
      straceWrapper({ output: traceFile(), calls, bufferBytes: 32, inject, environment }),
      ...["--durability", "os", "--segment-bytes", "32MiB"],
    );
    const { url } = await server.ready();
    const trader = await Trader.logOn(url, dataDir());
    await trader.trade(200_000, 3);
    const exit = await server.exited;
    expect(exit.code).toBe(EXIT_IO_ERROR);
    // Of a sync in the background, not of one that the journal makes itself when a segment begins.
    expect(faultOf(server)).toMatch(/journal: sync .*syncFailed.*DiskThread\.finishSync/);
    expect(countInjected(await readTrace(traceFile()), "fdatasync")).toBeGreaterThan(0);
    expect(trader.told.length).toBeGreaterThan(10);
    expect(trader.told.length).toBeLessThan(200_000);
    await comesBack(trader.told);
  });

  it("holds back while fdatasync is slow: it acknowledges late, or refuses, and loses nothing", async () => {
    await prepareDirectory();
    const delayMs = 60;
    const inject = `fdatasync:delay_enter=${delayMs * 1000}`;
    const calls = ["fdatasync"];
    const server = start(
      straceWrapper({ output: traceFile(), calls, bufferBytes: 32, inject }),
      ...["--command-ring-slots", "64"],
    );
    const { url } = await server.ready();
    const trader = await Trader.logOn(url, dataDir());
    await trader.trade(600, 200);
    expect(trader.waiting).toBe(0);
    const refused = trader.refused.overloaded ?? 0;
    expect(refused).toBeGreaterThan(0);
    expect(Object.keys(trader.refused)).toEqual(["overloaded"]);
    expect(trader.told.length + refused).toBe(600);
    // No answer came before a sync had had its delay.
    expect(Math.min(...trader.tookMs)).toBeGreaterThan(delayMs * 0.9);
    await trader.close();
    await server.stop();
    const injected = (await readTrace(traceFile())).filter((line) => /\(DELAYED\)/.test(line));
    expect(injected.length).toBeGreaterThan(5);
    await comesBack(trader.told);
  });

  it("stops at a short write into the journal and comes back whole", async () => {
    requireTool("prlimit");
    await prepareDirectory();
    const server = start([]);
    const { url } = await server.ready();
    const trader = await Trader.logOn(url, dataDir());
    for (let n = 0; n < 30; n++) {
      trader.order();
      await trader.answered(10_000);
    }
    // Files may grow into the middle of a block that the journal is about to write: blocks of single
    // commands have 4096 bytes.
    const limit = 4096 * 60 + 2048;
    const set = spawnSync("prlimit", ["--pid", String(server.pid), `--fsize=${limit}`]);
    expect(set.status).toBe(0);
    await trader.trade(500, 1);
    const exit = await server.exited;
    expect(exit.code).toBe(EXIT_IO_ERROR);
    expect(faultOf(server)).toMatch(/journal.*writeFailed.*shortWrite|journal.*shortWrite/);
    expect(trader.told.length).toBeGreaterThan(30);
    expect(trader.told.length).toBeLessThan(100);
    await comesBack(trader.told);
  });
});
