// LOBSTER (message and order book files of NASDAQ's visible book) to commands.
//
//   type 1  a limit order of account 1            newOrder
//   type 2  part of an order is canceled          replaceOrder with a smaller total
//   type 3  an order is canceled                  cancelOrder
//   type 4  an order is executed                  newOrder, ioc, of account 2 on the other side, at
//                                                 the price and size of the execution
//   type 7  a halt, or its end                    setMarketState
//   type 5  a hidden order is executed, 6 a cross: nothing in the visible book, left out
//
// A recording shows the best levels only, so orders disappear from it unseen: they fall behind and
// are canceled there. What is still recorded proves it: the best price in the order book file, or an
// order that rests where it would have traded. Orders proved gone are canceled at that moment. An
// execution that passes over earlier orders at its price proves nothing, since the venue has
// exceptions from time priority: those orders are sent to the back by a replaceOrder that changes
// nothing. So every execution hits the order that it names. Nothing is invented for messages about
// orders that were never seen.
import { formatDecimal } from "../../protocol/decimal.ts";
import { ImportError } from "./errors.ts";
import { BUY, type Direction, type KnownOrder, KnownOrders, SELL } from "./known-orders.ts";
import type { CommandSink, Tally } from "./tally.ts";

/** Prices in the files have four decimals. */
const PRICE_DECIMALS = 4;
/** LOBSTER's "no price": an empty side of the book. */
const NO_PRICE = 9_999_999_999;
const RESTING_ACCOUNT = 1;
const AGGRESSOR_ACCOUNT = 2;

const MESSAGE_TYPES = { limit: 1, reduce: 2, cancel: 3, fill: 4, hidden: 5, cross: 6, halt: 7 };
/** In the price field of a type 7 message. */
const HALTED = -1;
const QUOTING_RESUMES = 0;

export interface LobsterRecording {
  readonly symbol: string;
  /** Microseconds since 1970 at the midnight that times count from. */
  readonly midnightUs: number;
  readonly messages: Buffer;
  /** undefined: there is no order book file. */
  readonly book: Buffer | undefined;
}

export interface LobsterOptions {
  /** False: only what the messages say, as if the recording were complete. */
  readonly reconcile: boolean;
}

interface Message {
  readonly line: number;
  readonly timestamp: number;
  readonly type: number;
  readonly id: number;
  readonly size: number;
  readonly price: number;
  readonly direction: Direction;
}

/** Throws an ImportError (damaged) at a row that is not one. */
export function importLobster(
  recording: LobsterRecording,
  options: LobsterOptions,
  sink: CommandSink,
  tally: Tally,
): void {
  const tick = tickDecimals(recording);
  sink({
    type: "defineInstrument",
    timestamp: recording.midnightUs,
    symbol: recording.symbol,
    tickSize: formatDecimal(1, tick),
    lotSize: "1",
    baseAsset: recording.symbol,
    quoteAsset: "USD",
  });
  const flow = new LobsterFlow(recording.symbol, options.reconcile, sink, tally);
  const book = recording.book === undefined ? undefined : rows(recording.book, "order book");
  for (const fields of rows(recording.messages, "message")) {
    const message = readMessage(fields, recording.midnightUs);
    const quote = book?.next();
    if (quote?.done === true) {
      throw new ImportError("damaged", `the order book file ends before line ${message.line}`);
    }
    flow.onMessage(message);
    if (quote !== undefined) flow.onQuote(quote.value, message.timestamp);
  }
  tally.add("orders still open at the end", flow.openOrders);
}

class LobsterFlow {
  readonly #symbol: string;
  readonly #reconcile: boolean;
  readonly #sink: CommandSink;
  readonly #tally: Tally;
  readonly #orders = new KnownOrders();
  /** Canceled because they were proved gone: a later message about one would be a contradiction. */
  readonly #gone = new Set<number>();

  constructor(symbol: string, reconcile: boolean, sink: CommandSink, tally: Tally) {
    this.#symbol = symbol;
    this.#reconcile = reconcile;
    this.#sink = sink;
    this.#tally = tally;
  }

  get openOrders(): number {
    return this.#orders.size;
  }

  onMessage(message: Message): void {
    switch (message.type) {
      case MESSAGE_TYPES.limit:
        this.#onLimit(message);
        break;
      case MESSAGE_TYPES.reduce:
        this.#onReduce(message);
        break;
      case MESSAGE_TYPES.cancel:
        this.#onCancel(message);
        break;
      case MESSAGE_TYPES.fill:
        this.#onFill(message);
        break;
      case MESSAGE_TYPES.hidden:
        this.#tally.add("skipped: executions of hidden orders, which the book does not show");
        break;
      case MESSAGE_TYPES.cross:
        this.#tally.add("skipped: trades of a cross, which name no order");
        break;
      case MESSAGE_TYPES.halt:
        this.#onHalt(message);
        break;
      default:
        throw new ImportError("damaged", `message line ${message.line}: type ${message.type}`);
    }
  }

  /** fields: ask price and size, bid price and size of the best level, then deeper levels. */
  onQuote(fields: readonly number[], timestamp: number): void {
    if (!this.#reconcile) return;
    const ask = fields[1] as number;
    const bid = fields[3] as number;
    const what = "orders canceled unseen, as the recorded best price shows";
    this.#cancelBetter(BUY, bid === -NO_PRICE ? -Infinity : bid, false, timestamp, what);
    this.#cancelBetter(SELL, ask === NO_PRICE ? Infinity : ask, false, timestamp, what);
  }

  #onLimit(message: Message): void {
    const { id, direction, price, size, timestamp } = message;
    if (this.#orders.get(id) !== undefined) {
      this.#tally.add("skipped: new orders with the id of one that is open");
      return;
    }
    if (this.#reconcile) {
      const what =
        "orders canceled unseen, as an order shows that rests where it would have traded";
      this.#cancelBetter(direction === BUY ? SELL : BUY, price, true, timestamp, what);
    }
    this.#orders.add({ id, direction, price, total: size, leaves: size });
    this.#tally.add("limit orders");
    this.#sink({
      type: "newOrder",
      timestamp,
      account: RESTING_ACCOUNT,
      symbol: this.#symbol,
      clientOrderId: id,
      side: sideOf(direction),
      orderType: "limit",
      quantity: String(size),
      price: formatDecimal(price, PRICE_DECIMALS),
    });
  }

  #onReduce(message: Message): void {
    const order = this.#find(message, "partial cancels");
    if (order === undefined) return;
    if (message.size >= order.leaves) {
      this.#onCancel(message);
      return;
    }
    order.total -= message.size;
    order.leaves -= message.size;
    this.#tally.add("partial cancels");
    this.#replaceTotal(order, message.timestamp);
  }

  #onCancel(message: Message): void {
    const order = this.#find(message, "cancels");
    if (order === undefined) return;
    this.#tally.add("cancels");
    this.#orders.remove(order);
    this.#cancel(order.id, message.timestamp);
  }

  #onFill(message: Message): void {
    const order = this.#find(message, "executions");
    if (order === undefined) return;
    if (this.#reconcile) this.#bringToFront(order, message.timestamp);
    if (message.size > order.leaves) {
      this.#tally.add("executions of more than was left of the order");
    }
    order.leaves -= message.size;
    if (order.leaves <= 0) this.#orders.remove(order);
    this.#tally.add("executions");
    this.#sink({
      type: "newOrder",
      timestamp: message.timestamp,
      account: AGGRESSOR_ACCOUNT,
      symbol: this.#symbol,
      side: sideOf(order.direction === BUY ? SELL : BUY),
      orderType: "limit",
      quantity: String(message.size),
      price: formatDecimal(order.price, PRICE_DECIMALS),
      timeInForce: "ioc",
    });
  }

  #bringToFront(order: KnownOrder, timestamp: number): void {
    const what = "orders canceled unseen, as an execution at a worse price shows";
    for (;;) {
      const first = this.#orders.ahead(order);
      if (first === undefined) return;
      if (first.price !== order.price) this.#cancelGone(first.id, timestamp, what);
      else {
        this.#orders.remove(first);
        this.#orders.add(first);
        this.#tally.add("orders sent to the back, as an execution has passed them over");
        this.#replaceTotal(first, timestamp);
      }
    }
  }

  #replaceTotal(order: KnownOrder, timestamp: number): void {
    this.#sink({
      type: "replaceOrder",
      timestamp,
      account: RESTING_ACCOUNT,
      clientOrderId: order.id,
      quantity: String(order.total),
    });
  }

  #onHalt(message: Message): void {
    let state = "continuous";
    if (message.price === HALTED) state = "halted";
    else if (message.price === QUOTING_RESUMES) state = "auction";
    this.#tally.add("changes of the market's state");
    const { timestamp } = message;
    this.#sink({ type: "setMarketState", timestamp, symbol: this.#symbol, state });
  }

  #find(message: Message, what: string): KnownOrder | undefined {
    const order = this.#orders.get(message.id);
    if (order !== undefined) return order;
    const why = this.#gone.has(message.id)
      ? "of orders that were canceled as gone (a contradiction)"
      : "of orders that were never seen, or are dead";
    this.#tally.add(`skipped: ${what} ${why}`);
    return undefined;
  }

  #cancelBetter(
    direction: Direction,
    price: number,
    orEqual: boolean,
    timestamp: number,
    what: string,
  ): void {
    for (;;) {
      const order = this.#orders.better(direction, price, orEqual);
      if (order === undefined) return;
      this.#cancelGone(order.id, timestamp, what);
    }
  }

  #cancelGone(id: number, timestamp: number, what: string): void {
    const order = this.#orders.get(id);
    if (order === undefined) return;
    this.#orders.remove(order);
    this.#gone.add(id);
    this.#tally.add(what);
    this.#cancel(id, timestamp);
  }

  #cancel(clientOrderId: number, timestamp: number): void {
    this.#sink({ type: "cancelOrder", timestamp, account: RESTING_ACCOUNT, clientOrderId });
  }
}

function sideOf(direction: Direction): "buy" | "sell" {
  return direction === BUY ? "buy" : "sell";
}

/** Whole cents where all orders are in whole cents, else the file's own four decimals. */
function tickDecimals(recording: LobsterRecording): number {
  for (const fields of rows(recording.messages, "message")) {
    if (fields[2] === MESSAGE_TYPES.limit && (fields[5] as number) % 100 !== 0) {
      return PRICE_DECIMALS;
    }
  }
  return 2;
}

type Row = [number, number, number, number, number, number, number];

function readMessage(fields: readonly number[], midnightUs: number): Message {
  const [line, timeUs, type, id, size, price, direction] = fields as Row;
  const isOrder = type <= MESSAGE_TYPES.fill;
  const isSound =
    (direction === BUY || direction === SELL) &&
    (!isOrder || (Number.isSafeInteger(id) && id > 0 && Number.isSafeInteger(size) && size > 0));
  if (!isSound) throw new ImportError("damaged", `message line ${line} is not a LOBSTER message`);
  return {
    line,
    timestamp: midnightUs + timeUs,
    type,
    id,
    size,
    price,
    direction: direction as Direction,
  };
}

const NEWLINE = 10;

/**
 * Rows of a CSV file of numbers without a header; the line number stands before the fields. Seconds
 * with a fraction become whole microseconds.
 */
function* rows(file: Buffer, name: string): Generator<number[], void, void> {
  let line = 0;
  for (let start = 0; start < file.length; ) {
    let end = file.indexOf(NEWLINE, start);
    if (end < 0) end = file.length;
    const text = file.toString("latin1", start, end).trim();
    start = end + 1;
    line++;
    if (text === "") continue;
    const fields = text.split(",");
    const numbers = [line];
    for (const field of fields) {
      numbers.push(
        field.includes(".") ? microseconds(field) : field === "" ? Number.NaN : Number(field),
      );
    }
    if (fields.length < 4 || !numbers.every(Number.isInteger)) {
      throw new ImportError("damaged", `${name} line ${line} is not a row of numbers`);
    }
    yield numbers;
  }
}

/** Of a time such as 34200.004241176; digits beyond the sixth are cut. */
function microseconds(seconds: string): number {
  const point = seconds.indexOf(".");
  const fraction = seconds.slice(point + 1, point + 7).padEnd(6, "0");
  return Number(seconds.slice(0, point)) * 1_000_000 + Number(fraction);
}
