// Hot path: no allocation here, except when a table grows.
import { hashNumber, SlotIndex, type SlotKeys } from "../risk/slot-index.ts";
import type { AccountBalances } from "./account-balances.ts";

const SALT = 0x2545f491;

class OrderIdKeys implements SlotKeys {
  readonly #orders: HeldOrders;
  constructor(orders: HeldOrders) {
    this.#orders = orders;
  }
  hashOf(slot: number): number {
    return hashNumber(this.#orders.orderId(slot), SALT);
  }
}

/** The open orders for which something is held. One column a field; grows by doubling. */
export class HeldOrders {
  readonly owner: AccountBalances[] = [];
  instrumentId = new Int32Array(256);
  side = new Uint8Array(256);
  priceTicks = new Int32Array(256);
  leavesLots = new Float64Array(256);
  /** Held for the rest: base units of a sell; quote units of a buy, without fees. */
  units = new Float64Array(256);
  /** Held for the fees of the rest: quote units of a buy; 0 for a sell. */
  feeUnits = new Float64Array(256);
  #orderId = new Float64Array(256);
  #nextFree = new Int32Array(256);
  #freeHead = -1;
  #used = 0;
  #count = 0;
  readonly #byOrderId = new SlotIndex(new OrderIdKeys(this), 256);

  get count(): number {
    return this.#count;
  }

  orderId(slot: number): number {
    return this.#orderId[slot] as number;
  }

  /** A slot for the order, with nothing held yet. */
  add(
    orderId: number,
    owner: AccountBalances,
    instrumentId: number,
    side: number,
    priceTicks: number,
    leavesLots: number,
  ): number {
    let slot = this.#freeHead;
    if (slot >= 0) this.#freeHead = this.#nextFree[slot] as number;
    else {
      if (this.#used === this.#orderId.length) this.#grow();
      slot = this.#used++;
    }
    this.#orderId[slot] = orderId;
    this.owner[slot] = owner;
    this.instrumentId[slot] = instrumentId;
    this.side[slot] = side;
    this.priceTicks[slot] = priceTicks;
    this.leavesLots[slot] = leavesLots;
    this.units[slot] = 0;
    this.feeUnits[slot] = 0;
    this.#byOrderId.insert(slot);
    this.#count++;
    return slot;
  }

  /** −1: nothing is held for it. */
  find(orderId: number): number {
    if (this.#count === 0) return -1;
    let at = this.#byOrderId.start(hashNumber(orderId, SALT));
    for (;;) {
      const slot = this.#byOrderId.slotAt(at);
      if (slot < 0 || this.#orderId[slot] === orderId) return slot;
      at = this.#byOrderId.next(at);
    }
  }

  remove(slot: number): void {
    this.#byOrderId.remove(slot);
    this.#orderId[slot] = 0;
    this.#nextFree[slot] = this.#freeHead;
    this.#freeHead = slot;
    this.#count--;
  }

  /** All slots in use, in no order. Cold. */
  *slots(): IterableIterator<number> {
    for (let slot = 0; slot < this.#used; slot++) {
      if (this.#orderId[slot] !== 0) yield slot;
    }
  }

  #grow(): void {
    const length = this.#orderId.length * 2;
    this.instrumentId = grown(this.instrumentId, new Int32Array(length));
    this.side = grown(this.side, new Uint8Array(length));
    this.priceTicks = grown(this.priceTicks, new Int32Array(length));
    this.leavesLots = grown(this.leavesLots, new Float64Array(length));
    this.units = grown(this.units, new Float64Array(length));
    this.feeUnits = grown(this.feeUnits, new Float64Array(length));
    this.#orderId = grown(this.#orderId, new Float64Array(length));
    this.#nextFree = grown(this.#nextFree, new Int32Array(length));
  }
}

function grown<Column extends Float64Array | Int32Array | Uint8Array>(
  old: Column,
  fresh: Column,
): Column {
  fresh.set(old);
  return fresh;
}
