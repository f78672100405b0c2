// Binary messages brought to the form that the same message has in JSON.
import {
  ACCOUNT_MODE_NAMES,
  AccountField,
  CANCEL_REASON_NAMES,
  ERROR_CODE_NAMES,
  INSTRUMENT_ACCESS_NAMES,
  LIQUIDITY_NAMES,
  ORDER_TYPE_NAMES,
  OrderField,
  OrderType,
  REJECT_REASON_NAMES,
  ROLE_NAMES,
  SELF_TRADE_PREVENTION_NAMES,
  SIDE_NAMES,
  TIME_IN_FORCE_NAMES,
} from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  ACCOUNT_TEMPLATE_ID,
  Accepted,
  Account,
  CANCELED_TEMPLATE_ID,
  Canceled,
  REDUCED_TEMPLATE_ID,
  REJECTED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  Reduced,
  Rejected,
  Replaced,
  TRADE_TEMPLATE_ID,
  TRIGGERED_TEMPLATE_ID,
  Trade,
  Triggered,
} from "../../protocol/generated/events.ts";
import { EventHeader } from "../../protocol/generated/headers.ts";
import { MESSAGE_NAMES } from "../../protocol/generated/messages.ts";
import {
  CHALLENGE_TEMPLATE_ID,
  Challenge,
  COMPLETED_TEMPLATE_ID,
  Completed,
  DUPLICATE_REQUEST_TEMPLATE_ID,
  DuplicateRequest,
  ERROR_MESSAGE_TEMPLATE_ID,
  ErrorMessage,
  FILL_TEMPLATE_ID,
  Fill,
  HEARTBEAT_TEMPLATE_ID,
  Heartbeat,
  LOGGED_ON_TEMPLATE_ID,
  LoggedOn,
  OPEN_ORDER_TEMPLATE_ID,
  OpenOrder,
  POSITION_TEMPLATE_ID,
  Position,
} from "../../protocol/generated/session.ts";
import { type CampaignInstrument, decimalText, instrumentBy } from "./instruments.ts";
import type { Message } from "./wire.ts";

const EVENTS_FROM = ACCEPTED_TEMPLATE_ID;
const EVENTS_TO = 127;

const header = new EventHeader();

/** All messages of a frame: they stand one right after the other. */
export function parseRecords(bytes: Uint8Array): Message[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.length - at < 8 ? 0 : view.getUint16(at, true);
    if (length < 8 || at + length > bytes.length) throw new Error(`half a record at byte ${at}`);
    messages.push(parseRecord(view, at));
    at += length;
  }
  return messages;
}

export function parseRecord(view: DataView, at: number): Message {
  const templateId = view.getUint16(at + 2, true);
  const isEvent = templateId >= EVENTS_FROM && templateId <= EVENTS_TO;
  return isEvent || templateId === FILL_TEMPLATE_ID
    ? parseEvent(view, at, templateId)
    : parseSessionMessage(view, at, templateId);
}

function nameOf(templateId: number): string {
  const name = MESSAGE_NAMES[templateId] ?? "";
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function parseSessionMessage(view: DataView, at: number, templateId: number): Message {
  const type = nameOf(templateId);
  switch (templateId) {
    case CHALLENGE_TEMPLATE_ID: {
      const record = new Challenge();
      record.wrap(view, at);
      return { type, challenge: record.challenge, serverTime: record.serverTimeUs };
    }
    case LOGGED_ON_TEMPLATE_ID: {
      const record = new LoggedOn();
      record.wrap(view, at);
      const { account, role, lastSeq, lastRequestId, heartbeatIntervalMs } = record;
      const heartbeatInterval = heartbeatIntervalMs;
      return { type, account, role: ROLE_NAMES[role], lastSeq, lastRequestId, heartbeatInterval };
    }
    case DUPLICATE_REQUEST_TEMPLATE_ID: {
      const record = new DuplicateRequest();
      record.wrap(view, at);
      return { type, requestId: record.requestId, ...optional("seq", record.seq) };
    }
    case COMPLETED_TEMPLATE_ID: {
      const record = new Completed();
      record.wrap(view, at);
      return { type, seq: record.seq, ...optional("requestId", record.requestId) };
    }
    case HEARTBEAT_TEMPLATE_ID: {
      const record = new Heartbeat();
      record.wrap(view, at);
      return { type, lastSeq: record.lastSeq, serverTime: record.serverTimeUs };
    }
    case OPEN_ORDER_TEMPLATE_ID: {
      const record = new OpenOrder();
      record.wrap(view, at);
      const { lot } = instrumentBy("id", record.instrumentId);
      const leavesQuantity = decimalText(record.leavesLots, lot);
      return { type, account: record.account, orderId: record.orderId, leavesQuantity };
    }
    case POSITION_TEMPLATE_ID: {
      const record = new Position();
      record.wrap(view, at);
      const { symbol, lot } = instrumentBy("id", record.instrumentId);
      const text = decimalText(record.positionLots, lot);
      return { type, account: record.account, symbol, position: text };
    }
    case ERROR_MESSAGE_TEMPLATE_ID: {
      const record = new ErrorMessage();
      record.wrap(view, at);
      const request = optional("requestId", record.requestId);
      return { type: "error", code: ERROR_CODE_NAMES[record.code], message: record.text, request };
    }
    default:
      return { type };
  }
}

/** Of the definitions that admin commands make, no client reads more than their id. */
function parseEvent(view: DataView, at: number, templateId: number): Message {
  header.wrap(view, at);
  const type = templateId === FILL_TEMPLATE_ID ? "trade" : nameOf(templateId);
  const { seq, index, timestampUs, requestId, instrumentId, account, side } = header;
  const base = { seq, index, timestamp: timestampUs, ...optional("requestId", requestId) };
  const instrument = instrumentId === 0 ? undefined : instrumentBy("id", instrumentId);
  const symbol = instrument === undefined ? {} : { symbol: instrument.symbol };
  if (templateId === REJECTED_TEMPLATE_ID) {
    return { type, ...base, ...symbol, account, ...rejected(view, at) };
  }
  if (templateId === ACCOUNT_TEMPLATE_ID && instrument === undefined) {
    return { type, ...base, account, ...accountSettings(view, at) };
  }
  if (instrument === undefined) return { type, ...base, ...optional("account", account) };
  switch (templateId) {
    case TRADE_TEMPLATE_ID:
      return { type, ...base, ...symbol, ...trade(view, at, instrument) };
    case FILL_TEMPLATE_ID:
      return { type, ...base, ...symbol, account, ...fill(view, at, instrument) };
    default: {
      const order = orderEvent(view, at, templateId, instrument);
      if (order === null) return { type, ...base, ...symbol, ...optional("account", account) };
      return { type, ...base, ...symbol, account, side: SIDE_NAMES[side], ...order };
    }
  }
}

type Fields = Record<string, unknown>;

function orderEvent(
  view: DataView,
  at: number,
  templateId: number,
  instrument: CampaignInstrument,
): Fields | null {
  switch (templateId) {
    case ACCEPTED_TEMPLATE_ID:
      return accepted(view, at, instrument);
    case CANCELED_TEMPLATE_ID:
      return canceled(view, at, instrument);
    case REDUCED_TEMPLATE_ID:
      return reduced(view, at, instrument);
    case REPLACED_TEMPLATE_ID:
      return replaced(view, at, instrument);
    case TRIGGERED_TEMPLATE_ID:
      return triggered(view, at, instrument);
    default:
      return null;
  }
}

function accepted(view: DataView, at: number, { tick, lot }: CampaignInstrument): Fields {
  const record = new Accepted();
  record.wrap(view, at);
  const has = (field: number) => (record.present & field) !== 0;
  return {
    ...ids(record),
    orderType: ORDER_TYPE_NAMES[record.orderType],
    timeInForce: TIME_IN_FORCE_NAMES[record.timeInForce],
    selfTradePrevention: SELF_TRADE_PREVENTION_NAMES[record.selfTradePrevention],
    quantity: decimalText(record.quantityLots, lot),
    ...(has(OrderField.price) ? { price: decimalText(record.priceTicks, tick) } : {}),
    ...(has(OrderField.stopPrice) ? { stopPrice: decimalText(record.stopPriceTicks, tick) } : {}),
    ...(has(OrderField.displayQuantity)
      ? { displayQuantity: decimalText(record.displayLots, lot) }
      : {}),
    ...(has(OrderField.minQuantity) ? { minQuantity: decimalText(record.minLots, lot) } : {}),
    ...(has(OrderField.expireTime) ? { expireTime: record.expireTimeUs } : {}),
    ...(has(OrderField.postOnly) ? { postOnly: true } : {}),
  };
}

function rejected(view: DataView, at: number): Fields {
  const record = new Rejected();
  record.wrap(view, at);
  const { clientOrderId, orderId, command, reason } = record;
  return {
    ...optional("symbol", record.symbol),
    ...optional("clientOrderId", clientOrderId),
    ...optional("orderId", orderId),
    command: nameOf(command),
    reason: REJECT_REASON_NAMES[reason],
  };
}

function canceled(view: DataView, at: number, { lot }: CampaignInstrument): Fields {
  const record = new Canceled();
  record.wrap(view, at);
  const quantity = decimalText(record.quantityLots, lot);
  return { ...ids(record), quantity, reason: CANCEL_REASON_NAMES[record.reason] };
}

function reduced(view: DataView, at: number, { lot }: CampaignInstrument): Fields {
  const record = new Reduced();
  record.wrap(view, at);
  return {
    ...ids(record),
    quantity: decimalText(record.quantityLots, lot),
    leavesQuantity: decimalText(record.leavesLots, lot),
  };
}

function replaced(view: DataView, at: number, { tick, lot }: CampaignInstrument): Fields {
  const record = new Replaced();
  record.wrap(view, at);
  const has = (field: number) => (record.present & field) !== 0;
  return {
    ...ids(record),
    quantity: decimalText(record.quantityLots, lot),
    leavesQuantity: decimalText(record.leavesLots, lot),
    priorityKept: record.priorityKept,
    ...(has(OrderField.price) ? { price: decimalText(record.priceTicks, tick) } : {}),
    ...(has(OrderField.stopPrice) ? { stopPrice: decimalText(record.stopPriceTicks, tick) } : {}),
    ...(has(OrderField.displayQuantity)
      ? { displayQuantity: decimalText(record.displayLots, lot) }
      : {}),
  };
}

function triggered(view: DataView, at: number, { tick, lot }: CampaignInstrument): Fields {
  const record = new Triggered();
  record.wrap(view, at);
  return {
    ...ids(record),
    orderType: ORDER_TYPE_NAMES[record.orderType],
    stopPrice: decimalText(record.stopPriceTicks, tick),
    lastPrice: decimalText(record.lastPriceTicks, tick),
    leavesQuantity: decimalText(record.leavesLots, lot),
    ...(record.orderType === OrderType.stopLimit
      ? { price: decimalText(record.priceTicks, tick) }
      : {}),
  };
}

function trade(view: DataView, at: number, instrument: CampaignInstrument): Fields {
  const { tick, lot } = instrument;
  const record = new Trade();
  record.wrap(view, at);
  const aggressor = SIDE_NAMES[record.aggressorSide];
  const fee = (units: number) => decimalText(units, { value: 1, scale: instrument.feeScale });
  const side = (name: string, isTaker: boolean): Fields => {
    const clientOrderId = isTaker ? record.takerClientOrderId : record.makerClientOrderId;
    const leaves = isTaker ? record.takerLeavesLots : record.makerLeavesLots;
    return {
      [`${name}OrderId`]: isTaker ? record.takerOrderId : record.makerOrderId,
      [`${name}Account`]: isTaker ? record.account : record.makerAccount,
      ...optional(`${name}ClientOrderId`, clientOrderId),
      [`${name}LeavesQuantity`]: decimalText(leaves, lot),
      [`${name}Fee`]: fee(isTaker ? record.takerFeeUnits : record.makerFeeUnits),
    };
  };
  return {
    tradeId: record.tradeId,
    price: decimalText(record.priceTicks, tick),
    quantity: decimalText(record.quantityLots, lot),
    aggressorSide: aggressor,
    ...side("buy", aggressor !== "sell"), // in an auction the buyer stands in the taker's place
    ...side("sell", aggressor === "sell"),
  };
}

function fill(view: DataView, at: number, instrument: CampaignInstrument): Fields {
  const { tick, lot } = instrument;
  const record = new Fill();
  record.wrap(view, at);
  return {
    ...ids(record),
    side: SIDE_NAMES[record.side],
    tradeId: record.tradeId,
    price: decimalText(record.priceTicks, tick),
    quantity: decimalText(record.quantityLots, lot),
    leavesQuantity: decimalText(record.leavesLots, lot),
    fee: decimalText(record.feeUnits, { value: 1, scale: instrument.feeScale }),
    liquidity: LIQUIDITY_NAMES[record.liquidity],
  };
}

/** The settings of a whole account, with the limits that the campaign sets. */
function accountSettings(view: DataView, at: number): Fields {
  const record = new Account();
  record.wrap(view, at);
  const { maxOrderQuantity, maxOrderQuantityScale, maxOpenOrders, present } = record;
  const limit = decimalText(maxOrderQuantity, { value: 1, scale: maxOrderQuantityScale });
  return {
    selfTradePrevention: SELF_TRADE_PREVENTION_NAMES[record.selfTradePrevention],
    mode: ACCOUNT_MODE_NAMES[record.mode],
    ...((present & AccountField.maxOrderQuantity) !== 0 ? { maxOrderQuantity: limit } : {}),
    ...((present & AccountField.maxOpenOrders) !== 0 ? { maxOpenOrders } : {}),
    instruments: INSTRUMENT_ACCESS_NAMES[record.instruments],
    killSwitchEngaged: record.killSwitchEngaged,
  };
}

function ids(record: { clientOrderId: number; orderId: number }): Fields {
  return {
    ...optional("clientOrderId", record.clientOrderId),
    ...optional("orderId", record.orderId),
  };
}

/** 0 and the empty text stand for "absent", which JSON shows by leaving the field out. */
function optional(name: string, value: number | string): Fields {
  return value === 0 || value === "" ? {} : { [name]: value };
}
