// A real server, readers that join while it trades, and the books that `crossbook replay` says.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Book, Reader, stateText } from "../../feed/reader.ts";
import { SCHEMA_VERSION } from "../../feed/request.ts";
import { crossbook } from "../../processes/command-line.ts";
import { ServerProcess } from "../../processes/server-process.ts";
import { Random } from "../../reference/fuzz/random.ts";
import { TRANSPORTS, until } from "../transports.ts";
import { PrivateClient } from "./private-client.ts";

const SYMBOL = "AAPL";
const SIZES = { symbol: SYMBOL, instrumentId: 3, tick: [1, 2], lot: [1, 0] } as const;
const ROUNDS = 12;
const ORDERS_A_ROUND = 25;
const SAMPLES = 6;

let folder: string;
let server: ServerProcess;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "crossbook-books-"));
});

afterEach(async () => {
  await server.kill();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A reader of a channel, and all books that it has had. */
class Watcher {
  readonly states = new Map<number, string>();
  problem: unknown = null;
  readonly #socket: WebSocket;

  constructor(url: string, book: Book, isBinary: boolean) {
    const reader = new Reader(
      () => SIZES,
      (_, __, seq, state) => this.states.set(seq, state()),
    );
    this.#socket = new WebSocket(`${url}/v1/market${isBinary ? "?encoding=binary" : ""}`);
    this.#socket.on("message", (data: Buffer, isFrameBinary) => {
      try {
        reader.take(isFrameBinary ? data : data.toString("utf8"));
      } catch (error) {
        this.problem ??= error;
      }
    });
    this.#socket.on("open", () => {
      if (!isBinary) {
        this.#socket.send(JSON.stringify({ type: "subscribe", channel: book, symbol: SYMBOL }));
        return;
      }
      const bytes = Buffer.alloc(26);
      for (const [i, word] of [26, 139, 0x4342, SCHEMA_VERSION].entries())
        bytes.writeUInt16LE(word, i * 2);
      bytes.writeUInt8(["none", "l1", "l2", "l3"].indexOf(book), 8);
      bytes.write(SYMBOL, 9, "latin1");
      this.#socket.send(bytes);
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** [price, quantity, orders] as the reader writes levels. */
function levelsText(book: { bids: string[][]; asks: string[][] }): string {
  const rowOf = (side: number) => (row: (string | number)[]) => ({
    side,
    priceTicks: Math.round(Number(row[0]) * 100),
    lots: Number(row[1]),
    orderId: 0,
    extra: row[2] as number,
  });
  return stateText("l2", [...book.bids.map(rowOf(1)), ...book.asks.map(rowOf(2))]);
}

/** Levels out of orders: what l3 says in the words of l2. */
function levelsOf(orders: string): string {
  return orders
    .split(" | ")
    .map((side) => {
      const levels = new Map<string, [lots: number, orders: number]>();
      for (const order of side === "" ? [] : side.split(" ")) {
        const [, lots, price] = /:(\d+)@(-?\d+)$/.exec(order) as string[];
        const level = levels.get(price as string) ?? [0, 0];
        levels.set(price as string, [level[0] + Number(lots), level[1] + 1]);
      }
      return [...levels].map(([price, [lots, count]]) => `${lots}/${count}@${price}`).join(" ");
    })
    .join(" | ");
}

test.each(TRANSPORTS)(
  "over %s readers that join while it trades have the books of `replay --book --to`",
  async (transport) => {
    const data = path.join(folder, "data");
    const flags = ["--demo", "--redis", "off", "--transport", transport];
    server = new ServerProcess(data, path.join(folder, "log"), flags);
    const { url } = await server.ready();
    const random = new Random(7);
    const trader = await PrivateClient.logOn(url, path.join(data, "demo", "trader-1.json"));
    const watchers: Watcher[] = [];
    let last = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const book = (["l2", "l3"] as const)[round % 2] as Book;
      watchers.push(new Watcher(url, book, random.chance(0.5)));
      const commands = Array.from({ length: ORDERS_A_ROUND }, () => ({
        type: "newOrder",
        symbol: SYMBOL,
        orderType: "limit",
        side: random.pick(["buy", "sell"]),
        price: `${(58_500 + random.int(-20, 20)) / 100}`,
        quantity: `${random.int(20, 100)}`,
        ...(random.chance(0.3) ? { displayQuantity: `${random.int(1, 20)}` } : {}),
      }));
      const events = await trader.sendAll(commands);
      last = Math.max(last, ...events.map(({ seq }) => seq as number));
    }
    const newest = (watcher: Watcher) => Math.max(-1, ...watcher.states.keys());
    await until(() => watchers.every((watcher) => newest(watcher) >= last - 1), "all are told");
    trader.close();
    for (const watcher of watchers) {
      watcher.close();
      expect(watcher.problem).toBeNull();
    }
    await server.stop();

    for (let sample = 0; sample < SAMPLES; sample++) {
      const watcher = watchers[(sample * 5) % watchers.length] as Watcher;
      const [seq, state] = random.pick([...watcher.states]);
      const { stdout } = await crossbook(["replay", data, "--book", SYMBOL, "--to", `${seq}`]);
      const line = stdout.split("\n").find((text) => text.startsWith('{"type":"book"'));
      const expected = levelsText(JSON.parse(line as string));
      expect(state.includes(":") ? levelsOf(state) : state, `seq ${seq}`).toBe(expected);
      expect(expected.length).toBeGreaterThan(3);
    }
  },
  60_000,
);
