import { describe, expect, it } from "vitest";
import { Itch50Import } from "../../../replay/import/itch50.ts";
import { Tally } from "../../../replay/import/tally.ts";
import { itchMessage } from "./foreign-files.ts";

const add = (ns: number, id: number, side: string, shares: number, symbol: string, price: number) =>
  itchMessage("A", ns, [8, id], [1, side], [4, shares], [8, symbol], [4, price]);

function run(messages: readonly Buffer[], symbols: readonly string[] = [], chunkBytes = 7) {
  const commands: Record<string, unknown>[] = [];
  const tally = new Tally();
  const feed = new Itch50Import(
    1_000_000,
    symbols,
    (command) => commands.push({ ...command }),
    tally,
  );
  const bytes = Buffer.concat(messages);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    feed.push(bytes.subarray(at, at + chunkBytes));
  }
  feed.end();
  return { commands, lines: tally.lines() };
}

function brief(command: Record<string, unknown>): string {
  const { type, account, symbol, clientOrderId, side, quantity, price, timeInForce } = command;
  return [type, account, symbol, clientOrderId, side, quantity, price, timeInForce]
    .filter((part) => part !== undefined)
    .join(" ");
}

const FEED = [
  itchMessage("S", 1, [1, "O"]),
  itchMessage("R", 2, [8, "ABC"], [20, ""]),
  add(3_000, 11, "B", 100, "ABC", 123400),
  itchMessage("F", 4_999, [8, 12], [1, "S"], [4, 70], [8, "XYZ"], [4, 1999999900], [4, "NSDQ"]),
  itchMessage("E", 5_000, [8, 11], [4, 30], [8, 900]),
  itchMessage("X", 6_000, [8, 11], [4, 10]),
  itchMessage("C", 7_000, [8, 11], [4, 5], [8, 901], [1, "Y"], [4, 123500]),
  itchMessage("U", 8_000, [8, 11], [8, 13], [4, 55], [4, 123300]),
  itchMessage("P", 9_000, [8, 0], [1, "B"], [4, 1], [8, "ABC"], [4, 1], [8, 902]),
  itchMessage("E", 10_000, [8, 13], [4, 55], [8, 903]),
  itchMessage("D", 11_000, [8, 13]),
  itchMessage("D", 12_000, [8, 12]),
];

describe("an ITCH 5.0 feed", () => {
  it("becomes commands, however its bytes arrive", () => {
    for (const chunkBytes of [1, 7, 64, 1000]) {
      const { commands, lines } = run(FEED, [], chunkBytes);
      expect(commands.map(brief)).toEqual([
        "defineInstrument ABC",
        "newOrder 1 ABC 11 buy 100 12.34",
        "defineInstrument XYZ",
        "newOrder 1 XYZ 12 sell 70 199999.99",
        "newOrder 2 ABC sell 30 12.34 ioc",
        "replaceOrder 1 11 90",
        "newOrder 2 ABC sell 5 12.34 ioc",
        "cancelOrder 1 11",
        "newOrder 1 ABC 13 buy 55 12.33",
        "newOrder 2 ABC sell 55 12.33 ioc",
        "cancelOrder 1 12",
      ]);
      expect(commands[3]?.timestamp).toBe(1_000_004);
      expect(lines).toEqual([
        "1 skipped: system events",
        "1 skipped: stock directory entries",
        "3 limit orders",
        "3 executions",
        "1 partial cancels",
        "1 executions at another price than the order's, imported at the order's",
        "1 replaces",
        "1 skipped: trades with hidden orders, which the book does not show",
        "1 skipped: cancels of orders that were never seen, or are dead",
        "1 cancels",
        "0 orders still open at the end",
      ]);
    }
  });

  it("can be taken for one symbol alone, whose instrument then comes first", () => {
    const { commands, lines } = run(FEED, ["XYZ"]);
    expect(commands.map(brief)).toEqual([
      "defineInstrument XYZ",
      "newOrder 1 XYZ 12 sell 70 199999.99",
      "cancelOrder 1 12",
    ]);
    expect(commands[0]).toMatchObject({ tickSize: "0.0001", lotSize: "1", timestamp: 1_000_000 });
    expect(lines.join()).not.toContain("never seen");
  });

  it("leaves out symbols that cannot be named here, and what follows about their orders", () => {
    const { commands, lines } = run([add(1, 1, "B", 5, "ABC+", 100), itchMessage("D", 2, [8, 1])]);
    expect(commands).toEqual([]);
    expect(lines).toContain("1 skipped: orders of ABC+, which is no symbol here");
    expect(lines.join()).not.toContain("never seen");
  });

  it("that is damaged is refused with its place", () => {
    const good = add(1, 1, "B", 5, "ABC", 100);
    expect(() => run([good, good.subarray(0, 20)])).toThrow(`breaks off at byte ${good.length}`);
    expect(() => run([good, itchMessage("z", 1)])).toThrow('unknown type "z"');
    expect(() => run([good, itchMessage("D", 1, [4, 1])])).toThrow("a message D of 15 bytes");
    expect(() => run([itchMessage("D", 1, [8, 0])])).toThrow("order reference 0");
    const tooMuch = itchMessage("E", 1, [8, 1], [4, 6], [8, 1]);
    expect(() => run([good, tooMuch])).toThrow("more than the order has");
  });
});
