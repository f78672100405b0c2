import type { Disk } from "../engine/journal/disk.ts";
import { EventLogReader } from "../engine/journal/event-log-reader.ts";
import { EventHeader } from "../protocol/generated/headers.ts";
import { InstrumentDirectory } from "../protocol/instrument-directory.ts";

const BUFFER_BYTES = 1 << 20;

/** The instruments as they were at a point of history, read from the event log. */
export class EventInstruments {
  readonly #reader: EventLogReader;
  readonly #directory = new InstrumentDirectory();
  readonly #header = new EventHeader();
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #at = 0;

  /** path: of the event log's segments. */
  constructor(disk: Disk, path: string, live: boolean) {
    this.#reader = new EventLogReader(disk, path, { live });
  }

  /** As left by the commands before `seq`, which rises from call to call. */
  before(seq: number): InstrumentDirectory {
    for (;;) {
      if (this.#at >= this.#end) {
        this.#end = this.#reader.read(this.#bytes);
        this.#at = 0;
        if (this.#end === 0) return this.#directory;
      }
      this.#header.wrap(this.#view, this.#at);
      if (this.#header.seq >= seq) return this.#directory;
      this.#directory.onEvent(this.#view, this.#at);
      this.#at += this.#header.blockLength;
    }
  }

  close(): void {
    this.#reader.close();
  }
}
