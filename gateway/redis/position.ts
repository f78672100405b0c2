import { INSTRUMENT_TEMPLATE_ID } from "../../protocol/generated/events.ts";
import { EVENT_HEADER_INSTRUMENT_ID_OFFSET } from "../../protocol/generated/headers.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import type { AnchorSource } from "./anchor-queue.ts";
import type { RedisConnection } from "./connection.ts";
import { PublishingHalted, RedisUnavailable } from "./errors.ts";
import { type EventSource, readUntroubled } from "./event-source.ts";
import { PUBLISHED_FIELD, type StreamKeys } from "./keys.ts";
import {
  dropInternal,
  eventIdAt,
  lengthAt,
  templateIdAt,
  timestampUsAt,
  viewOf,
} from "./records.ts";
import { STREAM_FORMAT } from "./scripts.ts";
import {
  BEGINNING,
  compareEventIds,
  type EventId,
  formatEventId,
  parseEventId,
} from "./stream-id.ts";

const LAST_INDEX = 4294967294; // so that the one after it is an index too
const SCAN_BYTES = 1 << 20;

/** Who publishes: a data directory, and how often it has been opened for writing. */
export interface DirectoryIdentity {
  readonly directoryId: string;
  /** Rises with every opening; a copy or a restored backup has a lower one. */
  readonly epoch: number;
}

/** Where publishing goes on. */
export interface StartingPoint {
  readonly position: EventId;
  /** Timestamp of that event, microseconds since 1970; 0: not known. */
  readonly timestampUs: number;
  /** Events published in all; null: written by a version that did not count them. */
  readonly publishedEvents: number | null;
  readonly instruments: InstrumentDirectory;
  /** Instrument events up to `position` that Redis has lost and is to get again. */
  readonly owedInstruments: readonly Uint8Array[];
  /** Id of the last anchor that was published. */
  readonly lastAnchor: EventId;
}

/**
 * Takes over publishing, and finds out where: after the last event of crossbook:events. Everything
 * that is written is written in one step, so the other keys must agree; whatever does not is a fault
 * that cannot be mended from here. Throws PublishingHalted then. fromLog: do not believe Redis about
 * the instruments, but look through the event log.
 */
export async function takeOver(
  connection: RedisConnection,
  identity: DirectoryIdentity,
  owner: string,
  source: EventSource,
  fromLog: boolean,
  anchors: AnchorSource | undefined,
): Promise<StartingPoint> {
  const values = [STREAM_FORMAT, identity.directoryId, String(identity.epoch), owner];
  const { keys } = connection;
  const reply = (await connection.claim([keys.directory, keys.events], values)) as [string, string];
  if (reply[0] !== "claimed") throw refusal(reply[0], reply[1], identity, keys);

  // From here on nobody else can write, so that what is read one by one belongs together.
  const recorded = await connection.hash(keys.directory);
  const streams = [...recorded.keys()].filter(
    (field) =>
      field === keys.events || field === keys.anchors || field.startsWith(keys.tradesPrefix),
  );
  if (!streams.includes(keys.events)) streams.push(keys.events);
  const lastIds = await Promise.all(streams.map((stream) => connection.lastId(stream)));
  streams.forEach((stream, i) => {
    checkStream(stream, recorded.get(stream) ?? null, lastIds[i] ?? null);
  });

  const text = recorded.get(keys.events);
  const position = text === undefined ? BEGINNING : parseEventId(text);
  if (position === null) {
    throw new PublishingHalted("foreignEntry", `${keys.events} stands at ${text}, no event's id`);
  }
  const timestampUs = position === BEGINNING ? 0 : await checkHistory(connection, position, source);
  const anchorText = recorded.get(keys.anchors);
  if (anchorText !== undefined && anchors !== undefined) await checkAnchor(connection, anchors);
  const records = fromLog
    ? await instrumentsInLog(source, position)
    : (await connection.binaryHash(keys.instruments)).values();
  const instruments = new InstrumentDirectory();
  const owedInstruments = fromLog ? [...records] : [];
  for (const record of fromLog ? owedInstruments : records) {
    instruments.onEvent(viewOf(record), 0);
  }
  source.seek(position.seq, position.index);
  const lastAnchor = (anchorText && parseEventId(anchorText)) || BEGINNING;
  const publishedEvents = position === BEGINNING ? 0 : countOf(recorded.get(PUBLISHED_FIELD));
  return { position, timestampUs, publishedEvents, instruments, owedInstruments, lastAnchor };
}

function countOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function refusal(
  status: string,
  found: string,
  identity: DirectoryIdentity,
  keys: StreamKeys,
): Error {
  switch (status) {
    case "otherFormat":
      return new PublishingHalted(
        "otherFormat",
        `the streams in Redis have format ${found}, this program writes format ${STREAM_FORMAT}`,
      );
    case "otherDirectory":
      return new PublishingHalted(
        "otherDirectory",
        `the streams in Redis are those of data directory ${found}, this one is ${identity.directoryId}`,
      );
    case "laterEpoch":
      return new PublishingHalted(
        "laterEpoch",
        `epoch ${found} of this data directory has published to Redis, this is epoch ${identity.epoch}: a copy, or a restored backup`,
      );
    case "unmarkedStream":
      return new PublishingHalted(
        "unmarkedStream",
        `${found} exists, but ${keys.directory}, which says whose it is, does not`,
      );
    default:
      return new RedisUnavailable(`unexpected answer ${status} to a claim`);
  }
}

function checkStream(stream: string, recorded: string | null, last: string | null): void {
  if (recorded === last) return;
  if (last === null) {
    throw new PublishingHalted(
      "streamMissing",
      `${stream} is gone, though entries up to ${recorded} were published to it`,
    );
  }
  throw new PublishingHalted(
    "foreignEntry",
    `${stream} stands at ${last}, but ${recorded ?? "nothing"} is the last that was published to it`,
  );
}

/**
 * The last batch in Redis must be, byte for byte, what the event log has in its place. Returns the
 * timestamp of the last event.
 */
async function checkHistory(
  connection: RedisConnection,
  position: EventId,
  source: EventSource,
): Promise<number> {
  const entry = await connection.lastEntry(connection.keys.events);
  const published = entry?.fields.get("e");
  const before = parseEventId(entry?.fields.get("prev")?.toString() ?? "");
  if (entry === null || published === undefined || before === null) {
    // Taken out of the stream; that the log has the event is all that can be known.
    return checkReaches(source, position);
  }
  source.seek(before.seq, before.index);
  const own = new Uint8Array(published.length + RECORD_BYTES);
  let filled = 0;
  while (filled < published.length) {
    const read = await readUntroubled(source, own.subarray(filled));
    if (read === 0) throw ahead(position);
    filled = dropInternal(own, filled, filled + read);
  }
  if (Buffer.compare(published, own.subarray(0, published.length)) !== 0) {
    throw new PublishingHalted(
      "historyDiffers",
      `the events up to ${formatEventId(position)} in Redis are not those in the data directory: its journal was cut and has grown anew`,
    );
  }
  const view = viewOf(published);
  let lastAt = 0;
  for (let at = 0; at < published.length; at += lengthAt(view, at)) lastAt = at;
  return timestampUsAt(view, lastAt);
}

/** The last anchor in Redis must hold: else the journal is not the one that was published from. */
async function checkAnchor(connection: RedisConnection, anchors: AnchorSource): Promise<void> {
  const fields = (await connection.lastEntry(connection.keys.anchors))?.fields;
  if (fields === undefined) return; // taken out of the stream
  const number = (name: string) => Number(fields.get(name)?.toString());
  const chain = fields.get("chain")?.toString() ?? "";
  const anchor = { seq: number("seq"), block: number("block"), timestamp: 0, chain };
  if (!Number.isSafeInteger(anchor.seq) || !Number.isSafeInteger(anchor.block)) {
    throw new PublishingHalted(
      "foreignEntry",
      `the last entry of ${connection.keys.anchors} is no anchor`,
    );
  }
  const finding = await anchors.find(anchor);
  if (finding === "holds") return;
  const what = `the last anchor in Redis, of seq ${anchor.seq} (block ${anchor.block})`;
  if (finding === "ahead") {
    throw new PublishingHalted("streamAhead", `the journal ends before ${what}`);
  }
  throw new PublishingHalted("historyDiffers", `the journal is not the one of ${what}`);
}

/** Returns the timestamp of the event there. */
async function checkReaches(source: EventSource, position: EventId): Promise<number> {
  // Right before it: events of one command are numbered from 0.
  if (position.index > 0) source.seek(position.seq, position.index - 1);
  else source.seek(position.seq - 1, LAST_INDEX);
  const record = new Uint8Array(RECORD_BYTES);
  if ((await readUntroubled(source, record)) === 0) throw ahead(position);
  const found = eventIdAt(viewOf(record), 0);
  if (compareEventIds(found, position) !== 0) {
    throw new PublishingHalted(
      "historyDiffers",
      `the data directory has no event ${formatEventId(position)}, the last one in Redis`,
    );
  }
  return timestampUsAt(viewOf(record), 0);
}

function ahead(position: EventId): PublishingHalted {
  return new PublishingHalted(
    "streamAhead",
    `the events in Redis go to ${formatEventId(position)}, beyond the last event in the data directory: commands were lost that had been published`,
  );
}

/** The last instrument event of every instrument, up to `position`. Gives way to other work. */
async function instrumentsInLog(source: EventSource, position: EventId): Promise<Uint8Array[]> {
  const records = new Map<number, Uint8Array>();
  const buffer = new Uint8Array(SCAN_BYTES);
  const view = viewOf(buffer);
  source.seek(BEGINNING.seq, BEGINNING.index);
  for (;;) {
    const bytes = await readUntroubled(source, buffer);
    if (bytes === 0) return [...records.values()];
    for (let at = 0; at < bytes; at += lengthAt(view, at)) {
      if (compareEventIds(eventIdAt(view, at), position) > 0) return [...records.values()];
      if (templateIdAt(view, at) !== INSTRUMENT_TEMPLATE_ID) continue;
      const id = view.getUint32(at + EVENT_HEADER_INSTRUMENT_ID_OFFSET, true);
      records.set(id, buffer.slice(at, at + lengthAt(view, at)));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
