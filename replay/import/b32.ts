// Generated order flow in 32-byte commands: many instruments and accounts, whole ticks and lots.
//
//   0      1      2        4         8       12    16         24       32
//   | type | side | symbol | account | price | qty | order id | unused |
//
// type: 1 limit gtc, 2 cancel, 3 replace (price and open quantity, loses its place), 4 market,
// 5 limit ioc. Order ids are the clientOrderIds of their accounts.
import { CancelOrder, NewOrder, ReplaceOrder } from "../../protocol/generated/commands.ts";
import {
  CommandFlag,
  OrderField,
  OrderType,
  Side,
  TimeInForce,
} from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  CANCELED_TEMPLATE_ID,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { TWO_32 } from "../../protocol/generated/support.ts";
import { SCALE_TICKS_OR_LOTS } from "../../protocol/terms.ts";
import { ImportError } from "./errors.ts";
import { encodeUnitInstrument } from "./instrument-command.ts";
import type { WorkloadFormat, WorkloadReport } from "./workload.ts";

const TYPE_LIMIT = 1;
const TYPE_CANCEL = 2;
const TYPE_REPLACE = 3;
const TYPE_MARKET = 4;
const TYPE_IOC = 5;
const SYMBOL_OFFSET = 2;
const ACCOUNT_OFFSET = 4;
const PRICE_OFFSET = 8;
const QUANTITY_OFFSET = 12;
const ID_OFFSET = 16;

export class B32Format implements WorkloadFormat {
  readonly headerBytes = 0;
  readonly recordBytes = 32;
  /** By symbol number; 0: not defined yet. */
  readonly #instrumentIds = new Uint32Array(65536);
  #instruments = 0;
  readonly #newOrder = new NewOrder();
  readonly #cancelOrder = new CancelOrder();
  readonly #replaceOrder = new ReplaceOrder();

  messageCount(): undefined {
    return undefined;
  }

  needsInstrument(source: DataView, at: number): boolean {
    return this.#instrumentIds[source.getUint16(at + SYMBOL_OFFSET, true)] === 0;
  }

  encodeInstrument(source: DataView, at: number, view: DataView, offset: number): number {
    const symbol = source.getUint16(at + SYMBOL_OFFSET, true);
    this.#instruments++;
    this.#instrumentIds[symbol] = this.#instruments;
    return encodeUnitInstrument(`S${symbol}`, view, offset);
  }

  encode(source: DataView, at: number, view: DataView, offset: number): number {
    const type = source.getUint8(at);
    switch (type) {
      case TYPE_LIMIT:
      case TYPE_MARKET:
      case TYPE_IOC:
        return this.#encodeNew(type, source, at, view, offset);
      case TYPE_CANCEL: {
        const command = this.#cancelOrder;
        command.wrap(view, offset);
        command.clear();
        command.account = source.getUint32(at + ACCOUNT_OFFSET, true);
        command.clientOrderId = idOf(source, at);
        return command.blockLength;
      }
      case TYPE_REPLACE:
        return this.#encodeReplace(source, at, view, offset);
      default:
        throw new ImportError("damaged", `a command is of the unknown type ${type}`);
    }
  }

  #encodeNew(type: number, source: DataView, at: number, view: DataView, offset: number): number {
    const command = this.#newOrder;
    command.wrap(view, offset);
    command.clear();
    command.account = source.getUint32(at + ACCOUNT_OFFSET, true);
    command.instrumentId = this.#instrumentIds[
      source.getUint16(at + SYMBOL_OFFSET, true)
    ] as number;
    command.clientOrderId = idOf(source, at);
    command.side = source.getUint8(at + 1) === 0 ? Side.buy : Side.sell;
    command.quantityLots = source.getUint32(at + QUANTITY_OFFSET, true);
    let present: number = OrderField.quantity | OrderField.clientOrderId;
    if (type === TYPE_MARKET) command.orderType = OrderType.market;
    else {
      command.orderType = OrderType.limit;
      command.priceTicks = source.getUint32(at + PRICE_OFFSET, true);
      present |= OrderField.price;
    }
    command.timeInForce = type === TYPE_LIMIT ? TimeInForce.gtc : TimeInForce.ioc;
    command.present = present;
    return command.blockLength;
  }

  #encodeReplace(source: DataView, at: number, view: DataView, offset: number): number {
    const command = this.#replaceOrder;
    command.wrap(view, offset);
    command.clear();
    command.account = source.getUint32(at + ACCOUNT_OFFSET, true);
    command.flags = CommandFlag.openQuantity;
    command.clientOrderId = idOf(source, at);
    command.quantity = source.getUint32(at + QUANTITY_OFFSET, true);
    command.quantityScale = SCALE_TICKS_OR_LOTS;
    command.price = source.getUint32(at + PRICE_OFFSET, true);
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

const HASH_START = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;

/** Trades, traded quantity, resting orders and a hash over all fills, as the generator counts them. */
export class B32Report implements WorkloadReport {
  readonly #trade = new Trade();
  #trades = 0;
  #quantity = 0;
  #resting = 0;
  #hash = HASH_START;

  begin(): void {
    // Nothing in this report is about one message.
  }

  onEvent(view: DataView, offset: number): void {
    switch (view.getUint16(offset + 2, true)) {
      case ACCEPTED_TEMPLATE_ID:
        this.#resting++;
        break;
      case CANCELED_TEMPLATE_ID:
        this.#resting--;
        break;
      case TRADE_TEMPLATE_ID:
        this.#onTrade(view, offset);
        break;
      default:
    }
  }

  /** A JSON object with the keys of the generator's own answer. */
  result(): string {
    const hash = (this.#hash >>> 0).toString(16).padStart(8, "0");
    const [trades, qty, resting] = [this.#trades, this.#quantity, this.#resting];
    return JSON.stringify({ trades, qty, resting, hash });
  }

  #onTrade(view: DataView, offset: number): void {
    const trade = this.#trade;
    trade.wrap(view, offset);
    this.#trades++;
    this.#quantity += trade.quantityLots;
    if (trade.takerLeavesLots === 0) this.#resting--;
    if (trade.makerLeavesLots === 0) this.#resting--;
    this.#mix(trade.takerClientOrderId);
    this.#mix(trade.makerClientOrderId);
    this.#mix(trade.priceTicks);
    this.#mix(trade.quantityLots);
  }

  #mix(word: number): void {
    this.#hash = Math.imul(this.#hash ^ word, HASH_FACTOR);
  }
}
