// The commands that a client may send, as the JSON objects they are everywhere. Prices, quantities
// and amounts are decimal strings in the instrument's units; times are microseconds since 1970 UTC.

interface CommandFields {
  /**
   * Given by the client where it is left out. One's own must rise from command to command: one that
   * does not is answered `duplicateRequest` and not carried out.
   */
  readonly requestId?: number;
  /** Admin keys name the account that they act for; others need not name their own. */
  readonly account?: number;
  /** A receipt is wanted: where the command's time went in the server. */
  readonly receipt?: boolean;
}

export type SideWord = "buy" | "sell";
export type OrderTypeWord = "limit" | "market" | "stop" | "stopLimit";
export type TimeInForceWord = "gtc" | "day" | "gtd" | "ioc" | "fok";
export type SelfTradePreventionWord =
  | "none"
  | "cancelNewest"
  | "cancelOldest"
  | "cancelBoth"
  | "decrement";
export type MarketStateWord = "preOpen" | "auction" | "continuous" | "halted" | "closed";
export type AccountModeWord = "spot" | "credit" | "none";

export interface NewOrderCommand extends CommandFields {
  readonly type: "newOrder";
  readonly symbol: string;
  readonly side: SideWord;
  readonly orderType: OrderTypeWord;
  readonly quantity: string;
  readonly clientOrderId?: number;
  readonly price?: string;
  readonly stopPrice?: string;
  /** Without: gtc, for market orders ioc. */
  readonly timeInForce?: TimeInForceWord;
  readonly expireTime?: number;
  readonly postOnly?: boolean;
  readonly displayQuantity?: string;
  readonly minQuantity?: string;
  readonly selfTradePrevention?: SelfTradePreventionWord;
}

/** By one of clientOrderId and orderId. */
export interface CancelOrderCommand extends CommandFields {
  readonly type: "cancelOrder";
  readonly clientOrderId?: number;
  readonly orderId?: number;
}

/** By one of clientOrderId and orderId. quantity: the new total. */
export interface ReplaceOrderCommand extends CommandFields {
  readonly type: "replaceOrder";
  readonly clientOrderId?: number;
  readonly orderId?: number;
  readonly price?: string;
  readonly quantity?: string;
  readonly stopPrice?: string;
  readonly displayQuantity?: string;
}

export interface MassCancelCommand extends CommandFields {
  readonly type: "massCancel";
  readonly symbol?: string;
  readonly side?: SideWord;
}

export interface KillSwitchCommand extends CommandFields {
  readonly type: "killSwitch";
  readonly engaged: boolean;
}

/** Optional limits: null takes one away. */
export interface DefineInstrumentCommand extends CommandFields {
  readonly type: "defineInstrument";
  readonly symbol: string;
  readonly tickSize?: string;
  readonly lotSize?: string;
  readonly minQuantity?: string | null;
  readonly maxQuantity?: string | null;
  readonly maxNotional?: string | null;
  readonly referencePrice?: string | null;
  readonly priceBandTicks?: number | null;
  readonly marketProtectionTicks?: number | null;
  readonly makerFeeRate?: string;
  readonly takerFeeRate?: string;
  readonly baseAsset?: string;
  readonly quoteAsset?: string;
  readonly state?: MarketStateWord;
}

export interface DefineAssetCommand extends CommandFields {
  readonly type: "defineAsset";
  readonly asset: string;
  readonly scale: number;
}

export interface SetMarketStateCommand extends CommandFields {
  readonly type: "setMarketState";
  readonly symbol: string;
  readonly state: MarketStateWord;
}

/** With a symbol: what holds for that instrument alone. null takes a limit away. */
export interface SetAccountCommand extends CommandFields {
  readonly type: "setAccount";
  readonly account: number;
  readonly symbol?: string;
  readonly selfTradePrevention?: SelfTradePreventionWord;
  readonly mode?: AccountModeWord;
  readonly maxOrderQuantity?: string | null;
  readonly maxOrderNotional?: string | null;
  readonly maxOpenOrders?: number | null;
  readonly maxPosition?: string | null;
  readonly maxGrossNotional?: string | null;
  readonly priceCollarTicks?: number | null;
  readonly orderRate?: { readonly perSecond: number; readonly burst: number } | null;
  readonly instruments?: "all" | "listed";
  readonly allowed?: boolean;
}

export interface AdjustBalanceCommand extends CommandFields {
  readonly type: "adjustBalance";
  readonly account: number;
  readonly asset: string;
  readonly amount: string;
  readonly reference?: string;
}

export interface SnapshotCommand extends CommandFields {
  readonly type: "snapshot";
}

export type OrderCommand = NewOrderCommand | CancelOrderCommand | ReplaceOrderCommand;

export type ClientCommand =
  | OrderCommand
  | MassCancelCommand
  | KillSwitchCommand
  | DefineInstrumentCommand
  | DefineAssetCommand
  | SetMarketStateCommand
  | SetAccountCommand
  | AdjustBalanceCommand
  | SnapshotCommand;

/** Of order commands it is certain that their first event is the sender's own. */
export function isOrderCommand(type: unknown): boolean {
  return type === "newOrder" || type === "cancelOrder" || type === "replaceOrder";
}
