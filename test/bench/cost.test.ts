import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { COST_MODES, formatCost, runCostBench } from "../../bench/cost/cost.ts";

const parentDirectory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-bench-cost-"));
afterAll(() => fs.rmSync(parentDirectory, { recursive: true, force: true }));

test("every mode of risk is set, takes the same orders, and has its CPU beside the echo's", async () => {
  const result = await runCostBench(
    {
      ratePerSecond: 300,
      connections: 2,
      rounds: 1,
      seconds: 1,
      warmUpSeconds: 0,
      durability: "none",
      parentDirectory,
      serveFlags: [],
    },
    () => {},
  );
  expect(result.rows.map(({ mode }) => mode)).toEqual([...COST_MODES, "echo"]);
  for (const { mode, lost, rejectedShare, cpuUsMedian } of result.rows) {
    expect(lost, mode).toBe(0);
    // Cancels of what has traded; no limit is met.
    expect(rejectedShare, mode).toBeLessThan(0.3);
    expect(cpuUsMedian, mode).toBeGreaterThanOrEqual(0);
  }
  expect(formatCost(result)).toMatch(/^server CPU for an order/);
}, 120_000);
