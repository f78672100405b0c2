import { describe, expect, it } from "vitest";
import { DamageCampaign, emptyDamageCounts } from "./campaign.ts";
import { KINDS, type KindName } from "./cases.ts";
import { ENDINGS, SHAPES } from "./journals.ts";

/** Cases of each kind that are tried here; `npm run campaign:damage` tries all. */
const CASES = { one: 25, several: 120 };

/** The first case and the last, and others spread over the rest, the same ones every time. */
function sample(count: number, wanted: number): number[] {
  const step = Math.max(1, (count - 1) / wanted);
  const indexes = new Set<number>();
  for (let at = 0; at < count; at += step) indexes.add(Math.floor(at));
  return [...indexes.add(count - 1)];
}

describe.each(SHAPES.flatMap((shape) => ENDINGS.map((ending) => [shape, ending] as const)))(
  "a journal of %s, %s",
  (shape, ending) => {
    const campaign = new DamageCampaign(shape, ending);
    const total = emptyDamageCounts();

    it.each(campaign.kinds.map((kind) => [kind.name, kind] as const))(
      "spoiled by %s is refused or taken as the table says",
      (_, kind) => {
        const counts = emptyDamageCounts();
        for (const index of sample(kind.count, CASES[shape])) campaign.check(kind, index, counts);
        expect(counts.refused + counts.taken + counts.torn).toBe(counts.cases);
        expect(counts.cases).toBeGreaterThan(0);
        for (const name of ["cases", "refused", "taken", "torn", "readToo"] as const) {
          total[name] += counts[name];
        }
      },
    );

    it("was refused most of the time, and had a torn tail only where a crash may leave one", () => {
      expect(total.refused).toBeGreaterThan(total.cases / 2);
      expect(total.readToo).toBeGreaterThan(0);
      if (ending === "closed") expect(total.torn).toBe(0);
      else expect(total.torn).toBeGreaterThan(CASES[shape] / 2);
    });
  },
);

it("every kind of damage is done to some journal", () => {
  const campaign = new DamageCampaign("several", "crashed");
  expect(campaign.kinds.map((kind): KindName => kind.name)).toEqual([...KINDS]);
});

describe("every case", () => {
  it("spoils something, and leaves the journal as it was", () => {
    const campaign = new DamageCampaign("several", "crashed");
    const before = campaign.journal.files.map(({ bytes }) => bytes.slice());
    for (const kind of campaign.kinds) {
      let changed = 0;
      for (const index of sample(kind.count, 40)) {
        const spoiled = kind.spoil(index);
        if (isDifferent(before, spoiled.files)) changed++;
        spoiled.undo();
        expect(isDifferent(before, campaign.journal.files), spoiled.what).toBe(false);
      }
      expect(changed, kind.name).toBeGreaterThan(0);
    }
  });

  function isDifferent(
    before: readonly Uint8Array[],
    files: readonly { readonly bytes: Uint8Array }[],
  ): boolean {
    if (files.length !== before.length) return true;
    return files.some(({ bytes }, i) => Buffer.compare(bytes, before[i] as Uint8Array) !== 0);
  }
});
