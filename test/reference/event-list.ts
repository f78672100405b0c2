import {
  type CancelReason,
  type MarketState,
  OrderField,
  OrderType,
  type RejectReason,
  Side,
} from "../../protocol/generated/enums.ts";
import type { AuctionPrice } from "./auction.ts";
import type {
  EventName,
  PlainCommand,
  PlainCommandOf,
  PlainEvent,
  PlainEventOf,
} from "./records.ts";
import { templateIdOf } from "./records.ts";
import type { Instrument, Order } from "./state.ts";

type HeaderField =
  | "type"
  | "seq"
  | "timestampUs"
  | "requestId"
  | "index"
  | "instrumentId"
  | "account"
  | "aggressorSide"
  | "side"
  | "keyTag";

interface About {
  readonly instrumentId?: number;
  readonly account?: number;
  readonly side?: Side;
  readonly aggressorSide?: Side;
}

function aboutOrder(order: Order): About {
  return { instrumentId: order.instrument.id, account: order.account, side: order.side };
}

/** The events of one command. */
export class EventList {
  list: PlainEvent[] = [];
  #command!: PlainCommand;

  begin(command: PlainCommand): void {
    this.#command = command;
    this.list = [];
  }

  add<Name extends EventName>(
    type: Name,
    about: About,
    fields: Omit<PlainEventOf<Name>, HeaderField>,
  ): void {
    this.list.push({
      type,
      seq: this.#command.seq,
      timestampUs: this.#command.timestampUs,
      requestId: this.#command.requestId,
      index: this.list.length,
      instrumentId: about.instrumentId ?? 0,
      account: about.account ?? 0,
      aggressorSide: about.aggressorSide ?? Side.none,
      side: about.side ?? Side.none,
      keyTag: this.#command.keyNumber & 0xffff,
      ...fields,
    } as unknown as PlainEvent);
  }

  accepted(order: Order, command: PlainCommandOf<"NewOrder">): void {
    this.add("Accepted", aboutOrder(order), {
      clientOrderId: order.clientOrderId,
      orderId: order.id,
      quantityLots: order.totalLots,
      displayLots: order.displayLots ?? 0,
      minLots: order.minimumLots ?? 0,
      expireTimeUs: order.expireTimeUs ?? 0,
      priceTicks: order.priceTicks ?? 0,
      stopPriceTicks: order.stopPriceTicks ?? 0,
      orderType: order.type,
      timeInForce: order.timeInForce,
      selfTradePrevention: order.selfTradePrevention,
      present:
        (command.present & ~(OrderField.quantity | OrderField.clientOrderId)) |
        OrderField.quantity |
        (order.clientOrderId !== 0 ? OrderField.clientOrderId : 0),
    });
  }

  rejected(command: PlainCommand, reason: RejectReason, order: Order | undefined): void {
    const ids = "clientOrderId" in command ? command.clientOrderId : 0;
    const instrumentId = order?.instrument.id ?? command.instrumentId;
    const side = order?.side ?? (command.type === "NewOrder" ? command.side : Side.none);
    this.add(
      "Rejected",
      { instrumentId, account: command.account, side },
      {
        clientOrderId: ids,
        orderId: "orderId" in command ? command.orderId : 0,
        symbol: instrumentId === 0 && "symbol" in command ? command.symbol : "",
        command: templateIdOf(command.type),
        reason,
      },
    );
  }

  trade(
    tradeId: number,
    taker: { readonly order: Order; readonly feeUnits: number },
    maker: { readonly order: Order; readonly feeUnits: number },
    priceTicks: number,
    lots: number,
    aggressorSide: Side,
  ): void {
    const { id: instrumentId } = taker.order.instrument;
    this.add(
      "Trade",
      { instrumentId, account: taker.order.account, aggressorSide },
      {
        tradeId,
        quantityLots: lots,
        takerOrderId: taker.order.id,
        makerOrderId: maker.order.id,
        takerClientOrderId: taker.order.clientOrderId,
        makerClientOrderId: maker.order.clientOrderId,
        takerLeavesLots: taker.order.leavesLots,
        makerLeavesLots: maker.order.leavesLots,
        takerFeeUnits: taker.feeUnits,
        makerFeeUnits: maker.feeUnits,
        priceTicks,
        makerAccount: maker.order.account,
      },
    );
  }

  canceled(order: Order, lots: number, reason: CancelReason): void {
    this.add("Canceled", aboutOrder(order), {
      clientOrderId: order.clientOrderId,
      orderId: order.id,
      quantityLots: lots,
      priceTicks: order.priceTicks ?? 0,
      reason,
      orderType: order.type,
    });
  }

  reduced(order: Order, lots: number): void {
    this.add("Reduced", aboutOrder(order), {
      clientOrderId: order.clientOrderId,
      orderId: order.id,
      quantityLots: lots,
      leavesLots: order.leavesLots,
      priceTicks: order.priceTicks ?? 0,
    });
  }

  replaced(
    order: Order,
    previous: { readonly leavesLots: number; readonly priceTicks: number | null },
    priorityKept: boolean,
  ): void {
    this.add("Replaced", aboutOrder(order), {
      clientOrderId: order.clientOrderId,
      orderId: order.id,
      quantityLots: order.totalLots,
      leavesLots: order.leavesLots,
      displayLots: order.displayLots ?? 0,
      previousLeavesLots: previous.leavesLots,
      priceTicks: order.priceTicks ?? 0,
      stopPriceTicks: order.stopPriceTicks ?? 0,
      previousPriceTicks: previous.priceTicks ?? 0,
      present:
        (order.priceTicks !== null ? OrderField.price : 0) |
        (order.stopPriceTicks !== null ? OrderField.stopPrice : 0) |
        (order.displayLots !== null ? OrderField.displayQuantity : 0),
      orderType: order.type,
      priorityKept,
    });
  }

  triggered(order: Order, lastPriceTicks: number): void {
    this.add("Triggered", aboutOrder(order), {
      clientOrderId: order.clientOrderId,
      orderId: order.id,
      leavesLots: order.leavesLots,
      stopPriceTicks: order.stopPriceTicks ?? 0,
      lastPriceTicks,
      priceTicks: order.type === OrderType.stopLimit ? (order.priceTicks ?? 0) : 0,
      orderType: order.type,
    });
  }

  marketState(instrument: Instrument, previousState: MarketState): void {
    this.add(
      "MarketStateChanged",
      { instrumentId: instrument.id },
      { state: instrument.state, previousState },
    );
  }

  auction(instrument: Instrument, price: AuctionPrice | null): void {
    const surplus = price?.imbalanceLots ?? 0;
    this.add(
      "Auction",
      { instrumentId: instrument.id },
      {
        quantityLots: price?.lots ?? 0,
        imbalanceLots: Math.abs(surplus),
        priceTicks: price?.priceTicks ?? 0,
        imbalanceSide: surplus > 0 ? Side.buy : surplus < 0 ? Side.sell : Side.none,
        present: price === null ? 0 : OrderField.price,
      },
    );
  }

  /** The reference has no state hash: it is compared between runs of the real engine. */
  checkpoint(eventCount: number, tradeCount: number): void {
    const noHash = { stateHash0: 0, stateHash1: 0, stateHash2: 0, stateHash3: 0 };
    this.add("Checkpoint", {}, { eventCount, tradeCount, ...noHash });
  }
}
