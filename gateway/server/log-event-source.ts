import type { Disk } from "../../engine/journal/disk.ts";
import { DamageError } from "../../engine/journal/errors.ts";
import { EventLogReader } from "../../engine/journal/event-log-reader.ts";
import { type HaltCode, PublishingHalted } from "../redis/errors.ts";
import type { EventSource } from "../redis/event-source.ts";

/** The event log as the publisher reads it. */
export class LogEventSource implements EventSource {
  readonly #reader: EventLogReader;

  /** directory: where the segments are. */
  constructor(disk: Disk, directory: string) {
    this.#reader = new EventLogReader(disk, directory);
  }

  /** The publisher seeks behind an event, the log's reader to one. */
  seek(seq: number, index: number): void {
    this.#reader.seek(seq, seq === 0 ? 0 : index + 1);
  }

  read(into: Uint8Array): number {
    try {
      return this.#reader.read(into);
    } catch (error) {
      return haltIfDamaged("eventLogDamaged")(error);
    }
  }

  get isTroubled(): boolean {
    return this.#reader.isTroubled;
  }
}

/** Throws the error again; as PublishingHalted where it is damage, which a later attempt would find too. */
export function haltIfDamaged(code: HaltCode): (error: unknown) => never {
  return (error) => {
    if (error instanceof DamageError) throw new PublishingHalted(code, error.message);
    throw error;
  };
}
