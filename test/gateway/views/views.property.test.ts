import { expect, test } from "vitest";
import { MarketBooks } from "../../../gateway/market/market-books.ts";
import type { PriceLevels } from "../../../gateway/market/price-levels.ts";
import { Views } from "../../../gateway/views/views.ts";
import { ReferenceEngine } from "../../reference/engine.ts";
import { CommandGenerator } from "../../reference/fuzz/generator.ts";
import { drawProfile } from "../../reference/fuzz/profile.ts";
import { Random } from "../../reference/fuzz/random.ts";
import { writeRecord } from "../../reference/records.ts";
import { EndlessSweep } from "../../reference/sweep.ts";

function rows(levels: PriceLevels) {
  return Array.from({ length: levels.count }, (_, rank) => ({
    priceTicks: levels.priceTicks(rank),
    lots: levels.lots(rank),
    orders: levels.orders(rank),
  }));
}

/** Random commands of all kinds: what the gateway concludes from events is what the engine knows. */
function follow(seed: number, length: number): void {
  const random = new Random(seed);
  const profile = drawProfile(random);
  const engine = new ReferenceEngine(profile.capacity);
  const generator = new CommandGenerator(profile, engine);
  const books = new MarketBooks();
  const views = new Views(books);
  const view = new DataView(new ArrayBuffer(192));
  const opening = [...generator.opening(random)];
  for (let i = 0; i < length; i++) {
    const command = opening[i] ?? generator.next(random);
    for (const event of engine.apply(command)) {
      writeRecord(event, view, 0);
      views.onEvent(view, 0);
    }
    views.onCommandsComplete();
    if (i % 10 !== 0 && i !== length - 1) continue;
    for (const { id } of engine.instruments) {
      const { bids, asks } = books.of(id);
      const found = { bids: rows(bids), asks: rows(asks) };
      expect(found, `seed ${seed}, seq ${command.seq}`).toEqual(engine.bookRows(id));
    }
    const open = [...engine.openOrders].map(({ id }) => id).sort((a, b) => a - b);
    expect(views.orders.table.count).toBe(open.length);
    for (const { id, leavesLots } of engine.openOrders) {
      const slot = views.orders.table.find(id);
      expect(views.orders.table.leavesLots[slot]).toBe(leavesLots);
    }
  }
}

test("books and open orders built from events are those of the engine", () => {
  for (let seed = 1; seed <= 150; seed++) {
    try {
      follow(seed, 200);
    } catch (error) {
      if (!(error instanceof EndlessSweep)) throw error;
    }
  }
});
