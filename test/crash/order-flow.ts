// What one client sends: orders that cross, cancels and replaces that sometimes come too late, and a
// few that must be refused. Numbers are in ticks and lots; the encodings convert them.
import { Random } from "../protocol/random.ts";
import { type CampaignInstrument, INSTRUMENTS } from "./instruments.ts";

export interface NewOrderCommand {
  readonly type: "newOrder";
  readonly instrument: CampaignInstrument;
  readonly clientOrderId: number;
  readonly side: "buy" | "sell";
  readonly orderType: "limit" | "market" | "stop" | "stopLimit";
  readonly quantityLots: number;
  readonly priceTicks?: number;
  readonly stopPriceTicks?: number;
  readonly timeInForce?: "gtc" | "day" | "ioc" | "fok";
  readonly postOnly?: true;
  readonly displayLots?: number;
  readonly minLots?: number;
  readonly selfTradePrevention?: string;
}

export interface CancelOrderCommand {
  readonly type: "cancelOrder";
  readonly clientOrderId: number;
}

export interface ReplaceOrderCommand {
  readonly type: "replaceOrder";
  readonly instrument: CampaignInstrument;
  readonly clientOrderId: number;
  readonly priceTicks?: number;
  readonly quantityLots?: number;
}

export interface MassCancelCommand {
  readonly type: "massCancel";
  readonly instrument: CampaignInstrument;
  readonly side: "buy" | "sell";
}

export type FlowCommand =
  | NewOrderCommand
  | CancelOrderCommand
  | ReplaceOrderCommand
  | MassCancelCommand;

const REACH_TICKS = 15;
const MAX_LOTS = 40;
/** Cancels and replaces name one of this many latest orders. */
const MEMORY = 60;
const PREVENTIONS = ["none", "cancelNewest", "cancelOldest", "cancelBoth", "decrement"];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class OrderFlow {
  readonly #random: Random;
  readonly #recent: { id: number; instrument: CampaignInstrument }[] = [];
  #lastOrderId: number;

  /** firstOrderId: client order ids count up from here (two keys of an account must not meet). */
  constructor(seed: number, firstOrderId: number) {
    this.#random = new Random(seed);
    this.#lastOrderId = firstOrderId - 1;
  }

  next(): FlowCommand {
    const draw = this.#random.below(1000);
    const target = this.#recent.length > 0 ? this.#random.pick(this.#recent) : undefined;
    if (target === undefined || draw < 640) return this.#newOrder();
    if (draw < 850) return { type: "cancelOrder", clientOrderId: target.id };
    if (draw < 990) return this.#replace(target.id, target.instrument);
    return {
      type: "massCancel",
      instrument: this.#random.pick(INSTRUMENTS),
      side: this.#random.pick(["buy", "sell"] as const),
    };
  }

  #newOrder(): NewOrderCommand {
    const random = this.#random;
    const instrument = random.pick(INSTRUMENTS);
    const side = random.pick(["buy", "sell"] as const);
    const order: Mutable<NewOrderCommand> = {
      type: "newOrder",
      instrument,
      clientOrderId: ++this.#lastOrderId,
      side,
      orderType: "limit",
      quantityLots: 1 + random.below(MAX_LOTS),
      priceTicks: this.#price(instrument),
    };
    const draw = random.below(100);
    if (draw < 6) {
      order.orderType = "market";
      delete order.priceTicks;
    } else if (draw < 12) {
      order.timeInForce = random.pick(["ioc", "fok"] as const);
      if (order.timeInForce === "ioc" && random.below(4) === 0) {
        order.minLots = 1 + random.below(order.quantityLots);
      }
    } else if (draw < 17) order.postOnly = true;
    else if (draw < 23) order.displayLots = 1 + random.below(order.quantityLots);
    else if (draw < 27) {
      order.orderType = random.pick(["stop", "stopLimit"] as const);
      order.stopPriceTicks = this.#price(instrument);
      if (order.orderType === "stop") delete order.priceTicks;
    } else if (draw < 29)
      order.quantityLots = 0; // refused
    else if (draw < 31 && this.#recent.length > 0) {
      // Refused where that order is still open.
      order.clientOrderId = random.pick(this.#recent).id;
    }
    if (random.below(5) === 0) order.selfTradePrevention = random.pick(PREVENTIONS);
    this.#recent.push({ id: order.clientOrderId, instrument });
    if (this.#recent.length > MEMORY) this.#recent.shift();
    return order;
  }

  #replace(clientOrderId: number, instrument: CampaignInstrument): ReplaceOrderCommand {
    const change: Mutable<ReplaceOrderCommand> = {
      type: "replaceOrder",
      instrument,
      clientOrderId,
    };
    const draw = this.#random.below(3);
    if (draw !== 0) change.priceTicks = this.#price(instrument);
    if (draw !== 1) change.quantityLots = 1 + this.#random.below(MAX_LOTS);
    return change;
  }

  #price(instrument: CampaignInstrument): number {
    return instrument.middleTicks - REACH_TICKS + this.#random.below(2 * REACH_TICKS + 1);
  }
}
