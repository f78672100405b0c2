import { expect, test } from "vitest";
import { Arena } from "../../../engine/book/arena.ts";
import { ORDER } from "../../../engine/book/layout.ts";
import { createOrderIndex } from "../../../engine/book/order-index.ts";
import { createPools } from "../../../engine/book/pools.ts";
import { Random } from "../../reference/fuzz/random.ts";

const ORDERS = 20_000;

function emptyIndex(seed = 0) {
  const capacity = { orders: ORDERS, levels: 1, instruments: 1, accounts: 1, assets: 1 };
  const arena = new Arena(capacity);
  const pools = createPools(arena);
  const index = createOrderIndex(arena, seed);
  const m = arena.words;
  const words = (value: number) => [value | 0, Math.floor(value / 4294967296)] as const;
  return {
    add(account: number, clientId: number, orderId: number): number {
      const order = pools.claimOrder();
      [m[order + ORDER.clientLow], m[order + ORDER.clientHigh]] = words(clientId);
      [m[order + ORDER.idLow], m[order + ORDER.idHigh]] = words(orderId);
      m[order + ORDER.account] = account;
      index.add(order, index.clientHashOf(order));
      return order;
    },
    remove(order: number): void {
      index.remove(order);
      pools.releaseOrder(order);
    },
    byClient(account: number, clientId: number): number {
      const [low, high] = words(clientId);
      return index.findClient(index.clientHash(account, low, high), account, low, high);
    },
    byId(orderId: number): number {
      const [low, high] = words(orderId);
      return index.findId(low, high);
    },
  };
}

test("every order is found by both ids while the tables grow and shrink, and not afterwards", () => {
  const random = new Random(1);
  const { add, remove, byClient, byId } = emptyIndex();
  const live = new Map<number, { account: number; clientId: number; order: number }>();
  let orderId = 0;
  let wrong = 0;
  const grow = (count: number) => {
    for (let i = 0; i < count; i++) {
      orderId += 1 + random.int(0, 3);
      const account = random.int(1, 5);
      // Some that count, some from all over, so that high words differ too.
      const clientId = random.chance(0.5) ? orderId : orderId * 2 ** 21 + 7;
      live.set(orderId, { account, clientId, order: add(account, clientId, orderId) });
    }
  };
  const shrink = (count: number) => {
    for (const [id, { order }] of [...live]) {
      if (live.size <= count) break;
      if (random.chance(0.3)) continue;
      remove(order);
      live.delete(id);
      if (byId(id) !== 0) wrong++;
    }
  };
  const check = () => {
    for (const [id, { account, clientId, order }] of live) {
      if (byId(id) !== order || byClient(account, clientId) !== order) wrong++;
      if (byClient(account + 10, clientId) !== 0) wrong++;
    }
  };
  for (const [up, down] of [
    [ORDERS, 9000],
    [5000, 100],
    [8000, 0],
    [2000, 1000],
  ] as const) {
    grow(up);
    check();
    shrink(down);
    check();
  }
  expect(wrong).toBe(0);
});

test("orders without a client id are found by orderId, and no client id finds them", () => {
  const { add, remove, byClient, byId } = emptyIndex();
  const orders = Array.from({ length: 3000 }, (_, i) => add(1, 0, i + 1));
  expect(byId(1500)).toBe(orders[1499]);
  expect(byClient(1, 1500)).toBe(0);
  for (const order of orders) remove(order);
  expect(byId(1500)).toBe(0);
});

test("the same id may belong to two accounts", () => {
  const { add, byClient } = emptyIndex(12345);
  const first = add(1, 77, 1);
  const second = add(-1, 77, 2); // account 4294967295
  expect(byClient(1, 77)).toBe(first);
  expect(byClient(-1, 77)).toBe(second);
});

test("ids of one remainder do not end up in one chain", () => {
  const { add, byClient } = emptyIndex(99);
  const started = performance.now();
  for (let i = 1; i <= ORDERS; i++) add(1, i * 2 ** 24, i * 2 ** 24);
  let found = 0;
  for (let i = 1; i <= ORDERS; i++) if (byClient(1, i * 2 ** 24) !== 0) found++;
  expect(found).toBe(ORDERS);
  // In one chain this would be 200 million steps; the limit leaves room for a slow machine.
  expect(performance.now() - started).toBeLessThan(2000);
});
