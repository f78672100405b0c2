import { expect, test } from "vitest";
import { type FaultKind, type Hit, missedFaults, planFaults } from "./fault-plan.ts";

const countOf = (plan: readonly FaultKind[], kind: FaultKind) =>
  plan.filter((fault) => fault === kind).length;

test("every ten faults have six under load, two in recovery and two in a shutdown", () => {
  for (let seed = 0; seed < 20; seed++) {
    const plan = planFaults(30, seed);
    expect(plan[0]).toBe("live");
    for (let from = 0; from < 30; from += 10) {
      const ten = plan.slice(from, from + 10);
      const counts = (["live", "recovery", "shutdown"] as const).map((kind) => countOf(ten, kind));
      expect(counts, `seed ${seed}`).toEqual([6, 2, 2]);
    }
  }
});

test("the same seed gives the same plan, another one another", () => {
  expect(planFaults(40, 7)).toEqual(planFaults(40, 7));
  expect(planFaults(40, 7)).not.toEqual(planFaults(40, 8));
});

test("a campaign whose faults did not happen fails", () => {
  const plan = planFaults(10, 1);
  const hits = new Map<Hit, number>([
    ["live", 3],
    ["recovering", 1],
    ["stopping", 1],
  ]);
  expect(missedFaults(plan, hits)).toEqual([]);
  hits.set("live", 2);
  hits.set("recovering", 0);
  expect(missedFaults(plan, hits).map(({ text }) => text)).toEqual([
    'of 6 faults of the kind "live" only 2 hit a live server',
    'of 2 faults of the kind "recovery" only 0 hit a recovering server',
  ]);
});
