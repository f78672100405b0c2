// Hot path: no allocation here.
import {
  AccountMode,
  MarketState,
  OrderType,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import type { Book } from "../book/book.ts";
import {
  ACCOUNT,
  DETAIL,
  FLAG,
  HAS,
  INSTRUMENT,
  LEVEL,
  ORDER,
  SIDE,
  SIDE_WORDS,
  SUMS,
} from "../book/layout.ts";
import type { EventWriter } from "../events/event-writer.ts";
import type { Matcher } from "./matcher.ts";

const { flags: FLAGS, holder: HOLDER } = ORDER;
const { minimum: MINIMUM } = DETAIL;
const { limit: LIMIT } = SUMS;
const { rank: RANK, price: PRICE, head: HEAD } = LEVEL;
const { best: BEST } = SIDE;
const {
  id: ID,
  state: STATE,
  flags: INSTRUMENT_FLAGS,
  lastPrice: LAST_PRICE,
  sides: SIDES,
} = INSTRUMENT;
const BUY_STOPS = SIDES + 2 * SIDE_WORDS;
const SELL_STOPS = SIDES + 3 * SIDE_WORDS;
const { mode: MODE } = ACCOUNT;
const { lastPrice: HAS_LAST } = HAS;
const {
  typeShift: TYPE_SHIFT,
  typeMask: TYPE_MASK,
  timeInForceShift: TIF_SHIFT,
  timeInForceMask: TIF_MASK,
  waiting: WAITING,
  minimum: HAS_MINIMUM,
} = FLAG;
const CONTINUOUS = MarketState.continuous;
const STOP = OrderType.stop;
const SPOT = AccountMode.spot;

export type Stops = ReturnType<typeof createStops>;

/** Waiting stops and how they come in. */
export function createStops(book: Book, events: EventWriter, matcher: Matcher) {
  const { words: m, doubles: f, detail, sums } = book.arena;

  /**
   * After a command has fully finished: lets due stops in one by one, each finished before the next
   * is looked for, buys (the lowest stop price first) before sells (the highest first).
   */
  function run(instrument: number): void {
    for (;;) {
      const buys = m[instrument + BUY_STOPS + BEST] as number;
      const sells = m[instrument + SELL_STOPS + BEST] as number;
      if ((buys | sells) === 0) return;
      if (m[instrument + STATE] !== CONTINUOUS) return;
      if (((m[instrument + INSTRUMENT_FLAGS] as number) & HAS_LAST) === 0) return;
      const last = m[instrument + LAST_PRICE] as number;
      let level = buys;
      if (buys === 0 || (m[buys + RANK] as number) > last) {
        if (sells === 0 || (m[sells + RANK] as number) > ~last) return;
        level = sells;
      }
      trigger(m[level + HEAD] as number, instrument, m[level + PRICE] as number, last);
    }
  }

  function trigger(order: number, instrument: number, stopPrice: number, last: number): void {
    book.unlink(order);
    const flags = m[order + FLAGS] as number;
    const type = (flags >> TYPE_SHIFT) & TYPE_MASK;
    let price = 0;
    let minimum = 0;
    if (type === STOP) {
      // Active it is a market order, and ioc; its life in force was for the time of waiting.
      if (((flags >> TIF_SHIFT) & TIF_MASK) === TimeInForce.gtd) book.expiry.remove(order);
      const kept = flags & ~((TYPE_MASK << TYPE_SHIFT) | (TIF_MASK << TIF_SHIFT) | WAITING);
      m[order + FLAGS] = kept | (OrderType.market << TYPE_SHIFT) | (TimeInForce.ioc << TIF_SHIFT);
    } else {
      price = m[(order >> 2) + sums + LIMIT] as number;
      if ((flags & HAS_MINIMUM) !== 0) {
        minimum = f[(order + detail + MINIMUM) >> 1] as number;
      }
      book.pools.withdrawPromise();
      m[order + FLAGS] =
        (flags & ~((TYPE_MASK << TYPE_SHIFT) | WAITING)) | (OrderType.limit << TYPE_SHIFT);
    }
    events.triggered(m[instrument + ID] as number, order, type, stopPrice, last, price);
    const spot = m[(m[order + HOLDER] as number) + MODE] === SPOT;
    matcher.enter(order, instrument, price, minimum, spot, Infinity);
  }

  return { run };
}
