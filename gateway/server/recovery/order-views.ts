// Hot path: no allocation here, but for orders that are or were stops.
import { FLAG } from "../../../engine/book/layout.ts";
import { ORDER_ROW } from "../../../engine/snapshot/order-rows.ts";
import type { RowReader } from "../../../engine/snapshot/rows.ts";
import { OrderField, OrderType, TimeInForce } from "../../../protocol/generated/enums.ts";
import {
  ACCEPTED_ORDER_TYPE_OFFSET,
  ACCEPTED_TEMPLATE_ID,
  Accepted,
  REPLACED_TEMPLATE_ID,
  Replaced,
} from "../../../protocol/generated/events.ts";
import { REPLACED_FIELDS } from "../../views/order-tracker.ts";
import type { OrderView } from "../snapshot/view-rows.ts";

/** Dead orders are forgotten when there are twice as many as after the last time, and so many more. */
const SLACK = 65_536;

/**
 * What views know of open orders and the engine does not: the stop price that an order came with, and
 * the fields that it named. Both follow from the engine's row, but for orders that are or were stops:
 * only those are followed by their events.
 */
export class OrderViews {
  readonly #stops = new Map<number, OrderView>();
  readonly #accepted = new Accepted();
  readonly #replaced = new Replaced();
  readonly #isOpen: (account: number, orderId: number) => boolean;
  readonly #accounts = new Map<number, number>();
  #forgetAt = SLACK;

  /** isOpen: asked now and then, so that what is kept does not grow with history. */
  constructor(isOpen: (account: number, orderId: number) => boolean) {
    this.#isOpen = isOpen;
  }

  /** From a snapshot. */
  restore(orderId: number, account: number, view: OrderView): void {
    if ((view.present & OrderField.stopPrice) === 0) return;
    this.#add(orderId, account, view);
  }

  /** Takes `accepted` and `replaced` events, each once. */
  onEvent(view: DataView, offset: number, template: number): void {
    if (template === ACCEPTED_TEMPLATE_ID) {
      const type = view.getUint8(offset + ACCEPTED_ORDER_TYPE_OFFSET);
      if (type === OrderType.stop || type === OrderType.stopLimit) this.#onAccepted(view, offset);
    } else if (template === REPLACED_TEMPLATE_ID && this.#stops.size > 0) {
      this.#onReplaced(view, offset);
    }
  }

  /** rowAt: of the open order, in the engine's rows. */
  viewOf(orderId: number, rows: RowReader, rowAt: number): OrderView {
    return this.#stops.get(orderId) ?? { stopPriceTicks: 0, present: fieldsOf(rows, rowAt) };
  }

  #onAccepted(view: DataView, offset: number): void {
    const event = this.#accepted;
    event.wrap(view, offset);
    const { stopPriceTicks, present } = event;
    this.#add(event.orderId, event.account, { stopPriceTicks, present });
    if (this.#stops.size >= this.#forgetAt) this.#forgetDead();
  }

  #onReplaced(view: DataView, offset: number): void {
    const event = this.#replaced;
    event.wrap(view, offset);
    const known = this.#stops.get(event.orderId);
    if (known === undefined) return;
    const present = (known.present & ~REPLACED_FIELDS) | (event.present & REPLACED_FIELDS);
    this.#stops.set(event.orderId, { stopPriceTicks: event.stopPriceTicks, present });
  }

  #add(orderId: number, account: number, view: OrderView): void {
    this.#stops.set(orderId, view);
    this.#accounts.set(orderId, account);
  }

  #forgetDead(): void {
    for (const [orderId, account] of this.#accounts) {
      if (this.#isOpen(account, orderId)) continue;
      this.#stops.delete(orderId);
      this.#accounts.delete(orderId);
    }
    this.#forgetAt = this.#stops.size * 2 + SLACK;
  }
}

/** OrderField bits of an order that never was a stop: a limit order, since others do not stay. */
function fieldsOf(rows: RowReader, at: number): number {
  const flags = rows.view.getInt32(at + ORDER_ROW.flags, true);
  const timeInForce = (flags >> FLAG.timeInForceShift) & FLAG.timeInForceMask;
  let present = OrderField.price | OrderField.quantity;
  if (rows.number(at + ORDER_ROW.clientOrderId) !== 0) present |= OrderField.clientOrderId;
  if ((flags & FLAG.iceberg) !== 0) present |= OrderField.displayQuantity;
  if ((flags & FLAG.minimum) !== 0) present |= OrderField.minQuantity;
  if ((flags & FLAG.postOnly) !== 0) present |= OrderField.postOnly;
  if (timeInForce === TimeInForce.gtd) present |= OrderField.expireTime;
  return present;
}
