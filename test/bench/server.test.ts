import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { runIdleBench } from "../../bench/idle/idle.ts";
import { formatLatencyBench, runLatencyBench } from "../../bench/latency/latency.ts";
import { STAGES } from "../../bench/load/stage-times.ts";
import { BenchServer } from "../../bench/server.ts";
import { formatSoak, runSoakBench } from "../../bench/soak/soak.ts";
import { formatThroughput, runThroughputBench } from "../../bench/throughput/throughput.ts";

const parentDirectory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-bench-server-"));
afterAll(() => fs.rmSync(parentDirectory, { recursive: true, force: true }));

test.each([
  ["os", "binary"],
  ["none", "json"],
] as const)(
  "every order of the load is answered by a server of our own (durability %s, %s)",
  async (durability, encoding) => {
    const steps: string[] = [];
    const result = await runLatencyBench(
      {
        ratePerSecond: 500,
        seconds: 1,
        warmUpSeconds: 0.5,
        connections: 2,
        schedule: "poisson",
        day: null,
        encoding,
        receiptEvery: 4,
        pacing: "sleep",
        durability,
        seed: 1,
        parentDirectory,
        serveFlags: ["--redis", "off"],
        server: null,
      },
      (step) => steps.push(step),
    );
    expect(result.server).toMatchObject({ sent: 750, answered: 750, errors: 0, lost: 0 });
    // Cancels that come too late are refused; more than that would not be the load that was meant.
    expect(result.server.rejected).toBeLessThan(150);
    expect(result.server.latency.p50Us).toBeGreaterThan(result.server.sendDelay.p50Us);
    expect(result.writeSync === null).toBe(durability === "none");
    expect(steps).toEqual(
      durability === "none"
        ? ["echo server", "echo through threads", "server"]
        : ["echo server", "echo through threads", "write and sync", "server"],
    );
    expect(formatLatencyBench(result)).toMatch(/answered 750 of 750/);
    expect(result.threadedEcho.load).toMatchObject({ sent: 750, answered: 750, lost: 0 });
    expect(result.ratios.parts.p50).toBeGreaterThan(0);
    expect(result.ratios.disk).toBeNull(); // only where commits are synced
    // Every fourth asked for a receipt, and nearly 500 of all are measured.
    const stages = result.server.stages ?? [];
    expect(stages.map(({ stage }) => stage)).toEqual(STAGES.map(([name]) => name));
    const byStage = new Map(stages.map(({ stage, latency }) => [stage, latency]));
    expect(byStage.get("server")?.count).toBeGreaterThan(100);
    expect(byStage.get("server")?.count).toBeLessThan(140);
    // No order was longer in the server than under way.
    expect(byStage.get("server")?.maxUs).toBeLessThanOrEqual(result.server.latency.maxUs);
    expect(formatLatencyBench(result)).toMatch(/^journal .*checked to durable/m);
    expect(fs.readdirSync(parentDirectory)).toEqual([]);
  },
);

const quiet = { durability: "os", parentDirectory, serveFlags: ["--redis", "off"] } as const;

test("a curve for each encoding and number of clients, up to where the server falls behind", async () => {
  const result = await runThroughputBench(
    {
      ...quiet,
      firstRatePerSecond: 200,
      pacing: "sleep",
      factor: 1_000,
      searchPercent: 0,
      secondsEach: 0.5,
      warmUpSeconds: 0.25,
      connections: [1, 3],
      encodings: ["binary", "json"],
    },
    () => undefined,
  );
  expect(result.curves.map(({ encoding, connections }) => [encoding, connections])).toEqual([
    ["binary", 1],
    ["binary", 3],
    ["json", 1],
    ["json", 3],
  ]);
  for (const { steps } of result.curves) {
    expect(steps.at(-1)).toMatchObject({ isSustained: false });
    expect(steps.every(({ serverCpuUsPerCommand }) => serverCpuUsPerCommand > 0)).toBe(true);
  }
  expect(formatThroughput(result)).toContain("json, 3 clients");
}, 60_000);

test("a quiet server's processor time is that of its process", async () => {
  const result = await runIdleBench({ ...quiet, seconds: 1, warmUpSeconds: 0.5 }, () => undefined);
  expect(result.cpuPercent).toBeCloseTo((result.cpuSeconds / 1) * 100, -1);
  expect(result.cpuPercent).toBeLessThan(100);
  // The kernel counts threads finer than processes, in steps of 10 ms.
  const threads = [result.mainPercent, ...result.otherPercents].reduce((a, b) => a + b, 0);
  expect(Math.abs(threads - result.cpuPercent)).toBeLessThan(4);
});

test("under load the server is asked for its memory and its longest pause", async () => {
  const options = { ...quiet, minutes: 0.1, ratePerSecond: 500, connections: 2 };
  const result = await runSoakBench(options, () => undefined);
  expect(result.samples.length).toBeGreaterThanOrEqual(2);
  for (const { rssMb, heapMb, externalMb, longestPauseMs } of result.samples) {
    expect(rssMb).toBeGreaterThan(heapMb);
    expect(externalMb).toBeGreaterThan(0);
    expect(longestPauseMs).toBeGreaterThanOrEqual(0); // a few seconds need no collection
  }
  expect(result.growthMbPerMinute).not.toBeNaN();
  expect(result.lost).toBe(0);
  expect(formatSoak(result)).toContain("longest garbage collection");
}, 60_000);

test("a server that does not start is an error with its log", async () => {
  await expect(
    BenchServer.start({ durability: "os", clients: 1, parentDirectory, flags: ["--port", "x"] }),
  ).rejects.toThrow(/does not start.*--port/s);
  expect(fs.readdirSync(parentDirectory)).toEqual([]);
});
