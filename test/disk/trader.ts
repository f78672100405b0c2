// A customer that keeps the server busy and remembers what it was told: orders that never meet, so
// that each command has one answer.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TradeSession } from "../crash/trade-session.ts";
import type { Key, Message } from "../crash/wire.ts";
import { jsonWire } from "../crash/wire-json.ts";

const SYMBOL = "BTC-USD";
/** So many orders stay open; each further one cancels the oldest. */
const OPEN_ORDERS = 16;

/** An acknowledgement, as everybody must find it again. */
export interface Told {
  readonly seq: number;
  readonly index: number;
  readonly type: string;
  readonly clientOrderId: number;
}

export class Trader {
  readonly told: Told[] = [];
  /** Milliseconds from sending to the answer, command by command. */
  readonly tookMs: number[] = [];
  /** Commands that the server did not take, by the code it gave. */
  readonly refused: Record<string, number> = {};
  readonly #session: TradeSession;
  readonly #sentMs = new Map<number, number>();
  #requestId: number;

  private constructor(session: TradeSession) {
    this.#session = session;
    this.#requestId = Number(session.loggedOn.lastRequestId ?? 0);
  }

  /** keyFile: one of the demonstration's. */
  static async logOn(url: string, dataDir: string, name = "trader-1"): Promise<Trader> {
    const keyFile = path.join(dataDir, "demo", `${name}.json`);
    const key = JSON.parse(fs.readFileSync(keyFile, "utf8")) as Key;
    let trader: Trader | null = null;
    const session = await TradeSession.open({
      url,
      key,
      wire: jsonWire,
      cancelOnDisconnect: false,
      resumeAfter: null,
      onMessage: (message) => trader?.take(message),
    });
    trader = new Trader(session);
    return trader;
  }

  get isOpen(): boolean {
    return this.#session.isOpen;
  }

  /** Commands without an answer. */
  get waiting(): number {
    return this.#sentMs.size;
  }

  order(): void {
    this.#send((clientOrderId) => ({
      type: "newOrder",
      symbol: SYMBOL,
      clientOrderId,
      side: "buy",
      orderType: "limit",
      price: "60000",
      quantity: "0.001",
    }));
  }

  cancel(clientOrderId: number): void {
    this.#send(() => ({ type: "cancelOrder", clientOrderId }));
  }

  /** Sends `count` commands, at most `window` of them without an answer at a time. */
  async trade(count: number, window: number): Promise<void> {
    const open: number[] = [];
    for (let n = 0; n < count && this.isOpen; n++) {
      if (open.length < OPEN_ORDERS) {
        this.order();
        open.push(this.#requestId);
      } else {
        this.cancel(open.shift() as number);
      }
      while (this.waiting >= window && this.isOpen) await sleep(1);
    }
    while (this.waiting > 0 && this.isOpen) await sleep(1);
  }

  /** Everything that was asked for so far has its answer. False: the time was up. */
  async answered(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (this.waiting > 0 && performance.now() < deadline) await sleep(1);
    return this.waiting === 0;
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  take(message: Message): void {
    const about = message.request as { readonly requestId?: number } | undefined;
    const requestId = Number(message.requestId ?? about?.requestId ?? 0);
    const { type } = message;
    if (type === "error") {
      const code = String(message.code);
      this.refused[code] = (this.refused[code] ?? 0) + 1;
      this.#sentMs.delete(requestId);
      return;
    }
    if (type !== "accepted" && type !== "canceled" && type !== "rejected") return;
    const sentMs = this.#sentMs.get(requestId);
    if (sentMs !== undefined) this.tookMs.push(performance.now() - sentMs);
    this.#sentMs.delete(requestId);
    this.told.push({
      seq: Number(message.seq),
      index: Number(message.index),
      type,
      clientOrderId: Number(message.clientOrderId),
    });
  }

  #send(command: (clientOrderId: number) => object): void {
    const requestId = ++this.#requestId;
    this.#sentMs.set(requestId, performance.now());
    this.#session.sendObject({ ...command(requestId), requestId });
  }
}
