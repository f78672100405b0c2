// Commands for tests of `crossbook run`.

export const DEFINE = {
  type: "defineInstrument",
  symbol: "BTC-USD",
  tickSize: "0.25",
  lotSize: "0.001",
  takerFeeRate: "0.0005",
  makerFeeRate: "-0.0001",
};

export function order(fields: Record<string, unknown>): Record<string, unknown> {
  return {
    type: "newOrder",
    account: 1,
    symbol: "BTC-USD",
    side: "buy",
    orderType: "limit",
    quantity: "1",
    price: "100",
    ...fields,
  };
}

/** Lines of input; strings stand as they are. */
export function text(...commands: unknown[]): string {
  return commands
    .map((command) => (typeof command === "string" ? command : JSON.stringify(command)))
    .join("\n");
}
