import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createMetrics } from "../../../gateway/http/metrics.ts";
import type { ServerStatus } from "../../../gateway/http/server-status.ts";

test("the longest garbage collection of this thread is measured", async () => {
  const registry = createMetrics(() => ({}) as ServerStatus);
  const seconds = async () =>
    Number((await registry.getSingleMetricAsString(NAME)).split(" ").at(-1));
  expect(await seconds()).toBe(0);
  const deadline = Date.now() + 20_000;
  while ((await seconds()) === 0 && Date.now() < deadline) {
    const kept = [];
    for (let i = 0; i < 200_000; i++) kept.push({ i });
    expect(kept).toHaveLength(200_000);
    await sleep(1);
  }
  expect(await seconds()).toBeGreaterThan(0);
  expect(await seconds()).toBeLessThan(5);
});

const NAME = "crossbook_gc_longest_seconds";
