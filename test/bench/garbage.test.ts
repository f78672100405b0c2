import { expect, test } from "vitest";
import { runGarbageBench } from "../../bench/engine/garbage.ts";

test("the engine's loop leaves no garbage", async () => {
  const { commands, collections } = await runGarbageBench(1);
  expect(commands).toBeGreaterThan(100_000);
  expect(collections).toEqual([]);
});

test("garbage would be noticed", async () => {
  expect((await runGarbageBench(1, true)).collections.length).toBeGreaterThan(0);
});
