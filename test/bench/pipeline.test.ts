import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CommandSource } from "../../bench/pipeline/command-source.ts";
import type { PipelineOptions, PipelineRun } from "../../bench/pipeline/pipeline.ts";
import { runProcess } from "../../bench/processes.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { NEW_ORDER_CLIENT_ORDER_ID_OFFSET } from "../../protocol/generated/commands.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { crossbook } from "../gateway/server/cli/crossbook.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-pipeline-test-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const options: PipelineOptions = {
  ratePerSecond: 0,
  schedule: "poisson",
  pacing: "spin",
  seconds: 0.3,
  warmUpSeconds: 0.3,
  engine: "real",
  durability: "fsync",
  segments: "fresh",
  threading: "shared",
  riskWorkers: 1,
  commandSlots: 1024,
  eventSlots: 4096,
  clients: 10,
  resting: 100,
  seed: 1,
  parentDirectory: folder,
  keepsDirectory: false,
};

function run(more: Partial<PipelineOptions>): Promise<PipelineRun> {
  return runProcess<PipelineRun>("bench/pipeline/pipeline.process.js", { ...options, ...more });
}

describe("the stream of commands", () => {
  test("a second round has other client order ids, and cancels what it has placed itself", () => {
    const source = new CommandSource(1_000, 2, 20);
    const ids = new DataView(new ArrayBuffer(256));
    const words = new Int32Array(ids.buffer);
    const header = new CommandHeader();
    const read = () => {
      source.writeNext(words, 0);
      header.wrap(ids, 0);
      const id = ids.getUint32(NEW_ORDER_CLIENT_ORDER_ID_OFFSET, true);
      return { template: header.templateId, account: header.account, id };
    };
    const first = Array.from({ length: source.count }, read);
    const second = Array.from({ length: source.count }, read);
    expect(second.map(({ id, ...rest }) => ({ ...rest, id: id - 1_001 }))).toEqual(first);
    expect(Math.max(...first.map(({ id }) => id))).toBeLessThanOrEqual(1_001);
  });
});

describe("a run of the pipeline", () => {
  test("what was published is in the journal, in order and with verdicts", async () => {
    const result = await run({ keepsDirectory: true });
    expect(result.commands).toBeGreaterThan(0);
    expect(result.trades).toBeGreaterThan(0);
    const reader = JournalReader.open(new NodeDisk(), path.join(result.directory ?? "", "journal"));
    const header = new CommandHeader();
    let last = 0;
    while (reader.next()) {
      header.wrap(reader.view, reader.offset);
      expect(header.seq).toBe(++last);
      expect(header.verdict).not.toBe(Verdict.pending);
    }
    reader.close();
    expect(last).toBe(result.published);
  });

  test("on a schedule it does what is asked, and every command's time is counted once", async () => {
    const result = await run({ ratePerSecond: 2_000, segments: "recycled", seconds: 1 });
    expect(result.latency.count).toBe(result.commands);
    expect(result.commandsPerSecond).toBeGreaterThan(1_500);
    expect(result.commandsPerSecond).toBeLessThan(2_500);
  });

  test("a feeder that sleeps leaves most of a core to the others", async () => {
    // Seven commands of ten come within 60 µs of the one before: a feeder that spins hardly rests.
    const result = await run({ ratePerSecond: 20_000, pacing: "sleep", seconds: 1 });
    expect(result.latency.count).toBe(result.commands);
    expect(result.commands).toBeGreaterThan(0);
    expect(result.threads[0]?.cpuSeconds).toBeLessThan(result.seconds / 2);
  });

  test("an empty engine matches nothing", async () => {
    const result = await run({ engine: "empty", threading: "dedicated", riskWorkers: 2 });
    expect(result.commands).toBeGreaterThan(0);
    expect(result.trades).toBe(0);
    expect(result.events).toBeGreaterThan(result.published);
    const names = result.threads.map(({ name }) => name);
    expect(names).toEqual([
      "feeder and consumer",
      "journal",
      "risk 0",
      "risk 1",
      "engine",
      "others",
    ]);
    expect(result.threads.find(({ name }) => name === "engine")?.cpuSeconds).toBeGreaterThan(0);
  });

  test("nothing is left of its files", () => {
    const kept = fs.readdirSync(folder);
    expect(kept).toHaveLength(1); // of the run that was to be read
  });
});

test("crossbook bench pipeline shows ratios first, then who used the processor", async () => {
  const args = ["--seconds", "0.3", "--warm-up", "0.2", "--runs", "2", "--directory", folder];
  const { status, stdout } = await crossbook(["bench", "pipeline", ...args]);
  expect(status).toBe(0);
  expect(stdout).toContain("with matching ÷ with an empty engine");
  expect(stdout).toMatch(/p99 [\d.]+ × \([\d.]+ to [\d.]+\) a bare loop on the same schedule/);
  expect(stdout).toMatch(/matched, 2 runs:$/m);
  expect(stdout).toMatch(/^journal +[\d.]+ +[\d.]+$/m);
});
