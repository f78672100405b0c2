// Quantity is conserved: what an order was for is what it traded, lost and still has.
import type { ClientRecord } from "./client-record.ts";
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
  /** Bought less sold, by account and symbol. */
  readonly #positions = new Map<string, bigint>();
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

  /** What the server told a client at the end, of views that it had rebuilt again and again. */
  compareWith({ name, account, openOrders, positions }: ClientRecord): void {
    if (openOrders === null || positions === null) return;
    for (const [orderId, order] of this.open) {
      if (order.account !== account) continue;
      const told = openOrders.get(orderId);
      if (told === undefined)
        this.#findings.add(`${name}: order ${orderId} was not said to be open`);
      else if (units(told) !== order.leaves) {
        this.#findings.add(
          `${name}: order ${orderId} is said to leave ${told}, not ${order.leaves}`,
        );
      }
    }
    for (const orderId of openOrders.keys()) {
      if (this.open.get(orderId)?.account === account) continue;
      this.#findings.add(`${name}: order ${orderId} was said to be open, and is not`);
    }
    const symbols = [...this.#positions.keys()].filter((key) => key.startsWith(`${account}:`));
    for (const key of symbols) {
      const symbol = key.slice(key.indexOf(":") + 1);
      const told = positions.get(symbol) ?? "0";
      const held = this.#positions.get(key);
      if (units(told) === held) continue;
      this.#findings.add(`${name}: the position in ${symbol} is said to be ${told}, not ${held}`);
    }
  }

  #trade(event: JournalEvent): void {
    for (const side of ["buy", "sell"] as const) {
      const key = `${String(event[`${side}Account`])}:${String(event.symbol)}`;
      const quantity = units(event.quantity);
      const before = this.#positions.get(key) ?? 0n;
      this.#positions.set(key, side === "buy" ? before + quantity : before - quantity);
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
  return BigInt(whole + fraction.padEnd(DECIMALS, "0")); // the sign stands before the whole
}
