import type { EventLogReader } from "../engine/journal/event-log-reader.ts";
import { EventHeader } from "../protocol/generated/headers.ts";
import { MESSAGE_NAMES } from "../protocol/generated/messages.ts";
import type { EngineRun } from "./engine-run.ts";
import { ReplayError } from "./errors.ts";

const BUFFER_BYTES = 1 << 20;
const NAP_MS = 50;

/**
 * Compares the events of a replay with those in the event log, byte by byte. The log may end early
 * (a crash, or a server at work); then the rest is counted as not recorded.
 */
export class EventComparison {
  /** Events that were recorded and are the same. */
  compared = 0;
  /** Events that the log does not hold. */
  unrecorded = 0;
  readonly #reader: EventLogReader;
  readonly #napWord = new Int32Array(new SharedArrayBuffer(4));
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #at = 0;
  #hasEnded = false;

  constructor(reader: EventLogReader) {
    this.#reader = reader;
  }

  /** The next event of the replay. Throws a ReplayError eventDiffers. */
  compare(view: DataView, offset: number): void {
    if (!this.#hasRecorded()) {
      this.unrecorded++;
      return;
    }
    const length = view.getUint16(offset, true);
    for (let i = 0; i < length; i += 4) {
      if (view.getInt32(offset + i, true) !== this.#view.getInt32(this.#at + i, true)) {
        throw differs(view, offset, this.#view, this.#at);
      }
    }
    this.#at += length;
    this.compared++;
  }

  /**
   * After the last command of the journal: the log must not go on, and its last block must have
   * noted count and hash as the replay has them. Throws a ReplayError or a DamageError.
   */
  finish(run: EngineRun): void {
    if (this.#hasRecorded()) {
      const recorded = nameOf(this.#view, this.#at);
      throw new ReplayError(
        "eventsBeyondEnd",
        `the event log goes on after the journal: ${recorded}`,
      );
    }
    const position = this.#reader.position;
    if (position === undefined || this.unrecorded > 0) return;
    const state = new Int32Array(4);
    run.saveEventHash(state);
    const isSame =
      position.eventCount === run.engine.eventCount &&
      state.every((word, i) => word === position.hashState[i]);
    if (isSame) return;
    const message = `count or hash noted in the event log at seq ${position.lastSeq} is not the replay's`;
    throw new ReplayError("hashDiffers", message);
  }

  #hasRecorded(): boolean {
    if (this.#at < this.#end) return true;
    if (this.#hasEnded) return false;
    this.#end = this.#reader.read(this.#bytes);
    while (this.#end === 0 && this.#reader.isTroubled) {
      // Being written, or damaged: the reader decides within a second.
      Atomics.wait(this.#napWord, 0, 0, NAP_MS);
      this.#end = this.#reader.read(this.#bytes);
    }
    this.#at = 0;
    this.#hasEnded = this.#end === 0;
    return !this.#hasEnded;
  }
}

function differs(view: DataView, offset: number, other: DataView, at: number): ReplayError {
  const replayed = nameOf(view, offset);
  const recorded = nameOf(other, at);
  const what =
    replayed === recorded ? `${replayed} has other fields` : `${replayed}, not ${recorded}`;
  return new ReplayError("eventDiffers", `replay and event log differ: replay gives ${what}`);
}

function nameOf(view: DataView, offset: number): string {
  const header = new EventHeader();
  header.wrap(view, offset);
  return `${MESSAGE_NAMES[header.templateId] ?? "?"} ${header.seq}-${header.index}`;
}
