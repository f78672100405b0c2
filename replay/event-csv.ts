/** Columns of an event in CSV; a field that an event does not have is empty. */
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
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
