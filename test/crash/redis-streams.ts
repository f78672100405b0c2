// The streams in Redis, page by page: a day of trading need not fit into memory.
import type { Redis } from "ioredis";
import type { BatchEntry, StreamEntry, StreamSource } from "./stream-checks.ts";
import { parseRecords } from "./wire-records.ts";

const PAGE = 1000;
const EVENTS_KEY = "crossbook:events";
const TRADES_PREFIX = "crossbook:trades:";

type RawEntry = [id: Buffer, fields: Buffer[]];

export function redisStreams(client: Redis): StreamSource {
  return {
    trades: (symbol) => tradeEntries(client, `${TRADES_PREFIX}${symbol}`),
    batches: () => batchEntries(client),
    async symbols() {
      const keys = await client.keys(`${TRADES_PREFIX}*`);
      return keys.map((key) => key.slice(TRADES_PREFIX.length)).sort();
    },
  };
}

/** Id of the last entry of crossbook:events; null: there is none yet. */
export async function lastPublished(client: Redis): Promise<string | null> {
  const entries = await client.xrevrange(EVENTS_KEY, "+", "-", "COUNT", 1);
  return entries[0]?.[0] ?? null;
}

async function* tradeEntries(client: Redis, key: string): AsyncGenerator<StreamEntry> {
  for await (const [id, values] of entries(client, key, PAGE)) {
    const fields: Record<string, string> = {};
    for (let i = 0; i < values.length; i += 2) fields[String(values[i])] = String(values[i + 1]);
    yield { id: String(id), fields };
  }
}

async function* batchEntries(client: Redis): AsyncGenerator<BatchEntry> {
  // An entry holds up to some hundred kilobytes.
  for await (const [id, values] of entries(client, EVENTS_KEY, 20)) {
    yield {
      id: String(id),
      count: Number(fieldOf(values, "n")),
      previous: String(fieldOf(values, "prev")),
      events: parseRecords(fieldOf(values, "e")),
    };
  }
}

async function* entries(client: Redis, key: string, page: number): AsyncGenerator<RawEntry> {
  for (let after = "-"; ; ) {
    const found = (await client.callBuffer("XRANGE", key, after, "+", "COUNT", page)) as RawEntry[];
    yield* found;
    const last = found.at(-1);
    if (last === undefined || found.length < page) return;
    after = `(${String(last[0])}`;
  }
}

/** Events in crossbook:events by the words of its batches, and the gaps between these. */
export async function countPublished(client: Redis): Promise<{ events: number; gaps: string[] }> {
  const gaps: string[] = [];
  let events = 0;
  let before = "0-0";
  for await (const [rawId, values] of entries(client, EVENTS_KEY, 20)) {
    const id = String(rawId);
    const previous = String(fieldOf(values, "prev"));
    if (previous !== before) gaps.push(`batch ${id} follows ${before}, but names ${previous}`);
    events += Number(fieldOf(values, "n"));
    before = id;
  }
  return { events, gaps };
}

function fieldOf(values: readonly Buffer[], name: string): Buffer {
  const at = values.findIndex((value, i) => i % 2 === 0 && String(value) === name);
  if (at < 0) throw new Error(`an entry of ${EVENTS_KEY} has no field ${name}`);
  return values[at + 1] as Buffer;
}
