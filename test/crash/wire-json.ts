import { decimalText } from "./instruments.ts";
import type { FlowCommand, NewOrderCommand, ReplaceOrderCommand } from "./order-flow.ts";
import type { LogonValues, Message, Wire } from "./wire.ts";

export const jsonWire: Wire = {
  name: "json",
  logon({ keyId, timestamp, signature, cancelOnDisconnect, resumeAfter }: LogonValues): string {
    return JSON.stringify({
      type: "logon",
      keyId,
      timestamp,
      signature: signature.toString("base64"),
      cancelOnDisconnect,
      ...(resumeAfter === null ? {} : { resumeAfter }),
    });
  },
  command(requestId: number, command: FlowCommand): string {
    return JSON.stringify({ ...commandObject(command), requestId });
  },
  query: (name) => JSON.stringify({ type: name }),
  heartbeat: () => JSON.stringify({ type: "heartbeat" }),
};

export function parseText(text: string): Message[] {
  const value = JSON.parse(text) as Message | Message[];
  return Array.isArray(value) ? value : [value];
}

/** Decimals in the instrument's units; fields that are not set are left out by JSON itself. */
export function commandObject(command: FlowCommand): Record<string, unknown> {
  switch (command.type) {
    case "newOrder":
      return newOrderObject(command);
    case "replaceOrder":
      return replaceOrderObject(command);
    case "massCancel":
      return { type: command.type, symbol: command.instrument.symbol, side: command.side };
    default:
      return { type: command.type, clientOrderId: command.clientOrderId };
  }
}

function newOrderObject(order: NewOrderCommand): Record<string, unknown> {
  const { tick, lot, symbol } = order.instrument;
  const price = (ticks: number | undefined) =>
    ticks === undefined ? undefined : decimalText(ticks, tick);
  const quantity = (lots: number | undefined) =>
    lots === undefined ? undefined : decimalText(lots, lot);
  return {
    type: order.type,
    symbol,
    clientOrderId: order.clientOrderId,
    side: order.side,
    orderType: order.orderType,
    quantity: quantity(order.quantityLots),
    price: price(order.priceTicks),
    stopPrice: price(order.stopPriceTicks),
    timeInForce: order.timeInForce,
    postOnly: order.postOnly,
    displayQuantity: quantity(order.displayLots),
    minQuantity: quantity(order.minLots),
    selfTradePrevention: order.selfTradePrevention,
  };
}

function replaceOrderObject(change: ReplaceOrderCommand): Record<string, unknown> {
  const { tick, lot } = change.instrument;
  const { priceTicks, quantityLots } = change;
  return {
    type: change.type,
    clientOrderId: change.clientOrderId,
    price: priceTicks === undefined ? undefined : decimalText(priceTicks, tick),
    quantity: quantityLots === undefined ? undefined : decimalText(quantityLots, lot),
  };
}
