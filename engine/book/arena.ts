import { assert } from "../../protocol/assert.ts";
import {
  ACCOUNT_WORDS,
  INSTRUMENT,
  INSTRUMENT_WORDS,
  LEVEL_WORDS,
  NODE_WORDS,
  ORDER_WORDS,
  SIDE,
  SIDE_WORDS,
  SUMS_WORDS,
} from "./layout.ts";

/** What the engine has room for; fixed at start. Running out is a reject, never an exception. */
export interface EngineCapacity {
  readonly orders: number;
  readonly levels: number;
  readonly instruments: number;
  readonly accounts: number;
  readonly assets: number;
}

/** Single words in the first lines of the arena. */
export const HEADER = {
  freeOrder: 0,
  /** Orders from here on were never used. */
  freshOrder: 1,
  ordersUsed: 2,
  freeLevel: 3,
  freshLevel: 4,
  levelsUsed: 5,
  freeNode: 6,
  freshNode: 7,
  /** To stopLimits that may rest once triggered. */
  levelsPromised: 8,
  instruments: 9,
  accounts: 10,
  /** Events of the command under way. */
  eventIndex: 11,
} as const;

/** Doubles in the header, at half these words: public events and trades so far. */
export const TALLY = { events: 12, trades: 14 } as const;

/**
 * The command under way, copied to where it is at a constant place: the header's fields of two
 * words, and what orders need (see COMMAND for the words). After a command its seq and time stay:
 * they are those of the last one.
 */
export const COMMAND_BASE = 32;
const HEADER_WORDS = 64;

/**
 * All memory of the books: one shared buffer, one Int32Array and one Float64Array over it, and where
 * what lies in it. Untouched pages cost nothing, so capacity is cheap until it is used.
 */
export class Arena {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** First order; the others follow at ORDER_WORDS. */
  readonly orders: number;
  /** From an order to its DETAIL. */
  readonly detail: number;
  /** From a quarter of an order's index to its SUMS. */
  readonly sums: number;
  readonly levels: number;
  /** First index node: every level lies before, so a reference tells what it refers to. */
  readonly nodes: number;
  readonly instruments: number;
  readonly accounts: number;
  readonly accountTable: number;
  readonly accountMask: number;
  /** Two hash tables of tableBuckets words each. */
  readonly clientTable: number;
  readonly idTable: number;
  readonly tableBuckets: number;
  /** One word an order: the expiry heap. */
  readonly heap: number;
  /** One word a level, for the time of one command. */
  readonly scratch: number;
  readonly capacity: EngineCapacity;
  readonly ordersEnd: number;
  readonly levelsEnd: number;
  readonly nodesEnd: number;

  /** Throws a RangeError where the capacity is no positive integer or does not fit into a buffer. */
  constructor(capacity: EngineCapacity) {
    for (const [name, count] of Object.entries(capacity)) {
      if (!Number.isSafeInteger(count) || count < 1) {
        throw new RangeError(`capacity.${name} must be a positive integer, not ${count}`);
      }
    }
    this.capacity = capacity;
    let end = HEADER_WORDS;
    const region = (words: number): number => {
      const start = end;
      end = start + Math.ceil(words / 16) * 16;
      return start;
    };
    const accountSlots = powerOfTwo(2 * capacity.accounts);
    this.accountMask = accountSlots - 1;
    this.tableBuckets = powerOfTwo(Math.max(4 * capacity.orders, 1024));
    this.instruments = region(capacity.instruments * INSTRUMENT_WORDS);
    this.accounts = region(capacity.accounts * ACCOUNT_WORDS);
    this.accountTable = region(accountSlots);
    this.levels = region(capacity.levels * LEVEL_WORDS);
    this.levelsEnd = end;
    this.nodes = region(capacity.levels * NODE_WORDS);
    this.nodesEnd = end;
    this.orders = region(capacity.orders * ORDER_WORDS);
    this.ordersEnd = end;
    this.sums = region(capacity.orders * SUMS_WORDS) - (this.orders >> 2);
    this.detail = region(capacity.orders * ORDER_WORDS) - this.orders;
    this.clientTable = region(this.tableBuckets);
    this.idTable = region(this.tableBuckets);
    this.heap = region(capacity.orders);
    this.scratch = region(capacity.levels);
    if (end > 0x7fffffff) throw new RangeError("capacity is beyond what one buffer holds");
    const buffer = new SharedArrayBuffer(end * 4);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    assert(new Uint8Array(new Uint32Array([1]).buffer)[0] === 1, "this machine is little endian");
    this.words[HEADER.freshOrder] = this.orders;
    this.words[HEADER.freshLevel] = this.levels;
    this.words[HEADER.freshNode] = this.nodes;
  }

  /** A header field of two words as a number. */
  wide(word: number): number {
    return ((this.words[word] as number) >>> 0) + (this.words[word + 1] as number) * 4294967296;
  }

  get instrumentCount(): number {
    return this.words[HEADER.instruments] as number;
  }

  /** The record of the next instrument id, with its sides; 0 when full. */
  claimInstrument(): number {
    const m = this.words;
    const count = m[HEADER.instruments] as number;
    if (count >= this.capacity.instruments) return 0;
    m[HEADER.instruments] = count + 1;
    const instrument = this.instruments + count * INSTRUMENT_WORDS;
    m[instrument + INSTRUMENT.id] = count + 1;
    for (let side = 0; side < 4; side++) {
      m[instrument + INSTRUMENT.sides + side * SIDE_WORDS + SIDE.instrument] = instrument;
    }
    return instrument;
  }

  /** The record of an instrument id that exists. */
  instrument(id: number): number {
    return this.instruments + (id - 1) * INSTRUMENT_WORDS;
  }

  get accountCount(): number {
    return this.words[HEADER.accounts] as number;
  }

  /** 0 when full. */
  claimAccount(): number {
    const count = this.words[HEADER.accounts] as number;
    if (count >= this.capacity.accounts) return 0;
    this.words[HEADER.accounts] = count + 1;
    return this.accounts + count * ACCOUNT_WORDS;
  }
}

function powerOfTwo(atLeast: number): number {
  let power = 16;
  while (power < atLeast) power *= 2;
  return power;
}
