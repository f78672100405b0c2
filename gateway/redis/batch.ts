import { assert } from "../../protocol/assert.ts";
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
  indexAt,
  lengthAt,
  seqAt,
  templateIdAt,
  timestampUsAt,
  viewOf,
} from "./records.ts";
import { RespArguments } from "./resp-arguments.ts";
import type { EventId } from "./stream-id.ts";

/** What one round trip carries. */
export interface Batch {
  readonly keys: readonly string[];
  /** All but the owner's token, as the append script takes them, in the form of the wire. */
  readonly arguments: Buffer;
  readonly argumentCount: number;
  readonly last: EventId;
  readonly timestampUs: number;
  readonly eventCount: number;
  /** Events published in all, this batch included; null: not known. */
  readonly publishedEvents: number | null;
  readonly tradeCount: number;
}

/** Turns the records of the event log into batches, each of which starts where the last one ended. */
export class BatchBuilder {
  readonly #keys: StreamKeys;
  readonly #directory: InstrumentDirectory;
  readonly #keepEntries: string;
  readonly #trade = new Trade();
  readonly #head = new RespArguments(1 << 18);
  readonly #instruments = new RespArguments(1 << 12);
  readonly #trades = new RespArguments(1 << 18);
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
    const { seq: seqBefore, index: indexBefore } = this.#position;
    this.#instruments.clear();
    this.#trades.clear();
    for (const record of this.#owedInstruments) this.#addInstrument(record);
    let eventCount = 0;
    let tradeCount = 0;
    let lastAt = 0;
    let seq = seqBefore;
    let index = indexBefore;
    for (let at = 0; at < bytes; at += lengthAt(view, at)) {
      const nextSeq = seqAt(view, at);
      const nextIndex = indexAt(view, at);
      // Commands without events leave gaps in seq; the events of one command are numbered from 0.
      assert(
        nextSeq === seq ? nextIndex === index + 1 : nextSeq > seq && nextIndex === 0,
        "events come in order, and none of a command is left out",
      );
      seq = nextSeq;
      index = nextIndex;
      lastAt = at;
      eventCount++;
      const templateId = templateIdAt(view, at);
      if (templateId === TRADE_TEMPLATE_ID) {
        this.#addTrade(view, at, keys);
        tradeCount++;
      } else if (templateId === INSTRUMENT_TEMPLATE_ID) {
        this.#directory.onEvent(view, at);
        this.#addInstrument(buffer.subarray(at, at + lengthAt(view, at)));
      }
    }
    if (this.#publishedEvents !== null) this.#publishedEvents += eventCount;
    const head = this.#head;
    head.clear();
    head.id(seqBefore, indexBefore);
    head.id(seqBefore, indexBefore + 1);
    head.id(seq, index);
    head.integer(eventCount);
    head.bytes(buffer.subarray(0, bytes));
    head.text(this.#keepEntries);
    head.text(String(this.#publishedEvents ?? ""));
    head.integer(this.#instruments.count / 2);
    const parts = [head, this.#instruments, this.#trades];
    this.#position = { seq, index };
    this.#owedInstruments = [];
    return {
      keys,
      argumentCount: parts.reduce((sum, { count }) => sum + count, 0),
      arguments: Buffer.concat(parts.map(({ written }) => written)),
      last: this.#position,
      timestampUs: timestampUsAt(view, lastAt),
      eventCount,
      publishedEvents: this.#publishedEvents,
      tradeCount,
    };
  }

  #addTrade(view: DataView, at: number, keys: string[]): void {
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
    const to = this.#trades;
    to.integer(place);
    to.id(trade.seq, trade.index);
    to.integer(trade.tradeId);
    to.decimal(trade.priceTicks, terms.tickSize.value, terms.tickSize.scale);
    to.decimal(trade.quantityLots, terms.lotSize.value, terms.lotSize.scale);
    to.text(SIDE_NAMES[trade.aggressorSide] as string);
    to.integer(takerBuys ? takerOrderId : makerOrderId);
    to.integer(takerBuys ? makerOrderId : takerOrderId);
    to.integer(takerBuys ? takerAccount : makerAccount);
    to.integer(takerBuys ? makerAccount : takerAccount);
    to.integer(trade.timestampUs);
  }

  #addInstrument(record: Uint8Array): void {
    this.#instruments.integer(viewOf(record).getUint32(EVENT_HEADER_INSTRUMENT_ID_OFFSET, true));
    this.#instruments.bytes(record);
  }
}
