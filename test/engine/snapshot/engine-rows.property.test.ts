import { describe, expect, it } from "vitest";
import { EndlessSweep } from "../../reference/sweep.ts";
import { FuzzedEngine, randomStream } from "./fuzzed-engine.ts";

const STREAMS = 60;
const LENGTH = 300;

describe("a snapshot of the engine", () => {
  it("gives an engine of the same state, which goes on with the same events", () => {
    let restored = 0;
    let orders = 0;
    for (let seed = 1; seed <= STREAMS; seed++) {
      const stream = tryStream(seed);
      if (stream === null) continue;
      const { commands, capacity } = stream;
      const live = new FuzzedEngine(capacity);
      const place = (seed * 7919) % (commands.length - 1);
      let other: FuzzedEngine | undefined;
      commands.forEach((command, i) => {
        const events = live.apply(command);
        if (other !== undefined) {
          const what = `seed ${seed}, taken after ${place}, command ${i}`;
          expect(other.apply(command), what).toBe(events);
        }
        if (i !== place) return;
        const snapshot = live.snapshot();
        other = new FuzzedEngine(capacity, snapshot);
        expect(other.hash(), `seed ${seed}, restored after ${i}`).toBe(live.hash());
        expect(other.file(), "the same state gives the same bytes").toEqual(snapshot.bytes);
        orders += snapshot.rows.section(6).rows;
        restored++;
      });
      expect(other?.hash(), `seed ${seed}, at the end`).toBe(live.hash());
    }
    expect(restored).toBeGreaterThan(STREAMS / 2);
    expect(orders).toBeGreaterThan(restored);
  });
});

function tryStream(seed: number) {
  try {
    return randomStream(seed, LENGTH);
  } catch (error) {
    if (error instanceof EndlessSweep) return null;
    throw error;
  }
}
