import {
  INSTRUMENT_LENGTH,
  INSTRUMENT_STATE_OFFSET,
  INSTRUMENT_TEMPLATE_ID,
  MARKET_STATE_CHANGED_STATE_OFFSET,
  MARKET_STATE_CHANGED_TEMPLATE_ID,
} from "../../protocol/generated/events.ts";
import {
  EVENT_HEADER_INSTRUMENT_ID_OFFSET,
  EVENT_HEADER_KEY_TAG_OFFSET,
  EVENT_HEADER_REQUEST_ID_OFFSET,
  EVENT_HEADER_SEQ_OFFSET,
} from "../../protocol/generated/headers.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import type { EventListener } from "../stage/gateway-stage.ts";
import type { Holdings } from "./holdings.ts";
import { OrderTracker, type RestingBook } from "./order-tracker.ts";

/** What the gateway knows of the engine's state, built from events alone. */
export class Views implements EventListener {
  readonly directory = new InstrumentDirectory();
  readonly orders: OrderTracker;
  readonly holdings: Holdings;
  /**
   * The instruments' last `instrument` events, with the state that now holds, by id. Their seq is 0:
   * as rows of an answer they must not pass for events. Nor do they say whose command it was.
   */
  readonly definitions = new Map<number, Uint8Array>();

  constructor(book: RestingBook, holdings: Holdings) {
    this.holdings = holdings;
    this.orders = new OrderTracker(book);
  }

  onEvent(view: DataView, offset: number): void {
    this.directory.onEvent(view, offset);
    this.orders.onEvent(view, offset);
    this.holdings.onEvent(view, offset);
    this.#keepDefinition(view, offset);
  }

  onCommandsComplete(): void {
    this.orders.endCommand();
  }

  onRoundEnd(): void {}

  #keepDefinition(view: DataView, offset: number): void {
    const templateId = view.getUint16(offset + 2, true);
    if (templateId !== INSTRUMENT_TEMPLATE_ID && templateId !== MARKET_STATE_CHANGED_TEMPLATE_ID) {
      return;
    }
    const id = view.getUint32(offset + EVENT_HEADER_INSTRUMENT_ID_OFFSET, true);
    if (templateId === INSTRUMENT_TEMPLATE_ID) {
      const start = view.byteOffset + offset;
      const bytes = new Uint8Array(view.buffer, start, INSTRUMENT_LENGTH).slice();
      bytes.fill(0, EVENT_HEADER_SEQ_OFFSET, EVENT_HEADER_SEQ_OFFSET + 8);
      bytes.fill(0, EVENT_HEADER_REQUEST_ID_OFFSET, EVENT_HEADER_REQUEST_ID_OFFSET + 8);
      bytes.fill(0, EVENT_HEADER_KEY_TAG_OFFSET, EVENT_HEADER_KEY_TAG_OFFSET + 2);
      this.definitions.set(id, bytes);
      return;
    }
    const definition = this.definitions.get(id);
    if (definition === undefined) return;
    definition[INSTRUMENT_STATE_OFFSET] = view.getUint8(offset + MARKET_STATE_CHANGED_STATE_OFFSET);
  }
}
