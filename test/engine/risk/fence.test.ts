import { beforeEach, describe, expect, it } from "vitest";
import { FencedError } from "../../../engine/risk/fence.ts";
import { RiskStage } from "../../../engine/risk/risk-stage.ts";
import { Sequencer } from "../../../engine/sequencer.ts";
import { NEW_ORDER_LENGTH } from "../../../protocol/generated/commands.ts";
import { Verdict } from "../../../protocol/generated/enums.ts";
import { CommandHeader } from "../../../protocol/generated/headers.ts";
import { CommandRing } from "../../../protocol/rings/command-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
} from "../../../protocol/rings/pipeline-memory.ts";
import { newOrder, plainInstrument } from "./records.ts";

let memory: PipelineMemory;
let control: Int32Array;
let stage: RiskStage;
let sequencer: Sequencer;

function publish(): void {
  const record = newOrder(0, { clientOrderId: sequencer.lastSeq + 1 });
  const bytes = new Uint8Array(memory.commands);
  bytes.set(new Uint8Array(record.buffer, 0, NEW_ORDER_LENGTH), sequencer.next());
  sequencer.commit();
}

function verdictOf(seq: number): number {
  const ring = new CommandRing(memory);
  const header = new CommandHeader();
  header.wrap(ring.view, ring.offsetOf(seq));
  return header.verdict;
}

beforeEach(() => {
  memory = createPipelineMemory({ commandSlots: 64, eventSlots: 64, riskWorkers: 1 });
  control = new Int32Array(memory.control);
  sequencer = new Sequencer(memory, () => 1);
  stage = new RiskStage(memory, 0);
  stage.gate.state.absorb(plainInstrument(), 0);
});

describe("a risk worker that comes to after its successor was started", () => {
  it("writes no verdict and moves no cursor", () => {
    publish();
    stage.doWork();
    expect(verdictOf(1)).toBe(Verdict.passed);
    Atomics.add(control, ControlWord.riskGeneration, 1);
    publish();
    expect(() => stage.doWork()).toThrow(FencedError);
    expect(verdictOf(2)).toBe(Verdict.pending);
    expect(Atomics.load(control, ControlWord.riskChecked)).toBe(1);
  });

  it("does not move a cursor that its successor has moved, even in the same round", () => {
    publish();
    // The successor is ahead already; the generation is not raised, so that only the cursor tells.
    Atomics.store(control, ControlWord.riskChecked, 5);
    expect(() => stage.doWork()).toThrow(FencedError);
    expect(Atomics.load(control, ControlWord.riskChecked)).toBe(5);
  });
});
