// Market data of a random market, without a network; the reference engine knows what is true.
import { Ledger } from "../../engine/ledger/ledger.ts";
import { systemClock } from "../../gateway/clock.ts";
import { MarketBooks } from "../../gateway/market/market-books.ts";
import { MarketData } from "../../gateway/market/market-data.ts";
import { MarketEndpoint } from "../../gateway/market/market-endpoint.ts";
import { PACE, type Pace } from "../../gateway/market/pace.ts";
import { Admission } from "../../gateway/transport/admission.ts";
import { Topics } from "../../gateway/transport/topics.ts";
import { Views } from "../../gateway/views/views.ts";
import { Side } from "../../protocol/generated/enums.ts";
import type { ReferenceCapacity } from "../reference/capacity.ts";
import { ReferenceEngine } from "../reference/engine.ts";
import { type PlainCommand, writeRecord } from "../reference/records.ts";
import type { Order } from "../reference/state.ts";
import type { SlowSocket } from "../simulation/slow-socket.ts";
import { type Book, type Sizes, stateText } from "./reader.ts";

const BOOKS: readonly Book[] = ["l1", "l2", "l3"];

export class Market {
  readonly engine: ReferenceEngine;
  readonly endpoint: MarketEndpoint;
  readonly topics = new Topics<SlowSocket>();
  /** Instruments that have been told of: one that a command under way defines is not yet. */
  symbols: readonly string[] = [];
  /** Of the last command that is complete. */
  seq = 0;
  readonly #books = new MarketBooks();
  readonly #views = new Views(this.#books, new Ledger());
  readonly #data = new MarketData(this.#views.directory, this.#books);
  readonly #view = new DataView(new ArrayBuffer(192));
  /** What each book was after each command: `l3 1 4711` → text. */
  readonly #states = new Map<string, string>();

  constructor(capacity: ReferenceCapacity, pace: Partial<Pace>) {
    this.engine = new ReferenceEngine(capacity);
    this.endpoint = new MarketEndpoint(
      {
        data: this.#data,
        directory: this.#views.directory,
        clock: systemClock,
        completeSeq: () => this.seq,
        onUnexpected: (error) => {
          throw error;
        },
      },
      { heartbeatIntervalMs: 10_000, maxMessageBytes: 65_536, maxSendBufferBytes: 1 << 24 },
      { sessionPerSecond: 0, keyPerSecond: 0, addressPerSecond: 0, burstMs: 1000 },
      new Admission({ maxConnections: 1000, maxConnectionsPerAddress: 1000, origins: [] }),
      // All at once: what is told when is the market's, not the clock's.
      { ...PACE, catchUpMs: Number.POSITIVE_INFINITY, ...pace },
    );
    this.endpoint.isLive = true;
    this.endpoint.attach(this.topics);
  }

  /** between: called between its events, when the books are in the middle of it. */
  apply(command: PlainCommand, between: () => void): void {
    const events = this.engine.apply(command);
    this.#remember(command.seq);
    for (const event of events) {
      writeRecord(event, this.#view, 0);
      this.#views.onEvent(this.#view, 0);
      this.#data.onEvent(this.#view, 0);
      between();
    }
    this.seq = command.seq;
    this.symbols = this.engine.instruments.map(({ symbol }) => symbol);
    this.#views.onCommandsComplete();
    this.#data.onCommandsComplete(this.seq);
  }

  /** Nothing more for now. */
  endRound(): void {
    this.#data.onRoundEnd();
    this.endpoint.onRoundEnd();
  }

  sizes(symbol: string): Sizes {
    const found = this.engine.instruments.find((instrument) => instrument.symbol === symbol);
    if (found === undefined) throw new Error(`a message about ${symbol}, which there is not`);
    const { id, tickSize, lotSize } = found;
    return {
      symbol,
      instrumentId: id,
      tick: [Number(tickSize.value), tickSize.scale],
      lot: [Number(lotSize.value), lotSize.scale],
    };
  }

  /** The book as it was after this command; undefined: before the first. */
  stateAt(book: Book, instrumentId: number, seq: number): string | undefined {
    return this.#states.get(`${book} ${instrumentId} ${seq}`);
  }

  #remember(seq: number): void {
    for (const { id, book } of this.engine.instruments) {
      const orders = [...book[Side.buy].map(rowOf), ...book[Side.sell].map(rowOf)];
      const levels = new Map<string, ReturnType<typeof rowOf>>();
      orders.forEach((order, place) => {
        order.extra = place;
        const key = `${order.side} ${order.priceTicks}`;
        const level = levels.get(key) ?? { ...order, orderId: 0, lots: 0, extra: 0 };
        levels.set(key, { ...level, lots: level.lots + order.lots, extra: level.extra + 1 });
      });
      const rows = [...levels.values()];
      const best = [1, 2].flatMap((side) => rows.find((row) => row.side === side) ?? []);
      for (const name of BOOKS) {
        const list = name === "l3" ? orders : name === "l2" ? rows : best;
        this.#states.set(`${name} ${id} ${seq}`, stateText(name, list));
      }
    }
  }
}

function rowOf({ id, side, priceTicks, shownLots }: Order) {
  return { orderId: id, side, priceTicks: priceTicks as number, lots: shownLots, extra: 0 };
}
