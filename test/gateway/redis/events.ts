// Event records made by hand, and an event log that is an array.

import type { EventSource } from "../../../gateway/redis/event-source.ts";
import { eventIdAt, viewOf } from "../../../gateway/redis/records.ts";
import { compareEventIds } from "../../../gateway/redis/stream-id.ts";
import { Side } from "../../../protocol/generated/enums.ts";
import { Accepted, Checkpoint, Instrument, Trade } from "../../../protocol/generated/events.ts";

export const START_US = 1_700_000_000_000_000;

interface Flyweight {
  wrap(view: DataView, offset: number): boolean;
  clear(): unknown;
  readonly blockLength: number;
  seq: number;
  index: number;
  timestampUs: number;
  instrumentId: number;
}

function record<F extends Flyweight>(
  flyweight: F,
  seq: number,
  index: number,
  instrumentId: number,
  fields: Partial<F>,
): Uint8Array {
  const bytes = new Uint8Array(192);
  flyweight.wrap(viewOf(bytes), 0);
  flyweight.clear();
  flyweight.seq = seq;
  flyweight.index = index;
  flyweight.timestampUs = START_US + seq;
  flyweight.instrumentId = instrumentId;
  Object.assign(flyweight, fields);
  return bytes.slice(0, flyweight.blockLength);
}

/** Ticks of 0.01 and lots of 0.001. */
export function instrumentEvent(seq: number, id: number, symbol: string): Uint8Array {
  return record(new Instrument(), seq, 0, id, {
    symbol,
    tickSize: 1,
    tickSizeScale: 2,
    lotSize: 1,
    lotSizeScale: 3,
    baseAsset: "BASE",
    quoteAsset: "USD",
  });
}

export function acceptedEvent(seq: number, id: number): Uint8Array {
  return record(new Accepted(), seq, 0, id, { orderId: seq, account: 7, side: Side.buy });
}

export function tradeEvent(
  seq: number,
  index: number,
  id: number,
  fields: Partial<Trade> = {},
): Uint8Array {
  return record(new Trade(), seq, index, id, {
    tradeId: seq * 10 + index,
    priceTicks: 6_400_025,
    quantityLots: 1500,
    takerOrderId: seq,
    makerOrderId: seq - 1,
    account: 7,
    makerAccount: 8,
    aggressorSide: Side.buy,
    ...fields,
  });
}

export function checkpointEvent(seq: number): Uint8Array {
  return record(new Checkpoint(), seq, 0, 0, {});
}

/** In the place of the event log's reader. */
export class MemoryEventLog implements EventSource {
  readonly records: Uint8Array[] = [];
  readonly isTroubled = false;
  #next = 0;

  append(...records: readonly Uint8Array[]): void {
    this.records.push(...records);
  }

  /** Drops the records from `count` on, as a power loss would. */
  truncate(count: number): void {
    this.records.length = count;
  }

  seek(seq: number, index: number): void {
    const at = this.records.findIndex(
      (bytes) => compareEventIds(eventIdAt(viewOf(bytes), 0), { seq, index }) > 0,
    );
    this.#next = at === -1 ? this.records.length : at;
  }

  read(into: Uint8Array): number {
    let filled = 0;
    for (; this.#next < this.records.length; this.#next++) {
      const bytes = this.records[this.#next] as Uint8Array;
      if (filled + bytes.length > into.length) break;
      into.set(bytes, filled);
      filled += bytes.length;
    }
    return filled;
  }
}

/** `commands` commands on `symbols`: an accepted order each, and 0 to 3 trades with it. */
export function* randomHistory(
  symbols: readonly string[],
  commands: number,
  random: () => number,
  firstSeq = 1,
): Generator<Uint8Array> {
  let seq = firstSeq;
  if (firstSeq === 1) {
    for (const [i, symbol] of symbols.entries()) yield instrumentEvent(seq++, i + 1, symbol);
  }
  for (let n = 0; n < commands; n++, seq++) {
    if (random() < 0.01) {
      yield checkpointEvent(seq);
      continue;
    }
    if (random() < 0.02) continue; // a command without events
    const id = 1 + Math.floor(random() * symbols.length);
    yield acceptedEvent(seq, id);
    const trades = Math.floor(random() * 4);
    for (let index = 1; index <= trades; index++) {
      yield tradeEvent(seq, index, id, {
        priceTicks: Math.floor(random() * 1e6) - 5e5,
        quantityLots: 1 + Math.floor(random() * 1e6),
        aggressorSide: random() < 0.5 ? Side.buy : Side.sell,
      });
    }
  }
}

/** Mulberry32: the same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
