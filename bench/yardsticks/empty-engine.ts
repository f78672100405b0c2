// Hot path: no allocation here.
import { Engine, type EngineCapacity } from "../../engine/engine.ts";
import {
  CANCEL_ORDER_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { CancelReason, RejectReason, Verdict } from "../../protocol/generated/enums.ts";
import {
  ACCEPTED_LENGTH,
  ACCEPTED_TEMPLATE_ID,
  CANCELED_LENGTH,
  CANCELED_TEMPLATE_ID,
  REJECTED_LENGTH,
  REJECTED_TEMPLATE_ID,
} from "../../protocol/generated/events.ts";
import { SCHEMA_WORD } from "../../protocol/generated/support.ts";
import type { EventRingWriter } from "../../protocol/rings/event-ring.ts";

// Words of a command's header and of the two records that are answered here.
const SEQ = 2;
const TIMESTAMP = 4;
const REQUEST_ID = 6;
const ACCOUNT = 8;
const INSTRUMENT = 9;
const KEY = 10;
const VERDICT = 11; // lowest byte
const CLIENT_ORDER_ID = 12;
const QUANTITY_OR_ORDER_ID = 14;
const PRICE = 22;
const TERMS = 24; // side, order type, time in force, self-trade prevention
const PRESENT = 25; // lowest byte

const ACCEPTED = ACCEPTED_LENGTH | (ACCEPTED_TEMPLATE_ID << 16);
const CANCELED = CANCELED_LENGTH | (CANCELED_TEMPLATE_ID << 16);
const REJECTED = REJECTED_LENGTH | (REJECTED_TEMPLATE_ID << 16);
const HAS_MORE = ~0;

/** What the benches ask of an engine: the real one, or an empty one. */
export interface BenchEngine {
  apply(view: DataView, offset: number): void;
  readonly eventCount: number;
  readonly tradeCount: number;
}

/**
 * Bench only: an engine without a book. A new order is accepted and canceled at once, a cancel finds
 * no order; everything else goes to a real engine. So a pipeline around it does all its work but
 * matching, and what that costs is the difference.
 */
export class EmptyEngine implements BenchEngine {
  readonly tradeCount = 0;
  readonly #engine: Engine;
  readonly #events: EventRingWriter;
  readonly #out: Int32Array;
  #commands = new DataView(new ArrayBuffer(0)) as DataView;
  #in = new Int32Array(0) as Int32Array;
  #eventCount = 0;

  constructor(capacity: EngineCapacity, events: EventRingWriter) {
    this.#engine = new Engine(capacity, events);
    this.#events = events;
    const { view } = events;
    this.#out = new Int32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
  }

  get eventCount(): number {
    return this.#eventCount + this.#engine.eventCount;
  }

  /** offset, and where the view starts in its buffer, must be multiples of 4. */
  apply(view: DataView, offset: number): void {
    if (view !== this.#commands) {
      this.#commands = view;
      this.#in = new Int32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
    }
    const at = offset >> 2;
    const templateId = (this.#in[at] as number) >>> 16;
    if (templateId === NEW_ORDER_TEMPLATE_ID) this.#order(at);
    else if (templateId === CANCEL_ORDER_TEMPLATE_ID) {
      this.#reject(at, templateId, RejectReason.unknownOrder);
    } else this.#engine.apply(view, offset);
  }

  #order(at: number): void {
    const c = this.#in;
    const verdict = c[at + VERDICT] as number;
    if ((verdict & 0xff) !== Verdict.passed) {
      this.#reject(at, NEW_ORDER_TEMPLATE_ID, (verdict >> 8) & 0xff);
      return;
    }
    const e = this.#out;
    const terms = c[at + TERMS] as number;
    const side = terms & 0xff;
    let to = this.#begin(at, ACCEPTED, 0, side);
    e[to + 14] = c[at + SEQ] as number;
    e[to + 15] = c[at + SEQ + 1] as number;
    e[to + 16] = c[at + QUANTITY_OR_ORDER_ID] as number;
    e[to + 17] = c[at + QUANTITY_OR_ORDER_ID + 1] as number;
    for (let i = 18; i < 24; i++) e[to + i] = 0;
    e[to + 24] = c[at + PRICE] as number;
    e[to + 25] = 0;
    e[to + 26] = (terms >>> 8) | ((c[at + PRESENT] as number) << 24);
    e[to + 27] = 0;
    to = this.#begin(at, CANCELED, 1, side);
    e[to + 14] = c[at + SEQ] as number;
    e[to + 15] = c[at + SEQ + 1] as number;
    e[to + 16] = c[at + QUANTITY_OR_ORDER_ID] as number;
    e[to + 17] = c[at + QUANTITY_OR_ORDER_ID + 1] as number;
    e[to + 18] = c[at + PRICE] as number;
    e[to + 19] = CancelReason.requested | (((terms >> 8) & 0xff) << 8);
  }

  #reject(at: number, templateId: number, reason: number): void {
    const c = this.#in;
    const e = this.#out;
    const isOrder = templateId === NEW_ORDER_TEMPLATE_ID;
    const to = this.#begin(at, REJECTED, 0, isOrder ? (c[at + TERMS] as number) & 0xff : 0);
    const idMask = isOrder ? 0 : HAS_MORE;
    e[to + 14] = (c[at + QUANTITY_OR_ORDER_ID] as number) & idMask;
    e[to + 15] = (c[at + QUANTITY_OR_ORDER_ID + 1] as number) & idMask;
    for (let i = 16; i < 20; i++) e[to + i] = 0;
    e[to + 20] = templateId | (reason << 8);
    e[to + 21] = 0;
  }

  /** Claims an event's place; writes its header and the client order id behind it. */
  #begin(at: number, head: number, index: number, side: number): number {
    const c = this.#in;
    const e = this.#out;
    const to = this.#events.claim() >> 2;
    this.#events.commit();
    this.#eventCount++;
    e[to] = head;
    e[to + 1] = SCHEMA_WORD;
    for (let i = 0; i < 2; i++) {
      e[to + 2 + i] = c[at + SEQ + i] as number;
      e[to + 4 + i] = c[at + TIMESTAMP + i] as number;
      e[to + 6 + i] = c[at + REQUEST_ID + i] as number;
      e[to + 12 + i] = c[at + CLIENT_ORDER_ID + i] as number;
    }
    e[to + 8] = index;
    e[to + 9] = c[at + INSTRUMENT] as number;
    e[to + 10] = c[at + ACCOUNT] as number;
    e[to + 11] = (side << 8) | ((c[at + KEY] as number) << 16);
    return to;
  }
}
