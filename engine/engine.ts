import { assert } from "../protocol/assert.ts";
import {
  ADJUST_BALANCE_TEMPLATE_ID,
  ADVANCE_TIME_TEMPLATE_ID,
  DEFINE_ASSET_TEMPLATE_ID,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  KILL_SWITCH_TEMPLATE_ID,
  MASS_CANCEL_TEMPLATE_ID,
  MassCancel,
  SESSION_END_ACCOUNT_OFFSET,
  SESSION_END_CANCEL_ON_DISCONNECT_OFFSET,
  SESSION_END_TEMPLATE_ID,
  SESSION_START_TEMPLATE_ID,
  SET_ACCOUNT_TEMPLATE_ID,
  SET_MARKET_STATE_TEMPLATE_ID,
  SNAPSHOT_TEMPLATE_ID,
} from "../protocol/generated/commands.ts";
import { CancelReason, RejectReason } from "../protocol/generated/enums.ts";
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
import { Arena, COMMAND_BASE, type EngineCapacity, HEADER, TALLY } from "./book/arena.ts";
import { type Book, createBook } from "./book/book.ts";
import { type BookRow, bookRows } from "./book/book-rows.ts";
import { COMMAND } from "./book/layout.ts";
import { findOpenOrder, type OpenOrder } from "./book/open-order.ts";
import { createEventWriter, type EventWriter } from "./events/event-writer.ts";
import { type Cancels, createCancels } from "./matching/cancels.ts";
import { createDispatch } from "./matching/dispatch.ts";
import { createMatcher } from "./matching/matcher.ts";
import { createNewOrders } from "./matching/new-orders.ts";
import { createReplaces } from "./matching/replaces.ts";
import { createStops } from "./matching/stops.ts";
import { type EnginePlace, restoreEngine, saveEngine } from "./snapshot/engine-rows.ts";
import type { RowReader, RowWriter } from "./snapshot/rows.ts";
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

const { events: EVENTS, trades: TRADES } = TALLY;

/**
 * With more open orders and accounts than this a checkpoint carries no state hash: it would hold up
 * trade, by milliseconds where the compiler has not seen it yet. The snapshot of the same command has it.
 * Part of the rules: it shows in events.
 */
const MOST_HASHED = 1_024;

/**
 * The deterministic core: sequenced commands in, events out. It reads no clock, no randomness and
 * no files; the same commands give the same events, byte for byte.
 */
export class Engine {
  readonly #arena: Arena;
  readonly #f: Float64Array;
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #cancels: Cancels;
  readonly #instruments: Instruments;
  readonly #settings: AccountSettings;
  readonly #stateHash: StateHash;
  readonly #massCancelCommand = new MassCancel();
  readonly #checkpoint = new Checkpoint();
  readonly #hashWords = new Uint32Array(4);
  readonly #dispatch: (view: DataView, offset: number) => void;

  /**
   * hashSeed: any integer; keeps clients from choosing ids that collide. It never shows in events or
   * state. Throws a RangeError where the capacity does not fit into memory.
   */
  constructor(capacity: EngineCapacity, events: EventRingWriter, hashSeed = 0) {
    const arena = new Arena(capacity);
    const book = createBook(arena, hashSeed);
    const writer = createEventWriter(events, arena);
    const matcher = createMatcher(book, writer);
    const stops = createStops(book, writer, matcher);
    const cancels = createCancels(book, writer);
    const uncross = new Uncross(book, writer, matcher, cancels);
    this.#arena = arena;
    this.#f = arena.doubles;
    this.#book = book;
    this.#events = writer;
    const assets = new Assets(capacity.assets);
    const instruments = new Instruments(assets, book, writer, cancels, stops, uncross);
    const newOrders = createNewOrders(book, writer, matcher, stops);
    const parts = { matcher, stops, cancels, newOrders, units: instruments };
    this.#cancels = cancels;
    this.#instruments = instruments;
    this.#settings = new AccountSettings(book, writer, cancels, instruments);
    this.#stateHash = new StateHash(book, instruments, this.#settings);
    this.#dispatch = createDispatch(book, writer, {
      newOrders,
      cancels,
      replaces: createReplaces(book, writer, parts),
      administer: (template, view, offset) => this.#administer(template, view, offset),
    });
  }

  /** The last command that was applied; 0: none. */
  get lastSeq(): number {
    return this.#arena.wide(COMMAND_BASE + COMMAND.seq);
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
    this.#dispatch(view, offset);
  }

  #administer(template: number, view: DataView, offset: number): void {
    switch (template) {
      case MASS_CANCEL_TEMPLATE_ID:
        this.#massCancel(view, offset);
        break;
      case ADVANCE_TIME_TEMPLATE_ID:
        this.#cancels.expire(this.#arena.wide(COMMAND_BASE + COMMAND.timestamp));
        break;
      case SESSION_END_TEMPLATE_ID:
        if (view.getUint8(offset + SESSION_END_CANCEL_ON_DISCONNECT_OFFSET) !== 0) {
          const account = view.getInt32(offset + SESSION_END_ACCOUNT_OFFSET, true);
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

  #emitCheckpoint(): void {
    const { words, accountCount } = this.#arena;
    const size = (words[HEADER.ordersUsed] as number) + accountCount;
    if (size <= MOST_HASHED) this.stateHash(this.#hashWords);
    else this.#hashWords.fill(0);
    const offset = this.#events.cold(CHECKPOINT_LENGTH, CHECKPOINT_TEMPLATE_ID, 0, 0);
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

  /** Time of the last command, in microseconds. */
  get lastTimestampUs(): number {
    return this.#arena.wide(COMMAND_BASE + COMMAND.timestamp);
  }

  /** Everything that the rules can see later, as rows of a snapshot. Between commands. */
  save(writer: RowWriter): void {
    saveEngine(this.#parts(), writer);
  }

  /** Before the first command. Throws a DamageError where the rows make no sense. */
  restore(reader: RowReader, place: EnginePlace): void {
    restoreEngine(this.#parts(), reader, place);
  }

  #parts() {
    return { book: this.#book, instruments: this.#instruments, settings: this.#settings };
  }

  /** A 128-bit hash over the logical state, as four u32 words. Takes time in the open orders. */
  stateHash(into: Uint32Array): void {
    this.#stateHash.compute(into);
  }

  /** Shown quantity of an instrument that exists, best first. Cold. */
  bookRows(instrumentId: number): { bids: BookRow[]; asks: BookRow[] } {
    return bookRows(this.#book, this.#arena.instrument(instrumentId));
  }

  /** An account's open order, by orderId or (orderId 0) by clientOrderId; undefined: none. Cold. */
  openOrder(account: number, orderId: number, clientOrderId: number): OpenOrder | undefined {
    return findOpenOrder(this.#book, account, orderId, clientOrderId);
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
