// Which fields an order of a type and time in force may have, and which it must.
import { OrderField, OrderType, TimeInForce } from "../../protocol/generated/enums.ts";

const NEVER = 1 << 31; // a field that no order has: the combination does not exist
const STRIDE = 8;
const allowed = new Int32Array(256 * STRIDE);
const required = new Int32Array(256 * STRIDE).fill(NEVER);

const { price, stopPrice, displayQuantity, minQuantity, expireTime, postOnly } = OrderField;

function allow(type: number, timeInForce: number, must: number, may: number): void {
  const life = timeInForce === TimeInForce.gtd ? expireTime : 0;
  required[type * STRIDE + timeInForce] = must | life;
  allowed[type * STRIDE + timeInForce] = must | life | may;
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

/** OrderField bits. type and timeInForce: bytes of a command, whatever they are. */
export function allowedFields(type: number, timeInForce: number): number {
  return allowed[type * STRIDE + Math.min(timeInForce, STRIDE - 1)] as number;
}

/** OrderField bits; one that no command has where there is no such order. */
export function requiredFields(type: number, timeInForce: number): number {
  return required[type * STRIDE + Math.min(timeInForce, STRIDE - 1)] as number;
}
