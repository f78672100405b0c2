// Readers of market data while a day is played: they join when they like, some read slowly, and each
// rebuilds every book by itself and proves it by its checksum. Books that they had at some commands are
// held against `crossbook replay --book --to`.
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { type Book, Reader, type Sizes } from "../feed/reader.ts";
import { marketRequest } from "../feed/request.ts";
import { Random } from "../simulation/random.ts";

const CHANNELS: readonly Book[] = ["l1", "l2", "l3"];
/** Of the states of a book, those after every so manieth command are kept; the same for all readers. */
const SAMPLE_EVERY = 9_973;
/** Besides, after some joins, so many of the first: each costs a replay. */
const MOST_FIRST = 2;
const FIRST_PERCENT = 15;
const QUIET_MS = 1_500;

export interface Sample {
  readonly reader: string;
  readonly book: Book;
  readonly instrumentId: number;
  readonly seq: number;
  /** Nothing came after it: it is the book at the end. */
  readonly isLast: boolean;
  readonly text: string;
}

export interface WatcherReport {
  readonly name: string;
  readonly joins: number;
  /** Books that were rebuilt and whose checksum matched. */
  readonly states: number;
  readonly lastSeq: number;
}

/** One reader: fast or slow, in JSON or binary. */
export class Watcher {
  readonly name: string;
  readonly samples: Sample[] = [];
  readonly #url: string;
  readonly #sizes: ReadonlyMap<string, Sizes>;
  readonly #isSlow: boolean;
  readonly #isBinary: boolean;
  readonly #random: Random;
  readonly #last = new Map<string, () => Sample>();
  #reader: Reader;
  #socket: WebSocket | null = null;
  #isOver = false;
  #failure: Error | null = null;
  #joins = 0;
  #states = 0;
  #first = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(
    url: string,
    sizes: ReadonlyMap<string, Sizes>,
    kind: { readonly isSlow: boolean; readonly isBinary: boolean },
    seed: number,
  ) {
    this.#url = url;
    this.#sizes = sizes;
    this.#isSlow = kind.isSlow;
    this.#isBinary = kind.isBinary;
    this.#random = new Random(seed);
    this.name = `${kind.isSlow ? "slow" : "fast"}, ${kind.isBinary ? "binary" : "JSON"}`;
    this.#reader = this.#newReader();
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Stays until nothing more comes; then it says what it saw. Throws what was wrong with it. */
  async end(): Promise<WatcherReport> {
    this.#isOver = true;
    await this.#running;
    this.#socket?.resume();
    for (let states = -1; states !== this.#states && this.#failure === null; ) {
      states = this.#states;
      await sleep(QUIET_MS);
    }
    this.#socket?.terminate();
    if (this.#failure !== null) throw new Error(`${this.name}: ${this.#failure.message}`);
    const last = [...this.#last.values()].map((sample) => sample());
    this.samples.push(...last);
    const lastSeq = Math.max(0, ...last.map(({ seq }) => seq));
    return { name: this.name, joins: this.#joins, states: this.#states, lastSeq };
  }

  /** Joins, reads for a while, leaves, and joins again somewhere else. */
  async #run(): Promise<void> {
    while (!this.#isOver && this.#failure === null) {
      this.#join();
      const until = performance.now() + 200 + this.#random.below(2_500);
      while (performance.now() < until && !this.#isOver) {
        await sleep(this.#isSlow ? 50 + this.#random.below(400) : 50);
        if (!this.#isSlow) continue;
        this.#socket?.pause();
        await sleep(100 + this.#random.below(1_200));
        this.#socket?.resume();
      }
      if (this.#isOver) return;
      this.#socket?.terminate();
      await sleep(this.#random.below(200));
    }
  }

  #join(): void {
    this.#reader = this.#newReader();
    this.#last.clear();
    this.#first = this.#joins === 0 || this.#random.chance(FIRST_PERCENT) ? 0 : MOST_FIRST;
    this.#joins++;
    const reader = this.#reader;
    const query = this.#isBinary ? "?encoding=binary" : "";
    const socket = new WebSocket(`${this.#url}/v1/market${query}`);
    this.#socket = socket;
    socket.on("open", () => {
      for (const channel of CHANNELS) {
        const request = marketRequest("subscribe", channel, "*", 0, this.#isBinary);
        socket.send(request, { binary: this.#isBinary });
      }
    });
    socket.on("error", () => undefined); // left before it was open
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (this.#failure !== null || socket !== this.#socket) return;
      try {
        reader.take(isBinary ? data : data.toString());
        if (reader.errors.length > 0) throw new Error(`answered ${reader.errors.join(", ")}`);
      } catch (error) {
        this.#failure = error as Error;
      }
    });
  }

  #newReader(): Reader {
    return new Reader(
      (symbol) => {
        const sizes = this.#sizes.get(symbol);
        if (sizes === undefined) throw new Error(`a message about ${symbol}, which there is not`);
        return sizes;
      },
      (book, instrumentId, seq, state) => {
        this.#states++;
        const sample = (isLast: boolean): Sample => {
          return { reader: this.name, book, instrumentId, seq, isLast, text: state() };
        };
        if (seq % SAMPLE_EVERY === 0 || this.#first++ < MOST_FIRST) {
          this.samples.push(sample(false));
        }
        this.#last.set(`${book} ${instrumentId}`, () => sample(true));
      },
    );
  }
}
