// Quantity is conserved: what an order was for is what it traded, lost and still has.
import type { Findings } from "./findings.ts";
import { isTrade, type JournalEvent } from "./private-view.ts";

interface OpenOrder {
  readonly account: number;
  /** In units of 10^-9, as decimals are exact there for all sizes that occur. */
  leaves: bigint;
}

const DECIMALS = 9;

/** The orders that are open after the last event, found out from the events alone. */
export class OrderBalance {
  readonly open = new Map<number, OpenOrder>();
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  onEvent(event: JournalEvent): void {
    const orderId = Number(event.orderId);
    switch (event.type) {
      case "accepted":
        this.open.set(orderId, { account: Number(event.account), leaves: units(event.quantity) });
        break;
      case "canceled":
        this.#take(event, orderId, units(event.quantity), 0n);
        break;
      case "reduced":
        this.#take(event, orderId, units(event.quantity), units(event.leavesQuantity));
        break;
      case "replaced":
        this.#replace(event, orderId);
        break;
      default:
        if (isTrade(event)) this.#trade(event);
    }
  }

  openCountOf(account: number): number {
    return [...this.open.values()].filter((order) => order.account === account).length;
  }

  #trade(event: JournalEvent): void {
    for (const side of ["buy", "sell"] as const) {
      const leaves = units(event[`${side}LeavesQuantity`]);
      this.#take(event, Number(event[`${side}OrderId`]), units(event.quantity), leaves);
    }
  }

  #take(event: JournalEvent, orderId: number, quantity: bigint, leaves: bigint): void {
    const order = this.#find(event, orderId);
    if (order === undefined) return;
    order.leaves -= quantity;
    if (order.leaves !== leaves) this.#wrong(event, orderId, order.leaves, leaves);
    order.leaves = leaves;
    if (leaves === 0n) this.open.delete(orderId);
  }

  #replace(event: JournalEvent, orderId: number): void {
    const order = this.#find(event, orderId);
    if (order !== undefined) order.leaves = units(event.leavesQuantity);
  }

  #find(event: JournalEvent, orderId: number): OpenOrder | undefined {
    const order = this.open.get(orderId);
    if (order === undefined) {
      this.#findings.add(`${event.type} ${event.seq}-${event.index}: order ${orderId} is not open`);
    }
    return order;
  }

  #wrong(event: JournalEvent, orderId: number, computed: bigint, told: bigint): void {
    this.#findings.add(
      `${event.type} ${event.seq}-${event.index}: order ${orderId} leaves ${told}, not ${computed}`,
    );
  }
}

function units(value: unknown): bigint {
  const [whole = "0", fraction = ""] = String(value).split(".");
  return BigInt(whole + fraction.padEnd(DECIMALS, "0"));
}
