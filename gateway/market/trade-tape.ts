import { PUBLIC_TRADE_LENGTH } from "../../protocol/generated/session.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeTrades } from "../../protocol/json/decode-message.ts";
import type { Frame } from "./book-encoder.ts";

/** The trades of one command. */
interface Entry {
  readonly seq: number;
  readonly records: Uint8Array;
  /** Made for the first who reads it as text. */
  text: string | null;
}

const FORGET_AFTER = 1024;

/**
 * The trades of one instrument that somebody has still to be told, once for all who are behind: they
 * cannot be merged as books can. Bounded in bytes; who is further behind cannot be told the rest.
 */
export class TradeTape {
  readonly #directory: InstrumentDirectory;
  readonly #maxBytes: number;
  // By seq, from #first on.
  #entries: Entry[] = [];
  #first = 0;
  #bytes = 0;
  #floorSeq: number;

  /** floorSeq: of the last trade before the first one that will be kept. */
  constructor(directory: InstrumentDirectory, maxBytes: number, floorSeq: number) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#floorSeq = floorSeq;
  }

  /** Who has this seq, or a later one, can be told the rest. */
  get floorSeq(): number {
    return this.#floorSeq;
  }

  /**
   * Keeps a copy of the records of one command's trades; seq rises. True: the bound was reached, and the
   * oldest quarter has gone, so that whoever needed it need not be looked for at every trade.
   */
  push(seq: number, records: Uint8Array): boolean {
    this.#entries.push({ seq, records: records.slice(), text: null });
    this.#bytes += records.length;
    if (this.#bytes <= this.#maxBytes) return false;
    while (this.#bytes > this.#maxBytes * 0.75) this.#dropFirst();
    return true;
  }

  /** The first one after `seq`, as one frame; undefined: there is none, or it is gone. */
  after(seq: number, isBinary: boolean): { seq: number; frame: Frame } | undefined {
    if (seq < this.#floorSeq) return undefined;
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as Entry).seq > seq) high = middle;
      else low = middle + 1;
    }
    const entry = this.#entries[low];
    if (entry === undefined) return undefined;
    return { seq: entry.seq, frame: isBinary ? entry.records : this.#textOf(entry) };
  }

  #textOf(entry: Entry): string {
    if (entry.text === null) {
      const { buffer, byteOffset, length } = entry.records;
      const view = new DataView(buffer, byteOffset, length);
      const json = decodeTrades(view, length / PUBLIC_TRADE_LENGTH, this.#directory);
      entry.text = JSON.stringify(json);
      this.#bytes += entry.text.length;
    }
    return entry.text;
  }

  #dropFirst(): void {
    const entry = this.#entries[this.#first] as Entry;
    this.#first++;
    this.#bytes -= entry.records.length + (entry.text?.length ?? 0);
    this.#floorSeq = entry.seq;
    if (this.#first < FORGET_AFTER && this.#first < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}
