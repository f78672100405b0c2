import { afterEach, describe, expect, it, vi } from "vitest";
import { RiskStage } from "../../../engine/risk/risk-stage.ts";
import { Sequencer } from "../../../engine/sequencer.ts";
import { NEW_ORDER_LENGTH } from "../../../protocol/generated/commands.ts";
import { ControlWord, createPipelineMemory } from "../../../protocol/rings/pipeline-memory.ts";
import { newOrder, plainInstrument } from "./records.ts";

const SLOTS = 64;

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the risk stage", () => {
  it("never has more under way than the ring holds, however the others move while it looks", () => {
    const memory = createPipelineMemory({ commandSlots: SLOTS, eventSlots: 64, riskWorkers: 1 });
    const control = new Int32Array(memory.control);
    const sequencer = new Sequencer(memory, () => 1);
    const stage = new RiskStage(memory, 0);
    const bytes = new Uint8Array(memory.commands);
    const publish = (count: number) => {
      for (let i = 0; i < count && sequencer.free() > 0; i++) {
        const record = newOrder(0, { clientOrderId: sequencer.lastSeq + 1 });
        bytes.set(new Uint8Array(record.buffer, 0, NEW_ORDER_LENGTH), sequencer.next());
        sequencer.commit();
      }
    };
    // Known, so that orders pass before the engine has matched those before them.
    stage.gate.state.absorb(plainInstrument(), 0);
    publish(SLOTS);
    stage.doWork();
    expect(stage.lastSeq).toBe(SLOTS);

    // Right after the stage has looked at either cursor for the first time, engine and journal match
    // all of that and the sequencer fills the ring again.
    const load = Atomics.load.bind(Atomics);
    let moved = false;
    vi.spyOn(Atomics, "load").mockImplementation(((words: Int32Array, index: number) => {
      const value = load(words, index);
      const isCursor = index === ControlWord.published || index === ControlWord.matched;
      if (words.buffer === memory.control && isCursor && !moved) {
        moved = true;
        Atomics.store(control, ControlWord.matched, sequencer.lastSeq);
        Atomics.store(control, ControlWord.journaled, sequencer.lastSeq);
        publish(SLOTS);
      }
      return value;
    }) as typeof Atomics.load);

    for (let i = 0; i < 4; i++) stage.doWork();
    expect(moved).toBe(true);
    expect(stage.lastSeq).toBe(2 * SLOTS);
  });
});
