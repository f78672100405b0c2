import { Arena, COMMAND_BASE } from "../../engine/book/arena.ts";
import { createBook } from "../../engine/book/book.ts";
import { COMMAND, FLAG, ORDER, SUMS } from "../../engine/book/layout.ts";
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { createEventWriter } from "../../engine/events/event-writer.ts";
import { CancelReason, OrderType, Side, TimeInForce } from "../../protocol/generated/enums.ts";
import { EventRingWriter } from "../../protocol/rings/event-ring.ts";
import { createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { MID_TICKS } from "../books/streams.ts";
import { seededRandom } from "../random.ts";
import { type Operation, sink } from "./operations.ts";

const DEPTH = 20;
const ACCOUNTS = 1_000;
const DRAWN = 1 << 16;
const { limit: LIMIT } = OrderType;
const { gtc: GTC } = TimeInForce;

/**
 * The parts that a new order and its cancel are made of, on a book with so many resting orders: each
 * does what the one before does and one thing more. They share one book, so they are to run in a
 * process of their own.
 */
export function engineParts(resting: number): Operation[] {
  const arena = new Arena(DEFAULT_CAPACITY);
  const book = createBook(arena, 1);
  const memory = createPipelineMemory({ commandSlots: 64, eventSlots: 1 << 10, riskWorkers: 1 });
  const ring = new EventRingWriter(memory, [], () => undefined);
  const events = createEventWriter(ring, arena);
  const { words: m, doubles: f, sums } = arena;
  const instrument = arena.claimInstrument();
  const random = seededRandom(1);
  const levels = Math.max(10, resting / DEPTH / 2);
  // Drawn beforehand: sides and prices, and ids that go up.
  const sides = new Int32Array(DRAWN).map(() => (random() < 0.5 ? Side.buy : Side.sell));
  const prices = new Int32Array(DRAWN).map((_, i) => {
    const away = 1 + Math.floor(random() * levels);
    return sides[i] === Side.buy ? MID_TICKS - away : MID_TICKS + away;
  });
  const open = new Int32Array(resting);
  let id = 0;
  let place = 0;

  function fill(order: number): number {
    const draw = ++id & (DRAWN - 1);
    const account = 1 + (id % ACCOUNTS);
    m[order + ORDER.clientLow] = id;
    m[order + ORDER.clientHigh] = 0;
    m[order + ORDER.idLow] = id;
    m[order + ORDER.idHigh] = 0;
    m[order + ORDER.account] = account;
    m[order + ORDER.holder] = book.accounts.findOrAdd(account);
    m[order + ORDER.flags] =
      (sides[draw] as number) | (LIMIT << FLAG.typeShift) | (GTC << FLAG.timeInForceShift);
    f[(order + ORDER.open) >> 1] = 5;
    f[((order >> 2) + sums + SUMS.quantity) >> 1] = 5;
    return prices[draw] as number;
  }

  function enter(): number {
    const order = book.pools.claimOrder();
    const price = fill(order);
    book.rest(order, instrument, price);
    book.remember(order, book.orders.clientHashOf(order));
    return order;
  }

  for (let i = 0; i < resting; i++) open[i] = enter();
  m[COMMAND_BASE + COMMAND.account] = 1;

  /** The order that makes room: any of those that rest. */
  function next(): number {
    place = (place + 7919) % resting;
    return place;
  }

  const name = (what: string) => `${resting.toLocaleString("en-US")} resting: ${what}`;
  return [
    {
      name: name("a record taken, filled and given back"),
      run(times) {
        for (let i = 0; i < times; i++) {
          const order = book.pools.claimOrder();
          sink.value += fill(order);
          book.pools.releaseOrder(order);
        }
      },
    },
    {
      name: name("and put into its queue, and taken out"),
      run(times) {
        for (let i = 0; i < times; i++) {
          const order = book.pools.claimOrder();
          book.rest(order, instrument, fill(order));
          book.unlink(order);
          book.pools.releaseOrder(order);
        }
      },
    },
    {
      name: name("and into both hashes and its account's list, and out"),
      run(times) {
        for (let i = 0; i < times; i++) {
          const order = enter();
          book.unlink(order);
          book.forget(order);
        }
      },
    },
    {
      name: name("and another one found by its client id and taken out in its place"),
      run(times) {
        for (let i = 0; i < times; i++) {
          const at = next();
          const old = open[at] as number;
          const account = m[old + ORDER.account] as number;
          const low = m[old + ORDER.clientLow] as number;
          const hash = book.orders.clientHash(account, low, 0);
          const found = book.orders.findClient(hash, account, low, 0);
          book.unlink(found);
          book.forget(found);
          open[at] = enter();
        }
      },
    },
    {
      name: name("the two events, accepted and canceled"),
      run(times) {
        const order = open[0] as number;
        for (let i = 0; i < times; i++) {
          events.begin(0);
          events.accepted(1, Side.buy, MID_TICKS, LIMIT | (GTC << 8) | (1 << 16));
          events.begin(0);
          events.canceled(1, order, MID_TICKS, CancelReason.requested);
          ring.publish();
        }
      },
    },
  ];
}
