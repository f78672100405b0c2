import { expect, it } from "vitest";
import { inOrder } from "../../../engine/snapshot/order-rows.ts";
import { Random } from "../../simulation/random.ts";

function plainOrder(ids: Float64Array): number[] {
  return [...ids.keys()].sort((a, b) => (ids[a] as number) - (ids[b] as number));
}

it("places come by rising id, also where ids are too far apart for one number each", () => {
  const random = new Random(5);
  for (const step of [1, 7, 2 ** 20, 2 ** 40]) {
    const ids = new Float64Array(2000);
    let id = 1 + random.below(1000);
    for (let i = 0; i < ids.length; i++) {
      ids[i] = id;
      id += 1 + random.below(step);
    }
    for (let i = ids.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [ids[i], ids[j]] = [ids[j] as number, ids[i] as number];
    }
    expect(Math.max(...ids)).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    expect([...inOrder(ids)], `steps up to ${step}`).toEqual(plainOrder(ids));
  }
});

it("the largest ids there are keep their order", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const ids = Float64Array.of(most, most - 2, 1, most - 1, 3);
  expect([...inOrder(ids)]).toEqual([2, 4, 1, 3, 0]);
  expect([...inOrder(ids.subarray(0, 2))]).toEqual([1, 0]);
  expect([...inOrder(new Float64Array(0))]).toEqual([]);
});
