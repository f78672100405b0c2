import { CommandFlag, OrderField, type RejectReason } from "../../protocol/generated/enums.ts";
import { type Converted, toLots, toPriceTicks } from "./decimals.ts";
import type { PlainCommandOf } from "./records.ts";
import type { Order } from "./state.ts";

/** What a replaced order would be, or the reason why there is no telling. */
export type Replacement =
  | { readonly reason: RejectReason }
  | Pick<Order, "priceTicks" | "stopPriceTicks" | "totalLots" | "displayLots">;

type Held = Converted | { readonly units: null };

/** What the command names converted by the order's instrument, and what it leaves out as it was. */
export function readReplacement(
  command: PlainCommandOf<"ReplaceOrder">,
  order: Order,
): Replacement {
  const { tickSize, lotSize } = order.instrument;
  const named = (field: number) => (command.present & field) !== 0;
  const held = (units: number | null): Held => ({ units }) as Held;

  const price = named(OrderField.price)
    ? toPriceTicks(command.price, command.priceScale, tickSize)
    : held(order.priceTicks);
  const stopPrice = named(OrderField.stopPrice)
    ? toPriceTicks(command.stopPrice, command.stopPriceScale, tickSize)
    : held(order.stopPriceTicks);
  const quantity = named(OrderField.quantity)
    ? toLots(command.quantity, command.quantityScale, lotSize)
    : held(order.totalLots);
  const display = named(OrderField.displayQuantity)
    ? toLots(command.displayQuantity, command.displayQuantityScale, lotSize)
    : held(order.displayLots);
  for (const field of [price, stopPrice, quantity, display]) {
    if ("reason" in field) return field;
  }

  let totalLots = unitsOf(quantity) as number;
  if (opensQuantity(command) && named(OrderField.quantity)) {
    totalLots += order.filledLots + order.reducedLots;
  }
  return {
    priceTicks: unitsOf(price),
    stopPriceTicks: unitsOf(stopPrice),
    totalLots,
    displayLots: unitsOf(display),
  };
}

/** The quantity is what is to be open, and the order always loses its place. */
export function opensQuantity(command: PlainCommandOf<"ReplaceOrder">): boolean {
  return (command.flags & CommandFlag.openQuantity) !== 0;
}

function unitsOf(field: Held): number | null {
  return "units" in field ? field.units : null;
}
