// The example consumers against a real server and a real Redis: killed again and again, they come to the
// same as the journal.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isTrade, type JournalEvent } from "../crash/private-view.ts";
import { crossbookObjects } from "../processes/command-line.ts";
import { Rig } from "../redis/rig.ts";
import { Random } from "../simulation/random.ts";
import { example, hasProgram, MUST_RUN } from "./programs.ts";

const SYMBOLS = ["KILO-USD", "LIMA-EUR"];
const HAS_PYTHON = hasProgram("python3");

let folder: string;
let rig: Rig;
let children: ChildProcess[];
beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-consumers-"));
  rig = await Rig.start(new Random(Date.now()), folder);
  children = [];
}, 60_000);
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rig.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

function start(program: string, ...args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
  return child;
}

const node = (name: string, ...args: string[]) =>
  start(process.execPath, example("redis", name), rig.redis.url, ...args);

function read<State>(file: string): State | null {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as State;
  } catch {
    return null; // not written yet
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1_500; i++) {
    if (isSo()) return;
    await sleep(20);
  }
  throw new Error(`${what}: not within 30 s`);
}

/** Kills it under load until it was killed that often while it was at work; the last one goes on. */
async function killAgainAndAgain(
  times: number,
  launch: () => ChildProcess,
  progress: () => number,
): Promise<void> {
  for (let kills = 0; kills < times; kills++) {
    const before = progress();
    const child = launch();
    await until("progress", () => progress() > before);
    await sleep(rig.random.below(150));
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    expect(await exited).toEqual([null, "SIGKILL"]);
  }
  launch();
}

async function* journal(): AsyncGenerator<JournalEvent> {
  yield* crossbookObjects<JournalEvent>(["replay", rig.dataDir, "--events"]);
}

/** "1.5" → 1.5 × 10^18. */
function units(text: string): bigint {
  const [whole, fraction = ""] = text.replace("-", "").split(".") as [string, string?];
  const value = BigInt(whole + fraction.padEnd(18, "0"));
  return text.startsWith("-") ? -value : value;
}

interface Ledger {
  readonly trades: number;
  readonly positions: Readonly<Record<string, string>>;
  readonly accounts: Readonly<Record<string, Record<string, Record<Side, string>>>>;
}

type Side = "bought" | "sold" | "paid" | "received";

test("a ledger that is killed again and again holds each trade once", async () => {
  const file = path.join(folder, "ledger.json");
  const ledger = () => read<Ledger>(file);
  rig.load.start();
  await killAgainAndAgain(
    6,
    () => node("ledger.mjs", file, ...SYMBOLS),
    () => ledger()?.trades ?? 0,
  );
  await rig.redis.kill(); // Redis too
  await rig.redis.restart();
  await rig.settled();
  await rig.endServer("stop");

  let count = 0;
  const expected = new Map<string, Record<Side, bigint>>();
  const add = (account: unknown, symbol: unknown, values: Partial<Record<Side, bigint>>) => {
    const key = `${String(account)} ${String(symbol)}`;
    const held = expected.get(key) ?? { bought: 0n, sold: 0n, paid: 0n, received: 0n };
    for (const [name, value] of Object.entries(values)) held[name as Side] += value;
    expected.set(key, held);
  };
  for await (const event of journal()) {
    if (!isTrade(event)) continue;
    count++;
    const quantity = units(String(event.quantity));
    const cash = (units(String(event.price)) * quantity) / 10n ** 18n;
    add(event.buyAccount, event.symbol, { bought: quantity, paid: cash });
    add(event.sellAccount, event.symbol, { sold: quantity, received: cash });
  }
  expect(count).toBeGreaterThan(500);
  await until("all trades", () => ledger()?.trades === count);
  await sleep(200); // nothing comes after the last one
  const found = Object.entries((ledger() as Ledger).accounts).flatMap(([account, held]) =>
    Object.entries(held).map(([symbol, values]): [string, unknown] => [
      `${account} ${symbol}`,
      Object.fromEntries(Object.entries(values).map(([name, text]) => [name, units(text)])),
    ]),
  );
  expect((ledger() as Ledger).trades).toBe(count);
  expect(new Map(found)).toEqual(expected);
}, 120_000);

test("candles have the volume of the journal's trades, whatever is killed in between", async () => {
  const file = path.join(folder, "candles.json");
  interface Candle {
    from: number;
    open: string;
    high: string;
    low: string;
    close: string;
    volume: string;
    trades: number;
  }
  const state = () => read<{ done: Candle[]; candle: Candle | null }>(file);
  const all = () => {
    const { done, candle } = state() ?? { done: [], candle: null };
    return candle === null ? done : [...done, candle];
  };
  const tradeCount = () => all().reduce((sum, { trades }) => sum + trades, 0);
  rig.load.start();
  await killAgainAndAgain(3, () => node("candles.mjs", file, "KILO-USD", "1"), tradeCount);
  await rig.settled();
  await rig.endServer("stop");
  const expected = new Map<
    number,
    { volume: bigint; trades: number; open: string; close: string }
  >();
  for await (const event of journal()) {
    if (!isTrade(event) || event.symbol !== "KILO-USD") continue;
    const from = Math.floor(event.timestamp / 1e6) * 1e6;
    const before = expected.get(from);
    const price = String(event.price);
    expected.set(from, {
      volume: (before?.volume ?? 0n) + units(String(event.quantity)),
      trades: (before?.trades ?? 0) + 1,
      open: before?.open ?? price,
      close: price,
    });
  }
  const total = [...expected.values()].reduce((sum, { trades }) => sum + trades, 0);
  await until("all trades", () => tradeCount() === total);
  const found = all().map(({ from, volume, trades, open, close }): [number, unknown] => [
    from,
    { volume: units(volume), trades, open, close },
  ]);
  expect(new Map(found)).toEqual(expected);
}, 120_000);

test("a consumer whose last entry is gone ends and says so", async () => {
  const file = path.join(folder, "ledger.json");
  rig.load.start();
  const stream = `crossbook:trades:${SYMBOLS[0]}`;
  const child = node("ledger.mjs", file, ...SYMBOLS);
  // Its first batch may be of the other stream alone.
  await until("progress", () => read<Ledger>(file)?.positions[stream] !== undefined);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
  await rig.settled();
  await rig.redis.client.xtrim(stream, "MAXLEN", 0);
  const [code] = (await once(node("ledger.mjs", file, ...SYMBOLS), "exit")) as [number | null];
  expect(code).toBe(65);
}, 60_000);

test.runIf(HAS_PYTHON || MUST_RUN)(
  "every event is counted once in Python, over kills",
  async () => {
    const file = path.join(folder, "counts.json");
    interface Counts {
      readonly events: number;
      readonly counts: Readonly<Record<string, number>>;
    }
    const counts = () => read<Counts>(file);
    const address = `127.0.0.1:${rig.redis.port}`;
    rig.load.start();
    await killAgainAndAgain(
      3,
      () => start("python3", "-B", example("redis", "events.py"), address, file),
      () => counts()?.events ?? 0,
    );
    await rig.settled();
    await rig.endServer("stop");
    const expected: Record<string, number> = {};
    let total = 0;
    for await (const { type } of journal()) {
      const name = String(type).charAt(0).toUpperCase() + String(type).slice(1);
      expected[name] = (expected[name] ?? 0) + 1;
      total++;
    }
    await until("all events", () => counts()?.events === total);
    expect(counts()?.counts).toEqual(expected);
  },
  120_000,
);
