import { assert } from "../../protocol/assert.ts";
import { formatUnits } from "../../protocol/decimal.ts";
import { SIDE_NAMES, Side } from "../../protocol/generated/enums.ts";
import {
  INSTRUMENT_TEMPLATE_ID,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { EVENT_HEADER_INSTRUMENT_ID_OFFSET } from "../../protocol/generated/headers.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import { InstrumentUnknown } from "./errors.ts";
import type { EventSource } from "./event-source.ts";
import type { StreamKeys } from "./keys.ts";
import type { StartingPoint } from "./position.ts";
import {
  dropInternal,
  eventIdAt,
  lengthAt,
  templateIdAt,
  timestampUsAt,
  viewOf,
} from "./records.ts";
import { type EventId, formatEventId } from "./stream-id.ts";

/** What one round trip carries. */
export interface Batch {
  readonly keys: readonly string[];
  /** All but the owner's token, as the append script takes them. */
  readonly values: readonly (string | Buffer)[];
  readonly last: EventId;
  readonly timestampUs: number;
  readonly eventCount: number;
  /** Events published in all, this batch included; null: not known. */
  readonly publishedEvents: number | null;
  readonly tradeCount: number;
  /** Holds the records until Redis has answered. */
  readonly buffer: Uint8Array;
}

/** Turns the records of the event log into batches, each of which starts where the last one ended. */
export class BatchBuilder {
  readonly #keys: StreamKeys;
  readonly #directory: InstrumentDirectory;
  readonly #keepEntries: string;
  readonly #trade = new Trade();
  #position: EventId;
  #publishedEvents: number | null;
  #owedInstruments: readonly Uint8Array[];

  /**
   * from.instruments: as of its position or later (what is needed of an instrument never changes).
   * keepEntries: about how many entries a stream keeps; 0: all.
   */
  constructor(keys: StreamKeys, from: StartingPoint, keepEntries: number) {
    this.#keys = keys;
    this.#directory = from.instruments;
    this.#position = from.position;
    this.#publishedEvents = from.publishedEvents;
    this.#keepEntries = String(keepEntries);
    this.#owedInstruments = from.owedInstruments;
  }

  /** The last event that a batch was made of. */
  get position(): EventId {
    return this.#position;
  }

  /** As much as `buffer` holds; null: nothing to publish now. Throws InstrumentUnknown. */
  next(source: EventSource, buffer: Uint8Array): Batch | null {
    let filled = 0;
    while (buffer.length - filled >= RECORD_BYTES) {
      const read = source.read(buffer.subarray(filled));
      if (read === 0) break;
      filled = dropInternal(buffer, filled, filled + read);
    }
    return filled === 0 ? null : this.#build(buffer, filled);
  }

  #build(buffer: Uint8Array, bytes: number): Batch {
    const view = viewOf(buffer);
    const keys = [this.#keys.directory, this.#keys.instruments, this.#keys.events];
    const instruments: (string | Buffer)[] = [];
    const trades: string[] = [];
    for (const record of this.#owedInstruments) addInstrument(record, instruments);
    let eventCount = 0;
    let tradeCount = 0;
    let lastAt = 0;
    let last = this.#position;
    for (let at = 0; at < bytes; at += lengthAt(view, at)) {
      const id = eventIdAt(view, at);
      assert(isNext(last, id), "events come in order, and none of a command is left out");
      last = id;
      lastAt = at;
      eventCount++;
      const templateId = templateIdAt(view, at);
      if (templateId === TRADE_TEMPLATE_ID) {
        this.#addTrade(view, at, keys, trades);
        tradeCount++;
      } else if (templateId === INSTRUMENT_TEMPLATE_ID) {
        this.#directory.onEvent(view, at);
        addInstrument(buffer.subarray(at, at + lengthAt(view, at)), instruments);
      }
    }
    const { seq, index } = this.#position;
    if (this.#publishedEvents !== null) this.#publishedEvents += eventCount;
    const values: (string | Buffer)[] = [
      formatEventId(this.#position),
      formatEventId({ seq, index: index + 1 }),
      formatEventId(last),
      String(eventCount),
      Buffer.from(buffer.buffer, buffer.byteOffset, bytes),
      this.#keepEntries,
      String(this.#publishedEvents ?? ""),
      String(instruments.length / 2),
    ];
    this.#position = last;
    this.#owedInstruments = [];
    return {
      keys,
      values: values.concat(instruments, trades),
      last,
      timestampUs: timestampUsAt(view, lastAt),
      eventCount,
      publishedEvents: this.#publishedEvents,
      tradeCount,
      buffer,
    };
  }

  #addTrade(view: DataView, at: number, keys: string[], values: string[]): void {
    const trade = this.#trade;
    trade.wrap(view, at);
    const terms = this.#directory.get(trade.instrumentId);
    if (terms === undefined) throw new InstrumentUnknown(trade.instrumentId);
    const key = this.#keys.tradesPrefix + terms.symbol;
    let place = keys.indexOf(key) + 1; // Lua counts from 1
    if (place === 0) place = keys.push(key);
    // In an auction nobody is the aggressor, and the buyer stands in the taker's place.
    const takerBuys = trade.aggressorSide !== Side.sell;
    const { takerOrderId, makerOrderId, account: takerAccount, makerAccount } = trade;
    values.push(
      String(place),
      `${trade.seq}-${trade.index}`,
      String(trade.tradeId),
      formatUnits(trade.priceTicks, terms.tickSize.value, terms.tickSize.scale),
      formatUnits(trade.quantityLots, terms.lotSize.value, terms.lotSize.scale),
      SIDE_NAMES[trade.aggressorSide] as string,
      String(takerBuys ? takerOrderId : makerOrderId),
      String(takerBuys ? makerOrderId : takerOrderId),
      String(takerBuys ? takerAccount : makerAccount),
      String(takerBuys ? makerAccount : takerAccount),
      String(trade.timestampUs),
    );
  }
}

/** Commands without events leave gaps in seq; the events of one command are numbered from 0. */
function isNext(last: EventId, id: EventId): boolean {
  return id.seq === last.seq ? id.index === last.index + 1 : id.seq > last.seq && id.index === 0;
}

function addInstrument(record: Uint8Array, values: (string | Buffer)[]): void {
  const id = viewOf(record).getUint32(EVENT_HEADER_INSTRUMENT_ID_OFFSET, true);
  values.push(String(id), Buffer.from(record));
}
