import type { EngineCapacity } from "../../../engine/engine.ts";
import { InlinePipeline, type Recorders } from "../../../engine/inline-pipeline.ts";
import { formatUnits } from "../../../protocol/decimal.ts";
import { CommandHeader } from "../../../protocol/generated/headers.ts";
import { InstrumentDirectory } from "../../../protocol/instrument-directory.ts";
import { decodeEvent } from "../../../protocol/json/decode-event.ts";
import { encodeCommand } from "../../../protocol/json/encode-command.ts";
import { CommandError } from "../../../protocol/json/errors.ts";
import { parseJson } from "../../../protocol/json/parse.ts";
import type { PipelineMemory } from "../../../protocol/rings/pipeline-memory.ts";
import { MAX_INTEGER } from "../../../protocol/terms.ts";
import type { WorkloadFormat, WorkloadReport } from "../../../replay/import/workload.ts";
import { LineSplitter } from "./line-splitter.ts";
import { RequestIds } from "./request-ids.ts";

const MAX_LINE_BYTES = 1 << 20;
const ENCODE_OPTIONS = { admin: true, accountRequired: true, internal: true };

export interface RunnerOptions {
  readonly capacity: EngineCapacity;
  readonly recorders?: (memory: PipelineMemory) => Recorders;
  /** One line of output, without its end. */
  readonly print: (line: string) => void;
  /** Gets the events of a workload instead of the output. */
  readonly report?: WorkloadReport;
}

/** A line of output that is no event: it stands after the events that were there before it. */
interface Note {
  readonly afterEvents: number;
  readonly text: string;
}

/**
 * `crossbook run`: commands in, events out, in one thread. Feed it with `pushLines` or
 * `pushWorkload`, then call `end`.
 */
export class Runner {
  /** Lines that were no commands. */
  errors = 0;
  readonly #pipeline: InlinePipeline;
  readonly #directory = new InstrumentDirectory();
  readonly #requests = new RequestIds();
  readonly #header = new CommandHeader();
  readonly #print: (line: string) => void;
  readonly #report: WorkloadReport | undefined;
  readonly #lines: LineSplitter;
  #line = 0;
  #isReplaying = false;
  #matchedEvents = 0;
  #printedEvents = 0;
  #notes: Note[] = [];

  constructor(options: RunnerOptions) {
    this.#print = options.print;
    this.#report = options.report;
    this.#lines = new LineSplitter(MAX_LINE_BYTES, (line) => this.#onLine(line));
    this.#pipeline = new InlinePipeline({
      capacity: options.capacity,
      ...(options.recorders === undefined ? {} : { recorders: options.recorders }),
      onMatched: (view, offset) => this.#onMatched(view, offset),
      onDurable: (view, offset) => this.#onDurable(view, offset),
    });
  }

  get lastSeq(): number {
    return this.#pipeline.lastSeq;
  }

  /** A command from a journal: the engine learns it, nothing is printed. */
  replay(view: DataView, offset: number, length: number): void {
    this.#isReplaying = true;
    this.#header.wrap(view, offset);
    this.#requests.add(this.#header.account, this.#header.requestId, this.#header.seq);
    this.#pipeline.replay(view, offset, length);
  }

  /** Ends the replay: what follows is new. */
  endReplay(): void {
    this.#pipeline.settle();
    this.#isReplaying = false;
  }

  pushLines(chunk: Buffer): void {
    this.#lines.push(chunk);
    this.#settle();
  }

  /** source: whole messages only. Throws an ImportError (damaged) at one that is none. */
  pushWorkload(format: WorkloadFormat, source: DataView): void {
    const pipeline = this.#pipeline;
    for (let at = 0; at < source.byteLength; at += format.recordBytes) {
      if (format.needsInstrument(source, at)) {
        format.encodeInstrument(source, at, pipeline.view, pipeline.next());
        pipeline.commit(pipeline.lastTimestampUs + 1);
      }
      format.encode(source, at, pipeline.view, pipeline.next());
      this.#report?.begin(source, at);
      pipeline.commit(pipeline.lastTimestampUs + 1);
    }
    this.#settle();
  }

  end(): void {
    this.#lines.end();
    this.#settle();
  }

  /** The shown book as one JSON object; undefined: no such instrument. */
  book(symbol: string): string | undefined {
    const terms = this.#directory.get(this.#directory.idOf(symbol));
    if (terms === undefined) return undefined;
    const { tickSize, lotSize } = terms;
    const { bids, asks } = this.#pipeline.engine.bookRows(terms.id);
    const row = ({ priceTicks, lots, orders }: (typeof bids)[number]) => [
      formatUnits(priceTicks, tickSize.value, tickSize.scale),
      formatUnits(lots, lotSize.value, lotSize.scale),
      orders,
    ];
    return JSON.stringify({ type: "book", symbol, bids: bids.map(row), asks: asks.map(row) });
  }

  #onLine(line: string | undefined): void {
    this.#line++;
    if (line?.trim() === "") return;
    try {
      if (line === undefined) {
        throw new CommandError("malformed", `longer than ${MAX_LINE_BYTES} bytes`);
      }
      this.#onCommand(line);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.errors++;
      this.#note({ type: "error", line: this.#line, message: error.message });
    }
  }

  #onCommand(line: string): void {
    // A byte order mark may stand at the start of a file.
    const json = parseJson(this.#line === 1 ? line.replace(/^\ufeff/, "") : line);
    const pipeline = this.#pipeline;
    const offset = pipeline.next();
    encodeCommand(json, this.#directory, pipeline.view, offset, ENCODE_OPTIONS);
    const header = this.#header;
    header.wrap(pipeline.view, offset);
    const { account, requestId } = header;
    if (requestId !== 0 && this.#requests.isDuplicate(account, requestId)) {
      const seq = this.#requests.seqOf(account, requestId);
      this.#note({ type: "duplicateRequest", requestId, seq });
      return;
    }
    const isStamped = (json as Record<string, unknown>).timestamp !== undefined;
    const timestampUs = isStamped
      ? header.timestampUs
      : Math.min(pipeline.lastTimestampUs + 1, MAX_INTEGER);
    this.#requests.add(account, requestId, pipeline.commit(timestampUs));
  }

  #onMatched(view: DataView, offset: number): void {
    this.#matchedEvents++;
    this.#directory.onEvent(view, offset);
    this.#report?.onEvent(view, offset);
  }

  #onDurable(view: DataView, offset: number): void {
    this.#printNotes();
    this.#printedEvents++;
    if (this.#isReplaying || this.#report !== undefined) return;
    const event = decodeEvent(view, offset, this.#directory);
    if (event !== null) this.#print(JSON.stringify(event));
  }

  #note(json: Record<string, unknown>): void {
    this.#notes.push({ afterEvents: this.#matchedEvents, text: JSON.stringify(json) });
    this.#printNotes();
  }

  #printNotes(): void {
    while (this.#notes.length > 0) {
      const note = this.#notes[0] as Note;
      if (note.afterEvents > this.#printedEvents) return;
      this.#notes.shift();
      this.#print(note.text);
    }
  }

  #settle(): void {
    this.#pipeline.settle();
    this.#printNotes();
  }
}
