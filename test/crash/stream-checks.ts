// Redis against the journal: every trade and every event once, in order, without a gap.

import { canonical } from "./client-record.ts";
import type { Findings } from "./findings.ts";
import { isTrade, type JournalEvent } from "./private-view.ts";
import type { Message } from "./wire.ts";

export interface StreamEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** An entry of crossbook:events with its records in their JSON form. */
export interface BatchEntry {
  readonly id: string;
  readonly count: number;
  readonly previous: string;
  readonly events: readonly Message[];
}

/** The order in which a check wants the entries: the journal's. */
export interface StreamSource {
  trades(symbol: string): AsyncIterator<StreamEntry>;
  batches(): AsyncIterator<BatchEntry>;
  /** Symbols that have a trades stream. */
  symbols(): Promise<string[]>;
}

export function idOf(event: { readonly seq: number; readonly index: number }): string {
  return `${event.seq}-${event.index}`;
}

/** The trades streams. To be given every event of the journal in order, then asked for the end. */
export class TradeStreamCheck {
  readonly #source: StreamSource;
  readonly #findings: Findings;
  readonly #streams = new Map<string, AsyncIterator<StreamEntry>>();
  tradeCount = 0;

  constructor(source: StreamSource, findings: Findings) {
    this.#source = source;
    this.#findings = findings;
  }

  async onEvent(event: JournalEvent): Promise<void> {
    if (!isTrade(event)) return;
    this.tradeCount++;
    const symbol = String(event.symbol);
    const next = await this.#stream(symbol).next();
    if (next.done === true) {
      this.#findings.add(`Redis: trade ${idOf(event)} of ${symbol} is missing at the end`);
      return;
    }
    const { id, fields } = next.value;
    if (id !== idOf(event)) {
      this.#findings.add(`Redis: ${symbol} has ${id} where the journal has trade ${idOf(event)}`);
      return;
    }
    const expected = canonical({
      tradeId: String(event.tradeId),
      price: event.price,
      quantity: event.quantity,
      aggressorSide: event.aggressorSide,
      buyOrderId: String(event.buyOrderId),
      sellOrderId: String(event.sellOrderId),
      buyAccount: String(event.buyAccount),
      sellAccount: String(event.sellAccount),
      timestamp: String(event.timestamp),
    });
    const found = canonical(fields);
    if (found !== expected) {
      this.#findings.add(`Redis: trade ${id} of ${symbol} is ${found}, in the journal ${expected}`);
    }
  }

  async end(): Promise<void> {
    for (const symbol of await this.#source.symbols()) {
      const next = await this.#stream(symbol).next();
      if (next.done !== true) {
        this.#findings.add(`Redis: ${symbol} has ${next.value.id}, which is not in the journal`);
      }
    }
  }

  #stream(symbol: string): AsyncIterator<StreamEntry> {
    let stream = this.#streams.get(symbol);
    if (stream === undefined) {
      stream = this.#source.trades(symbol);
      this.#streams.set(symbol, stream);
    }
    return stream;
  }
}

/**
 * crossbook:events. Records that the campaign's own decoder reads in full are compared in full, those
 * of admin commands by their id and type.
 */
export class EventStreamCheck {
  readonly #batches: AsyncIterator<BatchEntry>;
  readonly #findings: Findings;
  #batch: BatchEntry | null = null;
  #at = 0;
  #previous = "0-0";
  eventCount = 0;
  batchCount = 0;

  constructor(source: StreamSource, findings: Findings) {
    this.#batches = source.batches();
    this.#findings = findings;
  }

  async onEvent(event: JournalEvent): Promise<void> {
    this.eventCount++;
    const published = await this.#next();
    if (published === null) {
      this.#findings.add(`Redis: event ${idOf(event)} is missing at the end of crossbook:events`);
      return;
    }
    const same = ORDER_EVENTS.has(event.type)
      ? canonical(published) === canonical(event)
      : published.type === event.type;
    const id = idOf(published as unknown as JournalEvent);
    if (id !== idOf(event) || !same) {
      const text = `${canonical(published)}, in the journal ${canonical(event)}`;
      this.#findings.add(`Redis: crossbook:events has ${text}`);
    }
  }

  async end(): Promise<void> {
    const extra = await this.#next();
    if (extra !== null) {
      this.#findings.add(
        `Redis: crossbook:events has ${canonical(extra)}, which is not in the journal`,
      );
    }
  }

  async #next(): Promise<Message | null> {
    while (this.#batch === null || this.#at === this.#batch.events.length) {
      const next = await this.#batches.next();
      if (next.done === true) return null;
      this.#open(next.value);
    }
    return this.#batch.events[this.#at++] as Message;
  }

  #open(batch: BatchEntry): void {
    const { id, count, previous, events } = batch;
    this.batchCount++;
    if (previous !== this.#previous) {
      this.#findings.add(`Redis: batch ${id} follows ${this.#previous}, but names ${previous}`);
    }
    if (count !== events.length) {
      this.#findings.add(`Redis: batch ${id} names ${count} events and holds ${events.length}`);
    }
    const last = events.at(-1) as unknown as JournalEvent | undefined;
    if (last === undefined || idOf(last) !== id) {
      this.#findings.add(`Redis: batch ${id} does not end with the event of that id`);
    }
    this.#previous = id;
    this.#batch = batch;
    this.#at = 0;
  }
}

const ORDER_EVENTS: ReadonlySet<string> = new Set([
  "accepted",
  "rejected",
  "trade",
  "canceled",
  "reduced",
  "replaced",
  "triggered",
]);
