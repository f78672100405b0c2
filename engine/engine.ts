// Hot path: no allocation here.

import { assert } from "../protocol/assert.ts";
import {
  ADJUST_BALANCE_TEMPLATE_ID,
  ADVANCE_TIME_TEMPLATE_ID,
  CANCEL_ORDER_TEMPLATE_ID,
  DEFINE_ASSET_TEMPLATE_ID,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  KILL_SWITCH_TEMPLATE_ID,
  MASS_CANCEL_TEMPLATE_ID,
  MassCancel,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
  SESSION_END_CANCEL_ON_DISCONNECT_OFFSET,
  SESSION_END_TEMPLATE_ID,
  SESSION_START_TEMPLATE_ID,
  SET_ACCOUNT_TEMPLATE_ID,
  SET_MARKET_STATE_TEMPLATE_ID,
  SNAPSHOT_TEMPLATE_ID,
} from "../protocol/generated/commands.ts";
import { CancelReason, RejectReason, Verdict } from "../protocol/generated/enums.ts";
import {
  CHECKPOINT_LENGTH,
  CHECKPOINT_TEMPLATE_ID,
  Checkpoint,
} from "../protocol/generated/events.ts";
import type { EventRingWriter } from "../protocol/rings/event-ring.ts";
import { AccountSettings } from "./admin/account-settings.ts";
import { Assets } from "./admin/assets.ts";
import { Instruments } from "./admin/instruments.ts";
import { Uncross } from "./auctions/uncross.ts";
import { AccountTable } from "./book/account-table.ts";
import { Arena, type EngineCapacity, TALLY } from "./book/arena.ts";
import { Book } from "./book/book.ts";
import { type BookRow, bookRows } from "./book/book-rows.ts";
import { ExpiryHeap } from "./book/expiry-heap.ts";
import { OrderIndex } from "./book/order-index.ts";
import { PriceIndex } from "./book/price-index.ts";
import { EventWriter } from "./events/event-writer.ts";
import { Cancels } from "./matching/cancels.ts";
import { Matcher } from "./matching/matcher.ts";
import { NewOrders } from "./matching/new-orders.ts";
import { Replaces } from "./matching/replaces.ts";
import { Stops } from "./matching/stops.ts";
import { StateHash } from "./state-hash.ts";

export type { EngineCapacity } from "./book/arena.ts";
export type { BookRow } from "./book/book-rows.ts";

export const DEFAULT_CAPACITY: EngineCapacity = {
  orders: 1 << 20,
  levels: 1 << 20,
  instruments: 10_000,
  accounts: 100_000,
  assets: 10_000,
};

const NEW_ORDER = NEW_ORDER_TEMPLATE_ID;
const CANCEL_ORDER = CANCEL_ORDER_TEMPLATE_ID;
const REPLACE_ORDER = REPLACE_ORDER_TEMPLATE_ID;
const PASSED = Verdict.passed;
const { lastSeq: LAST_SEQ, timestampUs: TIMESTAMP, events: EVENTS, trades: TRADES } = TALLY;
const TWO_32 = 4294967296;

/**
 * The deterministic core: sequenced commands in, events out. It reads no clock, no randomness and
 * no files; the same commands give the same events, byte for byte.
 */
export class Engine {
  readonly #arena: Arena;
  readonly #f: Float64Array;
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #newOrders: NewOrders;
  readonly #cancels: Cancels;
  readonly #replaces: Replaces;
  readonly #instruments: Instruments;
  readonly #settings: AccountSettings;
  readonly #stateHash: StateHash;
  readonly #massCancelCommand = new MassCancel();
  readonly #checkpoint = new Checkpoint();
  readonly #hashWords = new Uint32Array(4);
  // The memory the last command came from, as words.
  #view: DataView | undefined;
  #c: Int32Array = new Int32Array(0);

  /**
   * hashSeed: any integer; keeps clients from choosing ids that collide. It never shows in events or
   * state. Throws a RangeError where the capacity does not fit into memory.
   */
  constructor(capacity: EngineCapacity, events: EventRingWriter, hashSeed = 0) {
    const arena = new Arena(capacity);
    const book = new Book(
      arena,
      new PriceIndex(arena),
      new OrderIndex(arena, hashSeed),
      new AccountTable(arena),
      new ExpiryHeap(arena),
    );
    const writer = new EventWriter(events, arena);
    const matcher = new Matcher(book, writer);
    const stops = new Stops(book, writer, matcher);
    const uncross = new Uncross(book, writer, matcher);
    this.#arena = arena;
    this.#f = arena.doubles;
    this.#book = book;
    this.#events = writer;
    this.#newOrders = new NewOrders(book, writer, matcher, stops);
    this.#cancels = new Cancels(book, writer);
    const assets = new Assets(capacity.assets);
    this.#instruments = new Instruments(assets, book, writer, this.#cancels, stops, uncross);
    this.#replaces = new Replaces(
      book,
      writer,
      matcher,
      stops,
      this.#cancels,
      this.#newOrders,
      this.#instruments,
    );
    this.#settings = new AccountSettings(book, writer, this.#cancels, this.#instruments);
    this.#stateHash = new StateHash(book, this.#instruments, this.#settings);
  }

  /** The last command that was applied; 0: none. */
  get lastSeq(): number {
    return this.#f[LAST_SEQ >> 1] as number;
  }

  /** Public events so far. */
  get eventCount(): number {
    return this.#f[EVENTS >> 1] as number;
  }

  get tradeCount(): number {
    return this.#f[TRADES >> 1] as number;
  }

  /**
   * Applies one sequenced command (struct at offset, verdict set). Emits its events into the ring
   * and leaves publishing to the caller. offset, and where the view starts in its buffer, must be
   * multiples of 4.
   */
  apply(view: DataView, offset: number): void {
    if (view !== this.#view) this.#bind(view);
    const c = this.#c;
    const at = offset >> 2;
    const events = this.#events;
    events.begin(c, at);
    const f = this.#f;
    f[LAST_SEQ >> 1] = ((c[at + 2] as number) >>> 0) + (c[at + 3] as number) * TWO_32;
    f[TIMESTAMP >> 1] = ((c[at + 4] as number) >>> 0) + (c[at + 5] as number) * TWO_32;
    const template = (c[at] as number) >>> 16;
    if (((c[at + 11] as number) & 255) > PASSED) {
      this.#rejectRefused(template, c, at);
    } else if (template === NEW_ORDER) {
      this.#newOrders.apply(c, at);
    } else if (template === CANCEL_ORDER) {
      this.#cancels.cancelOrder(c, at);
    } else if (template === REPLACE_ORDER) {
      this.#replaces.apply(c, at, view, offset);
    } else {
      this.#applyOther(template, view, offset);
    }
    f[EVENTS >> 1] = (f[EVENTS >> 1] as number) + events.count;
  }

  #bind(view: DataView): void {
    assert((view.byteOffset & 3) === 0, "commands lie at multiples of four bytes");
    this.#view = view;
    this.#c = new Int32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
  }

  #applyOther(template: number, view: DataView, offset: number): void {
    switch (template) {
      case MASS_CANCEL_TEMPLATE_ID:
        this.#massCancel(view, offset);
        break;
      case ADVANCE_TIME_TEMPLATE_ID:
        this.#cancels.expire(this.#f[TIMESTAMP >> 1] as number);
        break;
      case SESSION_END_TEMPLATE_ID:
        if (view.getUint8(offset + SESSION_END_CANCEL_ON_DISCONNECT_OFFSET) !== 0) {
          const account = this.#c[(offset >> 2) + 8] as number;
          this.#cancels.cancelAccount(account, 0, 0, CancelReason.cancelOnDisconnect);
        }
        break;
      case SESSION_START_TEMPLATE_ID:
        break;
      case DEFINE_INSTRUMENT_TEMPLATE_ID:
        this.#instruments.defineInstrument(view, offset);
        break;
      case DEFINE_ASSET_TEMPLATE_ID:
        this.#instruments.defineAsset(view, offset);
        break;
      case SET_MARKET_STATE_TEMPLATE_ID:
        this.#instruments.setMarketState(view, offset);
        break;
      case SET_ACCOUNT_TEMPLATE_ID:
        this.#settings.setAccount(view, offset);
        break;
      case ADJUST_BALANCE_TEMPLATE_ID:
        this.#settings.adjustBalance(view, offset);
        break;
      case KILL_SWITCH_TEMPLATE_ID:
        this.#settings.killSwitch(view, offset);
        break;
      case SNAPSHOT_TEMPLATE_ID:
        this.#emitCheckpoint();
        break;
      default:
        assert(false, `a sequenced command is a known one, not template ${template}`);
    }
  }

  #massCancel(view: DataView, offset: number): void {
    const command = this.#massCancelCommand;
    command.wrap(view, offset);
    const id = command.instrumentId || this.instrumentIdOf(command.symbol);
    if (id > this.#arena.instrumentCount || (id === 0 && command.symbol !== "")) {
      this.#events.rejected(
        command.instrumentId,
        0,
        MASS_CANCEL_TEMPLATE_ID,
        RejectReason.unknownSymbol,
      );
      return;
    }
    this.#cancels.cancelAccount(command.account | 0, id, command.side, CancelReason.massCancel);
  }

  /** Refused before it came here: the engine only says so, in its place. */
  #rejectRefused(template: number, c: Int32Array, at: number): void {
    const reason = ((c[at + 11] as number) >> 8) & 255;
    const named = template === CANCEL_ORDER || template === REPLACE_ORDER;
    const order = named ? this.#cancels.find(c, at) : 0;
    if (order !== 0) {
      const id = this.#book.instrumentId(order);
      this.#events.rejected(id, this.#book.side(order), template, reason);
      return;
    }
    const side = template === NEW_ORDER ? (c[at + 24] as number) & 255 : 0;
    this.#events.rejected(c[at + 9] as number, side, template, reason);
  }

  #emitCheckpoint(): void {
    this.stateHash(this.#hashWords);
    const message = CHECKPOINT_LENGTH | (CHECKPOINT_TEMPLATE_ID << 16);
    const offset = this.#events.cold(message, 0, 0);
    const event = this.#checkpoint;
    event.wrap(this.#events.view, offset);
    event.eventCount = this.eventCount;
    event.tradeCount = this.tradeCount;
    event.stateHash0 = this.#hashWords[0] as number;
    event.stateHash1 = this.#hashWords[1] as number;
    event.stateHash2 = this.#hashWords[2] as number;
    event.stateHash3 = this.#hashWords[3] as number;
    // Not a public event: it does not count.
    this.#f[EVENTS >> 1] = (this.#f[EVENTS >> 1] as number) - 1;
  }

  /** A 128-bit hash over the logical state, as four u32 words. Takes time in the open orders. */
  stateHash(into: Uint32Array): void {
    this.#stateHash.compute(into);
  }

  /** Shown quantity of an instrument that exists, best first. Cold. */
  bookRows(instrumentId: number): { bids: BookRow[]; asks: BookRow[] } {
    return bookRows(this.#book, this.#arena.instrument(instrumentId));
  }

  /** 0: unknown. */
  instrumentIdOf(symbol: string): number {
    return this.#instruments.idOf(symbol);
  }

  /** Microseconds; Infinity where no gtd order is open. */
  nextExpiryUs(): number {
    const first = this.#book.expiry.first();
    return first === 0 ? Infinity : this.#book.expiry.expireUs(first);
  }
}
