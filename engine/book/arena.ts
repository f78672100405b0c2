// Hot path: no allocation after the start.
import { assert } from "../../protocol/assert.ts";
import {
  ACCOUNT_WORDS,
  INSTRUMENT,
  INSTRUMENT_WORDS,
  LEVEL,
  LEVEL_WORDS,
  NODE_WORDS,
  ORDER,
  ORDER_WORDS,
  SIDE,
  SIDE_WORDS,
} from "./layout.ts";

const { next: NEXT } = ORDER;
const { side: LEVEL_SIDE } = LEVEL;

/** What the engine has room for; fixed at start. Running out is a reject, never an exception. */
export interface EngineCapacity {
  readonly orders: number;
  readonly levels: number;
  readonly instruments: number;
  readonly accounts: number;
  readonly assets: number;
}

// Scalars that belong to the state, in the first lines of the arena.
const FREE_ORDER = 0;
const FRESH_ORDER = 1; // orders from here on were never used
const ORDERS_USED = 2;
const FREE_LEVEL = 3;
const FRESH_LEVEL = 4;
const LEVELS_USED = 5;
const FREE_NODE = 6;
const FRESH_NODE = 7;
const LEVELS_PROMISED = 8; // to stopLimits that may rest once triggered
const INSTRUMENTS_USED = 9;
const ACCOUNTS_USED = 10;
const HEADER_WORDS = 64;

/** Doubles in the header, at half these words: counts that the whole state has one of. */
export const TALLY = { lastSeq: 16, timestampUs: 18, events: 20, trades: 22 } as const;

/**
 * All memory of the books: one shared buffer, one Int32Array and one Float64Array over it, and the
 * pools of records in it. Untouched pages cost nothing, so capacity is cheap until it is used.
 *
 * The pools hand out the record that came back last, which is the one the cache still has.
 */
export class Arena {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** First order; the others follow at ORDER_WORDS. */
  readonly orders: number;
  /** From an order to its detail record. */
  readonly detail: number;
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
  readonly #ordersEnd: number;
  readonly #levelsEnd: number;
  readonly #nodesEnd: number;

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
    this.tableBuckets = powerOfTwo(Math.max(2 * capacity.orders, 1024));
    this.instruments = region(capacity.instruments * INSTRUMENT_WORDS);
    this.accounts = region(capacity.accounts * ACCOUNT_WORDS);
    this.accountTable = region(accountSlots);
    this.levels = region(capacity.levels * LEVEL_WORDS);
    this.#levelsEnd = end;
    this.nodes = region(capacity.levels * NODE_WORDS);
    this.#nodesEnd = end;
    this.orders = region(capacity.orders * ORDER_WORDS);
    this.#ordersEnd = end;
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
    this.words[FRESH_ORDER] = this.orders;
    this.words[FRESH_LEVEL] = this.levels;
    this.words[FRESH_NODE] = this.nodes;
  }

  get hasOrder(): boolean {
    return (this.words[ORDERS_USED] as number) < this.capacity.orders;
  }

  get ordersUsed(): number {
    return this.words[ORDERS_USED] as number;
  }

  /** 0 when full: a reject, not an exception. */
  claimOrder(): number {
    const m = this.words;
    let order = m[FREE_ORDER] as number;
    if (order !== 0) {
      m[FREE_ORDER] = m[order + NEXT] as number;
    } else {
      order = m[FRESH_ORDER] as number;
      if (order >= this.#ordersEnd || (m[ORDERS_USED] as number) >= this.capacity.orders) return 0;
      m[FRESH_ORDER] = order + ORDER_WORDS;
    }
    m[ORDERS_USED] = (m[ORDERS_USED] as number) + 1;
    return order;
  }

  /** The record may be claimed again at once: read what you need before. */
  releaseOrder(order: number): void {
    const m = this.words;
    m[order + NEXT] = m[FREE_ORDER] as number;
    m[FREE_ORDER] = order;
    m[ORDERS_USED] = (m[ORDERS_USED] as number) - 1;
  }

  /**
   * Whether one more order may stay. An order needs a level where it waits and one where it rests;
   * whoever passed this never fails to get them, since stopLimits keep one promised. With as many
   * levels as orders there is always one: an order stands in one queue at a time.
   */
  get hasLevel(): boolean {
    if (this.capacity.levels >= this.capacity.orders) return true;
    const m = this.words;
    const spoken = (m[LEVELS_USED] as number) + (m[LEVELS_PROMISED] as number);
    return spoken + 2 <= this.capacity.levels;
  }

  promiseLevel(): void {
    this.words[LEVELS_PROMISED] = (this.words[LEVELS_PROMISED] as number) + 1;
  }

  withdrawPromise(): void {
    this.words[LEVELS_PROMISED] = (this.words[LEVELS_PROMISED] as number) - 1;
  }

  claimLevel(): number {
    const m = this.words;
    let level = m[FREE_LEVEL] as number;
    if (level !== 0) {
      m[FREE_LEVEL] = m[level + LEVEL_SIDE] as number;
    } else {
      level = m[FRESH_LEVEL] as number;
      assert(level < this.#levelsEnd, "whoever may stay finds a price level");
      m[FRESH_LEVEL] = level + LEVEL_WORDS;
    }
    m[LEVELS_USED] = (m[LEVELS_USED] as number) + 1;
    return level;
  }

  releaseLevel(level: number): void {
    const m = this.words;
    m[level + LEVEL_SIDE] = m[FREE_LEVEL] as number;
    m[FREE_LEVEL] = level;
    m[LEVELS_USED] = (m[LEVELS_USED] as number) - 1;
  }

  /** Every node has two children at least, so there are fewer nodes than levels. */
  claimNode(): number {
    const m = this.words;
    let node = m[FREE_NODE] as number;
    if (node !== 0) {
      m[FREE_NODE] = m[node] as number;
    } else {
      node = m[FRESH_NODE] as number;
      assert(node < this.#nodesEnd, "there are fewer index nodes than price levels");
      m[FRESH_NODE] = node + NODE_WORDS;
    }
    return node;
  }

  releaseNode(node: number): void {
    this.words[node] = this.words[FREE_NODE] as number;
    this.words[FREE_NODE] = node;
  }

  get instrumentCount(): number {
    return this.words[INSTRUMENTS_USED] as number;
  }

  /** The record of the next instrument id, with its sides; 0 when full. */
  claimInstrument(): number {
    const m = this.words;
    const count = m[INSTRUMENTS_USED] as number;
    if (count >= this.capacity.instruments) return 0;
    m[INSTRUMENTS_USED] = count + 1;
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
    return this.words[ACCOUNTS_USED] as number;
  }

  /** 0 when full. */
  claimAccount(): number {
    const count = this.words[ACCOUNTS_USED] as number;
    if (count >= this.capacity.accounts) return 0;
    this.words[ACCOUNTS_USED] = count + 1;
    return this.accounts + count * ACCOUNT_WORDS;
  }
}

function powerOfTwo(atLeast: number): number {
  let power = 16;
  while (power < atLeast) power *= 2;
  return power;
}
