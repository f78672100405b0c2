import {
  ACCEPTED_ORDER_ID_OFFSET,
  ACCEPTED_TEMPLATE_ID,
  CANCELED_ORDER_ID_OFFSET,
  CANCELED_TEMPLATE_ID,
  CHECKPOINT_TEMPLATE_ID,
  REDUCED_ORDER_ID_OFFSET,
  REDUCED_TEMPLATE_ID,
  REJECTED_ORDER_ID_OFFSET,
  REJECTED_TEMPLATE_ID,
  REPLACED_ORDER_ID_OFFSET,
  REPLACED_TEMPLATE_ID,
  TRADE_MAKER_ACCOUNT_OFFSET,
  TRADE_MAKER_ORDER_ID_OFFSET,
  TRADE_TAKER_ORDER_ID_OFFSET,
  TRADE_TEMPLATE_ID,
  TRIGGERED_ORDER_ID_OFFSET,
  TRIGGERED_TEMPLATE_ID,
} from "../protocol/generated/events.ts";
import { EVENT_HEADER_ACCOUNT_OFFSET } from "../protocol/generated/headers.ts";

const TWO_32 = 4294967296;

/** Where the events of one order carry its id. */
const ORDER_ID_OFFSETS = new Map([
  [ACCEPTED_TEMPLATE_ID, ACCEPTED_ORDER_ID_OFFSET],
  [REJECTED_TEMPLATE_ID, REJECTED_ORDER_ID_OFFSET],
  [CANCELED_TEMPLATE_ID, CANCELED_ORDER_ID_OFFSET],
  [REDUCED_TEMPLATE_ID, REDUCED_ORDER_ID_OFFSET],
  [REPLACED_TEMPLATE_ID, REPLACED_ORDER_ID_OFFSET],
  [TRIGGERED_TEMPLATE_ID, TRIGGERED_ORDER_ID_OFFSET],
]);

export interface EventFilter {
  /** Events of this account, either side of a trade. */
  readonly account?: number | undefined;
  /** Events of this order: its life. */
  readonly order?: number | undefined;
}

/** Whether a public event passes the filter; checkpoints never do. */
export function isWanted(filter: EventFilter, view: DataView, offset: number): boolean {
  const template = view.getUint16(offset + 2, true);
  if (template === CHECKPOINT_TEMPLATE_ID) return false;
  const { account, order } = filter;
  if (account !== undefined && !isOfAccount(account, template, view, offset)) return false;
  return order === undefined || isOfOrder(order, template, view, offset);
}

function isOfAccount(account: number, template: number, view: DataView, offset: number): boolean {
  if (view.getUint32(offset + EVENT_HEADER_ACCOUNT_OFFSET, true) === account) return true;
  if (template !== TRADE_TEMPLATE_ID) return false;
  return view.getUint32(offset + TRADE_MAKER_ACCOUNT_OFFSET, true) === account;
}

function isOfOrder(order: number, template: number, view: DataView, offset: number): boolean {
  if (template === TRADE_TEMPLATE_ID) {
    return (
      idAt(view, offset + TRADE_TAKER_ORDER_ID_OFFSET) === order ||
      idAt(view, offset + TRADE_MAKER_ORDER_ID_OFFSET) === order
    );
  }
  const at = ORDER_ID_OFFSETS.get(template);
  return at !== undefined && idAt(view, offset + at) === order;
}

function idAt(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}
