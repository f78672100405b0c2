// The report stream of the flash1 workload, made from our events, and its SHA-256.
//
//   0,message,side,id,price,quantity     accepted, before its trades
//   1,message,price,quantity,maker,taker trade
//   2,message,side,id,price              canceled, or the rest of an ioc
//   3,message,side,id,price,quantity     modified: after its trades
//   4,message,id                         cancel of an order that is not there
//   5,message,id                         modify of an order that is not there
import { createHash } from "node:crypto";
import { CANCEL_ORDER_TEMPLATE_ID } from "../../protocol/generated/commands.ts";
import { Side } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_TEMPLATE_ID,
  Accepted,
  CANCELED_TEMPLATE_ID,
  Canceled,
  REJECTED_TEMPLATE_ID,
  REPLACED_TEMPLATE_ID,
  Rejected,
  Replaced,
  TRADE_TEMPLATE_ID,
  Trade,
} from "../../protocol/generated/events.ts";
import { flash1MessageNumber } from "./flash1.ts";
import type { WorkloadReport } from "./workload.ts";

const FLUSH_CHARACTERS = 1 << 16;

export class Flash1Report implements WorkloadReport {
  readonly #hash = createHash("sha256");
  readonly #accepted = new Accepted();
  readonly #trade = new Trade();
  readonly #canceled = new Canceled();
  readonly #replaced = new Replaced();
  readonly #rejected = new Rejected();
  #text = "";
  #message = 0;
  #held = ""; // a line that comes after the trades
  #isEmpty = true;

  begin(source: DataView, at: number): void {
    this.#end();
    this.#message = flash1MessageNumber(source, at);
  }

  onEvent(view: DataView, offset: number): void {
    const message = this.#message;
    switch (view.getUint16(offset + 2, true)) {
      case ACCEPTED_TEMPLATE_ID: {
        const event = this.#accepted;
        event.wrap(view, offset);
        const side = event.side === Side.buy ? 0 : 1;
        this.#line(
          `0,${message},${side},${event.clientOrderId},${event.priceTicks},${event.quantityLots}`,
        );
        break;
      }
      case TRADE_TEMPLATE_ID: {
        const event = this.#trade;
        event.wrap(view, offset);
        const ids = `${event.makerClientOrderId},${event.takerClientOrderId}`;
        this.#line(`1,${message},${event.priceTicks},${event.quantityLots},${ids}`);
        break;
      }
      case CANCELED_TEMPLATE_ID: {
        const event = this.#canceled;
        event.wrap(view, offset);
        const side = event.side === Side.buy ? 0 : 1;
        this.#line(`2,${message},${side},${event.clientOrderId},${event.priceTicks}`);
        break;
      }
      case REPLACED_TEMPLATE_ID: {
        const event = this.#replaced;
        event.wrap(view, offset);
        const side = event.side === Side.buy ? 0 : 1;
        this.#held = `3,${message},${side},${event.clientOrderId},${event.priceTicks},${event.leavesLots}`;
        break;
      }
      case REJECTED_TEMPLATE_ID: {
        const event = this.#rejected;
        event.wrap(view, offset);
        const kind = event.command === CANCEL_ORDER_TEMPLATE_ID ? 4 : 5;
        this.#line(`${kind},${message},${event.clientOrderId}`);
        break;
      }
      default:
    }
  }

  /** SHA-256 of the stream, in hexadecimal digits. */
  result(): string {
    this.#end();
    return this.#hash.update(this.#text).digest("hex");
  }

  #end(): void {
    if (this.#held === "") return;
    this.#line(this.#held);
    this.#held = "";
  }

  #line(text: string): void {
    this.#text += this.#isEmpty ? text : `\n${text}`;
    this.#isEmpty = false;
    if (this.#text.length < FLUSH_CHARACTERS) return;
    this.#hash.update(this.#text);
    this.#text = "";
  }
}
