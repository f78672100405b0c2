import { type LimitOrderOptions, OrderBook, Side } from "nodejs-order-book";
import {
  B32_BYTES,
  B32_ORDER_ID_OFFSET,
  B32_PRICE_OFFSET,
  B32_QUANTITY_OFFSET,
  B32_SELL,
  B32_SIDE_OFFSET,
  B32_SYMBOL_OFFSET,
  B32Type,
  differences,
  FillHash,
  type Outcome,
  readB32,
} from "../workloads/b32.ts";

export interface PeerResult {
  readonly engine: string;
  readonly commandsPerSecond: number;
  /** Without the prefill. */
  readonly commands: number;
  /** false: the time was up before the end of the stream; the outcome was not compared. */
  readonly isComplete: boolean;
  /** Where the outcome is not the expected one. */
  readonly differences: readonly string[];
}

// The package does not export its enumeration.
const IOC = "IOC" as NonNullable<LimitOrderOptions["timeInForce"]>;

/** Looking at the clock after every command would cost more than some commands. */
const CHECK_EVERY = 64;

/**
 * The same commands through nodejs-order-book: matching alone, one book for each symbol, a replace
 * as cancel and new (it loses its place and keeps its id, as the format wants). Ends after
 * `limitSeconds` where that is earlier.
 */
export function measureNodejsOrderBook(file: string, limitSeconds: number): PeerResult {
  const { view, count, prefill, expected } = readB32(file);
  const engine = new Adapter();
  for (let i = 0; i < prefill; i++) engine.apply(view, i * B32_BYTES);
  const startMs = performance.now();
  const untilMs = startMs + limitSeconds * 1_000;
  let i = prefill;
  while (i < count) {
    engine.apply(view, i++ * B32_BYTES);
    if (i % CHECK_EVERY === 0 && performance.now() > untilMs) break;
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const isComplete = i === count;
  return {
    engine: "nodejs-order-book",
    commandsPerSecond: Math.round((i - prefill) / seconds),
    commands: i - prefill,
    isComplete,
    differences: isComplete && expected !== null ? differences(expected, engine.outcome()) : [],
  };
}

class Adapter {
  readonly #books = new Map<number, OrderBook>();
  /** Order id → side of every order that rests; a replace does not name the side. */
  readonly #resting = new Map<string, Side>();
  readonly #fills = new FillHash();

  apply(view: DataView, at: number): void {
    const symbol = view.getUint16(at + B32_SYMBOL_OFFSET, true);
    const book = this.#books.get(symbol) ?? new OrderBook();
    this.#books.set(symbol, book);
    const side = view.getUint8(at + B32_SIDE_OFFSET) === B32_SELL ? Side.SELL : Side.BUY;
    const price = view.getUint32(at + B32_PRICE_OFFSET, true);
    const size = view.getUint32(at + B32_QUANTITY_OFFSET, true);
    const id = String(view.getUint32(at + B32_ORDER_ID_OFFSET, true));
    switch (view.getUint8(at)) {
      case B32Type.limit:
        this.#limit(book, side, id, size, price);
        break;
      case B32Type.ioc:
        this.#take(id, book.limit({ side, id, size, price, timeInForce: IOC }));
        break;
      case B32Type.market:
        this.#take(id, book.market({ side, size }));
        break;
      case B32Type.cancel:
        if (this.#resting.delete(id)) book.cancel(id);
        break;
      default: {
        const previousSide = this.#resting.get(id);
        if (previousSide === undefined) break; // replaced too late
        book.cancel(id);
        this.#resting.delete(id);
        this.#limit(book, previousSide, id, size, price);
      }
    }
  }

  outcome(): Outcome {
    const { trades, quantity, value } = this.#fills;
    return { trades, quantity, resting: this.#resting.size, hash: value };
  }

  #limit(book: OrderBook, side: Side, id: string, size: number, price: number): void {
    this.#take(id, book.limit({ side, id, size, price }));
    if (book.order(id) !== undefined) this.#resting.set(id, side);
  }

  /** Fills are not reported as such: makers that are done, then the one that is partly done. */
  #take(takerId: string, result: ReturnType<OrderBook["limit"]>): void {
    const taker = Number(takerId);
    for (const order of result.done) {
      if (order.id === takerId) continue;
      const maker = order as { id: string; price: number; size: number }; // only limit orders rest
      this.#fills.fill(taker, Number(maker.id), maker.price, maker.size);
      this.#resting.delete(maker.id);
    }
    const { partial } = result;
    if (partial !== null && partial.id !== takerId) {
      this.#fills.fill(taker, Number(partial.id), partial.price, result.partialQuantityProcessed);
    }
  }
}
