// Hot path: no allocation here, but where many orders go at once.
import { CANCEL_ORDER_TEMPLATE_ID } from "../../protocol/generated/commands.ts";
import {
  CancelReason,
  OrderType,
  RejectReason,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import type { Book } from "../book/book.ts";
import {
  ACCOUNT,
  DETAIL,
  FLAG,
  INSTRUMENT,
  LEVEL,
  ORDER,
  SIDE,
  SIDE_WORDS,
} from "../book/layout.ts";
import type { EventWriter } from "../events/event-writer.ts";

const {
  account: ORDER_ACCOUNT,
  idLow: ID_LOW,
  idHigh: ID_HIGH,
  next: NEXT,
  newer: NEWER,
  level: LEVEL_OF,
  flags: FLAGS,
} = ORDER;
const { limit: LIMIT } = DETAIL;
const { price: PRICE, head: HEAD, instrumentId: LEVEL_INSTRUMENT } = LEVEL;
const { best: BEST } = SIDE;
const { sides: SIDES } = INSTRUMENT;
const { oldest: OLDEST } = ACCOUNT;
const {
  sideMask: SIDE_MASK,
  typeShift: TYPE_SHIFT,
  typeMask: TYPE_MASK,
  timeInForceShift: TIF_SHIFT,
  timeInForceMask: TIF_MASK,
  waiting: WAITING,
} = FLAG;
const STOP_LIMIT = OrderType.stopLimit;
const DAY = TimeInForce.day;
const TWO_32 = 4294967296;

// Words of a cancelOrder and of a replaceOrder.
const COMMAND_ACCOUNT = 8;
const CLIENT_ID = 12;
const ORDER_ID = 14;
const COMMAND_INSTRUMENT = 9;

/** Takes orders out: one, an account's, or those whose time is over. */
export class Cancels {
  readonly #book: Book;
  readonly #events: EventWriter;
  readonly #m: Int32Array;
  readonly #detail: number;

  constructor(book: Book, events: EventWriter) {
    this.#book = book;
    this.#events = events;
    this.#m = book.arena.words;
    this.#detail = book.arena.detail;
  }

  cancelOrder(c: Int32Array, at: number): void {
    const order = this.find(c, at);
    if (order === 0) {
      const instrumentId = c[at + COMMAND_INSTRUMENT] as number;
      const unknown = RejectReason.unknownOrder;
      this.#events.rejected(instrumentId, 0, CANCEL_ORDER_TEMPLATE_ID, unknown);
      return;
    }
    this.cancel(order, CancelReason.requested);
  }

  /** The open order that a cancelOrder or replaceOrder names, if it is the account's; else 0. */
  find(c: Int32Array, at: number): number {
    const account = c[at + COMMAND_ACCOUNT] as number;
    const orders = this.#book.orders;
    const idLow = c[at + ORDER_ID] as number;
    const idHigh = c[at + ORDER_ID + 1] as number;
    if ((idLow | idHigh) !== 0) {
      const order = orders.findId(idLow, idHigh);
      return order !== 0 && this.#m[order + ORDER_ACCOUNT] === account ? order : 0;
    }
    const low = c[at + CLIENT_ID] as number;
    const high = c[at + CLIENT_ID + 1] as number;
    if ((low | high) === 0) return 0;
    return orders.findClient(account, low, high);
  }

  /** Cancels an order that rests or waits. */
  cancel(order: number, reason: number): void {
    const m = this.#m;
    const level = m[order + LEVEL_OF] as number;
    const flags = m[order + FLAGS] as number;
    const instrumentId = m[level + LEVEL_INSTRUMENT] as number;
    let price = m[level + PRICE] as number;
    if ((flags & WAITING) !== 0) {
      price = 0;
      if (((flags >> TYPE_SHIFT) & TYPE_MASK) === STOP_LIMIT) {
        price = m[order + this.#detail + LIMIT] as number;
        this.#book.arena.withdrawPromise();
      }
    }
    this.#book.unlink(order);
    this.#events.canceled(instrumentId, order, price, reason);
    this.#book.forget(order);
  }

  /** All open orders of an account, by orderId. instrumentId, side: 0 for all. */
  cancelAccount(account: number, instrumentId: number, side: number, reason: number): void {
    const m = this.#m;
    const record = this.#book.accounts.find(account);
    let order = record === 0 ? 0 : (m[record + OLDEST] as number);
    while (order !== 0) {
      const following = m[order + NEWER] as number;
      const level = m[order + LEVEL_OF] as number;
      if (
        (instrumentId === 0 || m[level + LEVEL_INSTRUMENT] === instrumentId) &&
        (side === 0 || ((m[order + FLAGS] as number) & SIDE_MASK) === side)
      ) {
        this.cancel(order, reason);
      }
      order = following;
    }
  }

  /** gtd orders whose time has come, by orderId. */
  expire(timestampUs: number): void {
    const expiry = this.#book.expiry;
    const ids: number[] = [];
    let order = expiry.first();
    while (order !== 0 && expiry.expireUs(order) <= timestampUs) {
      ids.push(this.#orderId(order));
      expiry.remove(order);
      order = expiry.first();
    }
    // They are taken off the heap to be found; cancelling takes them off as any other.
    for (const id of ids) expiry.add(this.#byId(id));
    this.#cancelSorted(ids);
  }

  /** Day orders of an instrument that closes, waiting stops too, by orderId. */
  expireDay(instrument: number): void {
    const m = this.#m;
    const ids: number[] = [];
    for (let side = 0; side < 4; side++) {
      let level = m[instrument + SIDES + side * SIDE_WORDS + BEST] as number;
      for (; level !== 0; level = this.#book.prices.next(level)) {
        let order = m[level + HEAD] as number;
        for (; order !== 0; order = m[order + NEXT] as number) {
          if ((((m[order + FLAGS] as number) >> TIF_SHIFT) & TIF_MASK) === DAY) {
            ids.push(this.#orderId(order));
          }
        }
      }
    }
    this.#cancelSorted(ids);
  }

  #cancelSorted(ids: number[]): void {
    for (const id of Float64Array.from(ids).sort())
      this.cancel(this.#byId(id), CancelReason.expired);
  }

  #orderId(order: number): number {
    const low = (this.#m[order + ID_LOW] as number) >>> 0;
    return low + (this.#m[order + ID_HIGH] as number) * TWO_32;
  }

  #byId(id: number): number {
    return this.#book.orders.findId(id | 0, Math.floor(id / TWO_32));
  }
}
