// Hot path: no allocation after the start.
import {
  CANCEL_ORDER_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { CommandFlag, OrderField, Verdict } from "../../protocol/generated/enums.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import { COMMAND_BASE, HEADER, TALLY } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import { COMMAND } from "../book/layout.ts";
import type { EventWriter } from "../events/event-writer.ts";
import type { Cancels } from "./cancels.ts";
import type { NewOrders } from "./new-orders.ts";
import type { Replaces } from "./replaces.ts";

const NEW_ORDER = NEW_ORDER_TEMPLATE_ID;
const CANCEL_ORDER = CANCEL_ORDER_TEMPLATE_ID;
const REPLACE_ORDER = REPLACE_ORDER_TEMPLATE_ID;
const PASSED = Verdict.passed;
const PARTS = OrderField.displayQuantity | OrderField.minQuantity | OrderField.expireTime;
/** As it stands in the word that begins with the verdict. */
const BUDGET = CommandFlag.budget << 16;
const { events: EVENTS } = TALLY;
const { eventIndex: EVENT_INDEX } = HEADER;
const BASE = COMMAND_BASE;
const BASE64 = COMMAND_BASE >> 1;
const { seq: SEQ, timestamp: TIMESTAMP, requestId: REQUEST_ID, account: ACCOUNT } = COMMAND;
const { instrumentId: INSTRUMENT, keyNumber: KEY, verdict: VERDICT } = COMMAND;
const { orderId: ORDER_ID, price: PRICE, kinds: KINDS, present: PRESENT } = COMMAND;
const { stopPrice: STOP_PRICE, display: DISPLAY, clientOrderId: CLIENT_ID } = COMMAND;

/** The parts of the engine that a command may go to. */
export interface Destinations {
  readonly newOrders: NewOrders;
  readonly cancels: Cancels;
  readonly replaces: Replaces;
  /** All other commands. */
  readonly administer: (template: number, view: DataView, offset: number) => void;
}

/**
 * Hands each command to where it belongs.
 *
 * This and the other `create…` functions of the hot path are called once: what they find in their
 * closure is then a constant to the compiler, arrays with their place in memory too. In a process
 * with several engines (a test) all of it works as well, at half the speed.
 */
export function createDispatch(book: Book, events: EventWriter, destinations: Destinations) {
  const { words: m, doubles: f } = book.arena;
  const { begin, readFrom, rejected } = events;
  const { newOrders, cancels, replaces, administer } = destinations;
  const applyNewOrder = newOrders.apply;
  const applyReplace = replaces.apply;
  const { cancelOrder, find } = cancels;
  // The memory that the last command came from, as words and as doubles.
  let bound: DataView | undefined;
  let c = m;
  let c64 = f;

  const spare = new DataView(new ArrayBuffer(RECORD_BYTES));

  /** The command at `offset` of `view`. */
  function apply(view: DataView, offset: number): void {
    if (view === bound && (offset & 7) === 0) applyAligned(view, offset);
    else if (((view.byteOffset + offset) & 7) === 0 && (offset & 7) === 0) {
      bind(view);
      applyAligned(view, offset);
    } else {
      applyCopy(view, offset);
    }
  }

  function bind(view: DataView): void {
    bound = view;
    c = new Int32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
    c64 = new Float64Array(view.buffer, view.byteOffset, view.byteLength >> 3);
    readFrom(view);
  }

  /** For a record that does not lie at a multiple of eight bytes. Cold: nobody has such. */
  function applyCopy(view: DataView, offset: number): void {
    const length = view.getUint16(offset, true);
    for (let i = 0; i < length; i++) spare.setUint8(i, view.getUint8(offset + i));
    bind(spare);
    applyAligned(spare, 0);
  }

  function applyAligned(view: DataView, offset: number): void {
    begin(offset);
    const at = offset >> 2;
    const at64 = offset >> 3;
    // Fields of 64 bits go as doubles: below 2^53, none is a NaN, whose bits would not be safe.
    f[BASE64 + (SEQ >> 1)] = c64[at64 + (SEQ >> 1)] as number;
    f[BASE64 + (TIMESTAMP >> 1)] = c64[at64 + (TIMESTAMP >> 1)] as number;
    f[BASE64 + (REQUEST_ID >> 1)] = c64[at64 + (REQUEST_ID >> 1)] as number;
    m[BASE + ACCOUNT] = c[at + ACCOUNT] as number;
    m[BASE + INSTRUMENT] = c[at + INSTRUMENT] as number;
    m[BASE + KEY] = c[at + KEY] as number;
    const template = (c[at] as number) >>> 16;
    const verdict = c[at + VERDICT] as number;
    m[BASE + VERDICT] = verdict;
    if (template <= REPLACE_ORDER) {
      f[BASE64 + (CLIENT_ID >> 1)] = c64[at64 + (CLIENT_ID >> 1)] as number;
      f[BASE64 + (ORDER_ID >> 1)] = c64[at64 + (ORDER_ID >> 1)] as number; // or the quantity
      if (template !== CANCEL_ORDER) {
        m[BASE + PRICE] = c[at + PRICE] as number;
        m[BASE + STOP_PRICE] = c[at + STOP_PRICE] as number;
        m[BASE + KINDS] = c[at + KINDS] as number;
        const present = c[at + PRESENT] as number;
        m[BASE + PRESENT] = present;
        if (template === REPLACE_ORDER || (present & PARTS) !== 0 || (verdict & BUDGET) !== 0) {
          copyParts(at);
        }
      }
    }
    if ((verdict & 255) > PASSED) refuse(template);
    else if (template === NEW_ORDER) applyNewOrder();
    else if (template === CANCEL_ORDER) cancelOrder();
    else if (template === REPLACE_ORDER) applyReplace();
    else administer(template, view, offset);
    f[EVENTS >> 1] = (f[EVENTS >> 1] as number) + (m[EVENT_INDEX] as number);
  }

  /**
   * What few newOrders have (a budget is among it), and every replaceOrder: possibly negative, so
   * word by word.
   */
  function copyParts(at: number): void {
    for (let word = DISPLAY; word < PRICE; word++) m[BASE + word] = c[at + word] as number;
  }

  /** Refused before it came here: the engine only says so, in its place. */
  function refuse(template: number): void {
    const reason = ((m[BASE + VERDICT] as number) >> 8) & 255;
    const order = template === CANCEL_ORDER || template === REPLACE_ORDER ? find() : 0;
    if (order !== 0) {
      rejected(book.instrumentId(order), book.side(order), template, reason);
      return;
    }
    const side = template === NEW_ORDER ? (m[BASE + KINDS] as number) & 255 : 0;
    rejected(m[BASE + INSTRUMENT] as number, side, template, reason);
  }

  return apply;
}
