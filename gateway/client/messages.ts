// What a session gets, as JSON objects (binary frames are turned into the same ones).
import type {
  AccountModeWord,
  MarketStateWord,
  OrderTypeWord,
  SelfTradePreventionWord,
  SideWord,
  TimeInForceWord,
} from "./commands.ts";

/** Any message, before one has looked at its type. */
export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface EventFields {
  /** seq and index name the event for ever; they rise. */
  readonly seq: number;
  readonly index: number;
  /** Microseconds since 1970 UTC. */
  readonly timestamp: number;
  /** Of the command that caused it, to those who sent that command. */
  readonly requestId?: number;
  readonly symbol?: string;
  readonly account?: number;
}

interface OrderEventFields extends EventFields {
  readonly account: number;
  readonly clientOrderId?: number;
  readonly orderId: number;
  readonly side: SideWord;
}

export interface AcceptedEvent extends OrderEventFields {
  readonly type: "accepted";
  readonly symbol: string;
  readonly orderType: OrderTypeWord;
  readonly timeInForce: TimeInForceWord;
  readonly price?: string;
  readonly stopPrice?: string;
  readonly quantity: string;
  readonly displayQuantity?: string;
  readonly minQuantity?: string;
  readonly expireTime?: number;
  readonly postOnly?: boolean;
  readonly selfTradePrevention: SelfTradePreventionWord;
}

export interface RejectedEvent extends EventFields {
  readonly type: "rejected";
  readonly clientOrderId?: number;
  readonly orderId?: number;
  readonly command: string;
  /** A stable code. */
  readonly reason: string;
}

/** A trade as its own side sees it. */
export interface TradeEvent extends OrderEventFields {
  readonly type: "trade";
  readonly tradeId: number;
  readonly price: string;
  readonly quantity: string;
  readonly leavesQuantity: string;
  /** In the quote asset; negative: a rebate. */
  readonly fee: string;
  readonly liquidity: "maker" | "taker" | "auction";
}

export interface CanceledEvent extends OrderEventFields {
  readonly type: "canceled";
  readonly quantity: string;
  readonly reason: string;
}

export interface ReducedEvent extends OrderEventFields {
  readonly type: "reduced";
  readonly quantity: string;
  readonly leavesQuantity: string;
}

export interface ReplacedEvent extends OrderEventFields {
  readonly type: "replaced";
  readonly price?: string;
  readonly stopPrice?: string;
  readonly quantity: string;
  readonly leavesQuantity: string;
  readonly displayQuantity?: string;
  readonly priorityKept: boolean;
}

export interface TriggeredEvent extends OrderEventFields {
  readonly type: "triggered";
  readonly orderType: OrderTypeWord;
  readonly price?: string;
  readonly stopPrice: string;
  readonly lastPrice: string;
  readonly leavesQuantity: string;
}

export interface AssetEvent extends EventFields {
  readonly type: "asset";
  readonly asset: string;
  readonly scale: number;
}

export interface InstrumentEvent extends EventFields {
  readonly type: "instrument";
  readonly symbol: string;
  readonly instrumentId: number;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  readonly maxNotional?: string;
  readonly referencePrice?: string;
  readonly priceBandTicks?: number;
  readonly marketProtectionTicks?: number;
  readonly makerFeeRate: string;
  readonly takerFeeRate: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly state: MarketStateWord;
}

export interface MarketStateEvent extends EventFields {
  readonly type: "marketState";
  readonly symbol: string;
  readonly state: MarketStateWord;
  readonly previousState: MarketStateWord;
}

export interface AuctionEvent extends EventFields {
  readonly type: "auction";
  readonly symbol: string;
  readonly price?: string;
  readonly quantity: string;
  readonly imbalance: string;
  readonly imbalanceSide: "none" | SideWord;
}

/** All that now holds for the account, or with a symbol for the account in that instrument. */
export interface AccountEvent extends EventFields {
  readonly type: "account";
  readonly account: number;
  readonly selfTradePrevention?: SelfTradePreventionWord;
  readonly mode?: AccountModeWord;
  readonly maxOrderQuantity?: string;
  readonly maxOrderNotional?: string;
  readonly maxOpenOrders?: number;
  readonly maxPosition?: string;
  readonly maxGrossNotional?: string;
  readonly priceCollarTicks?: number;
  readonly orderRate?: { readonly perSecond: number; readonly burst: number };
  readonly instruments?: "all" | "listed";
  readonly allowed?: boolean;
  readonly killSwitchEngaged?: boolean;
}

export interface BalanceEvent extends EventFields {
  readonly type: "balance";
  readonly account: number;
  readonly asset: string;
  readonly amount: string;
  readonly reference?: string;
}

export type ClientEvent =
  | AcceptedEvent
  | RejectedEvent
  | TradeEvent
  | CanceledEvent
  | ReducedEvent
  | ReplacedEvent
  | TriggeredEvent
  | AssetEvent
  | InstrumentEvent
  | MarketStateEvent
  | AuctionEvent
  | AccountEvent
  | BalanceEvent;

/** The command was carried out and had no event of its own: nothing to cancel, a snapshot. */
export interface Completed {
  readonly type: "completed";
  readonly requestId?: number;
  readonly seq: number;
}

/** The requestId was used before: nothing was done. seq: of the first, where it is known. */
export interface DuplicateRequest {
  readonly type: "duplicateRequest";
  readonly requestId: number;
  readonly seq?: number;
}

/**
 * Where the time of a command went that asked for it: nanoseconds after `received`. A stage whose
 * time is not known is left out.
 */
export interface Receipt {
  readonly type: "receipt";
  readonly seq: number;
  readonly requestId?: number;
  readonly clientOrderId?: number;
  /** When the server took the frame in, microseconds since 1970 UTC. */
  readonly received: number;
  readonly sequencedNs?: number;
  readonly checkedNs?: number;
  readonly matchedNs?: number;
  readonly durableNs?: number;
  readonly sentNs?: number;
}

/** What became of a command, at first: its first own event, or one of the two above. */
export type Outcome = ClientEvent | Completed | DuplicateRequest;

export interface LoggedOn {
  readonly type: "loggedOn";
  readonly account: number;
  readonly role: string;
  readonly lastSeq: number;
  readonly lastRequestId: number;
  readonly lastRequestSeq: number;
  /** Milliseconds. */
  readonly heartbeatInterval: number;
}

export type QueryName = "instruments" | "openOrders" | "positions" | "balances";

/** The answer to a query: its rows as of lastSeq. */
export interface QueryResult {
  readonly rows: readonly Message[];
  readonly lastSeq: number;
}

/** Where in the stream of events. */
export interface Position {
  readonly seq: number;
  readonly index: number;
}
