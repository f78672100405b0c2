import { OrderType, RejectReason } from "../../protocol/generated/enums.ts";
import { MAX_INTEGER } from "../../protocol/terms.ts";
import type { ReferenceCapacity } from "./capacity.ts";
import type { Order } from "./state.ts";

/** No total over one side of an instrument may leave the safe integers. */
export function checkOpenLots(
  open: Iterable<Order>,
  order: Order,
  leavesLots: number,
): RejectReason {
  let roomLots = MAX_INTEGER - leavesLots;
  for (const other of open) {
    if (other.instrument !== order.instrument || other.side !== order.side) continue;
    if (other.id !== order.id) roomLots -= other.leavesLots;
  }
  return roomLots < 0 ? RejectReason.quantityTooLarge : RejectReason.none;
}

/**
 * Two price levels must be free for one more order: of those that are not in use and not promised
 * to a stopLimit that may come to rest. With as many levels as orders there are always enough.
 */
export function hasFreeLevel(capacity: ReferenceCapacity, open: Iterable<Order>): boolean {
  const { levels, orders } = capacity;
  if (levels >= orders) return true;
  const used = new Set<string>();
  let promised = 0;
  for (const order of open) {
    used.add(levelKey(order));
    if (order.type === OrderType.stopLimit) promised++;
  }
  return used.size + promised + 2 <= levels;
}

/** A replace may need a level as well, but not where the order takes its own along. */
export function checkLevelOfReplaced(
  capacity: ReferenceCapacity,
  open: readonly Order[],
  order: Order,
  changed: Order,
): RejectReason {
  const from = levelKey(order);
  if (levelKey(changed) === from || hasFreeLevel(capacity, open)) return RejectReason.none;
  const there = open.filter((other) => levelKey(other) === from);
  return there.length === 1 ? RejectReason.none : RejectReason.capacity;
}

/** Where an order stands: the queue of a price, or of a stop price. */
function levelKey(order: Order): string {
  const waits = order.stopPriceTicks !== null;
  const price = waits ? `stop ${order.stopPriceTicks}` : order.priceTicks;
  return `${order.instrument.id} ${order.side} ${price}`;
}
