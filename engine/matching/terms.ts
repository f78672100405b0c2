// Which fields an order of a type and time in force may have, and which it must.
import { OrderField, OrderType, TimeInForce } from "../../protocol/generated/enums.ts";

const NEVER = 1 << 31; // a field that no order has: the combination does not exist

/** Rows of the tables below are types, columns are times in force; so many columns. */
export const TERMS_COLUMNS = 8;
/** OrderField bits that an order may have, by row and column. */
export const ALLOWED_FIELDS = new Int32Array(256 * TERMS_COLUMNS);
/** OrderField bits that an order must have; a bit that none has where there is no such order. */
export const REQUIRED_FIELDS = new Int32Array(256 * TERMS_COLUMNS).fill(NEVER);

const { price, stopPrice, displayQuantity, minQuantity, expireTime, postOnly } = OrderField;

function allow(type: number, timeInForce: number, must: number, may: number): void {
  const life = timeInForce === TimeInForce.gtd ? expireTime : 0;
  REQUIRED_FIELDS[type * TERMS_COLUMNS + timeInForce] = must | life;
  ALLOWED_FIELDS[type * TERMS_COLUMNS + timeInForce] = must | life | may;
}

for (const timeInForce of [TimeInForce.gtc, TimeInForce.day, TimeInForce.gtd]) {
  allow(OrderType.limit, timeInForce, price, postOnly | displayQuantity);
  allow(OrderType.stop, timeInForce, stopPrice, 0);
  allow(OrderType.stopLimit, timeInForce, price | stopPrice, displayQuantity);
}
allow(OrderType.limit, TimeInForce.ioc, price, minQuantity);
allow(OrderType.limit, TimeInForce.fok, price, 0);
allow(OrderType.market, TimeInForce.ioc, 0, minQuantity);
allow(OrderType.market, TimeInForce.fok, 0, 0);
allow(OrderType.stopLimit, TimeInForce.ioc, price | stopPrice, minQuantity);
allow(OrderType.stopLimit, TimeInForce.fok, price | stopPrice, 0);

/**
 * The most parts an iceberg may show one after the other. Each is a fill of its own: without a bound
 * two orders could keep the engine busy for days.
 */
export const MAX_ICEBERG_PARTS = 1_000_000;
