// Hot path for newOrder, cancelOrder and replaceOrder; the others take the long way round.
import {
  CANCEL_ORDER_TEMPLATE_ID,
  CancelOrder,
  DEFINE_INSTRUMENT_TEMPLATE_ID,
  DefineInstrument,
  MASS_CANCEL_TEMPLATE_ID,
  MassCancel,
  NEW_ORDER_TEMPLATE_ID,
  NewOrder,
  REPLACE_ORDER_TEMPLATE_ID,
  ReplaceOrder,
  SESSION_START_TEMPLATE_ID,
  SET_ACCOUNT_TEMPLATE_ID,
  SET_MARKET_STATE_TEMPLATE_ID,
  SetAccount,
  SetMarketState,
} from "../../protocol/generated/commands.ts";
import {
  AccountField,
  CommandFlag,
  InstrumentField,
  OrderField,
  OrderType,
  RejectReason,
  Side,
  TimeInForce,
  Verdict,
} from "../../protocol/generated/enums.ts";
import { COMMAND_HEADER_FLAGS_OFFSET, CommandHeader } from "../../protocol/generated/headers.ts";
import { LAYOUTS } from "../../protocol/generated/layouts.ts";
import { BLOCK_LENGTHS } from "../../protocol/generated/messages.ts";
import type { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { decodeCommand } from "../../protocol/json/decode-command.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import { CommandError, invalid } from "../../protocol/json/errors.ts";
import { checkRecord } from "../../protocol/record-check.ts";
import { SCALE_TICKS_OR_LOTS } from "../../protocol/terms.ts";

const header = new CommandHeader();
const newOrder = new NewOrder();
const cancelOrder = new CancelOrder();
const replaceOrder = new ReplaceOrder();
const massCancel = new MassCancel();
const setMarketState = new SetMarketState();
const defineInstrument = new DefineInstrument();
const setAccount = new SetAccount();

/**
 * Takes a binary command from `source`, whose message header is right (see messageLength), and
 * writes the record that is to be sequenced at `offset` of `view`. As strict as its JSON twin
 * `encodeCommand`, and with the same result: the same command gives the same bytes in both
 * encodings. Throws a CommandError; the record means nothing then.
 */
export function copyBinaryCommand(
  source: DataView,
  sourceOffset: number,
  view: DataView,
  offset: number,
  directory: InstrumentDirectory,
  admin: boolean,
): void {
  const wrong = checkRecord(source, sourceOffset);
  if (wrong !== null) throw new CommandError("malformed", wrong);
  header.wrap(source, sourceOffset);
  if (
    header.seq !== 0 ||
    header.timestampUs !== 0 ||
    header.keyNumber !== 0 ||
    header.verdict !== Verdict.pending ||
    header.reason !== RejectReason.none ||
    (header.flags & ~CommandFlag.receipt) !== 0
  ) {
    throw new CommandError(
      "malformed",
      "seq, timestampUs, keyNumber, verdict, reason and flags (but for receipt) must be zero",
    );
  }
  switch (header.templateId) {
    case NEW_ORDER_TEMPLATE_ID:
      copy(source, sourceOffset, view, offset);
      finishNewOrder(view, offset, directory);
      break;
    case CANCEL_ORDER_TEMPLATE_ID:
      copy(source, sourceOffset, view, offset);
      cancelOrder.wrap(view, offset);
      namesNoInstrument();
      finishOrderReference(cancelOrder);
      break;
    case REPLACE_ORDER_TEMPLATE_ID:
      copy(source, sourceOffset, view, offset);
      finishReplaceOrder(view, offset);
      break;
    default:
      convert(source, sourceOffset, view, offset, directory, admin);
  }
}

/** Without the wish for a receipt, which is no part of what happens. */
function copy(source: DataView, sourceOffset: number, view: DataView, offset: number): void {
  const bytes = BLOCK_LENGTHS[header.templateId] as number;
  for (let i = 0; i < bytes; i += 4) {
    view.setInt32(offset + i, source.getInt32(sourceOffset + i, true), true);
  }
  view.setUint8(offset + COMMAND_HEADER_FLAGS_OFFSET, 0);
}

function finishNewOrder(view: DataView, offset: number, directory: InstrumentDirectory): void {
  const order = newOrder;
  order.wrap(view, offset);
  const present = order.present;
  if (order.side === Side.none) throw invalid("side is missing");
  if (order.orderType === OrderType.none) throw invalid("orderType is missing");
  needsBit(present, OrderField.price, order.priceTicks, "priceTicks");
  needsBit(present, OrderField.stopPrice, order.stopPriceTicks, "stopPriceTicks");
  needsBit(present, OrderField.displayQuantity, order.displayLots, "displayLots");
  needsBit(present, OrderField.minQuantity, order.minLots, "minLots");
  needsValue(present, OrderField.expireTime, order.expireTimeUs, "expireTimeUs");
  needsValue(present, OrderField.clientOrderId, order.clientOrderId, "clientOrderId");
  if (order.timeInForce === TimeInForce.none) {
    order.timeInForce = order.orderType === OrderType.market ? TimeInForce.ioc : TimeInForce.gtc;
  }
  findInstrument(order, directory);
  let counted = present | OrderField.quantity;
  if (order.quantityLots === 0) {
    refuse(RejectReason.invalidQuantity, order);
    counted &= ~OrderField.quantity;
  }
  if ((present & OrderField.displayQuantity) !== 0 && order.displayLots === 0) {
    refuse(RejectReason.invalidQuantity, order);
    counted &= ~OrderField.displayQuantity;
  }
  if ((present & OrderField.minQuantity) !== 0 && order.minLots === 0) {
    refuse(RejectReason.invalidQuantity, order);
    counted &= ~OrderField.minQuantity;
  }
  order.present = counted;
}

/** By instrumentId, or by symbol where that is 0; unknown ones are sequenced with their refusal. */
function findInstrument(order: NewOrder, directory: InstrumentDirectory): void {
  const named = order.symbol !== "";
  if (order.instrumentId !== 0) {
    if (named) throw invalid("instrumentId and symbol do not go together");
    if (directory.get(order.instrumentId) !== undefined) return;
    order.instrumentId = 0;
  } else {
    if (!named) throw invalid("instrumentId or symbol is missing");
    const id = directory.idOf(order.symbol);
    if (id !== 0) {
      order.instrumentId = id;
      order.symbol = "";
      return;
    }
  }
  refuse(RejectReason.unknownSymbol, order);
}

/** The first refusal counts. */
function refuse(reason: RejectReason, record: { verdict: Verdict; reason: RejectReason }): void {
  if (record.verdict !== Verdict.pending) return;
  record.verdict = Verdict.refusedAtEntry;
  record.reason = reason;
}

function needsBit(present: number, bit: number, value: number, name: string): void {
  if (value !== 0 && (present & bit) === 0) throw withoutBit(name);
}

/** As needsBit, where 0 is no value. */
function needsValue(present: number, bit: number, value: number, name: string): void {
  needsBit(present, bit, value, name);
  if (value === 0 && (present & bit) !== 0) throw invalid(`${name} must be at least 1`);
}

function withoutBit(name: string): CommandError {
  return invalid(`${name} is set, but not its bit in present`);
}

function finishOrderReference(record: {
  readonly clientOrderId: number;
  readonly orderId: number;
  verdict: Verdict;
  reason: RejectReason;
}): void {
  const { clientOrderId, orderId } = record;
  if (clientOrderId === 0 && orderId === 0) throw invalid("clientOrderId or orderId is missing");
  if (clientOrderId !== 0 && orderId !== 0) refuse(RejectReason.invalidCombination, record);
}

const REPLACEABLE =
  OrderField.price | OrderField.stopPrice | OrderField.quantity | OrderField.displayQuantity;

function namesNoInstrument(): void {
  if (header.instrumentId !== 0) throw invalid("instrumentId must be zero in this command");
}

/** By its id or by its symbol: one of the two would be believed unseen. */
function namesOneInstrument(symbol: string): void {
  if (header.instrumentId !== 0 && symbol !== "") {
    throw invalid("instrumentId and symbol do not go together");
  }
}

function finishReplaceOrder(view: DataView, offset: number): void {
  namesNoInstrument();
  const order = replaceOrder;
  order.wrap(view, offset);
  const present = order.present;
  finishOrderReference(order);
  if ((present & ~REPLACEABLE) !== 0) {
    throw invalid("present may name price, stopPrice, quantity and displayQuantity only");
  }
  needsBit(present, OrderField.price, order.price || order.priceScale, "price");
  needsBit(present, OrderField.stopPrice, order.stopPrice || order.stopPriceScale, "stopPrice");
  needsBit(present, OrderField.quantity, order.quantity || order.quantityScale, "quantity");
  needsBit(
    present,
    OrderField.displayQuantity,
    order.displayQuantity || order.displayQuantityScale,
    "displayQuantity",
  );
}

/** Rare commands go through their JSON form, so that there is one set of rules for both. */
function convert(
  source: DataView,
  sourceOffset: number,
  view: DataView,
  offset: number,
  directory: InstrumentDirectory,
  admin: boolean,
): void {
  const templateId = header.templateId;
  if (templateId >= SESSION_START_TEMPLATE_ID) {
    throw new CommandError("notAuthorized", "the sequencer's own commands are not for clients");
  }
  if (templateId === DEFINE_INSTRUMENT_TEMPLATE_ID) {
    defineInstrument.wrap(source, sourceOffset);
    checkBits(defineInstrument, InstrumentField);
    namesNoInstrument();
  } else if (templateId === SET_ACCOUNT_TEMPLATE_ID) {
    setAccount.wrap(source, sourceOffset);
    checkBits(setAccount, AccountField);
    if ((setAccount.cleared & AccountField.symbol) !== 0) throw invalid("symbol cannot be cleared");
    if ((setAccount.present & AccountField.symbol) === 0) namesNoInstrument();
    else {
      namesOneInstrument(setAccount.symbol);
      // Without it, what was meant for one instrument would hold for the whole account.
      if (header.instrumentId === 0 && setAccount.symbol === "") {
        throw invalid("instrumentId or symbol is missing, and present names it");
      }
    }
  } else if (templateId === MASS_CANCEL_TEMPLATE_ID) {
    massCancel.wrap(source, sourceOffset);
    namesOneInstrument(massCancel.symbol);
  } else if (templateId === SET_MARKET_STATE_TEMPLATE_ID) {
    setMarketState.wrap(source, sourceOffset);
    namesOneInstrument(setMarketState.symbol);
  } else namesNoInstrument();
  checkScales(source, sourceOffset, templateId);
  const json = decodeCommand(source, sourceOffset, directory);
  encodeCommand(json, directory, view, offset, { admin, accountRequired: false });
}

/** Ticks and lots in the place of a decimal are for replaceOrder, whose order says what they are. */
function checkScales(view: DataView, offset: number, templateId: number): void {
  for (const field of LAYOUTS.get(templateId) ?? []) {
    if (!field.name.endsWith("Scale")) continue;
    if (view.getUint8(offset + field.offset) !== SCALE_TICKS_OR_LOTS) continue;
    throw invalid(`${field.name} must be a number of decimals in this command`);
  }
}

/** Fields without their bit must be zero; `cleared` names fields that `present` names too. */
function checkBits(
  record: {
    readonly view: DataView;
    readonly offset: number;
    readonly templateId: number;
    readonly present: number;
    readonly cleared: number;
  },
  bits: Readonly<Record<string, number>>,
): void {
  const { view, offset, templateId, present, cleared } = record;
  if ((cleared & ~present) !== 0) throw invalid("cleared names fields that present does not name");
  const named = Object.entries(bits);
  for (const field of LAYOUTS.get(templateId) ?? []) {
    // tickSizeScale belongs to tickSize, orderRateBurst to orderRate.
    const owner = named.find(([name]) => field.name.startsWith(name));
    if (owner === undefined || (present & ~cleared & owner[1]) !== 0) continue;
    for (let i = 0; i < field.bytes; i++) {
      if (view.getUint8(offset + field.offset + i) !== 0) throw withoutBit(field.name);
    }
  }
}
