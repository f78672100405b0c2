// After the campaign: the journal, as `crossbook replay` tells it, against everything that was seen.
import { ClientCheck, RequestOutcomes } from "./client-check.ts";
import type { ClientRecord } from "./client-record.ts";
import { Findings } from "./findings.ts";
import { OrderBalance } from "./order-balance.ts";
import type { JournalEvent } from "./private-view.ts";
import { EventStreamCheck, idOf, type StreamSource, TradeStreamCheck } from "./stream-checks.ts";

export interface AuditInput {
  /** All events of the journal in order. */
  readonly events: AsyncIterable<JournalEvent>;
  readonly clients: readonly ClientRecord[];
  /** All clients were connected until everything up to this seq had been told. */
  readonly untilSeq: number;
  readonly redis: StreamSource;
  /** Accounts that may have no open order at the end. */
  readonly emptyAccounts: readonly number[];
}

export interface AuditReport {
  readonly findings: readonly string[];
  readonly events: number;
  readonly trades: number;
  readonly eventBatches: number;
  readonly privateEvents: number;
  readonly openOrders: number;
  /** Requests whose refusal was lost, so that they were called duplicates without having been done. */
  readonly lostRefusals: number;
  readonly lastSeq: number;
}

export async function audit(input: AuditInput): Promise<AuditReport> {
  const findings = new Findings();
  const outcomes = new RequestOutcomes(findings);
  const clients = input.clients.map((record) => new ClientCheck(record, input.untilSeq, findings));
  const trades = new TradeStreamCheck(input.redis, findings);
  const published = new EventStreamCheck(input.redis, findings);
  const orders = new OrderBalance(findings);
  const order = new EventOrder(findings);

  for await (const event of input.events) {
    order.onEvent(event);
    outcomes.onEvent(event);
    orders.onEvent(event);
    await trades.onEvent(event);
    await published.onEvent(event);
    for (const client of clients) await client.onEvent(event);
  }
  await trades.end();
  await published.end();
  for (const client of clients) await client.end(outcomes);
  for (const account of new Set(input.clients.map((record) => record.account))) {
    const own = input.clients.filter((record) => record.account === account);
    outcomes.expectKnown(account, (id) => own.some((record) => record.requests.has(id)));
  }
  for (const record of input.clients) orders.compareWith(record);
  for (const account of input.emptyAccounts) {
    const count = orders.openCountOf(account);
    if (count > 0) findings.add(`account ${account} has ${count} open orders and may have none`);
  }
  const lostRefusals = clients.reduce((sum, client) => sum + client.lostRefusals, 0);
  const refusals = input.clients.reduce((sum, record) => sum + refusalsOf(record), 0);
  if (lostRefusals > refusals) {
    findings.add(`${lostRefusals} requests were called duplicates and never done`);
  }
  return {
    findings: findings.texts,
    events: order.eventCount,
    trades: trades.tradeCount,
    eventBatches: published.batchCount,
    privateEvents: clients.reduce((sum, client) => sum + client.seenCount, 0),
    openOrders: orders.open.size,
    lostRefusals,
    lastSeq: order.lastSeq,
  };
}

function refusalsOf(record: ClientRecord): number {
  return [...record.requests.values()].filter(({ outcome }) => outcome?.kind === "refused").length;
}

/** seq rises, index counts from 0, time never goes back, trade ids count up. */
class EventOrder {
  readonly #findings: Findings;
  eventCount = 0;
  lastSeq = 0;
  #lastIndex = -1;
  #lastTimestamp = 0;
  #lastTradeId = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  onEvent(event: JournalEvent): void {
    this.eventCount++;
    const { seq, index, timestamp } = event;
    const follows =
      seq === this.lastSeq ? index === this.#lastIndex + 1 : seq > this.lastSeq && index === 0;
    if (!follows) {
      this.#findings.add(`journal: ${idOf(event)} after ${this.lastSeq}-${this.#lastIndex}`);
    }
    if (timestamp < this.#lastTimestamp) this.#findings.add(`journal: time back at ${idOf(event)}`);
    if (event.type === "trade" && event.tradeId !== ++this.#lastTradeId) {
      this.#findings.add(`journal: trade id ${String(event.tradeId)} at ${idOf(event)}`);
      this.#lastTradeId = Number(event.tradeId);
    }
    this.lastSeq = seq;
    this.#lastIndex = index;
    this.#lastTimestamp = timestamp;
  }
}
