// Books that somebody made to be slow, and an ordinary one to compare them with.
import { CancelOrder, NewOrder, ReplaceOrder } from "../../protocol/generated/commands.ts";
import { OrderField, OrderType, Side, TimeInForce } from "../../protocol/generated/enums.ts";
import { SCALE_TICKS_OR_LOTS } from "../../protocol/terms.ts";
import { encodeUnitInstrument } from "../../replay/import/instrument-command.ts";
import { seededRandom } from "../random.ts";
import { CommandBuilder } from "../workloads/command-builder.ts";

/** Commands for one instrument and the part of them that is timed. */
export interface BookStream {
  readonly view: DataView;
  readonly offsets: Uint32Array;
  readonly count: number;
  /** The first commands build the book and are not timed. */
  readonly untimed: number;
  readonly massCancels: readonly number[];
}

const ACCOUNTS = 100;
const MOST = 2 ** 31 - 1;

/** The middle of the prices of an ordinary book. */
export const MID_TICKS = 1_000_000;

/** Writes commands by what they mean; all orders are of one instrument. */
export class StreamWriter {
  readonly random: () => number;
  readonly #builder: CommandBuilder;
  readonly #order = new NewOrder();
  readonly #cancel = new CancelOrder();
  readonly #replace = new ReplaceOrder();
  #untimed = 0;
  #id = 0;

  constructor(commands: number, seed: number) {
    this.random = seededRandom(seed);
    this.#builder = new CommandBuilder(commands + 1);
    this.#builder.add(-1, (view, offset) => encodeUnitInstrument("BENCH", view, offset));
  }

  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  /** Returns its client order id: the next one where none is given. */
  limit(side: Side, price: number, lots: number, id = ++this.#id): number {
    return this.#new({ side, priceTicks: price, quantityLots: lots }, OrderField.price, id);
  }

  market(side: Side, lots: number): number {
    return this.#new({ side, quantityLots: lots, orderType: OrderType.market }, 0);
  }

  stop(side: Side, stopPrice: number, lots: number): number {
    const terms = { side, stopPriceTicks: stopPrice, quantityLots: lots };
    return this.#new({ ...terms, orderType: OrderType.stop }, OrderField.stopPrice);
  }

  iceberg(side: Side, price: number, lots: number, display: number): number {
    const terms = { side, priceTicks: price, quantityLots: lots, displayLots: display };
    return this.#new(terms, OrderField.price | OrderField.displayQuantity);
  }

  cancel(id: number): void {
    this.#builder.add(-1, (view, offset) => {
      this.#cancel.wrap(view, offset);
      this.#cancel.clear();
      this.#cancel.account = accountOf(id);
      this.#cancel.clientOrderId = id;
      return this.#cancel.blockLength;
    });
  }

  replacePrice(id: number, price: number): void {
    this.#builder.add(-1, (view, offset) => {
      const command = this.#replace;
      command.wrap(view, offset);
      command.clear();
      command.account = accountOf(id);
      command.clientOrderId = id;
      command.price = price;
      command.priceScale = SCALE_TICKS_OR_LOTS;
      command.present = OrderField.price;
      return command.blockLength;
    });
  }

  get count(): number {
    return this.#builder.count;
  }

  /** What comes now is timed. */
  startClock(): void {
    this.#untimed = this.#builder.count;
  }

  build(): BookStream {
    return { ...this.#builder.build("book"), untimed: this.#untimed };
  }

  #new(terms: Partial<NewOrder>, present: number, id = ++this.#id): number {
    this.#builder.add(-1, (view, offset) => {
      const order = this.#order;
      order.wrap(view, offset);
      order.clear();
      order.account = accountOf(id);
      order.instrumentId = 1;
      order.clientOrderId = id;
      order.orderType = OrderType.limit;
      order.timeInForce = terms.orderType === OrderType.market ? TimeInForce.ioc : TimeInForce.gtc;
      Object.assign(order, terms);
      order.present = present | OrderField.quantity | OrderField.clientOrderId;
      return order.blockLength;
    });
    return id;
  }
}

function accountOf(id: number): number {
  return 1 + (id % ACCOUNTS);
}

/**
 * Placing and canceling at random, one replace and one aggressor in twenty commands each: what the
 * others are compared with. Prices lie within so many ticks of the middle that a level has about
 * twenty orders.
 */
export function ordinary(resting: number, commands: number): BookStream {
  const stream = new StreamWriter(resting + commands, 1);
  const open: number[] = [];
  const ticks = Math.max(20, Math.round(resting / 40));
  const place = () => {
    const side = stream.random() < 0.5 ? Side.buy : Side.sell;
    const away = 1 + stream.below(ticks);
    open.push(
      stream.limit(
        side,
        side === Side.buy ? MID_TICKS - away : MID_TICKS + away,
        1 + stream.below(9),
      ),
    );
  };
  const pick = () => stream.below(open.length);
  for (let i = 0; i < resting; i++) place();
  stream.startClock();
  for (let i = 0; i < commands; i++) {
    const dice = i % 20;
    if (dice === 7)
      stream.replacePrice(open[pick()] as number, MID_TICKS - 1 - stream.below(ticks));
    else if (dice === 13) stream.market(stream.random() < 0.5 ? Side.buy : Side.sell, 5);
    else if (dice % 2 === 0) place();
    else {
      // Some have traded or were replaced across the middle; a cancel may come too late.
      const at = pick();
      stream.cancel(open[at] as number);
      open[at] = open[open.length - 1] as number;
      open.pop();
    }
  }
  return stream.build();
}

/** Prices anywhere in the int32 range, so that no two orders are near each other. */
function scattered(): BookStream {
  const orders = 100_000;
  const stream = new StreamWriter(4 * orders, 2);
  const price = (side: Side) => {
    const away = 1 + stream.below(MOST - 1);
    return side === Side.buy ? -away : away;
  };
  const ids: number[] = [];
  const place = () => {
    const side = stream.random() < 0.5 ? Side.buy : Side.sell;
    ids.push(stream.limit(side, price(side), 1));
  };
  for (let i = 0; i < orders; i++) place();
  stream.startClock();
  for (let i = 0; i < orders; i++) {
    const at = stream.below(ids.length);
    stream.cancel(ids[at] as number);
    ids[at] = ids[ids.length - 1] as number;
    ids.pop();
    place();
  }
  return stream.build();
}

/** A million orders at one price, canceled from the middle outwards. */
function onePrice(): BookStream {
  const orders = 1_000_000;
  const stream = new StreamWriter(2 * orders, 3);
  const ids: number[] = [];
  for (let i = 0; i < orders; i++) ids.push(stream.limit(Side.buy, MID_TICKS, 1));
  stream.startClock();
  const middle = orders / 2;
  for (let i = 0; i < middle; i++) {
    stream.cancel(ids[middle - 1 - i] as number);
    stream.cancel(ids[middle + i] as number);
  }
  return stream.build();
}

/** Above a deep book a better best price comes and goes. */
function flickeringBest(): BookStream {
  const rounds = 200_000;
  const stream = new StreamWriter(2 * rounds + 10_000, 4);
  for (let i = 0; i < 10_000; i++) stream.limit(Side.buy, MID_TICKS - 2 * i, 1);
  stream.startClock();
  for (let i = 0; i < rounds; i++)
    stream.cancel(stream.limit(Side.buy, MID_TICKS + 1 + (i % 1_000), 1));
  return stream.build();
}

/** Ten thousand levels of one order, taken by one aggressor, again and again. */
function sweeps(): BookStream {
  const levels = 10_000;
  const rounds = 20;
  const stream = new StreamWriter(rounds * (levels + 1), 5);
  stream.startClock();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < levels; i++) stream.limit(Side.sell, MID_TICKS + 7 * i, 1);
    stream.market(Side.buy, levels);
  }
  return stream.build();
}

/** Icebergs that show one lot, ten at a price, taken whole: every lot is a turn of its own. */
function icebergs(): BookStream {
  const rounds = 20;
  const stream = new StreamWriter(rounds * 11, 6);
  stream.startClock();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 10; i++) stream.iceberg(Side.sell, MID_TICKS, 1_000, 1);
    stream.market(Side.buy, 10_000);
  }
  return stream.build();
}

/** A hundred thousand stops at one price, set off by one trade. */
function stops(): BookStream {
  const orders = 100_000;
  const stream = new StreamWriter(orders + 10, 7);
  stream.limit(Side.sell, MID_TICKS, 2 * orders);
  stream.startClock();
  for (let i = 0; i < orders; i++) stream.stop(Side.buy, MID_TICKS, 1);
  stream.market(Side.buy, 1);
  return stream.build();
}

const ORDINARY_COMMANDS = 400_000;

/** By name; made when asked for. */
export const BOOK_STREAMS: Readonly<Record<string, () => BookStream>> = {
  "1,000 resting": () => ordinary(1_000, ORDINARY_COMMANDS),
  "10,000 resting": () => ordinary(10_000, ORDINARY_COMMANDS),
  "100,000 resting": () => ordinary(100_000, ORDINARY_COMMANDS),
  "1,000,000 resting": () => ordinary(1_000_000, ORDINARY_COMMANDS),
  "prices all over int32": scattered,
  "1,000,000 orders at one price, canceled from the middle": onePrice,
  "a better best price comes and goes": flickeringBest,
  "sweeps over 10,000 levels": sweeps,
  "icebergs that show one lot": icebergs,
  "100,000 stops at one price": stops,
};
