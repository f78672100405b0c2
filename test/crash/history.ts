// A short journal with everything that a client, Redis and the command line would say of it: what the
// tests of the checks plant their faults in.
import path from "node:path";
import { ClientRecord } from "./client-record.ts";
import { INSTRUMENTS } from "./instruments.ts";
import type { FlowCommand } from "./order-flow.ts";
import { isTrade, type JournalEvent, privateViews } from "./private-view.ts";
import { type BatchEntry, idOf, type StreamEntry, type StreamSource } from "./stream-checks.ts";
import type { Message } from "./wire.ts";

export const BUYER = 11;
export const SELLER = 12;
const symbol = "KILO-USD";

const order = (side: string, account: number, id: number, quantity: string): object => ({
  symbol,
  account,
  clientOrderId: id,
  side,
  orderType: "limit",
  timeInForce: "gtc",
  price: "100",
  quantity,
  selfTradePrevention: "none",
});

/** Two sells, a buy that takes one and half of the other, a trade with oneself, a cancel, a refusal. */
export function journal(): JournalEvent[] {
  const event = (seq: number, index: number, fields: object): JournalEvent =>
    ({ seq, index, timestamp: 1000 + seq, ...fields }) as JournalEvent;
  const trade = (seq: number, index: number, tradeId: number, fields: object): JournalEvent =>
    event(seq, index, {
      type: "trade",
      symbol,
      tradeId,
      price: "100",
      buyFee: "0.05",
      sellFee: "-0.01",
      ...fields,
    });
  return [
    event(1, 0, { type: "instrument", symbol }),
    event(3, 0, { type: "accepted", requestId: 201, orderId: 3, ...order("sell", SELLER, 1, "2") }),
    event(4, 0, { type: "accepted", requestId: 202, orderId: 4, ...order("sell", SELLER, 2, "2") }),
    event(5, 0, { type: "accepted", requestId: 101, orderId: 5, ...order("buy", BUYER, 1, "3") }),
    trade(5, 1, 1, {
      requestId: 101,
      quantity: "2",
      aggressorSide: "buy",
      ...{ buyOrderId: 5, buyAccount: BUYER, buyClientOrderId: 1, buyLeavesQuantity: "1" },
      ...{ sellOrderId: 3, sellAccount: SELLER, sellClientOrderId: 1, sellLeavesQuantity: "0" },
    }),
    trade(5, 2, 2, {
      requestId: 101,
      quantity: "1",
      aggressorSide: "buy",
      ...{ buyOrderId: 5, buyAccount: BUYER, buyClientOrderId: 1, buyLeavesQuantity: "0" },
      ...{ sellOrderId: 4, sellAccount: SELLER, sellClientOrderId: 2, sellLeavesQuantity: "1" },
    }),
    event(6, 0, {
      type: "accepted",
      requestId: 203,
      orderId: 6,
      ...order("buy", SELLER, 3, "0.5"),
    }),
    trade(6, 1, 3, {
      requestId: 203,
      quantity: "0.5",
      aggressorSide: "buy",
      ...{ buyOrderId: 6, buyAccount: SELLER, buyClientOrderId: 3, buyLeavesQuantity: "0" },
      ...{ sellOrderId: 4, sellAccount: SELLER, sellClientOrderId: 2, sellLeavesQuantity: "0.5" },
    }),
    event(8, 0, {
      ...{ type: "canceled", requestId: 204, symbol, account: SELLER, clientOrderId: 2 },
      ...{ orderId: 4, side: "sell", quantity: "0.5", reason: "requested" },
    }),
    event(9, 0, {
      ...{ type: "rejected", requestId: 102, symbol, account: BUYER, clientOrderId: 2 },
      ...{ command: "newOrder", reason: "invalidQuantity" },
    }),
  ];
}

const cancel: FlowCommand = { type: "cancelOrder", clientOrderId: 1 };
const massCancel: FlowCommand = {
  type: "massCancel",
  instrument: INSTRUMENTS[0] as (typeof INSTRUMENTS)[number],
  side: "buy",
};

/** Clients that saw all of `events` and were told the truth. */
export function clients(directory: string, events: readonly JournalEvent[]): ClientRecord[] {
  const requests: readonly [number, readonly number[], number][] = [
    [BUYER, [101, 102], 103],
    [SELLER, [201, 202, 203, 204], 205],
  ];
  return requests.map(([account, ids, silent]) => {
    const name = `client-${account}`;
    const record = new ClientRecord(name, account, path.join(directory, `${name}.jsonl`));
    for (const id of ids) record.requests.set(id, { command: cancel, sentCount: 1, outcome: null });
    record.requests.set(silent, { command: massCancel, sentCount: 1, outcome: null });
    for (const view of viewsOf(events, account)) {
      record.onEvent(view);
      const id = view.requestId as number | undefined;
      const seq = view.seq as number;
      if (id !== undefined) record.answered(id, { kind: "answered", seq, hasEvents: true });
    }
    record.answered(silent, { kind: "answered", seq: 10, hasEvents: false });
    return record;
  });
}

export function viewsOf(events: readonly JournalEvent[], account: number): Message[] {
  let owner = 0;
  return events.flatMap((event) => {
    if (event.index === 0) owner = Number(event.account ?? 0);
    return privateViews(event, account, owner, () => true);
  });
}

export interface Streams {
  trades: StreamEntry[];
  batches: { id: string; count: number; previous: string; events: Message[] }[];
}

/** What Redis holds after `events`, in batches of three. */
export function streams(events: readonly JournalEvent[]): Streams {
  const trades = events.filter(isTrade).map((event) => ({
    id: idOf(event),
    fields: {
      tradeId: String(event.tradeId),
      price: event.price,
      quantity: event.quantity,
      aggressorSide: event.aggressorSide,
      buyOrderId: String(event.buyOrderId),
      sellOrderId: String(event.sellOrderId),
      buyAccount: String(event.buyAccount),
      sellAccount: String(event.sellAccount),
      timestamp: String(event.timestamp),
    },
  }));
  const batches: Streams["batches"] = [];
  for (let at = 0; at < events.length; at += 3) {
    const some = events.slice(at, at + 3);
    const id = idOf(some.at(-1) as JournalEvent);
    batches.push({ id, count: some.length, previous: batches.at(-1)?.id ?? "0-0", events: some });
  }
  return { trades, batches };
}

export function sourceOf({ trades, batches }: Streams): StreamSource {
  return {
    trades: (name) => iterate(name === symbol ? trades : []),
    batches: () => iterate<BatchEntry>(batches),
    symbols: async () => [symbol],
  };
}

export async function* iterate<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
