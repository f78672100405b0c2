// What Redis must hold, told out of the event log's files without the publisher's code.
import type { Redis } from "ioredis";
import { eventsPath } from "../../engine/journal/data-directory.ts";
import { EventLogReader } from "../../engine/journal/event-log-reader.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import {
  CHECKPOINT_TEMPLATE_ID,
  INSTRUMENT_SYMBOL_OFFSET,
  INSTRUMENT_TEMPLATE_ID,
  TRADE_TEMPLATE_ID,
} from "../../protocol/generated/events.ts";
import {
  EVENT_HEADER_INDEX_OFFSET,
  EVENT_HEADER_INSTRUMENT_ID_OFFSET,
  EVENT_HEADER_SEQ_OFFSET,
} from "../../protocol/generated/headers.ts";

const PREFIX = "crossbook:";

/** Last ids of entries that somebody else has trimmed away, by key: a stream may begin after them. */
export type Trimmed = ReadonlyMap<string, string>;

export interface StreamCounts {
  readonly events: number;
  readonly trades: number;
}

interface LoggedEvent {
  readonly id: string;
  readonly template: number;
  readonly bytes: Buffer;
}

type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

/**
 * Every event of the log is in crossbook:events once and in order, in batches that name the one
 * before, and every trade is in the stream of its symbol. Throws an Error that says what is not.
 */
export async function checkStreams(
  client: Redis,
  dataDir: string,
  trimmed: Trimmed,
): Promise<StreamCounts> {
  const logged = readLog(dataDir);
  await checkEvents(client, logged, trimmed.get(`${PREFIX}events`));
  const trades = tradesBySymbol(logged);
  const keys = await client.keys(`${PREFIX}trades:*`);
  for (const key of keys) {
    const symbol = key.slice(`${PREFIX}trades:`.length);
    if (!trades.has(symbol)) throw new Error(`${key} is there, and no trade of it`);
  }
  let count = 0;
  for (const [symbol, ids] of trades) {
    count += ids.length;
    const key = `${PREFIX}trades:${symbol}`;
    const found = (await entries(client, key)).map(([id]) => String(id));
    compareIds(key, found, ids, trimmed.get(key));
  }
  return { events: logged.length, trades: count };
}

async function checkEvents(
  client: Redis,
  logged: readonly LoggedEvent[],
  trimmedTo: string | undefined,
): Promise<void> {
  const found = await entries(client, `${PREFIX}events`);
  const fieldOf = (entry: RawEntry, name: string) =>
    entry[1][entry[1].findIndex((field, i) => i % 2 === 0 && String(field) === name) + 1] as Buffer;
  let at = 0;
  let previous = "0-0";
  const first = found[0] === undefined ? undefined : String(fieldOf(found[0], "prev"));
  if (trimmedTo !== undefined && (first === trimmedTo || first === undefined)) {
    previous = trimmedTo;
    at = logged.findIndex(({ id }) => id === trimmedTo) + 1;
  }
  for (const entry of found) {
    const id = String(entry[0]);
    const named = String(fieldOf(entry, "prev"));
    if (named !== previous) throw new Error(`batch ${id} follows ${previous} and names ${named}`);
    const records = fieldOf(entry, "e");
    const count = Number(fieldOf(entry, "n"));
    const expected = Buffer.concat(logged.slice(at, at + count).map(({ bytes }) => bytes));
    if (Buffer.compare(records, expected) !== 0) {
      throw new Error(`batch ${id} does not hold the ${count} events after ${previous}`);
    }
    at += count;
    if (logged[at - 1]?.id !== id) throw new Error(`batch ${id} ends with ${logged[at - 1]?.id}`);
    previous = id;
  }
  if (at !== logged.length) {
    throw new Error(`events end at ${previous}, the log at ${logged.at(-1)?.id}`);
  }
}

function compareIds(
  key: string,
  found: readonly string[],
  expected: readonly string[],
  trimmedTo: string | undefined,
): void {
  let from = 0;
  if (trimmedTo !== undefined && found[0] !== expected[0]) from = expected.indexOf(trimmedTo) + 1;
  const rest = expected.slice(from);
  const at = rest.findIndex((id, i) => found[i] !== id);
  if (at >= 0) throw new Error(`${key} has ${found[at]} where trade ${rest[at]} belongs`);
  if (found.length > rest.length) throw new Error(`${key} has ${found[rest.length]} too much`);
}

function tradesBySymbol(logged: readonly LoggedEvent[]): Map<string, string[]> {
  const symbols = new Map<number, string>();
  const trades = new Map<string, string[]>();
  for (const { id, template, bytes } of logged) {
    const instrumentId = bytes.readUInt32LE(EVENT_HEADER_INSTRUMENT_ID_OFFSET);
    if (template === INSTRUMENT_TEMPLATE_ID) {
      const text = bytes.toString(
        "latin1",
        INSTRUMENT_SYMBOL_OFFSET,
        INSTRUMENT_SYMBOL_OFFSET + 16,
      );
      symbols.set(instrumentId, text.replace(/\0+$/, ""));
    } else if (template === TRADE_TEMPLATE_ID) {
      const symbol = symbols.get(instrumentId) as string;
      const ids = trades.get(symbol);
      if (ids === undefined) trades.set(symbol, [id]);
      else ids.push(id);
    }
  }
  return trades;
}

/** The public events, in order. */
function readLog(dataDir: string): LoggedEvent[] {
  const reader = new EventLogReader(new NodeDisk(), eventsPath(dataDir));
  const buffer = Buffer.alloc(1 << 20);
  const logged: LoggedEvent[] = [];
  for (let length = reader.read(buffer); length > 0; length = reader.read(buffer)) {
    for (let at = 0; at < length; at += buffer.readUInt16LE(at)) {
      const bytes = Buffer.from(buffer.subarray(at, at + buffer.readUInt16LE(at)));
      const template = bytes.readUInt16LE(2);
      if (template === CHECKPOINT_TEMPLATE_ID) continue;
      const id = `${bytes.readBigUInt64LE(EVENT_HEADER_SEQ_OFFSET)}-${bytes.readUInt32LE(EVENT_HEADER_INDEX_OFFSET)}`;
      logged.push({ id, template, bytes });
    }
  }
  reader.close();
  return logged;
}

/** All of a stream, page by page. */
async function entries(client: Redis, key: string): Promise<RawEntry[]> {
  const all: RawEntry[] = [];
  for (let after = "-"; ; ) {
    const page = (await client.callBuffer("XRANGE", key, after, "+", "COUNT", 500)) as RawEntry[];
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < 500) return all;
    after = `(${String(last[0])}`;
  }
}
