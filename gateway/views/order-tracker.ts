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
import { NO_ORDER, OrderPlace, OrderTable } from "./order-table.ts";

/** What `present` of a replaced event says of the order as it now is. */
const REPLACED_FIELDS = OrderField.price | OrderField.stopPrice | OrderField.displayQuantity;

/** Told of every change of what the book shows. */
export interface ShownBook {
  /** lots and orders: by how much more or fewer (0, 1 or −1 orders). */
  onLevelChange(
    instrumentId: number,
    side: number,
    priceTicks: number,
    lots: number,
    orders: number,
  ): void;
}

/**
 * Open orders, and what the book shows of them, from events alone. An order is put into the book
 * when it is known that it rests: at the end of its command, or when it first trades as a maker.
 */
export class OrderTracker {
  readonly table: OrderTable;
  readonly #book: ShownBook;
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

  constructor(book: ShownBook, table = new OrderTable()) {
    this.#book = book;
    this.table = table;
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
    for (let i = 0; i < this.#activeCount; i++) {
      const slot = this.table.find(this.#activeIds[i] as number);
      if (slot === NO_ORDER || this.table.place[slot] !== OrderPlace.active) continue;
      if (this.table.orderType[slot] === OrderType.limit) this.#rest(slot);
    }
    this.#activeCount = 0;
    if (this.#usedUp.size > 0) this.#usedUp.clear();
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
    const taker = this.table.find(event.takerOrderId);
    this.#fill(taker, quantityLots, event.takerLeavesLots, uncross, uncross);
    const maker = this.table.find(event.makerOrderId);
    this.#fill(maker, quantityLots, event.makerLeavesLots, true, uncross);
  }

  #fill(
    slot: number,
    quantityLots: number,
    leavesLots: number,
    isMaker: boolean,
    uncross: boolean,
  ): void {
    if (slot === NO_ORDER) return;
    const { table } = this;
    if (isMaker && table.place[slot] === OrderPlace.active) this.#rest(slot);
    table.leavesLots[slot] = leavesLots;
    if (leavesLots === 0) {
      this.#end(slot);
      return;
    }
    if (table.place[slot] !== OrderPlace.resting) return;
    const displayLots = table.displayLots[slot] as number;
    if (displayLots === 0) this.#show(slot, leavesLots);
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
    const left = (this.table.shownLots[slot] as number) - quantityLots;
    if (left > 0 && !this.#usedUp.has(orderId)) {
      this.#show(slot, left);
      return;
    }
    if (uncross) this.#usedUp.add(orderId);
    this.#show(slot, Math.min(displayLots, leavesLots));
  }

  #onReduced(view: DataView, offset: number): void {
    const event = this.#reduced;
    event.wrap(view, offset);
    const slot = this.table.find(event.orderId);
    if (slot === NO_ORDER) return;
    const { leavesLots } = event;
    this.table.leavesLots[slot] = leavesLots;
    // Of an iceberg the hidden part goes first.
    if (this.table.place[slot] === OrderPlace.resting) {
      this.#show(slot, Math.min(this.table.shownLots[slot] as number, leavesLots));
    }
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
    table.leavesLots[slot] = event.leavesLots;
    table.displayLots[slot] = event.displayLots;
    table.priceTicks[slot] = event.priceTicks;
    table.stopPriceTicks[slot] = event.stopPriceTicks;
    const kept = (table.present[slot] as number) & ~REPLACED_FIELDS;
    table.present[slot] = kept | (event.present & REPLACED_FIELDS);
    if (table.place[slot] === OrderPlace.resting) {
      this.#show(slot, Math.min(table.shownLots[slot] as number, event.leavesLots));
    }
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

  #rest(slot: number): void {
    const { table } = this;
    const leavesLots = table.leavesLots[slot] as number;
    const displayLots = table.displayLots[slot] as number;
    const shownLots = displayLots === 0 ? leavesLots : Math.min(displayLots, leavesLots);
    table.place[slot] = OrderPlace.resting;
    table.shownLots[slot] = shownLots;
    this.#change(slot, shownLots, 1);
  }

  #show(slot: number, shownLots: number): void {
    const before = this.table.shownLots[slot] as number;
    if (shownLots === before) return;
    this.table.shownLots[slot] = shownLots;
    this.#change(slot, shownLots - before, 0);
  }

  #leaveBook(slot: number): void {
    this.#change(slot, -(this.table.shownLots[slot] as number), -1);
    this.table.shownLots[slot] = 0;
  }

  #end(slot: number): void {
    if (slot === NO_ORDER) return;
    if (this.table.place[slot] === OrderPlace.resting) this.#leaveBook(slot);
    this.table.remove(slot);
  }

  #change(slot: number, lots: number, orders: number): void {
    const { table } = this;
    this.#book.onLevelChange(
      table.instrumentId[slot] as number,
      table.side[slot] as number,
      table.priceTicks[slot] as number,
      lots,
      orders,
    );
  }
}
