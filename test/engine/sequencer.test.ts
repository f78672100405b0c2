import { describe, expect, it } from "vitest";
import { Sequencer } from "../../engine/sequencer.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import {
  Bell,
  ControlWord,
  createPipelineMemory,
  WORDS_PER_LINE,
} from "../../protocol/rings/pipeline-memory.ts";
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

  it("tells once of all that came in one turn, where it is asked to", () => {
    const memory = createPipelineMemory(sizes);
    const sequencer = new Sequencer(memory, () => 1);
    const bell = new Doorbell(memory, Bell.risk);
    const control = new Int32Array(memory.control);
    const isAsleep = () => control[ControlWord.bells + Bell.risk * WORDS_PER_LINE] !== 0;
    let asked = 0;
    sequencer.announceLater(() => asked++);
    for (let turn = 1; turn <= 3; turn++) {
      bell.arm();
      for (let i = 0; i < 5; i++) stamped(sequencer);
      expect(asked).toBe(turn);
      expect(isAsleep()).toBe(true);
      sequencer.announce();
      expect(isAsleep()).toBe(false);
    }
    bell.arm();
    sequencer.announce();
    expect(isAsleep(), "rung though nothing is new").toBe(true);
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
