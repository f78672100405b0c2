// The flash1 matching-engine workload: one instrument, one account, whole ticks and lots.
//
//   0        4      8        12   16        24      28     40
//   | kind   | qty  | message | .. | id      | price | ..   |     kind, side, ioc: a byte each
//
// A modify names the open quantity and always loses its place: a replaceOrder with the flag
// `openQuantity`.
import { CancelOrder, NewOrder, ReplaceOrder } from "../../protocol/generated/commands.ts";
import {
  CommandFlag,
  OrderField,
  OrderType,
  Side,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import { SCALE_TICKS_OR_LOTS } from "../../protocol/terms.ts";
import { ImportError } from "./errors.ts";
import { encodeUnitInstrument } from "./instrument-command.ts";
import type { WorkloadFormat } from "./workload.ts";

const SYMBOL = "FLASH1";
const ACCOUNT = 1;
/** The format's own instrument is the first of its engine. */
const INSTRUMENT_ID = 1;

const KIND_NEW = 0;
const KIND_CANCEL = 1;
const KIND_MODIFY = 2;
const QUANTITY_OFFSET = 4;
const MESSAGE_OFFSET = 8;
const COUNT_OFFSET = 12; // in the file's header
const ID_OFFSET = 16;
const PRICE_OFFSET = 24;

/** The number of a message in the workload, as its report stream names it. */
export function flash1MessageNumber(source: DataView, at: number): number {
  return source.getUint32(at + MESSAGE_OFFSET, true);
}

export class Flash1Format implements WorkloadFormat {
  readonly headerBytes = 16;
  readonly recordBytes = 40;
  readonly #newOrder = new NewOrder();
  readonly #cancelOrder = new CancelOrder();
  readonly #replaceOrder = new ReplaceOrder();
  #isDefined = false;

  messageCount(header: DataView): number {
    return header.getUint32(COUNT_OFFSET, true);
  }

  needsInstrument(): boolean {
    return !this.#isDefined;
  }

  encodeInstrument(_source: DataView, _at: number, view: DataView, offset: number): number {
    this.#isDefined = true;
    return encodeUnitInstrument(SYMBOL, view, offset);
  }

  encode(source: DataView, at: number, view: DataView, offset: number): number {
    const kind = source.getUint8(at);
    if (kind === KIND_NEW) return this.#encodeNew(source, at, view, offset);
    if (kind === KIND_CANCEL) {
      const command = this.#cancelOrder;
      command.wrap(view, offset);
      command.clear();
      command.account = ACCOUNT;
      command.clientOrderId = idOf(source, at);
      return command.blockLength;
    }
    if (kind === KIND_MODIFY) return this.#encodeModify(source, at, view, offset);
    const message = flash1MessageNumber(source, at);
    throw new ImportError("damaged", `message ${message} is of the unknown kind ${kind}`);
  }

  #encodeNew(source: DataView, at: number, view: DataView, offset: number): number {
    const command = this.#newOrder;
    command.wrap(view, offset);
    command.clear();
    command.account = ACCOUNT;
    command.instrumentId = INSTRUMENT_ID;
    command.clientOrderId = idOf(source, at);
    command.side = source.getUint8(at + 1) === 0 ? Side.buy : Side.sell;
    command.orderType = OrderType.limit;
    command.timeInForce = source.getUint8(at + 2) === 0 ? TimeInForce.gtc : TimeInForce.ioc;
    command.quantityLots = source.getUint32(at + QUANTITY_OFFSET, true);
    command.priceTicks = source.getInt32(at + PRICE_OFFSET, true);
    command.present = OrderField.price | OrderField.quantity | OrderField.clientOrderId;
    return command.blockLength;
  }

  #encodeModify(source: DataView, at: number, view: DataView, offset: number): number {
    const command = this.#replaceOrder;
    command.wrap(view, offset);
    command.clear();
    command.account = ACCOUNT;
    command.flags = CommandFlag.openQuantity;
    command.clientOrderId = idOf(source, at);
    command.quantity = source.getUint32(at + QUANTITY_OFFSET, true);
    command.quantityScale = SCALE_TICKS_OR_LOTS;
    command.price = source.getInt32(at + PRICE_OFFSET, true);
    command.priceScale = SCALE_TICKS_OR_LOTS;
    command.present = OrderField.price | OrderField.quantity;
    return command.blockLength;
  }
}

function idOf(source: DataView, at: number): number {
  return (
    source.getUint32(at + ID_OFFSET, true) + source.getUint32(at + ID_OFFSET + 4, true) * TWO_32
  );
}
