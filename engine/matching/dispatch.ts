// Hot path: no allocation after the start.
import { assert } from "../../protocol/assert.ts";
import {
  CANCEL_ORDER_TEMPLATE_ID,
  NEW_ORDER_TEMPLATE_ID,
  REPLACE_ORDER_TEMPLATE_ID,
} from "../../protocol/generated/commands.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { HEADER, TALLY } from "../book/arena.ts";
import type { Book } from "../book/book.ts";
import type { EventWriter } from "../events/event-writer.ts";
import type { Cancels } from "./cancels.ts";
import type { NewOrders } from "./new-orders.ts";
import type { Replaces } from "./replaces.ts";

const NEW_ORDER = NEW_ORDER_TEMPLATE_ID;
const CANCEL_ORDER = CANCEL_ORDER_TEMPLATE_ID;
const REPLACE_ORDER = REPLACE_ORDER_TEMPLATE_ID;
const PASSED = Verdict.passed;
const { lastSeq: LAST_SEQ } = HEADER;
const { events: EVENTS } = TALLY;

// Words of a command.
const SEQ = 2;
const INSTRUMENT = 9;
const VERDICT = 11; // its low byte; the reason is the next
const SIDE = 24; // of a newOrder

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
  const { begin, count, rejected } = events;
  const { newOrders, cancels, replaces, administer } = destinations;
  const applyNewOrder = newOrders.apply;
  const { cancelOrder } = cancels;
  // The memory that the last command came from, as words.
  let bound: DataView | undefined;
  let c = m;

  /** The command at `offset` of `view`, both multiples of 4 in memory. */
  function apply(view: DataView, offset: number): void {
    if (view !== bound) bind(view);
    const at = offset >> 2;
    begin(c, at);
    m[LAST_SEQ] = c[at + SEQ] as number;
    m[LAST_SEQ + 1] = c[at + SEQ + 1] as number;
    m[LAST_SEQ + 2] = c[at + SEQ + 2] as number; // the time
    m[LAST_SEQ + 3] = c[at + SEQ + 3] as number;
    const template = (c[at] as number) >>> 16;
    if (((c[at + VERDICT] as number) & 255) > PASSED) refuse(template, at);
    else if (template === NEW_ORDER) applyNewOrder(c, at);
    else if (template === CANCEL_ORDER) cancelOrder(c, at);
    else if (template === REPLACE_ORDER) replaces.apply(c, at, view, offset);
    else administer(template, view, offset);
    f[EVENTS >> 1] = (f[EVENTS >> 1] as number) + count();
  }

  function bind(view: DataView): void {
    assert((view.byteOffset & 3) === 0, "commands lie at multiples of four bytes");
    bound = view;
    c = new Int32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
  }

  /** Refused before it came here: the engine only says so, in its place. */
  function refuse(template: number, at: number): void {
    const reason = ((c[at + VERDICT] as number) >> 8) & 255;
    const named = template === CANCEL_ORDER || template === REPLACE_ORDER;
    const order = named ? cancels.find(c, at) : 0;
    if (order !== 0) {
      rejected(book.instrumentId(order), book.side(order), template, reason);
      return;
    }
    const side = template === NEW_ORDER ? (c[at + SIDE] as number) & 255 : 0;
    rejected(c[at + INSTRUMENT] as number, side, template, reason);
  }

  return apply;
}
