import type { PlainEvent } from "../records.ts";
import type { Order } from "../state.ts";

interface Account {
  total: number;
  gone: number;
  leaves: number;
}

/**
 * Keeps books on orders from the events alone: for every order, always, quantity = filled +
 * canceled + reduced + leaves. Answers are complaints, null where there is none.
 */
export class Ledger {
  readonly #orders = new Map<number, Account>();

  take(events: readonly PlainEvent[]): string | null {
    for (const event of events) {
      const complaint = this.#takeOne(event);
      if (complaint !== null) return `${complaint} after ${JSON.stringify(event)}`;
    }
    return null;
  }

  #takeOne(event: PlainEvent): string | null {
    switch (event.type) {
      case "Accepted": {
        if (this.#orders.has(event.orderId)) return "the orderId was there before";
        const total = event.quantityLots;
        this.#orders.set(event.orderId, { total, gone: 0, leaves: total });
        return null;
      }
      case "Trade": {
        if (event.quantityLots <= 0) return "a trade without quantity";
        const { quantityLots: lots } = event;
        return (
          this.#goes(event.takerOrderId, lots, event.takerLeavesLots) ??
          this.#goes(event.makerOrderId, lots, event.makerLeavesLots)
        );
      }
      case "Canceled":
        return this.#goes(event.orderId, event.quantityLots, 0);
      case "Reduced":
        return this.#goes(event.orderId, event.quantityLots, event.leavesLots);
      case "Replaced": {
        const order = this.#orders.get(event.orderId);
        if (order === undefined) return "a dead order was replaced";
        if (order.leaves !== event.previousLeavesLots) return "previousLeavesLots is wrong";
        order.total = event.quantityLots;
        order.leaves = event.leavesLots;
        return this.#balanced(order);
      }
      default:
        return null;
    }
  }

  #goes(orderId: number, lots: number, leaves: number): string | null {
    const order = this.#orders.get(orderId);
    if (order === undefined) return `order ${orderId} is not open`;
    if (lots <= 0) return "nothing went";
    order.gone += lots;
    order.leaves -= lots;
    if (order.leaves !== leaves) return `order ${orderId} has ${order.leaves} left`;
    if (leaves === 0) this.#orders.delete(orderId);
    return this.#balanced(order);
  }

  #balanced(order: Account): string | null {
    return order.total === order.gone + order.leaves && order.leaves >= 0
      ? null
      : "the order's quantity is not conserved";
  }

  /** The orders that the events left open are the orders that are open. */
  check(open: Iterable<Order>): string | null {
    let count = 0;
    for (const order of open) {
      count++;
      if (this.#orders.get(order.id)?.leaves !== order.leavesLots) {
        return `order ${order.id} is open with ${order.leavesLots}, the events say otherwise`;
      }
    }
    return count === this.#orders.size ? null : "the events left other orders open";
  }
}
