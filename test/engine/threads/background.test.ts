import { spawnSync } from "node:child_process";
import os from "node:os";
import { describe, expect, it } from "vitest";
import { compiledFile } from "../../../protocol/compiled-file.ts";

interface Thread {
  readonly id: number;
  readonly nice: number;
  /** Processor time, in ticks of 10 ms. */
  readonly ticks: number;
}

/** Whoever runs the tests may have lowered them already. */
const NICE = os.getPriority(0);
// Keeps the collector's helpers busy until they have used some processor time, 20 s at most.
const SCRIPT = `
const NICE = ${NICE};
import fs from "node:fs";
import { helpersGiveWay } from ${JSON.stringify(compiledFile("engine/threads/background.js").href)};
const helpers = helpersGiveWay();
const threads = () => fs.readdirSync("/proc/self/task").map((id) => {
  const fields = fs.readFileSync("/proc/self/task/" + id + "/stat", "utf8").split(") ")[1].split(" ");
  return { id: Number(id), nice: Number(fields[16]), ticks: Number(fields[11]) + Number(fields[12]) };
});
const untilMs = performance.now() + 20_000;
let kept = [];
while (performance.now() < untilMs) {
  kept = Array.from({ length: 300_000 }, (_, i) => ({ i, next: { i } }));
  const ticks = threads().reduce((sum, { nice, ticks }) => sum + (nice > NICE ? ticks : 0), 0);
  if (ticks >= 20) break;
}
console.log(JSON.stringify({ pid: process.pid, helpers, kept: kept.length, threads: threads() }));
`;

describe("the runtime's helper threads", () => {
  it.runIf(process.platform === "linux")("give way, and nobody else does", () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", SCRIPT],
      { encoding: "utf8" },
    );
    expect(stderr).toBe("");
    const { pid, helpers, threads } = JSON.parse(stdout) as {
      pid: number;
      helpers: number;
      threads: Thread[];
    };
    const low = threads.filter(({ nice }) => nice > NICE);
    expect([helpers, low.length]).toEqual([4, 4]);
    expect(threads.find(({ id }) => id === pid)?.nice).toBe(NICE);
    // They are those that collect garbage: the others have loaded a file or two.
    const ticksOf = (some: readonly Thread[]) => some.reduce((sum, { ticks }) => sum + ticks, 0);
    const others = threads.filter(({ id, nice }) => id !== pid && nice === NICE);
    expect(ticksOf(low)).toBeGreaterThanOrEqual(20);
    expect(ticksOf(others)).toBeLessThan(5);
  });
});
