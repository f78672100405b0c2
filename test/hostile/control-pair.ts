// Two customers who trade with each other while the server is under attack, and count their answers.
import { setTimeout as sleep } from "node:timers/promises";
import { TradeSession } from "../crash/trade-session.ts";
import type { Key, Message } from "../crash/wire.ts";
import { jsonWire } from "../crash/wire-json.ts";

export const CONTROL_SYMBOL = "CTRL-USD";
const ANSWER_TIMEOUT_MS = 15_000;
const PAUSE_MS = 2;

/** What was sent, by requestId. */
export interface SentRequest {
  readonly requestId: number;
  readonly command: Readonly<Record<string, unknown>>;
}

class Customer {
  readonly sent: SentRequest[] = [];
  answers = 0;
  slowestMs = 0;
  #session: TradeSession | null = null;
  #waiting: { readonly requestId: number; readonly resolve: () => void } | null = null;

  async open(url: string, key: Key): Promise<void> {
    this.#session = await TradeSession.open({
      url,
      key,
      wire: jsonWire,
      cancelOnDisconnect: false,
      resumeAfter: null,
      onMessage: (message) => this.#take(message),
    });
  }

  /** Sends a command and waits for what became of it. Throws where nothing does. */
  async request(command: Readonly<Record<string, unknown>>): Promise<void> {
    const session = this.#session as TradeSession;
    const requestId = this.sent.length + 1;
    this.sent.push({ requestId, command });
    const startMs = performance.now();
    const answered = new Promise<boolean>((resolve) => {
      this.#waiting = { requestId, resolve: () => resolve(true) };
    });
    session.sendObject({ ...command, requestId });
    const timer = new AbortController();
    const late = sleep(ANSWER_TIMEOUT_MS, false, { signal: timer.signal }).catch(() => false);
    const isAnswered = await Promise.race([answered, late]);
    timer.abort();
    if (!isAnswered)
      throw new Error(`no answer to request ${requestId} within ${ANSWER_TIMEOUT_MS} ms`);
    this.answers++;
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  #take(message: Message): void {
    if (message.type === "error") throw new Error(`a customer is told ${JSON.stringify(message)}`);
    if (message.requestId !== this.#waiting?.requestId) return;
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}

export class ControlPair {
  readonly seller = new Customer();
  readonly buyer = new Customer();
  #isRunning = true;
  #done: Promise<void> = Promise.resolve();
  #failure: Error | null = null;

  static async open(url: string, seller: Key, buyer: Key): Promise<ControlPair> {
    const pair = new ControlPair();
    await pair.seller.open(url, seller);
    await pair.buyer.open(url, buyer);
    pair.#done = pair.#trade().catch((error: unknown) => {
      pair.#failure = error as Error;
    });
    return pair;
  }

  /** What went wrong so far; null: nothing. */
  get failure(): Error | null {
    return this.#failure;
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#done;
    await this.seller.close();
    await this.buyer.close();
  }

  async #trade(): Promise<void> {
    while (this.#isRunning) {
      const order = { type: "newOrder", symbol: CONTROL_SYMBOL, orderType: "limit", price: "100" };
      await this.seller.request({ ...order, side: "sell", quantity: "2", clientOrderId: 1 });
      await this.buyer.request({ ...order, side: "buy", quantity: "1", clientOrderId: 1 });
      await this.seller.request({ type: "cancelOrder", clientOrderId: 1 });
      await sleep(PAUSE_MS);
    }
  }
}
