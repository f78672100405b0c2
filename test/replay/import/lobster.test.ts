import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { midnightUs } from "../../../replay/import/exchange-time.ts";
import { importLobster } from "../../../replay/import/lobster.ts";
import { readLobster } from "../../../replay/import/lobster-file.ts";
import { Tally } from "../../../replay/import/tally.ts";
import { zipFile } from "./foreign-files.ts";

const MIDNIGHT = 1_340_251_200_000_000;

interface Imported {
  commands: Record<string, unknown>[];
  lines: string[];
}

/** Rows of the message file and, where given, of the order book file. */
function run(messages: string[], book?: string[], reconcile = true): Imported {
  const commands: Record<string, unknown>[] = [];
  const tally = new Tally();
  const recording = {
    symbol: "ABC",
    midnightUs: MIDNIGHT,
    messages: Buffer.from(messages.join("\n")),
    book: book === undefined ? undefined : Buffer.from(book.join("\r\n")),
  };
  importLobster(recording, { reconcile }, (command) => commands.push({ ...command }), tally);
  return { commands, lines: tally.lines() };
}

/** What matters of a command, in short. */
function brief(command: Record<string, unknown>): string {
  const { type, clientOrderId, side, quantity, price, timeInForce, state } = command;
  return [type, clientOrderId, side, quantity, price, timeInForce, state]
    .filter((part) => part !== undefined)
    .join(" ");
}

describe("a LOBSTER recording", () => {
  it("begins with its instrument, in whole cents where its orders are", () => {
    const [first] = run(["34200.5,1,7,100,1000000,1"]).commands;
    expect(first).toEqual({
      type: "defineInstrument",
      timestamp: MIDNIGHT,
      symbol: "ABC",
      tickSize: "0.01",
      lotSize: "1",
      baseAsset: "ABC",
      quoteAsset: "USD",
    });
    const [finer] = run(["34200.5,1,7,100,9950,1"]).commands;
    expect(finer?.tickSize).toBe("0.0001");
  });

  it("maps each type of message", () => {
    const { commands, lines } = run([
      "34200.000001999,1,7,100,1000000,1",
      "34200.1,1,8,50,1000100,-1",
      "34201,2,7,30,1000000,1",
      "34202,4,7,20,1000000,1",
      "34203,4,8,50,1000100,-1",
      "34204,3,7,50,1000000,1",
      "34205,5,0,10,1000050,1",
      "34206,6,-1,10,1000050,1",
      "34207,7,0,0,-1,-1",
      "34208,7,0,0,0,-1",
      "34209,7,0,0,1,-1",
    ]);
    expect(commands.slice(1).map(brief)).toEqual([
      "newOrder 7 buy 100 100",
      "newOrder 8 sell 50 100.01",
      "replaceOrder 7 70",
      "newOrder sell 20 100 ioc",
      "newOrder buy 50 100.01 ioc",
      "cancelOrder 7",
      "setMarketState halted",
      "setMarketState auction",
      "setMarketState continuous",
    ]);
    expect(commands[1]).toMatchObject({ account: 1, timestamp: MIDNIGHT + 34_200_000_001 });
    expect(commands[2]).toMatchObject({ account: 1, timestamp: MIDNIGHT + 34_200_100_000 });
    expect(commands[4]).toMatchObject({ account: 2, timeInForce: "ioc" });
    expect(lines).toContain("1 skipped: executions of hidden orders, which the book does not show");
    expect(lines).toContain("1 skipped: trades of a cross, which name no order");
  });

  it("names the new total of an order that was filled in part before", () => {
    const { commands } = run([
      "1,1,7,100,1000000,1",
      "2,4,7,40,1000000,1",
      "3,2,7,10,1000000,1",
      "4,2,7,50,1000000,1",
    ]);
    // 100 − 10 = 90, of which 40 are filled; then the rest goes.
    expect(commands.slice(3).map(brief)).toEqual(["replaceOrder 7 90", "cancelOrder 7"]);
  });

  it("counts messages about orders that were never seen, and guesses nothing", () => {
    const { commands, lines } = run([
      "1,2,7,1,1000000,1",
      "2,3,7,1,1000000,1",
      "3,4,7,1,1000000,1",
    ]);
    expect(commands).toHaveLength(1);
    expect(lines).toEqual([
      "1 skipped: partial cancels of orders that were never seen, or are dead",
      "1 skipped: cancels of orders that were never seen, or are dead",
      "1 skipped: executions of orders that were never seen, or are dead",
      "0 orders still open at the end",
    ]);
  });

  const gaps = ["1,1,7,100,1000000,1", "2,1,8,100,1000300,1", "3,1,9,100,1000200,1"];
  const quotes = [
    "9999999999,0,1000000,100",
    "9999999999,0,1000300,100",
    "9999999999,0,1000200,100",
  ];

  it("cancels what the recorded best price proves gone", () => {
    const { commands, lines } = run(gaps, quotes);
    expect(commands.slice(1).map(brief)).toEqual([
      "newOrder 7 buy 100 100",
      "newOrder 8 buy 100 100.03",
      "newOrder 9 buy 100 100.02",
      "cancelOrder 8",
    ]);
    expect(lines).toContain("1 orders canceled unseen, as the recorded best price shows");
    const empty = run(gaps.slice(0, 1), ["9999999999,0,-9999999999,0"]);
    expect(empty.commands.map(brief)).toContain("cancelOrder 7");
  });

  it("cancels what an order that rests proves gone", () => {
    const { commands } = run([
      "1,1,7,100,1000000,1",
      "2,1,8,100,1000100,1",
      "3,1,9,100,1000000,-1",
    ]);
    expect(commands.slice(3).map(brief)).toEqual([
      "cancelOrder 8",
      "cancelOrder 7",
      "newOrder 9 sell 100 100",
    ]);
  });

  it("lets an execution hit its order: earlier orders at the price go to the back", () => {
    const messages = [
      "1,1,7,100,1000000,-1",
      "2,1,8,60,1000000,-1",
      "3,1,9,10,999900,-1",
      "4,4,8,60,1000000,-1",
      "5,4,7,100,1000000,-1",
    ];
    const { commands } = run(messages);
    expect(commands.slice(4).map(brief)).toEqual([
      "cancelOrder 9",
      "replaceOrder 7 100",
      "newOrder buy 60 100 ioc",
      "newOrder buy 100 100 ioc",
    ]);
    const asRecorded = run(messages, undefined, false);
    expect(asRecorded.commands.slice(4).map(brief)).toEqual([
      "newOrder buy 60 100 ioc",
      "newOrder buy 100 100 ioc",
    ]);
  });

  it.each([
    ["1,1,7,100,1000000", "message line 2 is not a LOBSTER message"],
    ["1,1,7,100,1000000,2", "message line 2 is not a LOBSTER message"],
    ["1,1,0,100,1000000,1", "message line 2 is not a LOBSTER message"],
    ["time,type,id,size,price,direction", "message line 2 is not a row of numbers"],
    ["1,9,7,100,1000000,1", "message line 2: type 9"],
  ])("that has the row %s is refused", (row, message) => {
    expect(() => run(["1,1,1,1,1000000,1", row])).toThrow(message);
  });

  it("whose order book file is shorter is refused", () => {
    expect(() => run(gaps, quotes.slice(0, 2))).toThrow("order book file ends before line 3");
  });
});

describe("the files of a LOBSTER recording", () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-lobster-"));
  afterAll(() => fs.rmSync(dir, { recursive: true }));
  const name = "ABC_2012-06-21_34200000_57600000_message_1.csv";
  const messages = "34200.5,1,7,100,1000000,1\n";
  const book = "9999999999,0,1000000,100\n";

  it("are found in a zip file, by symbol and by date", () => {
    const file = path.join(dir, "both.zip");
    const entries = {
      [name.replace("06-21", "06-22")]: "later",
      [name]: messages,
      [name.replace("message", "orderbook")]: book,
      [name.replace("ABC", "XYZ")]: "other",
      "readme.txt": "",
    };
    fs.writeFileSync(file, zipFile(entries));
    const [first, second, ...others] = readLobster(file, ["ABC"]);
    expect(first).toMatchObject({ symbol: "ABC", midnightUs: MIDNIGHT });
    expect(first?.messages.toString()).toBe(messages);
    expect(first?.book?.toString()).toBe(book);
    expect(second?.messages.toString()).toBe("later");
    expect(second?.book).toBeUndefined();
    expect(others).toEqual([]);
    expect(() => readLobster(file, ["NONE"])).toThrow("holds ABC");
  });

  it("are found side by side", () => {
    const file = path.join(dir, name);
    fs.writeFileSync(file, messages);
    fs.writeFileSync(file.replace("message", "orderbook"), book);
    expect(readLobster(file, [])[0]?.book?.toString()).toBe(book);
    const nameless = path.join(dir, "data.csv");
    fs.writeFileSync(nameless, messages);
    expect(() => readLobster(nameless, [])).toThrow("--symbol");
    expect(readLobster(nameless, ["QQQ"])[0]).toMatchObject({ symbol: "QQQ", midnightUs: 0 });
    expect(() => readLobster(path.join(dir, "none"), [])).toThrow("cannot read");
  });

  it("count from midnight in New York, in summer and in winter", () => {
    expect(midnightUs("2012-06-21")).toBe(Date.UTC(2012, 5, 21, 4) * 1000);
    expect(midnightUs("2019-01-30")).toBe(Date.UTC(2019, 0, 30, 5) * 1000);
    expect(midnightUs("2024-03-10")).toBe(Date.UTC(2024, 2, 10, 5) * 1000); // clocks change at 2
    expect(() => midnightUs("2024-13-01")).toThrow("not a date");
  });
});
