// Orders without end from one trader, some hundreds at a time, so that there is always something to
// publish. It stops and goes on at command; every order is answered before it counts as stopped.
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { decimalText, INSTRUMENTS } from "../crash/instruments.ts";
import type { Key } from "../crash/wire.ts";
import type { Random } from "../simulation/random.ts";

const CHUNK = 60;
const PAUSE_MS = 20;

const EVENTS: ReadonlySet<unknown> = new Set(["accepted", "rejected", "canceled", "trade"]);

type Message = Readonly<Record<string, unknown>>;

export class Load {
  readonly #socket: WebSocket;
  readonly #random: Random;
  #requestId = 0;
  #answeredId = 0;
  #wanted = false;
  #running: Promise<void> = Promise.resolve();
  #onMessage: (message: Message) => void = () => undefined;
  /** Orders that were answered. */
  orders = 0;
  /** Of the last event seen here: the event log holds it, or will in a moment. */
  eventSeq = 0;

  private constructor(socket: WebSocket, random: Random) {
    this.#socket = socket;
    this.#random = random;
    socket.on("message", (data: Buffer) => this.#onMessage(JSON.parse(data.toString())));
    socket.on("error", () => undefined);
  }

  static async connect(url: string, key: Key, random: Random): Promise<Load> {
    const load = new Load(new WebSocket(`${url}/v1/trade`), random);
    const { challenge, serverTime } = await load.#next("challenge");
    const text = `${challenge}\n${key.keyId}\n${serverTime}`;
    const signature = createHmac("sha256", key.secret ?? "")
      .update(text)
      .digest("base64");
    load.#send({ type: "logon", keyId: key.keyId, timestamp: serverTime, signature });
    const { lastRequestId } = await load.#next("loggedOn");
    load.#requestId = lastRequestId as number;
    load.#answeredId = load.#requestId;
    load.#onMessage = ({ type, requestId, code, seq }) => {
      if (EVENTS.has(type)) load.eventSeq = seq as number;
      if (type === "error") throw new Error(`the load was answered ${String(code)}`);
      if (typeof requestId === "number" && requestId > load.#answeredId) {
        load.orders += requestId - load.#answeredId;
        load.#answeredId = requestId;
      }
    };
    return load;
  }

  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#running = this.#run();
  }

  /** All orders have been answered. */
  async stop(): Promise<void> {
    this.#wanted = false;
    await this.#running;
  }

  /** So many orders, answered. */
  async send(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#send({ ...this.#order(i), requestId: ++this.#requestId });
    }
    const last = this.#requestId;
    for (let waited = 0; this.#answeredId < last && this.#isOpen; waited++) {
      if (waited > 20_000) throw new Error("the server does not answer orders");
      await sleep(1);
    }
  }

  close(): void {
    this.#wanted = false;
    this.#socket.terminate();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  async #run(): Promise<void> {
    while (this.#wanted && this.#isOpen) {
      await this.send(1 + this.#random.below(CHUNK));
      await sleep(this.#random.below(PAUSE_MS));
    }
  }

  /** Buys and sells at one price, of sizes that make most of them trade, some with several others. */
  #order(i: number): object {
    const { symbol, tick, lot, middleTicks } = this.#random.pick(INSTRUMENTS);
    if (this.#random.chance(1)) return { type: "massCancel", symbol };
    return {
      type: "newOrder",
      symbol,
      side: (i + this.#random.below(2)) % 2 === 0 ? "buy" : "sell",
      orderType: "limit",
      quantity: decimalText(1 + this.#random.below(9), lot),
      price: decimalText(middleTicks, tick),
    };
  }

  #send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  async #next(type: string): Promise<Message> {
    const closed = once(this.#socket, "close").then(() => {
      throw new Error("the server has closed the session");
    });
    closed.catch(() => undefined);
    const message = new Promise<Message>((resolve) => {
      this.#onMessage = (found) => {
        if (found.type === type) resolve(found);
      };
    });
    return Promise.race([message, closed]);
  }
}
