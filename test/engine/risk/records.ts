import {
  NEW_ORDER_LENGTH,
  NewOrder,
  REPLACE_ORDER_LENGTH,
  ReplaceOrder,
} from "../../../protocol/generated/commands.ts";
import {
  OrderField,
  OrderType,
  Side,
  TimeInForce,
  Verdict,
} from "../../../protocol/generated/enums.ts";
import {
  Accepted,
  Account,
  Canceled,
  Instrument,
  Replaced,
  Trade,
} from "../../../protocol/generated/events.ts";
import { SCALE_TICKS_OR_LOTS } from "../../../protocol/terms.ts";

function fresh(bytes: number): DataView {
  return new DataView(new ArrayBuffer(bytes));
}

/** Sets named fields of a flyweight. */
function fill<Flyweight extends object>(record: Flyweight, fields: Partial<Flyweight>): void {
  Object.assign(record, fields);
}

export function newOrder(seq: number, fields: Partial<NewOrder> = {}): DataView {
  const view = fresh(NEW_ORDER_LENGTH);
  const order = new NewOrder();
  order.wrap(view, 0);
  order.clear();
  fill(order, {
    seq,
    timestampUs: seq,
    account: 1,
    instrumentId: 1,
    clientOrderId: seq,
    quantityLots: 10,
    priceTicks: 100,
    side: Side.buy,
    orderType: OrderType.limit,
    timeInForce: TimeInForce.gtc,
    present: OrderField.price,
    verdict: Verdict.pending,
    ...fields,
  });
  return view;
}

export function replaceOrder(seq: number, fields: Partial<ReplaceOrder> = {}): DataView {
  const view = fresh(REPLACE_ORDER_LENGTH);
  const replace = new ReplaceOrder();
  replace.wrap(view, 0);
  replace.clear();
  fill(replace, {
    seq,
    timestampUs: seq,
    account: 1,
    quantityScale: SCALE_TICKS_OR_LOTS,
    priceScale: SCALE_TICKS_OR_LOTS,
    ...fields,
  });
  return view;
}

type Wrapped = { wrap(view: DataView, offset: number): boolean; clear(): unknown };

/** An event of the given kind with the given fields. */
export function event<Kind extends Wrapped>(kind: new () => Kind, fields: Partial<Kind>): DataView {
  const view = fresh(192);
  const record = new kind();
  record.wrap(view, 0);
  record.clear();
  fill(record, fields);
  return view;
}

/** One lot is 1 unit of base, one tick 1 unit of quote: limits read as integers. */
export function plainInstrument(instrumentId = 1): DataView {
  return event(Instrument, {
    instrumentId,
    symbol: `I${instrumentId}`,
    tickSize: 1,
    lotSize: 1,
    notionalUnit: 1,
    quoteAssetId: 9,
    baseAssetId: 8,
  });
}

export { Accepted, Account, Canceled, Replaced, Trade };
