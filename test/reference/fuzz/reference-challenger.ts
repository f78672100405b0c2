import { RunningHash } from "../../../protocol/event-hash.ts";
import type { EventRingWriter } from "../../../protocol/rings/event-ring.ts";
import type { ReferenceCapacity } from "../capacity.ts";
import { ReferenceEngine } from "../engine.ts";
import { lengthOf, type PlainEvent, readCommand, writeRecord } from "../records.ts";
import type { Challenger } from "./duel.ts";

/**
 * The reference in the real engine's place: to test the comparison itself. `spoil` changes events
 * or leaves some out, as a bug would.
 */
export class ReferenceChallenger implements Challenger {
  readonly #reference: ReferenceEngine;
  readonly #events: EventRingWriter;
  readonly #spoil: (event: PlainEvent) => PlainEvent | null;
  readonly #history = new RunningHash();
  lastSeq = 0;

  constructor(
    capacity: ReferenceCapacity,
    events: EventRingWriter,
    spoil: (event: PlainEvent) => PlainEvent | null = (event) => event,
  ) {
    this.#reference = new ReferenceEngine(capacity);
    this.#events = events;
    this.#spoil = spoil;
  }

  apply(view: DataView, offset: number): void {
    const command = readCommand(view, offset);
    this.lastSeq = command.seq;
    for (const event of this.#reference.apply(command)) {
      const spoiled = this.#spoil(event);
      if (spoiled === null) continue;
      const place = this.#events.claim();
      writeRecord(spoiled, this.#events.view, place);
      if (spoiled.type === "Checkpoint") this.#writeHash(place);
      else this.#history.update(this.#events.view, place, lengthOf(spoiled.type));
      this.#events.commit();
    }
  }

  #writeHash(place: number): void {
    for (let word = 0; word < 4; word++) {
      const at = place + lengthOf("Checkpoint") - 16 + 4 * word;
      this.#events.view.setUint32(at, this.#history.word(word), true);
    }
  }

  /** Over all public events: the reference keeps no hash of its state. */
  stateHash(into: Uint32Array): void {
    for (let word = 0; word < 4; word++) into[word] = this.#history.word(word);
  }

  get eventCount(): number {
    return this.#reference.eventCount;
  }

  get tradeCount(): number {
    return this.#reference.tradeCount;
  }

  bookRows(instrumentId: number) {
    return this.#reference.bookRows(instrumentId);
  }

  instrumentIdOf(symbol: string): number {
    return this.#reference.instruments.find((known) => known.symbol === symbol)?.id ?? 0;
  }

  nextExpiryUs(): number {
    const times = [...this.#reference.openOrders].map((order) => order.expireTimeUs ?? Infinity);
    return Math.min(Number.POSITIVE_INFINITY, ...times);
  }
}
