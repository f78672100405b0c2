import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { formatLatencyBench, runLatencyBench } from "../../bench/latency/latency.ts";
import { BenchServer } from "../../bench/server.ts";

const parentDirectory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-bench-server-"));
afterAll(() => fs.rmSync(parentDirectory, { recursive: true, force: true }));

test.each(["os", "none"] as const)(
  "every order of the load is answered by a server of our own (durability %s)",
  async (durability) => {
    const steps: string[] = [];
    const result = await runLatencyBench(
      {
        ratePerSecond: 500,
        seconds: 1,
        warmUpSeconds: 0.5,
        connections: 2,
        schedule: "poisson",
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
        ? ["echo server", "server"]
        : ["echo server", "write and sync", "server"],
    );
    expect(formatLatencyBench(result)).toMatch(/answered 750 of 750/);
    expect(fs.readdirSync(parentDirectory)).toEqual([]);
  },
);

test("a server that does not start is an error with its log", async () => {
  await expect(
    BenchServer.start({ durability: "os", clients: 1, parentDirectory, flags: ["--port", "x"] }),
  ).rejects.toThrow(/does not start.*--port/s);
  expect(fs.readdirSync(parentDirectory)).toEqual([]);
});
