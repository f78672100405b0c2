import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { type EngineRunOptions, runEngine } from "../../bench/engine/engine.ts";
import { median } from "../../bench/engine/engine-bench.ts";
import { measureNodejsOrderBook } from "../../bench/peers/nodejs-order-book.ts";
import { B32_BYTES, B32Type, FillHash } from "../../bench/workloads/b32.ts";
import { generateWorkload, readWorkload } from "../../bench/workloads/workload.ts";
import { measureBareBook } from "../../bench/yardsticks/bare-book.ts";
import { crossbook } from "../gateway/server/cli/crossbook.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-bench-test-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

type Command = [type: number, side: 0 | 1, price: number, quantity: number, id: number];

const COMMANDS: Command[] = [
  [B32Type.limit, 1, 101, 5, 1],
  [B32Type.limit, 1, 100, 5, 2], // so far: prefill
  [B32Type.limit, 0, 101, 7, 3], // takes 2 whole and two of 1
  [B32Type.cancel, 0, 0, 0, 1],
  [B32Type.cancel, 0, 0, 0, 1], // too late
  [B32Type.limit, 0, 90, 4, 4],
  [B32Type.replace, 0, 95, 6, 4],
  [B32Type.ioc, 1, 95, 8, 5], // takes 4 whole, its rest is canceled
  [B32Type.limit, 0, 80, 1, 6],
  [B32Type.market, 1, 0, 3, 7], // takes 6 whole, its rest is canceled
  [B32Type.limit, 1, 120, 2, 8],
];

function workloadFile(name: string, change: Partial<{ trades: number }> = {}): string {
  const bytes = Buffer.alloc(COMMANDS.length * B32_BYTES);
  COMMANDS.forEach(([type, side, price, quantity, id], i) => {
    const at = i * B32_BYTES;
    bytes.writeUInt8(type, at);
    bytes.writeUInt8(side, at + 1);
    bytes.writeUInt32LE(7, at + 4);
    bytes.writeUInt32LE(price, at + 8);
    bytes.writeUInt32LE(quantity, at + 12);
    bytes.writeUInt32LE(id, at + 16);
  });
  const fills = new FillHash();
  fills.fill(3, 2, 100, 5);
  fills.fill(3, 1, 101, 2);
  fills.fill(5, 4, 95, 6);
  fills.fill(7, 6, 80, 1);
  const hash = fills.value.toString(16).padStart(8, "0");
  const expect = { trades: 4, qty: 14, resting: 1, hash, ...change };
  const file = path.join(folder, name);
  fs.writeFileSync(file, bytes);
  fs.writeFileSync(`${file}.json`, JSON.stringify({ prefill: 2, expect }));
  return file;
}

function options(file: string | null, more: Partial<EngineRunOptions> = {}): EngineRunOptions {
  return {
    workload: file === null ? null : { file, format: "b32" },
    generated: { commands: 5_000, resting: 100, seed: 1 },
    drain: false,
    warmUp: 0,
    verify: false,
    engine: "real",
    ...more,
  };
}

test("an empty engine answers every command and matches nothing", async () => {
  const real = await runEngine(options(null));
  const empty = await runEngine(options(null, { engine: "empty" }));
  expect(real.trades).toBeGreaterThan(0);
  expect(empty).toMatchObject({ commands: real.commands, trades: 0 });
  expect(empty.events).toBeGreaterThanOrEqual(empty.commands);
});

describe("a b32 workload", () => {
  test("the outcome is compared with the published one", async () => {
    const right = await runEngine(options(workloadFile("right.bin"), { verify: true }));
    expect(right).toMatchObject({ isRight: true, trades: 4 });
    const wrong = workloadFile("wrong.bin", { trades: 5 });
    expect((await runEngine(options(wrong, { verify: true }))).isRight).toBe(false);
  });

  test("the prefill and the definition of the instrument are not timed", async () => {
    const workload = readWorkload(workloadFile("prefill.bin"), "b32");
    expect(workload.count).toBe(COMMANDS.length + 1);
    expect(workload.untimed).toBe(3);
    const run = await runEngine(options(path.join(folder, "prefill.bin")));
    expect(run.commands).toBe(COMMANDS.length - 2);
  });

  test("nodejs-order-book comes to the same outcome", () => {
    const right = measureNodejsOrderBook(workloadFile("peer.bin"), 10);
    expect(right).toMatchObject({ isComplete: true, differences: [] });
    const wrong = measureNodejsOrderBook(workloadFile("peer-wrong.bin", { trades: 5 }), 10);
    expect(wrong.differences).toEqual(["trades is 4, should be 5"]);
  });

  test("the bare book comes to the same outcome, with its first commands played before too", () => {
    const file = workloadFile("bare.bin");
    expect(measureBareBook(file, 0)).toMatchObject({ commands: 9, differences: [] });
    expect(measureBareBook(file, 5).differences).toEqual([]);
    const wrong = measureBareBook(workloadFile("bare-wrong.bin", { trades: 5 }), 0);
    expect(wrong.differences).toEqual(["trades is 4, should be 5"]);
  });

  test("the same commands through run --journal leave the same events", async () => {
    const file = workloadFile("journal.bin");
    const { eventHash } = await runEngine(options(file, { verify: true }));
    const directory = path.join(folder, "journal");
    const args = ["run", "--input-format", "b32", "--journal", directory];
    expect(await crossbook(args, fs.readFileSync(file))).toMatchObject({ status: 0 });
    const replayed = await crossbook(["replay", directory, "--json"]);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ eventHash, trades: 4 });
  });

  test("what was played to warm up leaves nothing in the book", async () => {
    const cold = await runEngine(options(workloadFile("warm.bin")));
    const warm = await runEngine(options(path.join(folder, "warm.bin"), { warmUp: 8 }));
    expect(warm).toMatchObject({ events: cold.events, trades: cold.trades });
  });

  test("a packed file is read as one that is not", () => {
    const file = workloadFile("plain.bin");
    fs.writeFileSync(`${file}.gz`, gzipSync(fs.readFileSync(file)));
    fs.copyFileSync(`${file}.json`, `${file}.gz.json`);
    const [plain, packed] = [readWorkload(file, "b32"), readWorkload(`${file}.gz`, "b32")];
    expect(packed.count).toBe(plain.count);
    expect(packed.untimed).toBe(plain.untimed);
  });
});

test("a generated workload is the same every time, and holds its depth", async () => {
  const [one, two] = [generateWorkload(5_000, 100, 1), generateWorkload(5_000, 100, 1)];
  expect(Buffer.from(one.view.buffer).equals(Buffer.from(two.view.buffer))).toBe(true);
  const alone = await runEngine(options(null));
  expect(alone.trades).toBeGreaterThan(100);
  const drained = await runEngine(options(null, { drain: true }));
  expect(drained).toMatchObject({ events: alone.events, trades: alone.trades });
  expect(drained.commandsPerSecond).toBeGreaterThan(0);
});

test("the median of an even number of runs lies between the middle two", () => {
  expect(median([5, 1, 9])).toBe(5);
  expect(median([5, 1, 9, 6])).toBe(5.5);
});
