// How far the event log has come, for other threads: a seqlocked region with one writer.

const VERSION = 0; // odd while the writer is at work
const LAST_SEQ = 2;
const LAST_INDEX = 4;
const EVENT_COUNT = 6;
const EVENT_HASH = 8;
const CHECKPOINT_SEQ = 12;
const CHECKPOINT_EVENT_COUNT = 14;
const CHECKPOINT_TRADE_COUNT = 16;
const CHECKPOINT_STATE_HASH = 18;
const CHECKPOINT_EVENT_HASH = 22;
const WORDS = 26;
const TWO_32 = 4294967296;

/** The answer to a snapshot command: the same on every machine and in every replay. */
export interface CheckpointStatus {
  /** 0: none yet. */
  readonly seq: number;
  readonly eventCount: number;
  readonly tradeCount: number;
  /** 32 hexadecimal digits each. */
  readonly stateHash: string;
  readonly eventHash: string;
}

export interface LogStatus {
  /** Last event that can be read from the log. */
  readonly lastSeq: number;
  readonly lastIndex: number;
  /** Public events so far, and their hash. */
  readonly eventCount: number;
  readonly eventHash: string;
  readonly checkpoint: CheckpointStatus;
}

export class EventLogStatus {
  /** Goes into workerData as it is. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory = new SharedArrayBuffer(WORDS * 4)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Writer only. Between `begin` and `end` the setters may be called. */
  begin(): void {
    Atomics.add(this.#words, VERSION, 1);
  }

  end(): void {
    Atomics.add(this.#words, VERSION, 1);
  }

  setLast(seq: number, index: number): void {
    this.#setNumber(LAST_SEQ, seq);
    this.#setNumber(LAST_INDEX, index);
  }

  /** word: gives word 0 to 3 of the hash. */
  setEvents(count: number, hash: { word(index: number): number }): void {
    this.#setNumber(EVENT_COUNT, count);
    for (let i = 0; i < 4; i++) Atomics.store(this.#words, EVENT_HASH + i, hash.word(i) | 0);
  }

  /** stateHash: four little-endian words at `offset`. */
  setCheckpoint(
    seq: number,
    eventCount: number,
    tradeCount: number,
    view: DataView,
    offset: number,
    eventHash: { word(index: number): number },
  ): void {
    this.#setNumber(CHECKPOINT_SEQ, seq);
    this.#setNumber(CHECKPOINT_EVENT_COUNT, eventCount);
    this.#setNumber(CHECKPOINT_TRADE_COUNT, tradeCount);
    for (let i = 0; i < 4; i++) {
      const state = view.getInt32(offset + i * 4, true);
      Atomics.store(this.#words, CHECKPOINT_STATE_HASH + i, state);
      Atomics.store(this.#words, CHECKPOINT_EVENT_HASH + i, eventHash.word(i) | 0);
    }
  }

  /** Any thread. Cold: makes strings. */
  read(): LogStatus {
    for (;;) {
      const version = Atomics.load(this.#words, VERSION);
      if ((version & 1) !== 0) continue; // the writer is done within a microsecond
      const status: LogStatus = {
        lastSeq: this.#number(LAST_SEQ),
        lastIndex: this.#number(LAST_INDEX),
        eventCount: this.#number(EVENT_COUNT),
        eventHash: this.#hex(EVENT_HASH),
        checkpoint: {
          seq: this.#number(CHECKPOINT_SEQ),
          eventCount: this.#number(CHECKPOINT_EVENT_COUNT),
          tradeCount: this.#number(CHECKPOINT_TRADE_COUNT),
          stateHash: this.#hex(CHECKPOINT_STATE_HASH),
          eventHash: this.#hex(CHECKPOINT_EVENT_HASH),
        },
      };
      if (Atomics.load(this.#words, VERSION) === version) return status;
    }
  }

  #setNumber(at: number, value: number): void {
    Atomics.store(this.#words, at, value | 0);
    Atomics.store(this.#words, at + 1, Math.floor(value / TWO_32));
  }

  #number(at: number): number {
    const low = Atomics.load(this.#words, at) >>> 0;
    return low + Atomics.load(this.#words, at + 1) * TWO_32;
  }

  #hex(at: number): string {
    let text = "";
    for (let i = 0; i < 4; i++) {
      text += (Atomics.load(this.#words, at + i) >>> 0).toString(16).padStart(8, "0");
    }
    return text;
  }
}
