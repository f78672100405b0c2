// Hot path: no allocation here.
import { OrderField, OrderType, Side } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  Accepted,
  CANCELED_TEMPLATE_ID,
  Canceled,
  REDUCED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  Reduced,
  Replaced,
  TRADE_TEMPLATE_ID,
  TRIGGERED_TEMPLATE_ID,
  Trade,
  Triggered,
} from "../../protocol/generated/events.ts";
import { NO_ORDER, OrderPlace, type OrderTable } from "./order-table.ts";

/** What `present` of a replaced event says of the order as it now is. */
export const REPLACED_FIELDS = OrderField.price | OrderField.stopPrice | OrderField.displayQuantity;

/** Told of every change of the book, as it happens. `slot`: in its table of orders. */
export interface RestingBook {
  readonly orders: OrderTable;
  /** The order comes to the back of the queue of its price. */
  onRest(slot: number): void;
  /** It leaves the book; shown and leaves are still what they were. */
  onLeave(slot: number): void;
  /** What it shows and what it has left are more by so much; the columns say so already. */
  onChange(slot: number, shownLots: number, leavesLots: number): void;
  /** It goes to the back of the queue of its price. */
  onRequeue(slot: number): void;
}

/**
 * Open orders, and what the book shows of them, from events alone. An order is put into the book
 * when it is known that it rests: when the next stop is triggered, which happens only after all
 * orders before it have finished, or at the end of the command.
 */
export class OrderTracker {
  readonly table: OrderTable;
  readonly #book: RestingBook;
  readonly #accepted = new Accepted();
  readonly #trade = new Trade();
  readonly #canceled = new Canceled();
  readonly #reduced = new Reduced();
  readonly #replaced = new Replaced();
  readonly #triggered = new Triggered();
  // Orders that the current command made active, by id: a slot may have been reused meanwhile.
  #activeIds = new Float64Array(16);
  #activeCount = 0;
  // Icebergs whose shown part an uncross has used up, by id: what they trade next is hidden.
  readonly #usedUp = new Set<number>();

  constructor(book: RestingBook) {
    this.#book = book;
    this.table = book.orders;
  }

  onEvent(view: DataView, offset: number): void {
    switch (view.getUint16(offset + 2, true)) {
      case ACCEPTED_TEMPLATE_ID:
        this.#onAccepted(view, offset);
        break;
      case TRADE_TEMPLATE_ID:
        this.#onTrade(view, offset);
        break;
      case CANCELED_TEMPLATE_ID:
        this.#canceled.wrap(view, offset);
        this.#end(this.table.find(this.#canceled.orderId));
        break;
      case REDUCED_TEMPLATE_ID:
        this.#onReduced(view, offset);
        break;
      case REPLACED_TEMPLATE_ID:
        this.#onReplaced(view, offset);
        break;
      case TRIGGERED_TEMPLATE_ID:
        this.#onTriggered(view, offset);
        break;
      default:
    }
  }

  /** All events of a command have been given: what is still active rests. */
  endCommand(): void {
    this.#settle();
    if (this.#usedUp.size > 0) this.#usedUp.clear();
  }

  /** All orders that were active have finished: those with something left rest. */
  #settle(): void {
    for (let i = 0; i < this.#activeCount; i++) {
      const slot = this.table.find(this.#activeIds[i] as number);
      if (slot === NO_ORDER || this.table.place[slot] !== OrderPlace.active) continue;
      if (this.table.orderType[slot] === OrderType.limit) this.#rest(slot);
    }
    this.#activeCount = 0;
  }

  #onAccepted(view: DataView, offset: number): void {
    const event = this.#accepted;
    event.wrap(view, offset);
    const { table } = this;
    const slot = table.add(event.orderId, event.account);
    table.clientOrderId[slot] = event.clientOrderId;
    table.quantityLots[slot] = event.quantityLots;
    table.leavesLots[slot] = event.quantityLots;
    table.displayLots[slot] = event.displayLots;
    table.shownLots[slot] = 0;
    table.expireTimeUs[slot] = event.expireTimeUs;
    table.instrumentId[slot] = event.instrumentId;
    table.priceTicks[slot] = event.priceTicks;
    table.stopPriceTicks[slot] = event.stopPriceTicks;
    table.side[slot] = event.side;
    table.orderType[slot] = event.orderType;
    table.timeInForce[slot] = event.timeInForce;
    table.present[slot] = event.present;
    if (event.orderType === OrderType.stop || event.orderType === OrderType.stopLimit) {
      table.place[slot] = OrderPlace.waiting;
    } else this.#activate(slot);
  }

  #onTriggered(view: DataView, offset: number): void {
    this.#settle();
    this.#triggered.wrap(view, offset);
    const slot = this.table.find(this.#triggered.orderId);
    if (slot === NO_ORDER) return;
    const isLimit = this.table.orderType[slot] === OrderType.stopLimit;
    this.table.orderType[slot] = isLimit ? OrderType.limit : OrderType.market;
    this.#activate(slot);
  }

  #onTrade(view: DataView, offset: number): void {
    const event = this.#trade;
    event.wrap(view, offset);
    const { quantityLots } = event;
    // In an uncross both sides rest.
    const uncross = event.aggressorSide === Side.none;
    this.#fill(this.table.find(event.takerOrderId), quantityLots, event.takerLeavesLots, uncross);
    const maker = this.table.find(event.makerOrderId);
    this.#fill(maker, quantityLots, event.makerLeavesLots, uncross);
  }

  #fill(slot: number, quantityLots: number, leavesLots: number, uncross: boolean): void {
    if (slot === NO_ORDER) return;
    const { table } = this;
    if (leavesLots === 0) {
      this.#end(slot);
      return;
    }
    if (table.place[slot] !== OrderPlace.resting) {
      table.leavesLots[slot] = leavesLots;
      return;
    }
    const displayLots = table.displayLots[slot] as number;
    if (displayLots === 0) this.#show(slot, leavesLots, leavesLots);
    else this.#showIceberg(slot, quantityLots, displayLots, leavesLots, uncross);
  }

  #showIceberg(
    slot: number,
    quantityLots: number,
    displayLots: number,
    leavesLots: number,
    uncross: boolean,
  ): void {
    const orderId = this.table.orderId[slot] as number;
    const isHiddenTurn = uncross && this.#usedUp.has(orderId);
    const left = (this.table.shownLots[slot] as number) - quantityLots;
    if (left > 0 && !isHiddenTurn) {
      this.#show(slot, left, leavesLots);
      return;
    }
    // The next part, at the back. In an uncross it shows only after it, but already waits there.
    this.#show(slot, Math.min(displayLots, leavesLots), leavesLots);
    if (isHiddenTurn) return;
    if (uncross) this.#usedUp.add(orderId);
    this.#book.onRequeue(slot);
  }

  #onReduced(view: DataView, offset: number): void {
    const event = this.#reduced;
    event.wrap(view, offset);
    const slot = this.table.find(event.orderId);
    if (slot === NO_ORDER) return;
    this.#reduceTo(slot, event.leavesLots);
  }

  #onReplaced(view: DataView, offset: number): void {
    const event = this.#replaced;
    event.wrap(view, offset);
    const { table } = this;
    const slot = table.find(event.orderId);
    if (slot === NO_ORDER) return;
    const keepsPlace = event.priorityKept;
    if (table.place[slot] === OrderPlace.resting && !keepsPlace) {
      this.#leaveBook(slot);
      this.#activate(slot);
    }
    table.quantityLots[slot] = event.quantityLots;
    this.#reduceTo(slot, event.leavesLots);
    table.displayLots[slot] = event.displayLots;
    table.priceTicks[slot] = event.priceTicks;
    table.stopPriceTicks[slot] = event.stopPriceTicks;
    const kept = (table.present[slot] as number) & ~REPLACED_FIELDS;
    table.present[slot] = kept | (event.present & REPLACED_FIELDS);
  }

  /** It keeps its place. Of an iceberg the hidden part goes first. */
  #reduceTo(slot: number, leavesLots: number): void {
    const { table } = this;
    if (table.place[slot] !== OrderPlace.resting) table.leavesLots[slot] = leavesLots;
    else this.#show(slot, Math.min(table.shownLots[slot] as number, leavesLots), leavesLots);
  }

  #activate(slot: number): void {
    this.table.place[slot] = OrderPlace.active;
    if (this.#activeCount === this.#activeIds.length) {
      const grown = new Float64Array(this.#activeCount * 2);
      grown.set(this.#activeIds);
      this.#activeIds = grown;
    }
    this.#activeIds[this.#activeCount++] = this.table.orderId[slot] as number;
  }

  /** Puts an order from a snapshot at the back of the queue of its price; its columns are set. */
  restoreRest(slot: number): void {
    this.table.place[slot] = OrderPlace.resting;
    this.#book.onRest(slot);
  }

  #rest(slot: number): void {
    const { table } = this;
    const leavesLots = table.leavesLots[slot] as number;
    const displayLots = table.displayLots[slot] as number;
    const shownLots = displayLots === 0 ? leavesLots : Math.min(displayLots, leavesLots);
    table.place[slot] = OrderPlace.resting;
    table.shownLots[slot] = shownLots;
    this.#book.onRest(slot);
  }

  #show(slot: number, shownLots: number, leavesLots: number): void {
    const { table } = this;
    const shownBefore = table.shownLots[slot] as number;
    const leavesBefore = table.leavesLots[slot] as number;
    if (shownLots === shownBefore && leavesLots === leavesBefore) return;
    table.shownLots[slot] = shownLots;
    table.leavesLots[slot] = leavesLots;
    this.#book.onChange(slot, shownLots - shownBefore, leavesLots - leavesBefore);
  }

  #leaveBook(slot: number): void {
    this.#book.onLeave(slot);
    this.table.shownLots[slot] = 0;
  }

  #end(slot: number): void {
    if (slot === NO_ORDER) return;
    if (this.table.place[slot] === OrderPlace.resting) this.#leaveBook(slot);
    this.table.remove(slot);
  }
}
