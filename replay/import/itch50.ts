// Nasdaq TotalView-ITCH 5.0 to commands. The feed names every visible order of the day, so the book
// is complete and an execution hits the order that it names by price and time priority.
//
//   A F  add                      newOrder of account 1, clientOrderId = order reference
//   E C  executed                 newOrder, ioc, of account 2 on the other side, at the order's price
//   X    part canceled            replaceOrder with a smaller total
//   D    deleted                  cancelOrder
//   U    replaced by another      cancelOrder, then newOrder with the new reference
//
// Everything else names no order in the visible book and is left out and counted.
import { formatDecimal } from "../../protocol/decimal.ts";
import { SYMBOL_PATTERN } from "../../protocol/terms.ts";
import { ImportError } from "./errors.ts";
import { BUY, type Direction, SELL } from "./known-orders.ts";
import type { CommandSink, Tally } from "./tally.ts";

/** Prices in the feed have four decimals; the highest fits into int32 ticks of 0.0001. */
const PRICE_DECIMALS = 4;
const RESTING_ACCOUNT = 1;
const AGGRESSOR_ACCOUNT = 2;
/** Two bytes, big endian, before every message. */
const LENGTH_BYTES = 2;

/** Of the messages that are read; a message of another length is not of this version. */
const MESSAGE_LENGTHS: Readonly<Record<string, number>> = {
  A: 36,
  F: 40,
  E: 31,
  C: 36,
  X: 23,
  D: 19,
  U: 35,
};
const LEFT_OUT: Readonly<Record<string, string>> = {
  S: "system events",
  R: "stock directory entries",
  H: "changes of a trading state",
  Y: "short sale restrictions",
  L: "market participant positions",
  V: "circuit breaker levels",
  W: "circuit breaker status",
  K: "IPO quoting periods",
  J: "auction collars",
  h: "operational halts",
  P: "trades with hidden orders, which the book does not show",
  Q: "trades of a cross, which name no order",
  B: "broken trades",
  I: "order imbalances",
  N: "retail price improvements",
  O: "direct listings",
};

interface ItchOrder {
  readonly symbol: string;
  readonly direction: Direction;
  readonly price: number;
  total: number;
  leaves: number;
}

/** Takes the bytes of a file in pieces of any size. */
export class Itch50Import {
  readonly #midnightUs: number;
  readonly #symbols: ReadonlySet<string>;
  readonly #sink: CommandSink;
  readonly #tally: Tally;
  readonly #orders = new Map<number, ItchOrder>();
  readonly #defined = new Set<string>();
  /** Orders that were left out on purpose: what follows about them needs no word. */
  readonly #others = new Set<number>();
  #rest: Buffer = Buffer.alloc(0);
  #position = 0;

  /** symbols: those to take; none: all. midnightUs: what the feed's times count from. */
  constructor(midnightUs: number, symbols: readonly string[], sink: CommandSink, tally: Tally) {
    this.#midnightUs = midnightUs;
    this.#symbols = new Set(symbols);
    this.#sink = sink;
    this.#tally = tally;
    for (const symbol of symbols) this.#define(symbol, midnightUs);
  }

  /** Throws an ImportError (damaged). */
  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const length = bytes.readUInt16BE(at);
      if (at + LENGTH_BYTES + length > bytes.length) break;
      // An empty message ends a session; nothing comes after it.
      if (length > 0) this.#onMessage(bytes, at + LENGTH_BYTES, length);
      at += LENGTH_BYTES + length;
      this.#position += LENGTH_BYTES + length;
    }
    this.#rest = bytes.subarray(at);
  }

  /** Throws an ImportError where the file breaks off within a message. */
  end(): void {
    if (this.#rest.length > 0) {
      throw new ImportError("damaged", `the file breaks off at byte ${this.#position}`);
    }
    this.#tally.add("orders still open at the end", this.#orders.size);
  }

  #onMessage(bytes: Buffer, at: number, length: number): void {
    const type = String.fromCharCode(bytes[at] as number);
    const expected = MESSAGE_LENGTHS[type];
    if (expected === undefined) {
      const what = LEFT_OUT[type];
      if (what === undefined) throw this.#damaged(`a message of the unknown type "${type}"`);
      this.#tally.add(`skipped: ${what}`);
      return;
    }
    if (length !== expected) {
      throw this.#damaged(`a message ${type} of ${length} bytes instead of ${expected}`);
    }
    // 48 bits of nanoseconds: a safe integer.
    const timestamp = this.#midnightUs + Math.floor(bytes.readUIntBE(at + 5, 6) / 1000);
    const id = this.#id(bytes, at + 11);
    switch (type) {
      case "A":
      case "F":
        this.#onAdd(bytes, at, id, timestamp);
        break;
      case "E":
        this.#onExecuted(id, bytes.readUInt32BE(at + 19), timestamp);
        break;
      case "C":
        this.#onExecutedAt(bytes, at, id, timestamp);
        break;
      case "X":
        this.#onReduced(id, bytes.readUInt32BE(at + 19), timestamp);
        break;
      case "D":
        this.#onDeleted(id, timestamp);
        break;
      default:
        this.#onReplaced(bytes, at, id, timestamp);
    }
  }

  #onAdd(bytes: Buffer, at: number, id: number, timestamp: number): void {
    const symbol = bytes.toString("latin1", at + 24, at + 32).trimEnd();
    if (this.#symbols.size > 0 && !this.#symbols.has(symbol)) return;
    if (!SYMBOL_PATTERN.test(symbol)) {
      this.#tally.add(`skipped: orders of ${symbol}, which is no symbol here`);
      this.#others.add(id);
      return;
    }
    const direction = bytes[at + 19] === 0x42 ? BUY : SELL;
    const shares = bytes.readUInt32BE(at + 20);
    this.#add(id, symbol, direction, shares, bytes.readUInt32BE(at + 32), timestamp);
  }

  #add(
    id: number,
    symbol: string,
    direction: Direction,
    shares: number,
    price: number,
    timestamp: number,
  ): void {
    this.#define(symbol, timestamp);
    this.#orders.set(id, { symbol, direction, price, total: shares, leaves: shares });
    this.#tally.add("limit orders");
    this.#sink({
      type: "newOrder",
      timestamp,
      account: RESTING_ACCOUNT,
      symbol,
      clientOrderId: id,
      side: direction === BUY ? "buy" : "sell",
      orderType: "limit",
      quantity: String(shares),
      price: formatDecimal(price, PRICE_DECIMALS),
    });
  }

  #onExecuted(id: number, shares: number, timestamp: number): void {
    const order = this.#find(id, "executions");
    if (order === undefined) return;
    if (shares > order.leaves) throw this.#damaged("an execution of more than the order has");
    order.leaves -= shares;
    if (order.leaves === 0) this.#orders.delete(id);
    this.#tally.add("executions");
    this.#sink({
      type: "newOrder",
      timestamp,
      account: AGGRESSOR_ACCOUNT,
      symbol: order.symbol,
      side: order.direction === BUY ? "sell" : "buy",
      orderType: "limit",
      quantity: String(shares),
      price: formatDecimal(order.price, PRICE_DECIMALS),
      timeInForce: "ioc",
    });
  }

  #onExecutedAt(bytes: Buffer, at: number, id: number, timestamp: number): void {
    const order = this.#orders.get(id);
    if (order !== undefined && bytes.readUInt32BE(at + 32) !== order.price) {
      this.#tally.add("executions at another price than the order's, imported at the order's");
    }
    this.#onExecuted(id, bytes.readUInt32BE(at + 19), timestamp);
  }

  #onReduced(id: number, shares: number, timestamp: number): void {
    const order = this.#find(id, "partial cancels");
    if (order === undefined) return;
    if (shares >= order.leaves) {
      this.#onDeleted(id, timestamp);
      return;
    }
    order.leaves -= shares;
    order.total -= shares;
    this.#tally.add("partial cancels");
    this.#sink({
      type: "replaceOrder",
      timestamp,
      account: RESTING_ACCOUNT,
      clientOrderId: id,
      quantity: String(order.total),
    });
  }

  #onDeleted(id: number, timestamp: number): void {
    if (this.#find(id, "cancels") === undefined) return;
    this.#tally.add("cancels");
    this.#cancel(id, timestamp);
  }

  #onReplaced(bytes: Buffer, at: number, id: number, timestamp: number): void {
    const order = this.#find(id, "replaces");
    if (order === undefined) return;
    this.#tally.add("replaces");
    this.#cancel(id, timestamp);
    const newId = this.#id(bytes, at + 19);
    const shares = bytes.readUInt32BE(at + 27);
    const price = bytes.readUInt32BE(at + 31);
    this.#add(newId, order.symbol, order.direction, shares, price, timestamp);
  }

  #cancel(clientOrderId: number, timestamp: number): void {
    this.#orders.delete(clientOrderId);
    this.#sink({ type: "cancelOrder", timestamp, account: RESTING_ACCOUNT, clientOrderId });
  }

  /** With a choice of symbols, orders that are not known are those of the others. */
  #find(id: number, what: string): ItchOrder | undefined {
    const order = this.#orders.get(id);
    if (order === undefined && this.#symbols.size === 0 && !this.#others.has(id)) {
      this.#tally.add(`skipped: ${what} of orders that were never seen, or are dead`);
    }
    return order;
  }

  #define(symbol: string, timestamp: number): void {
    if (this.#defined.has(symbol)) return;
    this.#defined.add(symbol);
    this.#sink({
      type: "defineInstrument",
      timestamp,
      symbol,
      tickSize: formatDecimal(1, PRICE_DECIMALS),
      lotSize: "1",
      baseAsset: symbol,
      quoteAsset: "USD",
    });
  }

  #id(bytes: Buffer, at: number): number {
    const id = bytes.readUInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4);
    if (id > 0 && Number.isSafeInteger(id)) return id;
    throw this.#damaged(`the order reference ${id}`);
  }

  #damaged(what: string): ImportError {
    return new ImportError("damaged", `${what} at byte ${this.#position}`);
  }
}
