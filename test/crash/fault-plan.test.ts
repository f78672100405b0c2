import { expect, test } from "vitest";
import { FAULT_KINDS, type FaultKind, type Hit, missedFaults, planFaults } from "./fault-plan.ts";

const countOf = (plan: readonly FaultKind[], kind: FaultKind) =>
  plan.filter((fault) => fault === kind).length;

test("every ten faults have four under load, two in recovery, two in a shutdown, two in a snapshot", () => {
  for (let seed = 0; seed < 20; seed++) {
    const plan = planFaults(30, seed);
    expect(plan[0]).toBe("live");
    for (let from = 0; from < 30; from += 10) {
      const ten = plan.slice(from, from + 10);
      const counts = FAULT_KINDS.map((kind) => countOf(ten, kind));
      expect(counts, `seed ${seed}`).toEqual([4, 2, 2, 2]);
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
    ["live", 2],
    ["recovering", 1],
    ["stopping", 1],
    ["snapshotting", 1],
  ]);
  expect(missedFaults(plan, hits)).toEqual([]);
  hits.set("live", 1);
  hits.set("recovering", 0);
  hits.set("snapshotting", 0);
  expect(missedFaults(plan, hits).map(({ text }) => text)).toEqual([
    'of 4 faults of the kind "live" only 1 hit a live server',
    'of 2 faults of the kind "recovery" only 0 hit a recovering server',
    'of 2 faults of the kind "snapshot" only 0 hit a snapshotting server',
  ]);
});
