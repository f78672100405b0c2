// Hot path: no allocation here, except when a table grows.
import { hashNumber, SlotIndex, type SlotKeys } from "./slot-index.ts";

const ORDER_SALT = 0x51ed270b;

class OrderIdKeys implements SlotKeys {
  readonly #orders: OpenOrders;
  constructor(orders: OpenOrders) {
    this.#orders = orders;
  }
  hashOf(slot: number): number {
    return hashNumber(this.#orders.orderId(slot), ORDER_SALT);
  }
}

class ClientOrderIdKeys implements SlotKeys {
  readonly #orders: OpenOrders;
  constructor(orders: OpenOrders) {
    this.#orders = orders;
  }
  hashOf(slot: number): number {
    return hashNumber(this.#orders.clientOrderId(slot), this.#orders.account(slot));
  }
}

/**
 * The open orders of a risk worker's accounts, as the events tell them: what a replace or a fill
 * refers to. One column a field; grows by doubling.
 */
export class OpenOrders {
  #orderId = new Float64Array(1024);
  #clientOrderId = new Float64Array(1024);
  #leavesLots = new Float64Array(1024);
  #totalLots = new Float64Array(1024);
  #account = new Float64Array(1024);
  #instrumentId = new Int32Array(1024);
  #priceTicks = new Int32Array(1024);
  /** 0: no limit price (market, stop). */
  #hasPrice = new Uint8Array(1024);
  #side = new Uint8Array(1024);
  #nextFree = new Int32Array(1024);
  #freeHead = -1;
  #used = 0;
  #count = 0;
  readonly #byOrderId = new SlotIndex(new OrderIdKeys(this));
  readonly #byClientOrderId = new SlotIndex(new ClientOrderIdKeys(this));

  get count(): number {
    return this.#count;
  }

  add(
    orderId: number,
    clientOrderId: number,
    account: number,
    instrumentId: number,
    side: number,
    lots: number,
    priceTicks: number,
    hasPrice: boolean,
  ): void {
    let slot = this.#freeHead;
    if (slot >= 0) this.#freeHead = this.#nextFree[slot] as number;
    else {
      if (this.#used === this.#orderId.length) this.#grow();
      slot = this.#used++;
    }
    this.#orderId[slot] = orderId;
    this.#clientOrderId[slot] = clientOrderId;
    this.#account[slot] = account;
    this.#instrumentId[slot] = instrumentId;
    this.#side[slot] = side;
    this.#leavesLots[slot] = lots;
    this.#totalLots[slot] = lots;
    this.#priceTicks[slot] = priceTicks;
    this.#hasPrice[slot] = hasPrice ? 1 : 0;
    this.#byOrderId.insert(slot);
    this.#byClientOrderId.insert(slot);
    this.#count++;
  }

  remove(slot: number): void {
    this.#byOrderId.remove(slot);
    this.#byClientOrderId.remove(slot);
    this.#nextFree[slot] = this.#freeHead;
    this.#freeHead = slot;
    this.#count--;
  }

  /** −1: not open. */
  find(orderId: number): number {
    let at = this.#byOrderId.start(hashNumber(orderId, ORDER_SALT));
    for (;;) {
      const slot = this.#byOrderId.slotAt(at);
      if (slot < 0 || this.#orderId[slot] === orderId) return slot;
      at = this.#byOrderId.next(at);
    }
  }

  /** −1: the account has no open order of that id. */
  findByClientOrderId(account: number, clientOrderId: number): number {
    let at = this.#byClientOrderId.start(hashNumber(clientOrderId, account));
    for (;;) {
      const slot = this.#byClientOrderId.slotAt(at);
      if (slot < 0) return -1;
      if (this.#clientOrderId[slot] === clientOrderId && this.#account[slot] === account)
        return slot;
      at = this.#byClientOrderId.next(at);
    }
  }

  /** The order's leaves fall by `lots`. */
  reduce(slot: number, lots: number): void {
    this.#leavesLots[slot] = (this.#leavesLots[slot] as number) - lots;
  }

  replace(slot: number, totalLots: number, leavesLots: number, priceTicks: number): void {
    this.#totalLots[slot] = totalLots;
    this.#leavesLots[slot] = leavesLots;
    this.#priceTicks[slot] = priceTicks;
  }

  orderId(slot: number): number {
    return this.#orderId[slot] as number;
  }
  clientOrderId(slot: number): number {
    return this.#clientOrderId[slot] as number;
  }
  account(slot: number): number {
    return this.#account[slot] as number;
  }
  instrumentId(slot: number): number {
    return this.#instrumentId[slot] as number;
  }
  side(slot: number): number {
    return this.#side[slot] as number;
  }
  leavesLots(slot: number): number {
    return this.#leavesLots[slot] as number;
  }
  totalLots(slot: number): number {
    return this.#totalLots[slot] as number;
  }
  priceTicks(slot: number): number {
    return this.#priceTicks[slot] as number;
  }
  hasPrice(slot: number): boolean {
    return this.#hasPrice[slot] === 1;
  }

  #grow(): void {
    const length = this.#orderId.length * 2;
    this.#orderId = grown(this.#orderId, new Float64Array(length));
    this.#clientOrderId = grown(this.#clientOrderId, new Float64Array(length));
    this.#leavesLots = grown(this.#leavesLots, new Float64Array(length));
    this.#totalLots = grown(this.#totalLots, new Float64Array(length));
    this.#account = grown(this.#account, new Float64Array(length));
    this.#instrumentId = grown(this.#instrumentId, new Int32Array(length));
    this.#priceTicks = grown(this.#priceTicks, new Int32Array(length));
    this.#hasPrice = grown(this.#hasPrice, new Uint8Array(length));
    this.#side = grown(this.#side, new Uint8Array(length));
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
