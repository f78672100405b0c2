import { expect, test } from "vitest";
import { Ledger } from "../../../engine/ledger/ledger.ts";
import { type BookSide, NO_LEVEL } from "../../../gateway/market/book-side.ts";
import { MarketBooks } from "../../../gateway/market/market-books.ts";
import { NO_ORDER, type OrderTable } from "../../../gateway/views/order-table.ts";
import { Views } from "../../../gateway/views/views.ts";
import { Side } from "../../../protocol/generated/enums.ts";
import { ReferenceEngine } from "../../reference/engine.ts";
import { CommandGenerator } from "../../reference/fuzz/generator.ts";
import { drawProfile } from "../../reference/fuzz/profile.ts";
import { Random } from "../../reference/fuzz/random.ts";
import { writeRecord } from "../../reference/records.ts";
import { EndlessSweep } from "../../reference/sweep.ts";

/** Levels as the engine gives them. */
function rows(side: BookSide) {
  const found: { priceTicks: number; lots: number; orders: number }[] = [];
  for (let level = side.walk(); level !== NO_LEVEL; level = side.following()) {
    const [priceTicks, lots, orders] = [
      side.priceTicks[level],
      side.lots[level],
      side.orders[level],
    ];
    found.push({
      priceTicks: priceTicks as number,
      lots: lots as number,
      orders: orders as number,
    });
  }
  return found;
}

/** Orders best price first, then as they queue. */
function queue(side: BookSide, table: OrderTable) {
  const found: { id: number; priceTicks: number; shownLots: number; leavesLots: number }[] = [];
  for (let level = side.walk(); level !== NO_LEVEL; level = side.following()) {
    let priority = 0;
    let leavesLots = 0;
    for (
      let slot = side.first[level] as number;
      slot !== NO_ORDER;
      slot = table.behind[slot] as number
    ) {
      if ((table.priority[slot] as number) <= priority) throw new Error("a queue out of order");
      priority = table.priority[slot] as number;
      leavesLots += table.leavesLots[slot] as number;
      found.push({
        id: table.orderId[slot] as number,
        priceTicks: table.priceTicks[slot] as number,
        shownLots: table.shownLots[slot] as number,
        leavesLots: table.leavesLots[slot] as number,
      });
    }
    if (side.leavesLots[level] !== leavesLots) throw new Error("a level's leaves do not add up");
  }
  return found;
}

/** As toEqual, at a tenth of its time. */
function same(found: unknown, expected: unknown, where: string): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) expect(found, where).toEqual(expected);
}

/** Random commands of all kinds: what the gateway concludes from events is what the engine knows. */
function follow(seed: number, length: number): void {
  const random = new Random(seed);
  const profile = drawProfile(random);
  const engine = new ReferenceEngine(profile.capacity);
  const generator = new CommandGenerator(profile, engine);
  const books = new MarketBooks();
  const views = new Views(books, new Ledger());
  const view = new DataView(new ArrayBuffer(192));
  const opening = [...generator.opening(random)];
  for (let i = 0; i < length; i++) {
    const command = opening[i] ?? generator.next(random);
    for (const event of engine.apply(command)) {
      writeRecord(event, view, 0);
      views.onEvent(view, 0);
    }
    views.onCommandsComplete();
    books.forgetTouched();
    for (const { id } of engine.instruments) {
      const { bids, asks } = books.of(id);
      const found = { bids: rows(bids), asks: rows(asks) };
      const where = `seed ${seed}, seq ${command.seq}`;
      same(found, engine.bookRows(id), where);
      const book = engine.instruments.find((instrument) => instrument.id === id)?.book;
      for (const [side, own] of [
        [Side.buy, bids],
        [Side.sell, asks],
      ] as const) {
        const expected = (book?.[side] ?? []).map((order) => ({
          id: order.id,
          priceTicks: order.priceTicks,
          shownLots: order.shownLots,
          leavesLots: order.leavesLots,
        }));
        same(queue(own, views.orders.table), expected, where);
      }
    }
    const open = [...engine.openOrders].map(({ id }) => id).sort((a, b) => a - b);
    expect(views.orders.table.count).toBe(open.length);
    for (const { id, leavesLots } of engine.openOrders) {
      const slot = views.orders.table.find(id);
      expect(views.orders.table.leavesLots[slot]).toBe(leavesLots);
    }
  }
}

test("books, queues and open orders built from events are those of the engine after every command", () => {
  for (let seed = 1; seed <= 120; seed++) {
    try {
      follow(seed, 200);
    } catch (error) {
      if (!(error instanceof EndlessSweep)) throw error;
    }
  }
});
