import { MarketState } from "../../../protocol/generated/enums.ts";
import { EventRingReader, EventRingWriter } from "../../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  RECORD_BYTES,
} from "../../../protocol/rings/pipeline-memory.ts";
import type { ReferenceCapacity } from "../capacity.ts";
import { ReferenceEngine } from "../engine.ts";
import {
  compact,
  lengthOf,
  type PlainCommand,
  type PlainEvent,
  readEvent,
  writeRecord,
} from "../records.ts";
import { Ledger } from "./ledger.ts";

/** What the comparison asks of the real engine. */
export interface Challenger {
  apply(view: DataView, offset: number): void;
  stateHash(into: Uint32Array): void;
  readonly lastSeq: number;
  readonly eventCount: number;
  readonly tradeCount: number;
  bookRows(instrumentId: number): { bids: readonly object[]; asks: readonly object[] };
  instrumentIdOf(symbol: string): number;
  nextExpiryUs(): number;
}

export type ChallengerFactory = (
  capacity: ReferenceCapacity,
  events: EventRingWriter,
) => Challenger;

/** The real engine and the reference do not agree, or an invariant does not hold. */
export class Difference extends Error {
  readonly seq: number;

  constructor(seq: number, message: string) {
    super(`at seq ${seq}: ${message}`);
    this.seq = seq;
  }
}

// Bytes that nobody would write by chance: what the engine leaves out shows.
const DIRT = 0xa5;

/** A real engine with its rings, in one thread. */
export class Stand {
  readonly engine: Challenger;
  readonly #view = new DataView(new ArrayBuffer(RECORD_BYTES));
  readonly #writer: EventRingWriter;
  readonly #reader: EventRingReader;
  readonly #onEvent: (view: DataView, offset: number) => void;

  constructor(
    create: ChallengerFactory,
    capacity: ReferenceCapacity,
    onEvent: (view: DataView, offset: number) => void,
  ) {
    // A small ring: one sweep is often longer.
    const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 64, riskWorkers: 1 });
    new Uint8Array(memory.events).fill(DIRT);
    this.#onEvent = onEvent;
    this.#reader = new EventRingReader(memory, ControlWord.eventsGateway);
    this.#writer = new EventRingWriter(memory, [ControlWord.eventsGateway], () => this.#drain());
    this.engine = create(capacity, this.#writer);
  }

  apply(command: PlainCommand): void {
    writeRecord(command, this.#view, 0);
    this.engine.apply(this.#view, 0);
    this.#writer.publish();
    this.#drain();
  }

  hash(): string {
    const words = new Uint32Array(4);
    this.engine.stateHash(words);
    return [...words].map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  #drain(): void {
    const count = this.#reader.available();
    for (let ahead = 0; ahead < count; ahead++) {
      this.#onEvent(this.#reader.view, this.#reader.offsetOf(ahead));
    }
    this.#reader.advance(count);
  }
}

/** Both engines, fed with the same commands; throws a Difference as soon as there is one. */
export class Duel {
  readonly reference: ReferenceEngine;
  readonly stand: Stand;
  readonly #ledger = new Ledger();
  #expected: PlainEvent[] = [];
  #at = 0;
  #seq = 0;
  readonly #scratch = new DataView(new ArrayBuffer(RECORD_BYTES));

  constructor(create: ChallengerFactory, capacity: ReferenceCapacity) {
    this.reference = new ReferenceEngine(capacity);
    this.stand = new Stand(create, capacity, (view, offset) => this.#compare(view, offset));
  }

  /** The events of the command, the same from both. */
  step(command: PlainCommand): PlainEvent[] {
    this.#seq = command.seq;
    this.#expected = this.reference.apply(command);
    this.#at = 0;
    try {
      this.stand.apply(command);
    } catch (error) {
      if (error instanceof Difference) throw error;
      const stack = error instanceof Error ? error.stack : String(error);
      throw new Difference(command.seq, `the engine threw ${stack}`);
    }
    const missing = this.#expected[this.#at];
    if (missing !== undefined) this.#fail(`the engine left out ${text(missing)}`);
    const complaint = this.#ledger.take(this.#expected);
    if (complaint !== null) this.#fail(complaint);
    return this.#expected;
  }

  /** Everything that one can see without sending a command. */
  checkState(): void {
    const { engine } = this.stand;
    this.#same("lastSeq", engine.lastSeq, this.#seq);
    this.#same("eventCount", engine.eventCount, this.reference.eventCount);
    this.#same("tradeCount", engine.tradeCount, this.reference.tradeCount);
    let expiry = Number.POSITIVE_INFINITY;
    for (const order of this.reference.openOrders) {
      expiry = Math.min(expiry, order.expireTimeUs ?? expiry);
    }
    this.#same("nextExpiryUs", engine.nextExpiryUs(), expiry);
    for (const { id, symbol, state } of this.reference.instruments) {
      this.#same(`instrumentIdOf ${symbol}`, engine.instrumentIdOf(symbol), id);
      const expected = this.reference.bookRows(id);
      this.#same(
        `book of ${symbol}`,
        JSON.stringify(engine.bookRows(id)),
        JSON.stringify(expected),
      );
      const bid = expected.bids[0]?.priceTicks ?? Number.NEGATIVE_INFINITY;
      const ask = expected.asks[0]?.priceTicks ?? Number.POSITIVE_INFINITY;
      if (state === MarketState.continuous && bid >= ask) this.#fail(`${symbol} is crossed`);
    }
    const complaint = this.#ledger.check(this.reference.openOrders);
    if (complaint !== null) this.#fail(complaint);
  }

  #compare(view: DataView, offset: number): void {
    const expected = this.#expected[this.#at++];
    if (expected === undefined) {
      this.#fail(`the engine says more: ${text(readEvent(view, offset))}`);
    }
    const scratch = this.#scratch;
    writeRecord(expected, scratch, 0);
    if (expected.type === "Checkpoint") {
      const words = new Uint32Array(4);
      this.stand.engine.stateHash(words);
      const start = lengthOf("Checkpoint") - words.byteLength;
      words.forEach((word, index) => {
        scratch.setUint32(start + 4 * index, word, true);
      });
    }
    const length = lengthOf(expected.type);
    for (let at = 0; at < length; at++) {
      if (scratch.getUint8(at) === view.getUint8(offset + at)) continue;
      const real = text(readEvent(view, offset));
      this.#fail(`byte ${at} differs:\n  reference ${text(expected)}\n  engine    ${real}`);
    }
  }

  #same(what: string, real: unknown, expected: unknown): void {
    if (!Object.is(real, expected)) {
      this.#fail(`${what}:\n  reference ${String(expected)}\n  engine    ${String(real)}`);
    }
  }

  #fail(message: string): never {
    throw new Difference(this.#seq, message);
  }
}

function text(event: PlainEvent): string {
  return JSON.stringify(compact(event));
}
