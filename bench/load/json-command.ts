import { CancelOrder, NEW_ORDER_TEMPLATE_ID, NewOrder } from "../../protocol/generated/commands.ts";
import { Side, TimeInForce } from "../../protocol/generated/enums.ts";

const order = new NewOrder();
const cancel = new CancelOrder();

/** Of BENCH_SYMBOL: a tick is 0.01, a lot 0.001. */
const TICK_DECIMALS = 2;
const LOT_DECIMALS = 3;

/** What a flow has written at `offset`, as a text client says it. */
export function jsonCommand(
  view: DataView,
  offset: number,
  symbol: string,
  wantsReceipt: boolean,
): string {
  const receipt = wantsReceipt ? ',"receipt":true' : "";
  order.wrap(view, offset);
  if (order.templateId !== NEW_ORDER_TEMPLATE_ID) {
    cancel.wrap(view, offset);
    return `{"type":"cancelOrder","requestId":${cancel.requestId},"clientOrderId":${cancel.clientOrderId}${receipt}}`;
  }
  const { requestId, clientOrderId, priceTicks, quantityLots } = order;
  const side = order.side === Side.buy ? "buy" : "sell";
  const timeInForce = order.timeInForce === TimeInForce.ioc ? "ioc" : "gtc";
  const price = decimal(priceTicks, TICK_DECIMALS);
  const quantity = decimal(quantityLots, LOT_DECIMALS);
  return `{"type":"newOrder","requestId":${requestId},"symbol":"${symbol}","side":"${side}","orderType":"limit","price":"${price}","quantity":"${quantity}","clientOrderId":${clientOrderId},"timeInForce":"${timeInForce}"${receipt}}`;
}

function decimal(units: number, decimals: number): string {
  return (units / 10 ** decimals).toFixed(decimals);
}
