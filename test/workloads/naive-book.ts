// One instrument, price and time, in plain arrays: slow, and short enough to be seen to be right.

export interface NaiveOrder {
  readonly id: number;
  side: 0 | 1;
  price: number;
  quantity: number;
}

export interface NaiveFill {
  readonly maker: number;
  readonly taker: number;
  readonly price: number;
  readonly quantity: number;
}

export class NaiveBook {
  /** In the order in which they came, whatever their price. */
  readonly orders: NaiveOrder[] = [];

  find(id: number): NaiveOrder | undefined {
    return this.orders.find((order) => order.id === id);
  }

  remove(order: NaiveOrder): void {
    this.orders.splice(this.orders.indexOf(order), 1);
  }

  /** Trades what it can; what is left stays in `taker.quantity`. */
  match(taker: NaiveOrder): NaiveFill[] {
    const fills: NaiveFill[] = [];
    const direction = taker.side === 0 ? 1 : -1;
    while (taker.quantity > 0) {
      let best: NaiveOrder | undefined;
      for (const order of this.orders) {
        if (order.side === taker.side || (order.price - taker.price) * direction > 0) continue;
        if (best === undefined || (order.price - best.price) * direction < 0) best = order;
      }
      if (best === undefined) break;
      const quantity = Math.min(best.quantity, taker.quantity);
      fills.push({ maker: best.id, taker: taker.id, price: best.price, quantity });
      best.quantity -= quantity;
      taker.quantity -= quantity;
      if (best.quantity === 0) this.remove(best);
    }
    return fills;
  }

  rest(order: NaiveOrder): void {
    if (order.quantity > 0) this.orders.push(order);
  }
}
