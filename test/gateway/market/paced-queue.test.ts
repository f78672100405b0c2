import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { PacedQueue } from "../../../gateway/market/paced-queue.ts";

function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("little work is done at once", () => {
  const done: number[] = [];
  const queue = new PacedQueue<number>(1000, (item) => done.push(item));
  for (let i = 0; i < 100; i++) queue.request(i % 10);
  expect(done).toHaveLength(100);
});

test("much work is done in goes, in order, once for each item, with rests for others", async () => {
  const done: number[] = [];
  const queue = new PacedQueue<number>(2, (item) => {
    busy(3);
    done.push(item);
  });
  for (const item of [1, 2, 3, 2, 1, 3]) queue.request(item);
  expect(done).toEqual([1]);
  let turns = 0;
  const startMs = performance.now();
  while (done.length < 4) {
    await sleep(1);
    turns++;
  }
  // 1 was asked for again while it rested.
  expect(done).toEqual([1, 2, 3, 1]);
  expect(turns).toBeGreaterThan(3);
  // Three goes of at least 3 ms, with a rest of four times that before each.
  expect(performance.now() - startMs).toBeGreaterThan(3 * 12);
});

test("what is forgotten is not done", async () => {
  const done: number[] = [];
  const queue = new PacedQueue<number>(1, (item) => {
    busy(2);
    done.push(item);
  });
  for (const item of [1, 2, 3]) queue.request(item);
  queue.forget(2);
  while (!done.includes(3)) await sleep(1);
  expect(done).toEqual([1, 3]);
});
