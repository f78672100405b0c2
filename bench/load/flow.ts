// Hot path: no allocation here.

import {
  CANCEL_ORDER_LENGTH,
  CancelOrder,
  NEW_ORDER_LENGTH,
  NewOrder,
} from "../../protocol/generated/commands.ts";
import { OrderField, OrderType, Side, TimeInForce } from "../../protocol/generated/enums.ts";
import { seededRandom } from "../random.ts";

/** Longest command that a flow writes. */
export const MAX_COMMAND_BYTES = Math.max(NEW_ORDER_LENGTH, CANCEL_ORDER_LENGTH);

export interface FlowOptions {
  readonly symbol: string;
  /** 0: the server finds the instrument by its symbol. */
  readonly instrumentId: number;
  readonly midTicks: number;
  /** Orders that one client keeps in the book. */
  readonly depth: number;
}

const SPREAD_TICKS = 50;
const EVERY_TRADES = 10; // every so manieth command wants to trade

/**
 * What one client sends: it keeps `depth` orders within 50 ticks of the middle, places and cancels
 * in turn, and with every tenth command takes a lot from the other side at once. Deterministic.
 */
export class OrderFlow {
  readonly #order = new NewOrder();
  readonly #cancel = new CancelOrder();
  readonly #random: () => number;
  readonly #options: FlowOptions;
  /** Client order ids of the orders that were placed, oldest first; a ring of twice the depth. */
  readonly #open: Float64Array;
  #first = 0;
  #count = 0;
  #written = 0;
  #nextClientOrderId: number;

  constructor(options: FlowOptions, seed: number, firstClientOrderId: number) {
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#open = new Float64Array(2 * options.depth + 2);
    this.#nextClientOrderId = firstClientOrderId;
  }

  /** Writes the next command at `offset`; returns its length. */
  write(view: DataView, offset: number, requestId: number): number {
    const n = this.#written++;
    if (n % EVERY_TRADES === EVERY_TRADES - 1) return this.#take(view, offset, requestId);
    if (this.#count > this.#options.depth) return this.#cancelOldest(view, offset, requestId);
    return this.#place(view, offset, requestId);
  }

  /** Cancels of the orders that were placed and not canceled, one a call; 0: none is left. */
  writeDrain(view: DataView, offset: number, requestId: number): number {
    return this.#count === 0 ? 0 : this.#cancelOldest(view, offset, requestId);
  }

  #place(view: DataView, offset: number, requestId: number): number {
    const side = this.#random() < 0.5 ? Side.buy : Side.sell;
    const away = 1 + Math.floor(this.#random() * SPREAD_TICKS);
    const priceTicks = this.#options.midTicks + (side === Side.buy ? -away : away);
    const id = this.#writeOrder(view, offset, requestId, side, priceTicks, TimeInForce.gtc);
    this.#open[(this.#first + this.#count) % this.#open.length] = id;
    this.#count++;
    return NEW_ORDER_LENGTH;
  }

  #take(view: DataView, offset: number, requestId: number): number {
    const side = this.#random() < 0.5 ? Side.buy : Side.sell;
    const priceTicks = this.#options.midTicks + (side === Side.buy ? SPREAD_TICKS : -SPREAD_TICKS);
    this.#writeOrder(view, offset, requestId, side, priceTicks, TimeInForce.ioc);
    return NEW_ORDER_LENGTH;
  }

  #cancelOldest(view: DataView, offset: number, requestId: number): number {
    const cancel = this.#cancel;
    cancel.wrap(view, offset);
    cancel.clear();
    cancel.requestId = requestId;
    cancel.clientOrderId = this.#open[this.#first] as number;
    this.#first = (this.#first + 1) % this.#open.length;
    this.#count--;
    return CANCEL_ORDER_LENGTH;
  }

  #writeOrder(
    view: DataView,
    offset: number,
    requestId: number,
    side: Side,
    priceTicks: number,
    timeInForce: TimeInForce,
  ): number {
    const order = this.#order;
    order.wrap(view, offset);
    order.clear();
    order.requestId = requestId;
    order.instrumentId = this.#options.instrumentId;
    order.clientOrderId = this.#nextClientOrderId;
    order.quantityLots = 1 + Math.floor(this.#random() * 10);
    order.priceTicks = priceTicks;
    order.side = side;
    order.orderType = OrderType.limit;
    order.timeInForce = timeInForce;
    order.present = OrderField.price | OrderField.quantity | OrderField.clientOrderId;
    if (this.#options.instrumentId === 0) order.symbol = this.#options.symbol;
    return this.#nextClientOrderId++;
  }
}
