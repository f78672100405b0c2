// The budget of a market buy, in its record: part of the verdict, and journaled with it.
import { NEW_ORDER_TEMPLATE_ID, NewOrder } from "../../protocol/generated/commands.ts";
import { CommandFlag } from "../../protocol/generated/enums.ts";

const order = new NewOrder();

/** units: of the quote asset, above 0. The command is a newOrder without a displayQuantity. */
export function writeBudget(view: DataView, offset: number, units: number): void {
  order.wrap(view, offset);
  order.displayLots = units;
  order.flags |= CommandFlag.budget;
}

/** 0: the command has none. */
export function readBudget(view: DataView, offset: number): number {
  order.wrap(view, offset);
  if (order.templateId !== NEW_ORDER_TEMPLATE_ID) return 0;
  return (order.flags & CommandFlag.budget) === 0 ? 0 : order.displayLots;
}

/** The command is a newOrder, whatever its budget says so far. */
export function clearBudget(view: DataView, offset: number): void {
  order.wrap(view, offset);
  if ((order.flags & CommandFlag.budget) === 0) return;
  order.displayLots = 0;
  order.flags &= ~CommandFlag.budget;
}
