import { describe, expect, test } from "vitest";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { NO_LEVEL } from "../../../gateway/market/book-side.ts";
import { MarketBooks } from "../../../gateway/market/market-books.ts";
import { NO_ORDER } from "../../../gateway/views/order-table.ts";
import { Views } from "../../../gateway/views/views.ts";
import {
  MarketState,
  OrderField,
  OrderType,
  Side,
  TimeInForce,
} from "../../../protocol/generated/enums.ts";
import { ReferenceEngine } from "../../reference/engine.ts";
import { type CommandDraft, completeCommand, writeRecord } from "../../reference/records.ts";

/** One instrument, and the book that the gateway makes of its events. */
class Desk {
  readonly #engine = new ReferenceEngine({
    orders: 100,
    levels: 100,
    instruments: 1,
    accounts: 10,
    assets: 4,
  });
  readonly #books = new MarketBooks();
  readonly #views = new Views(this.#books, new Ledger());
  readonly #view = new DataView(new ArrayBuffer(192));
  #seq = 0;

  constructor() {
    const sizes = { tickSize: 1, lotSize: 1, present: 3 };
    this.apply({ type: "DefineInstrument", symbol: "A", ...sizes });
  }

  apply(draft: CommandDraft): void {
    const seq = ++this.#seq;
    for (const event of this.#engine.apply(
      completeCommand({ seq, timestampUs: seq, verdict: 1, ...draft }),
    )) {
      writeRecord(event, this.#view, 0);
      this.#views.onEvent(this.#view, 0);
    }
    this.#views.onCommandsComplete();
    this.#books.forgetTouched();
  }

  order(
    side: Side,
    priceTicks: number,
    quantityLots: number,
    { displayLots = 0, stopPriceTicks = 0 } = {},
  ): void {
    this.apply({
      type: "NewOrder",
      account: 1,
      instrumentId: 1,
      side,
      orderType: stopPriceTicks === 0 ? OrderType.limit : OrderType.stopLimit,
      timeInForce: TimeInForce.gtc,
      priceTicks,
      quantityLots,
      displayLots,
      stopPriceTicks,
      present:
        OrderField.price |
        OrderField.quantity |
        (displayLots === 0 ? 0 : OrderField.displayQuantity) |
        (stopPriceTicks === 0 ? 0 : OrderField.stopPrice),
    });
  }

  state(state: MarketState): void {
    this.apply({ type: "SetMarketState", instrumentId: 1, state });
  }

  /** [orderId, shown lots] from the best price on, as they queue. */
  queue(side: "bids" | "asks"): number[][] {
    const { orders } = this.#books;
    const own = this.#books.of(1)[side];
    const found: number[][] = [];
    for (let level = own.walk(); level !== NO_LEVEL; level = own.following()) {
      for (let slot = own.first[level] as number; slot !== NO_ORDER; ) {
        found.push([orders.orderId[slot] as number, orders.shownLots[slot] as number]);
        slot = orders.behind[slot] as number;
      }
    }
    return found;
  }
}

describe("queues from events", () => {
  test("a stop that rests stands before an iceberg that the next stop of the same command refills", () => {
    const desk = new Desk();
    desk.order(Side.buy, 100, 10, { displayLots: 2 }); // 2, the iceberg
    desk.order(Side.buy, 100, 5, { stopPriceTicks: 105 }); // 3 will rest at 100
    desk.order(Side.sell, 100, 2, { stopPriceTicks: 105 }); // 4 will take what 2 shows
    desk.order(Side.sell, 105, 1);
    desk.order(Side.buy, 105, 1); // triggers 3, then 4
    expect(desk.queue("bids")).toEqual([
      [3, 5],
      [2, 2],
    ]);
  });

  test("an iceberg used up in an uncross is hit by a stop of the same command: it shows what is left", () => {
    const desk = new Desk();
    desk.state(MarketState.auction);
    desk.order(Side.buy, 100, 10, { displayLots: 3 }); // 3
    desk.order(Side.sell, 100, 3); // 4
    desk.order(Side.sell, 100, 1, { stopPriceTicks: 100 }); // 5 waits
    desk.state(MarketState.continuous);
    expect(desk.queue("bids")).toEqual([[3, 2]]);
  });
});
