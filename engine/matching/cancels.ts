// Hot path: no allocation here, but where many orders go at once.
import { CANCEL_ORDER_TEMPLATE_ID } from "../../protocol/generated/commands.ts";
import {
  AccountMode,
  CancelReason,
  OrderType,
  RejectReason,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import { COMMAND_BASE } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import {
  ACCOUNT,
  COMMAND,
  FLAG,
  INSTRUMENT,
  LEVEL,
  ORDER,
  SIDE,
  SIDE_WORDS,
  SUMS,
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
  holder: HOLDER,
} = ORDER;
const { limit: LIMIT } = SUMS;
const { price: PRICE, head: HEAD, instrumentId: LEVEL_INSTRUMENT } = LEVEL;
const { best: BEST } = SIDE;
const { sides: SIDES } = INSTRUMENT;
const { oldest: OLDEST, mode: MODE } = ACCOUNT;
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
const SPOT = AccountMode.spot;
const REQUESTED = CancelReason.requested;
const CANCEL_ORDER = CANCEL_ORDER_TEMPLATE_ID;
const TWO_32 = 4294967296;

// Words of the command under way.
const COMMAND_ACCOUNT = COMMAND_BASE + COMMAND.account;
const COMMAND_INSTRUMENT = COMMAND_BASE + COMMAND.instrumentId;
const CLIENT_ID = COMMAND_BASE + COMMAND.clientOrderId;
const ORDER_ID = COMMAND_BASE + COMMAND.orderId;

export type Cancels = ReturnType<typeof createCancels>;

/** Takes orders out: one, an account's, or those whose time is over. */
export function createCancels(book: Book, events: EventWriter) {
  const { words: m, sums } = book.arena;
  const { clientHash, findClient, findId } = book.orders;
  const { unlink, forget } = book;
  const { canceled, rejected } = events;

  /** The command under way. */
  function cancelOrder(): void {
    const order = find();
    if (order !== 0) cancel(order, REQUESTED);
    else rejected(m[COMMAND_INSTRUMENT] as number, 0, CANCEL_ORDER, RejectReason.unknownOrder);
  }

  /** The open order that the command under way names, if it is the account's; else 0. */
  function find(): number {
    const account = m[COMMAND_ACCOUNT] as number;
    const idLow = m[ORDER_ID] as number;
    const idHigh = m[ORDER_ID + 1] as number;
    if ((idLow | idHigh) !== 0) {
      const order = findId(idLow, idHigh);
      return order !== 0 && m[order + ORDER_ACCOUNT] === account ? order : 0;
    }
    const low = m[CLIENT_ID] as number;
    const high = m[CLIENT_ID + 1] as number;
    if ((low | high) === 0) return 0;
    return findClient(clientHash(account, low, high), account, low, high);
  }

  /** Cancels an order that rests or waits. */
  function cancel(order: number, reason: number): void {
    const level = m[order + LEVEL_OF] as number;
    const flags = m[order + FLAGS] as number;
    const instrumentId = m[level + LEVEL_INSTRUMENT] as number;
    let price = m[level + PRICE] as number;
    if ((flags & WAITING) !== 0) {
      price = 0;
      if (((flags >> TYPE_SHIFT) & TYPE_MASK) === STOP_LIMIT) {
        price = m[(order >> 2) + sums + LIMIT] as number;
        book.pools.withdrawPromise();
      }
    }
    unlink(order);
    canceled(instrumentId, order, price, reason);
    forget(order);
  }

  /** All open orders of an account, by orderId. instrumentId, side: 0 for all. */
  function cancelAccount(
    account: number,
    instrumentId: number,
    side: number,
    reason: number,
  ): void {
    const record = book.accounts.find(account);
    if (record === 0) return;
    let order = m[record + OLDEST] as number;
    while (order !== record) {
      const following = m[order + NEWER] as number;
      const level = m[order + LEVEL_OF] as number;
      if (
        (instrumentId === 0 || m[level + LEVEL_INSTRUMENT] === instrumentId) &&
        (side === 0 || ((m[order + FLAGS] as number) & SIDE_MASK) === side)
      ) {
        cancel(order, reason);
      }
      order = following;
    }
  }

  /** gtd orders whose time has come, by orderId. */
  function expire(timestampUs: number): void {
    const expiry = book.expiry;
    const ids: number[] = [];
    let order = expiry.first();
    while (order !== 0 && expiry.expireUs(order) <= timestampUs) {
      ids.push(orderId(order));
      expiry.remove(order);
      order = expiry.first();
    }
    // They are taken off the heap to be found; cancelling takes them off as any other.
    for (const id of ids) expiry.add(byId(id));
    cancelSorted(ids, CancelReason.expired);
  }

  /** Day orders of an instrument that closes, waiting stops too, by orderId. */
  function expireDay(instrument: number): void {
    const ids: number[] = [];
    for (let side = 0; side < 4; side++) {
      let level = m[instrument + SIDES + side * SIDE_WORDS + BEST] as number;
      for (; level !== 0; level = book.prices.next(level)) {
        let order = m[level + HEAD] as number;
        for (; order !== level; order = m[order + NEXT] as number) {
          if ((((m[order + FLAGS] as number) >> TIF_SHIFT) & TIF_MASK) === DAY) {
            ids.push(orderId(order));
          }
        }
      }
    }
    cancelSorted(ids, CancelReason.expired);
  }

  /**
   * The orders of spot accounts that an auction price below zero would let trade, by orderId. False:
   * there are none.
   */
  function spareSpot(instrument: number, priceTicks: number): boolean {
    const ids: number[] = [];
    for (let side = 0; side < 2; side++) {
      let level = m[instrument + SIDES + side * SIDE_WORDS + BEST] as number;
      for (; level !== 0; level = book.prices.next(level)) {
        const limit = m[level + PRICE] as number;
        if (side === 0 ? limit < priceTicks : limit > priceTicks) break;
        let order = m[level + HEAD] as number;
        for (; order !== level; order = m[order + NEXT] as number) {
          if (m[(m[order + HOLDER] as number) + MODE] === SPOT) ids.push(orderId(order));
        }
      }
    }
    cancelSorted(ids, CancelReason.priceProtection);
    return ids.length > 0;
  }

  function cancelSorted(ids: number[], reason: number): void {
    for (const id of Float64Array.from(ids).sort()) cancel(byId(id), reason);
  }

  function orderId(order: number): number {
    const low = (m[order + ID_LOW] as number) >>> 0;
    return low + (m[order + ID_HIGH] as number) * TWO_32;
  }

  function byId(id: number): number {
    return findId(id | 0, Math.floor(id / TWO_32));
  }

  return { cancelOrder, find, cancel, cancelAccount, expire, expireDay, spareSpot };
}
