import { describe, expect, it } from "vitest";
import { Sequencer } from "../../engine/sequencer.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { commandBytes, writeCommand } from "./journal/records.ts";

const sizes = { commandSlots: 64, eventSlots: 64, riskWorkers: 1 };

describe("the sequencer", () => {
  function stamped(sequencer: Sequencer): { seq: number; timestampUs: number } {
    const offset = sequencer.next();
    writeCommand(sequencer.view, offset, 0);
    const seq = sequencer.commit();
    const header = new CommandHeader();
    header.wrap(sequencer.view, offset);
    expect(header.seq).toBe(seq);
    return { seq, timestampUs: header.timestampUs };
  }

  it("numbers commands without gaps and holds the time where the clock goes back", () => {
    const clock = [500, 700, 600, 699, 701];
    const sequencer = new Sequencer(createPipelineMemory(sizes), () => clock.shift() ?? 0);
    const stamps = Array.from({ length: 5 }, () => stamped(sequencer));
    expect(stamps.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(stamps.map(({ timestampUs }) => timestampUs)).toEqual([500, 700, 700, 700, 701]);
  });

  it("goes on from the journal's last seq and time, though the clock is behind them", () => {
    const sequencer = new Sequencer(createPipelineMemory(sizes), () => 1000);
    for (const seq of [1, 2, 3]) {
      const bytes = commandBytes(seq);
      sequencer.replay(new DataView(bytes.buffer), 0, bytes.length);
    }
    const last = sequencer.lastTimestampUs;
    expect(last).toBeGreaterThan(1000);
    expect(stamped(sequencer)).toEqual({ seq: 4, timestampUs: last });
  });
});
