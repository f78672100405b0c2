// What must be in Redis after a history was published, told without the publisher's code.
import type { Redis } from "ioredis";
import { expect } from "vitest";
import { eventIdAt, templateIdAt, viewOf } from "../../../gateway/redis/records.ts";
import {
  CHECKPOINT_TEMPLATE_ID,
  INSTRUMENT_TEMPLATE_ID,
  Instrument,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../../protocol/generated/events.ts";

type Entry = [id: Buffer, fields: Buffer[]];

/** Every event once, in order, without a gap, in batches that name the one before; every trade once. */
export async function expectExactlyOnce(
  client: Redis,
  records: readonly Uint8Array[],
  prefix = "crossbook",
): Promise<void> {
  const expected = records.filter(
    (bytes) => templateIdAt(viewOf(bytes), 0) !== CHECKPOINT_TEMPLATE_ID,
  );
  await expectBatches(client, expected, prefix);
  await expectTrades(client, expected, prefix);
}

async function expectBatches(
  client: Redis,
  expected: readonly Uint8Array[],
  prefix: string,
): Promise<void> {
  const entries = (await client.callBuffer("XRANGE", `${prefix}:events`, "-", "+")) as Entry[];
  let previous = "0-0";
  let count = 0;
  const parts: Buffer[] = [];
  for (const [id, fields] of entries) {
    expect(fields.filter((_, i) => i % 2 === 0).map(String)).toEqual(["e", "n", "prev"]);
    const [, records, , n, , prev] = fields as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    expect(String(prev)).toBe(previous);
    count += Number(n);
    const last = expected[count - 1];
    expect(String(id)).toBe(last && idOf(last));
    previous = String(id);
    parts.push(records);
  }
  expect(count).toBe(expected.length);
  expect(Buffer.concat(parts).equals(Buffer.concat(expected))).toBe(true);
}

async function expectTrades(
  client: Redis,
  expected: readonly Uint8Array[],
  prefix: string,
): Promise<void> {
  const symbols = new Map<number, string>();
  const trades = new Map<string, unknown[]>();
  for (const bytes of expected) {
    const view = viewOf(bytes);
    if (templateIdAt(view, 0) === INSTRUMENT_TEMPLATE_ID) {
      const instrument = new Instrument();
      instrument.wrap(view, 0);
      symbols.set(instrument.instrumentId, instrument.symbol);
      trades.set(instrument.symbol, []);
    } else if (templateIdAt(view, 0) === TRADE_TEMPLATE_ID) {
      const trade = new Trade();
      trade.wrap(view, 0);
      const symbol = symbols.get(trade.instrumentId) as string;
      trades.get(symbol)?.push([idOf(bytes), String(trade.tradeId)]);
    }
  }
  for (const [symbol, list] of trades) {
    const entries = await client.xrange(`${prefix}:trades:${symbol}`, "-", "+");
    expect(entries.map(([id, fields]) => [id, fields[1]])).toEqual(list);
  }
}

export function idOf(bytes: Uint8Array): string {
  const { seq, index } = eventIdAt(viewOf(bytes), 0);
  return `${seq}-${index}`;
}
