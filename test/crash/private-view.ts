// What an account is told of an event of the journal: its own events as they are, and of a trade its
// own side only.
import type { Message } from "./wire.ts";

/** Events of `crossbook replay --events`. */
export type JournalEvent = Message & {
  readonly seq: number;
  readonly index: number;
  readonly timestamp: number;
  readonly requestId?: number;
  readonly symbol?: string;
  readonly account?: number;
};

export interface TradeEvent extends JournalEvent {
  readonly tradeId: number;
  readonly price: string;
  readonly quantity: string;
  readonly aggressorSide: "buy" | "sell" | "none";
  readonly buyAccount: number;
  readonly sellAccount: number;
  readonly buyOrderId: number;
  readonly sellOrderId: number;
}

export function isTrade(event: JournalEvent): event is TradeEvent {
  return event.type === "trade";
}

/**
 * Two for a trade with oneself, none where the event is another account's. owner: the account of the
 * command behind the event; a key of it sees the requestIds that are its own.
 */
export function privateViews(
  event: JournalEvent,
  account: number,
  owner: number,
  isOwnRequest: (requestId: number) => boolean,
): Message[] {
  const views: Message[] = [];
  if (!isTrade(event)) {
    if (event.account === account) views.push(event);
  } else {
    // A trade's taker comes first; in an auction the buyer stands in the taker's place.
    const sides = event.aggressorSide === "sell" ? (["sell", "buy"] as const) : BUYER_FIRST;
    for (const side of sides) {
      if (event[`${side}Account`] === account) views.push(sideOf(event, side));
    }
  }
  const { requestId } = event;
  const isShown = account === owner && requestId !== undefined && isOwnRequest(requestId);
  return isShown ? views : views.map(withoutRequest);
}

const BUYER_FIRST = ["buy", "sell"] as const;

function withoutRequest({ requestId: _, ...rest }: Message): Message {
  return rest as Message;
}

function sideOf(trade: TradeEvent, side: "buy" | "sell"): Message {
  const { seq, index, timestamp, requestId, symbol, tradeId, price, quantity } = trade;
  const isAggressor = trade.aggressorSide === side;
  const liquidity = trade.aggressorSide === "none" ? "auction" : isAggressor ? "taker" : "maker";
  const clientOrderId = trade[`${side}ClientOrderId`];
  return {
    type: "trade",
    seq,
    index,
    timestamp,
    ...(requestId === undefined ? {} : { requestId }),
    symbol,
    account: trade[`${side}Account`],
    ...(clientOrderId === undefined ? {} : { clientOrderId }),
    orderId: trade[`${side}OrderId`],
    side,
    tradeId,
    price,
    quantity,
    leavesQuantity: trade[`${side}LeavesQuantity`],
    fee: trade[`${side}Fee`],
    liquidity,
  };
}
