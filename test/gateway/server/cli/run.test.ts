import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { BIN, crossbook, jsonLines } from "./crossbook.ts";
import { DEFINE, order, text } from "./run-commands.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-run-"));
afterAll(() => fs.rmSync(dir, { recursive: true }));

/** Type, seq and index of each line of output. */
function outline(stdout: string): string[] {
  return jsonLines(stdout).map(({ type, seq, index }) => [type, seq, index].join(" ").trim());
}

describe("crossbook run", () => {
  it("stamps nothing later than the largest integer", async () => {
    const last = Number.MAX_SAFE_INTEGER;
    const input = text({ ...DEFINE, timestamp: last }, order({ account: 1 }));
    const { status, stdout } = await crossbook(["run"], input);
    expect(status).toBe(0);
    expect(jsonLines(stdout).map(({ timestamp }) => timestamp)).toEqual([last, last, last, last]);
  });

  it("prints the events of each command, in order, and the book at the end", async () => {
    const input = text(
      DEFINE,
      order({ account: 1, clientOrderId: 7, side: "sell", quantity: "1.5", price: "64000.25" }),
      order({ account: 2, clientOrderId: 7, quantity: "0.50", price: "64000.5", requestId: 4 }),
      order({ account: 2, clientOrderId: 8, quantity: "2", price: "64000", timestamp: 5000 }),
    );
    const { status, stdout, stderr } = await crossbook(["run", "--book", "BTC-USD"], input);
    expect([status, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(3)).toEqual([
      '{"type":"accepted","seq":2,"index":0,"timestamp":2,"symbol":"BTC-USD","account":1,"clientOrderId":7,"orderId":2,"side":"sell","orderType":"limit","timeInForce":"gtc","price":"64000.25","quantity":"1.5","selfTradePrevention":"none"}',
      '{"type":"accepted","seq":3,"index":0,"timestamp":3,"requestId":4,"symbol":"BTC-USD","account":2,"clientOrderId":7,"orderId":3,"side":"buy","orderType":"limit","timeInForce":"gtc","price":"64000.5","quantity":"0.5","selfTradePrevention":"none"}',
      '{"type":"trade","seq":3,"index":1,"timestamp":3,"requestId":4,"symbol":"BTC-USD","tradeId":1,"price":"64000.25","quantity":"0.5","aggressorSide":"buy","buyOrderId":3,"buyAccount":2,"buyClientOrderId":7,"buyLeavesQuantity":"0","buyFee":"16.00007","sellOrderId":2,"sellAccount":1,"sellClientOrderId":7,"sellLeavesQuantity":"1","sellFee":"-3.20001"}',
      '{"type":"accepted","seq":4,"index":0,"timestamp":5000,"symbol":"BTC-USD","account":2,"clientOrderId":8,"orderId":4,"side":"buy","orderType":"limit","timeInForce":"gtc","price":"64000","quantity":"2","selfTradePrevention":"none"}',
      '{"type":"book","symbol":"BTC-USD","bids":[["64000","2",1]],"asks":[["64000.25","1",1]]}',
    ]);
    expect(outline(lines.slice(0, 3).join("\n"))).toEqual([
      "asset 1 0",
      "asset 1 1",
      "instrument 1 2",
    ]);
  });

  it("reports lines that are no commands in their places, runs the rest and ends with 65", async () => {
    const input = text(
      DEFINE,
      "garbage",
      order({ price: 100 }),
      "",
      order({}),
      order({ price: "100", prise: "1" }),
      '{"type":"snapshot","type":"snapshot"}',
      `{"type":"${"x".repeat(1 << 20)}"}`,
      { type: "massCancel", account: 1 },
    );
    const { status, stdout } = await crossbook(["run"], `${input}\n`);
    expect(status).toBe(65);
    const lines = jsonLines(stdout).slice(3);
    expect(lines.map(({ type, line, message }) => [type, line, message])).toEqual([
      ["error", 2, "not JSON"],
      ["error", 3, 'price must be a decimal string such as "64000.25", not 100'],
      ["accepted", undefined, undefined],
      ["error", 6, expect.stringContaining('unknown field "prise" in newOrder')],
      ["error", 7, 'the key "type" is given twice'],
      ["error", 8, "longer than 1048576 bytes"],
      ["canceled", undefined, undefined],
    ]);
    // What is no command gets no seq.
    expect(lines.at(-1)?.seq).toBe(3);
  });

  it("rejects what is well-formed but cannot be done, with a seq, and ends with 0", async () => {
    const input = text(
      DEFINE,
      order({ price: "100.1" }),
      order({ quantity: "0" }),
      order({ symbol: "NONE" }),
      { type: "cancelOrder", account: 1, clientOrderId: 99 },
      { type: "setAccount", account: 1, maxOrderQuantity: "0.5" },
      order({}),
    );
    const { status, stdout } = await crossbook(["run"], input);
    expect(status).toBe(0);
    const rejects = jsonLines(stdout).filter(({ type }) => type === "rejected");
    expect(rejects.map(({ seq, command, reason }) => [seq, command, reason])).toEqual([
      [2, "newOrder", "priceOffTick"],
      [3, "newOrder", "invalidQuantity"],
      [4, "newOrder", "unknownSymbol"],
      [5, "cancelOrder", "unknownOrder"],
      [7, "newOrder", "maxOrderQuantity"],
    ]);
  });

  it("takes timestamps, never back, and adds one where there is none", async () => {
    const cancel = { type: "massCancel", account: 1, symbol: "NONE" };
    const input = text(
      cancel,
      { ...cancel, timestamp: 1700000000000000 },
      { ...cancel, timestamp: 5 },
      cancel,
      { ...cancel, timestamp: 1700000000000001 },
    );
    const { stdout } = await crossbook(["run"], input);
    expect(jsonLines(stdout).map(({ timestamp }) => timestamp)).toEqual([
      1, 1700000000000000, 1700000000000000, 1700000000000001, 1700000000000001,
    ]);
  });

  it("answers a requestId that does not rise with the seq of the first, per account", async () => {
    const input = text(
      DEFINE,
      order({ requestId: 5, clientOrderId: 1 }),
      order({ requestId: 5, clientOrderId: 2 }),
      order({ requestId: 4, clientOrderId: 3 }),
      order({ requestId: 5, clientOrderId: 1, account: 2 }),
      order({ requestId: 6, clientOrderId: 4 }),
    );
    const { status, stdout } = await crossbook(["run"], input);
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split("\n").slice(3);
    expect(lines).toEqual([
      expect.stringContaining('"seq":2,'),
      '{"type":"duplicateRequest","requestId":5,"seq":2}',
      '{"type":"duplicateRequest","requestId":4}',
      expect.stringContaining('"seq":3,'),
      expect.stringContaining('"seq":4,'),
    ]);
  });

  it("takes CRLF, a byte order mark, gzip and a last line without an end alike", async () => {
    const commands = text(DEFINE, order({}), order({ account: 2, side: "sell", quantity: "0.4" }));
    const plain = await crossbook(["run"], commands);
    expect(outline(plain.stdout)).toHaveLength(6);
    const dos = `\ufeff${commands.replaceAll("\n", "\r\n")}\r\n`;
    const file = path.join(dir, "commands.jsonl.gz");
    fs.writeFileSync(file, gzipSync(commands));
    for (const result of [
      await crossbook(["run"], dos),
      await crossbook(["run"], gzipSync(commands)),
      await crossbook(["run", file]),
    ]) {
      expect(result).toEqual(plain);
    }
  });

  it("gives the same bytes however its input arrives", async () => {
    const orders = Array.from({ length: 300 }, (_, i) => order({ clientOrderId: i + 1 }));
    const commands = text(DEFINE, ...orders);
    const whole = await crossbook(["run"], commands);
    const child = spawn(process.execPath, [BIN, "run"], { stdio: "pipe" });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    for (let at = 0; at < commands.length; at += 997) {
      child.stdin.write(commands.slice(at, at + 997));
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.stdin.end();
    await new Promise((resolve) => child.on("close", resolve));
    expect(output).toBe(whole.stdout);
  });

  it("sweeps more orders in one command than its event ring holds", async () => {
    const count = 20_000;
    const rows = Array.from({ length: count }, () => order({ quantity: "0.001" }));
    const sweep = order({ account: 2, side: "sell", quantity: String(count / 1000) });
    const { status, stdout } = await crossbook(["run"], text(DEFINE, ...rows, sweep));
    expect(status).toBe(0);
    const trades = jsonLines(stdout).slice(3 + count + 1);
    expect(trades).toHaveLength(count);
    expect(trades.at(-1)).toMatchObject({ tradeId: count, index: count, buyOrderId: count + 1 });
  });

  it("stops quietly when nobody reads its output", async () => {
    const commands = text(DEFINE, ...Array.from({ length: 20_000 }, () => order({})));
    const child = spawn(process.execPath, [BIN, "run"], { stdio: "pipe" });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.on("error", () => {});
    child.stdin.end(commands);
    child.stdout.once("data", () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.on("close", resolve));
    expect([status, stderr]).toEqual([0, ""]);
  });

  it.each([
    [["run", "--wrong"], 64, "unknown option '--wrong'"],
    [["run", "--input-format", "csv"], 64, "Allowed choices are jsonl, flash1, b32"],
    [["run", "--report-hash"], 64, "--report-hash needs --input-format"],
    [["run", "--max-orders", "0"], 64, "Allowed: an integer from 1"],
    [["run", "a", "b"], 64, "too many arguments"],
    [["run", "/no/such/file"], 66, "cannot read /no/such/file"],
    [["run", os.tmpdir()], 66, "it is a directory"],
    [["run", "--book", "NONE"], 66, "no instrument NONE was defined"],
  ])("%j ends with %d", async (args, expected, message) => {
    const { status, stdout, stderr } = await crossbook(args);
    expect([status, stdout]).toEqual([expected, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
  });

  it("tells what it does on --help", async () => {
    const { status, stdout } = await crossbook(["run", "--help"]);
    expect(status).toBe(0);
    expect(stdout).toContain("--book <symbol>");
  });

  it("says that damaged gzip is damaged", async () => {
    const packed = gzipSync(text(DEFINE, order({})));
    const { status, stderr } = await crossbook(["run"], packed.subarray(0, packed.length - 12));
    expect(status).toBe(65);
    expect(stderr).toContain("standard input is damaged");
  });
});
