// The shared memory of the pipeline: two rings, one block of control words, and stage stamps.
import { RECORD_BYTES } from "../terms.ts";
import { createReceiptMemory } from "./receipts.ts";

export { RECORD_BYTES };

export const MAX_RISK_WORKERS = 8;

/** Everything a worker needs to take part. Structured-clone safe: goes into workerData as it is. */
export interface PipelineMemory {
  readonly commands: SharedArrayBuffer;
  readonly events: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly riskWorkers: number;
  /** The doorbell of the thread that runs the engine: its own, or the gateway's. */
  readonly engineBell: number;
  /** Stage stamps of the commands whose senders asked for them (see receipts.ts). */
  readonly receipts: SharedArrayBuffer;
}

export interface PipelineSizes {
  /** Power of two. */
  readonly commandSlots: number;
  /** Power of two. */
  readonly eventSlots: number;
  /** 1 … MAX_RISK_WORKERS. */
  readonly riskWorkers: number;
  /** The engine runs on the gateway's thread; false where it is left out. */
  readonly sharesMain?: boolean;
}

// Control words are Int32, 128 bytes apart so that no two threads share a cache line. A command
// cursor holds the low 32 bits of the last seq that the stage has finished; an event cursor counts
// events since the start of the process. Both wrap; differences stay right.
const WORDS_APART = 32;
/** One writer per word: the stage that is named. */
export const ControlWord = {
  /** Sequencer: last command in the ring. */
  published: 0,
  /** Engine: last command that is fully matched (its events are published before). */
  matched: 1 * WORDS_APART,
  /** Journal: last command copied out of the ring. */
  journaled: 2 * WORDS_APART,
  /** Journal: last command that is as durable as was asked for. */
  durable: 3 * WORDS_APART,
  /** Engine: events published. */
  eventsPublished: 4 * WORDS_APART,
  /** Gateway: events consumed. */
  eventsGateway: 5 * WORDS_APART,
  /** Event log: events consumed. */
  eventsLogged: 6 * WORDS_APART,
  /** Main thread: 1 once the threads are to end: everything is drained by then. */
  stop: 7 * WORDS_APART,
  /** Journal: whether there is room for new orders (see DiskState). */
  disk: 8 * WORDS_APART,
  /** Risk worker i: last command that has its verdict. */
  riskChecked: 9 * WORDS_APART,
  /** Risk worker i: events consumed. */
  eventsRisk: (9 + MAX_RISK_WORKERS) * WORDS_APART,
  /** Risk worker i: 1 while a verdict waits for the engine. */
  riskWaits: (9 + 2 * MAX_RISK_WORKERS) * WORDS_APART,
  /** Engine: second (since 1970, u32) of the earliest expiry of an order; all ones: none waits. */
  nextExpiry: (9 + 3 * MAX_RISK_WORKERS) * WORDS_APART,
  /** Main thread: which start of risk worker i may write; one of an earlier start ends itself. */
  riskGeneration: (10 + 3 * MAX_RISK_WORKERS) * WORDS_APART,
  /** Risk worker i: id of its thread. */
  riskThread: (10 + 4 * MAX_RISK_WORKERS) * WORDS_APART,
  /** Risk worker i: 1 while it refuses orders, since its accounts are being rebuilt. */
  riskRebuilding: (10 + 5 * MAX_RISK_WORKERS) * WORDS_APART,
  /** Doorbell i (see Bell). */
  bells: (10 + 6 * MAX_RISK_WORKERS) * WORDS_APART,
} as const;

export const DiskState = { fine: 0, low: 1 } as const;

/** Threads that sleep: one doorbell each. Risk worker i sleeps on `risk + i`. */
export const Bell = { gateway: 0, engine: 1, journal: 2, egress: 3, risk: 4 } as const;
const BELL_COUNT = 4 + MAX_RISK_WORKERS;

export const WORDS_PER_LINE = WORDS_APART;
const CONTROL_WORDS = ControlWord.bells + BELL_COUNT * WORDS_APART;

/** Fresh memory. Throws a RangeError for sizes that are not powers of two or out of range. */
export function createPipelineMemory(sizes: PipelineSizes): PipelineMemory {
  for (const [name, slots] of [
    ["commandSlots", sizes.commandSlots],
    ["eventSlots", sizes.eventSlots],
  ] as const) {
    if (slots < 64 || slots > 1 << 22 || (slots & (slots - 1)) !== 0) {
      throw new RangeError(`${name} must be a power of two from 64 to ${1 << 22}, not ${slots}`);
    }
  }
  if (sizes.riskWorkers < 1 || sizes.riskWorkers > MAX_RISK_WORKERS) {
    throw new RangeError(`riskWorkers must be 1 to ${MAX_RISK_WORKERS}, not ${sizes.riskWorkers}`);
  }
  return {
    commands: new SharedArrayBuffer(sizes.commandSlots * RECORD_BYTES),
    events: new SharedArrayBuffer(sizes.eventSlots * RECORD_BYTES),
    control: new SharedArrayBuffer(CONTROL_WORDS * 4),
    riskWorkers: sizes.riskWorkers,
    engineBell: sizes.sharesMain === true ? Bell.gateway : Bell.engine,
    receipts: createReceiptMemory(sizes.riskWorkers),
  };
}

/** The index of risk worker `worker`'s word in a group of per-worker words. */
export function workerWord(group: number, worker: number): number {
  return group + worker * WORDS_APART;
}

/**
 * The full seq (a safe integer) from its low 32 bits, given one that is less than 2^31 before it.
 */
export function widenSeq(earlier: number, low: number): number {
  return earlier + ((low - (earlier | 0)) | 0);
}
