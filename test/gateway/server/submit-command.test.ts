// The programs as they are: a server, `submit`, and the example of the client.
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, crossbook, ROOT } from "../../processes/command-line.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { FlakyProxy } from "../../simulation/flaky-proxy.ts";

type Json = Record<string, unknown>;

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

let directory: string;
let server: ServerProcess;
/** The server is always to be found here, wherever it is. */
let proxy: FlakyProxy;
let url: string;

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-submit-"));
  await startServer();
  await createKey("admin.json", 9, "admin");
  await createKey("trader.json", 7, "trader");
});
afterAll(async () => {
  await proxy.close();
  await server.stop();
  fs.rmSync(directory, { recursive: true, force: true });
});

async function startServer(): Promise<void> {
  const flags = ["--redis", "off", "--durability", "os"];
  server = new ServerProcess(file("data"), file("server.log"), flags);
  const { port } = await server.ready();
  proxy ??= await FlakyProxy.to(port);
  proxy.target = port;
  url = `ws://127.0.0.1:${proxy.port}`;
}

function file(name: string): string {
  return path.join(directory, name);
}

async function createKey(name: string, account: number, role: string): Promise<void> {
  const who = ["--account", String(account), "--role", role, "--algorithm", "ed25519"];
  const { stdout } = await crossbook(["keys", "create", ...who, "--data", file("data")]);
  fs.writeFileSync(file(name), stdout);
  // The server looks for new keys twice a second.
  await new Promise((resolve) => setTimeout(resolve, 700));
}

function write(name: string, lines: readonly (Json | string)[]): string {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  fs.writeFileSync(file(name), `${text.join("\n")}\n`);
  return file(name);
}

function node(args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env: cleanEnvironment(), maxBuffer: 1 << 28 };
    execFile(process.execPath, [...args], options, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

function submit(key: string, commands: string, ...flags: string[]): Promise<Result> {
  const all = ["submit", "--url", url, "--key", file(key), ...flags, commands];
  return node([path.join(ROOT, "bin", "crossbook"), ...all]);
}

function objects(text: string): Json[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Json);
}

function day(symbol: string, count: number, firstAccount: number): Json[] {
  const orders = Array.from({ length: count }, (_, i) => ({
    type: "newOrder",
    timestamp: 1000 + i,
    account: firstAccount + (i % 3),
    symbol,
    clientOrderId: i + 1,
    side: i % 2 === 0 ? "buy" : "sell",
    orderType: "limit",
    price: String(100 + ((i * 7) % 5)),
    quantity: "1",
  }));
  const cancels = orders
    .filter((_, i) => i % 5 === 0)
    .map(({ account, clientOrderId }) => ({ type: "cancelOrder", account, clientOrderId }));
  const definition = { type: "defineInstrument", symbol, tickSize: "1", lotSize: "1" };
  return [definition, ...orders, ...cancels];
}

/** What stays the same from run to run: no seq, no time, no requestId; a trade once. */
function canonical(event: Json): unknown[] {
  const { type, index, account, clientOrderId, side, quantity, reason } = event;
  if (type === "trade") return [type, index, quantity];
  if (type === "instrument") return [type, event.symbol];
  return [type, index, account, clientOrderId, side, quantity, reason];
}

describe("submit", () => {
  test.each(["--binary", "--json"])("gives the events that `run` gives (%s)", async (encoding) => {
    const isJson = encoding === "--json";
    const symbol = isJson ? "JSON-USD" : "BIN-USD";
    const commands = write("day.jsonl", day(symbol, 1500, isJson ? 21 : 11));
    const { status, stdout, stderr } = await submit("admin.json", commands, encoding);
    expect([status, stderr]).toEqual([0, expect.stringMatching(/^crossbook: 1801 commands: /)]);
    const run = await crossbook(["run", commands]);
    const wanted = objects(run.stdout).filter(({ type }) => type !== "asset");
    const got = objects(stdout).filter(({ type }) => type !== "asset");
    const once = got.filter(
      ({ type, tradeId }, i) => type !== "trade" || got[i - 1]?.tradeId !== tradeId,
    );
    expect(once.map(canonical)).toEqual(wanted.map(canonical));
    expect(stderr).toContain(`${wanted.filter(({ type }) => type === "trade").length} trades`);
  });

  test("goes on after its server was killed, and loses and doubles nothing", async () => {
    const commands = write("long.jsonl", day("KILL-USD", 20_000, 31));
    const before = await seqNow();
    const done = submit("admin.json", commands);
    const deadline = performance.now() + 20_000;
    while ((await seqNow()) < before + 1000 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await server.kill();
    await startServer();
    const { status, stdout, stderr } = await done;
    expect([status, stderr]).toEqual([0, expect.stringContaining("connected again")]);
    const events = objects(stdout);
    const accepted = events.filter(({ type }) => type === "accepted");
    expect(accepted.map(({ clientOrderId }) => clientOrderId)).toEqual(
      Array.from({ length: 20_000 }, (_, i) => i + 1),
    );
    expect(stderr).toContain("24001 commands: ");
    const places = events.map(({ seq, index }) => (seq as number) * 1000 + (index as number));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test("names lines that are no commands, sends the rest, and ends with 65", async () => {
    const order = day("BIN-USD", 1, 41)[1] as Json;
    const lines = [{ ...order, account: 8 }, "nonsense", { ...order, account: 7 }];
    const { status, stdout, stderr } = await submit("trader.json", write("bad.jsonl", lines));
    expect(status).toBe(65);
    expect(stderr).toContain("line 1: account 8");
    expect(stderr).toContain("line 2: not JSON");
    expect(objects(stdout)).toMatchObject([{ type: "accepted", account: 7 }]);
  });

  test("says clearly why it cannot begin", async () => {
    const commands = write("none.jsonl", []);
    const good = file("trader.json");
    const key = JSON.parse(fs.readFileSync(good, "utf8")) as Json;
    fs.writeFileSync(file("wrong.json"), JSON.stringify({ ...key, keyId: "somebody" }));
    const tries: [args: string[], status: number, words: string][] = [
      [["--url", "ws://127.0.0.1:9", "--key", good, commands], 74, "cannot connect: "],
      [["--url", url, "--key", file("wrong.json"), commands], 65, "the logon was refused: "],
      [["--url", url, "--key", file("no.json"), commands], 66, "cannot read "],
      [["--url", url, "--key", commands, commands], 65, "--key: "],
      [["--url", url, "--key", good, file("no.jsonl")], 66, "cannot read "],
      [["--url", "nowhere", "--key", good, commands], 64, "--url: "],
      [["--url", url, "--key", good, "--rate", "0", commands], 64, "--rate"],
      [["--url", url, commands], 64, "--key"],
    ];
    const bin = path.join(ROOT, "bin", "crossbook");
    const results = await Promise.all(tries.map(([args]) => node([bin, "submit", ...args])));
    expect(results.map(({ status }) => status)).toEqual(tries.map(([, status]) => status));
    results.forEach(({ stderr }, i) => {
      expect(stderr).toContain(tries[i]?.[2]);
      expect(stderr).not.toContain("    at ");
    });
  });
});

test("the example places an order and cancels it", async () => {
  const example = path.join(ROOT, "examples", "place-order.mjs");
  const args = [url, file("trader.json"), "BIN-USD", "90", "2"];
  const { status, stdout, stderr } = await node([example, ...args]);
  expect([status, stderr]).toEqual([0, expect.stringContaining("account 7 as trader")]);
  expect(objects(stdout)).toMatchObject([
    { type: "accepted", price: "90", quantity: "2" },
    { type: "canceled", quantity: "2", reason: "requested" },
  ]);
  const refused = await node([example, url, file("trader.json"), "NO-SUCH", "90", "2"]);
  expect(objects(refused.stdout)).toMatchObject([{ type: "rejected", reason: "unknownSymbol" }]);
});

async function seqNow(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${proxy.target}/healthz`);
  return ((await response.json()) as { lastSeq: number }).lastSeq;
}
