import {
  CancelOrder,
  MassCancel,
  NewOrder,
  ReplaceOrder,
} from "../../protocol/generated/commands.ts";
import {
  ORDER_TYPE_NAMES,
  OrderField,
  type OrderType,
  QueryKind,
  SELF_TRADE_PREVENTION_NAMES,
  type SelfTradePrevention,
  SIDE_NAMES,
  type Side,
  TIME_IN_FORCE_NAMES,
  type TimeInForce,
} from "../../protocol/generated/enums.ts";
import {
  Heartbeat,
  LOGON_SIGNATURE_OFFSET,
  Logon,
  Query,
} from "../../protocol/generated/session.ts";
import type { FlowCommand, NewOrderCommand, ReplaceOrderCommand } from "./order-flow.ts";
import type { LogonValues, Wire } from "./wire.ts";

/** Marks a number of a replaceOrder as ticks or lots and not as a decimal. */
const SCALE_TICKS_OR_LOTS = 255;

const newOrder = new NewOrder();
const cancelOrder = new CancelOrder();
const replaceOrder = new ReplaceOrder();
const massCancel = new MassCancel();
const logon = new Logon();
const heartbeat = new Heartbeat();
const query = new Query();

interface Record {
  wrap(view: DataView, offset: number): boolean;
  clear(): unknown;
  readonly blockLength: number;
}

const scratch = new ArrayBuffer(256);

export const binaryWire: Wire = {
  name: "binary",
  logon(values: LogonValues): Uint8Array {
    return write(logon, () => {
      logon.timestampUs = values.timestamp;
      logon.keyId = values.keyId;
      logon.cancelOnDisconnect = values.cancelOnDisconnect;
      logon.signatureLength = values.signature.length;
      new Uint8Array(scratch).set(values.signature, LOGON_SIGNATURE_OFFSET);
      if (values.resumeAfter === null) return;
      logon.resume = true;
      logon.resumeSeq = values.resumeAfter.seq;
      logon.resumeIndex = values.resumeAfter.index;
    });
  },
  command(requestId: number, command: FlowCommand): Uint8Array {
    switch (command.type) {
      case "newOrder":
        return write(newOrder, () => fillNewOrder(requestId, command));
      case "cancelOrder":
        return write(cancelOrder, () => {
          cancelOrder.requestId = requestId;
          cancelOrder.clientOrderId = command.clientOrderId;
        });
      case "replaceOrder":
        return write(replaceOrder, () => fillReplaceOrder(requestId, command));
      default:
        return write(massCancel, () => {
          massCancel.requestId = requestId;
          massCancel.symbol = command.instrument.symbol;
          massCancel.side = SIDE_NAMES.indexOf(command.side) as Side;
        });
    }
  },
  query: (name) =>
    write(query, () => {
      query.kind = QueryKind[name];
    }),
  heartbeat: () => write(heartbeat, () => undefined),
};

function write(record: Record, fill: () => void): Uint8Array {
  record.wrap(new DataView(scratch), 0);
  record.clear();
  fill();
  return new Uint8Array(scratch.slice(0, record.blockLength));
}

function fillNewOrder(requestId: number, command: NewOrderCommand): void {
  const order = newOrder;
  let present = OrderField.quantity | OrderField.clientOrderId;
  order.requestId = requestId;
  order.clientOrderId = command.clientOrderId;
  order.instrumentId = command.instrument.id;
  order.side = SIDE_NAMES.indexOf(command.side) as Side;
  order.orderType = ORDER_TYPE_NAMES.indexOf(command.orderType) as OrderType;
  order.quantityLots = command.quantityLots;
  if (command.timeInForce !== undefined) {
    order.timeInForce = TIME_IN_FORCE_NAMES.indexOf(command.timeInForce) as TimeInForce;
  }
  if (command.selfTradePrevention !== undefined) {
    const prevention = SELF_TRADE_PREVENTION_NAMES.indexOf(command.selfTradePrevention);
    order.selfTradePrevention = prevention as SelfTradePrevention;
  }
  if (command.priceTicks !== undefined) {
    order.priceTicks = command.priceTicks;
    present |= OrderField.price;
  }
  if (command.stopPriceTicks !== undefined) {
    order.stopPriceTicks = command.stopPriceTicks;
    present |= OrderField.stopPrice;
  }
  if (command.displayLots !== undefined) {
    order.displayLots = command.displayLots;
    present |= OrderField.displayQuantity;
  }
  if (command.minLots !== undefined) {
    order.minLots = command.minLots;
    present |= OrderField.minQuantity;
  }
  if (command.postOnly === true) present |= OrderField.postOnly;
  order.present = present;
}

function fillReplaceOrder(requestId: number, command: ReplaceOrderCommand): void {
  const order = replaceOrder;
  let present = 0;
  order.requestId = requestId;
  order.clientOrderId = command.clientOrderId;
  if (command.priceTicks !== undefined) {
    order.price = command.priceTicks;
    order.priceScale = SCALE_TICKS_OR_LOTS;
    present |= OrderField.price;
  }
  if (command.quantityLots !== undefined) {
    order.quantity = command.quantityLots;
    order.quantityScale = SCALE_TICKS_OR_LOTS;
    present |= OrderField.quantity;
  }
  order.present = present;
}
