/** Columns of an event in CSV: every field that one can have; where it has none, it is empty. */
export const EVENT_COLUMNS = [
  "seq",
  "index",
  "timestamp",
  "type",
  "symbol",
  "account",
  "clientOrderId",
  "orderId",
  "side",
  "orderType",
  "timeInForce",
  "price",
  "stopPrice",
  "quantity",
  "leavesQuantity",
  "command",
  "reason",
  "tradeId",
  "aggressorSide",
  "buyOrderId",
  "buyAccount",
  "buyClientOrderId",
  "buyLeavesQuantity",
  "buyFee",
  "sellOrderId",
  "sellAccount",
  "sellClientOrderId",
  "sellLeavesQuantity",
  "sellFee",
  "state",
  "asset",
  "amount",
  "requestId",
  "displayQuantity",
  "minQuantity",
  "expireTime",
  "postOnly",
  "selfTradePrevention",
  "priorityKept",
  "lastPrice",
  "imbalance",
  "imbalanceSide",
  "previousState",
  "reference",
  "scale",
  "instrumentId",
  "tickSize",
  "lotSize",
  "maxQuantity",
  "maxNotional",
  "referencePrice",
  "priceBandTicks",
  "marketProtectionTicks",
  "makerFeeRate",
  "takerFeeRate",
  "baseAsset",
  "quoteAsset",
  "mode",
  "maxOrderQuantity",
  "maxOrderNotional",
  "maxOpenOrders",
  "maxPosition",
  "maxGrossNotional",
  "priceCollarTicks",
  "orderRate",
  "instruments",
  "allowed",
  "killSwitchEngaged",
] as const;

export function csvHeader(): string {
  return EVENT_COLUMNS.join(",");
}

/** One line, without its end. `event`: as decodeEvent gives it. */
export function csvRow(event: Readonly<Record<string, unknown>>): string {
  return EVENT_COLUMNS.map((column) => csvField(event[column])).join(",");
}

function csvField(value: unknown): string {
  if (value === undefined || value === null) return "";
  // A rate has two numbers: it stands as it does in JSON.
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
