import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { formatFanout, runFanoutBench } from "../../bench/fanout/fanout.ts";
import { loadUws } from "../../gateway/transport/uws-binding.ts";

const parentDirectory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-bench-fanout-"));
afterAll(() => fs.rmSync(parentDirectory, { recursive: true, force: true }));

// The yardstick is uWebSockets itself.
test.skipIf(loadUws() instanceof Error)(
  "every reader of the fan-out gets the updates of the orders that are sent",
  async () => {
    const result = await runFanoutBench(
      {
        subscribers: [5],
        channel: "l2",
        ratePerSecond: 200,
        seconds: 2,
        warmUpSeconds: 0.3,
        durability: "none",
        parentDirectory,
      },
      () => {},
    );
    const [alone, crowd] = result.rows;
    expect(alone).toMatchObject({ subscribers: 0, lost: 0, bareCpuUsPerFrame: null });
    expect(crowd).toMatchObject({ subscribers: 5, lost: 0 });
    // Every order changes the book, but for cancels of what has traded.
    const updates = (crowd?.delivery.frames ?? 0) / 5;
    expect(updates).toBeGreaterThan(20);
    expect(updates).toBeLessThan(640);
    expect(crowd?.delivery.frameBytesMean).toBeGreaterThan(64);
    expect(formatFanout(result)).toContain("bare publish");
  },
  60_000,
);
