import { describe, expect, it } from "vitest";
import { Sequencer } from "../../../engine/sequencer.ts";
import { RingIntake } from "../../../gateway/server/ring-intake.ts";
import { AdvanceTime } from "../../../protocol/generated/commands.ts";
import { CommandHeader } from "../../../protocol/generated/headers.ts";
import {
  ControlWord,
  createPipelineMemory,
  DiskState,
} from "../../../protocol/rings/pipeline-memory.ts";

const SLOTS = 64;

function setUp() {
  const memory = createPipelineMemory({ commandSlots: SLOTS, eventSlots: 64, riskWorkers: 1 });
  const control = new Int32Array(memory.control);
  let now = 1000;
  const sequencer = new Sequencer(memory, () => now);
  const seen: number[] = [];
  const intake = new RingIntake(sequencer, memory, (header) => seen.push(header.seq));
  const send = (kind: "order" | "cancel" | "other") => {
    const offset = intake.claim(kind);
    if (offset < 0) return intake.refusal;
    const record = new AdvanceTime();
    record.wrap(intake.view, offset);
    record.clear();
    return intake.commit(offset);
  };
  const setNow = (us: number) => {
    now = us;
  };
  return { control, intake, seen, send, sequencer, setNow };
}

describe("the intake", () => {
  it("is closed until it is opened", () => {
    const { intake, send } = setUp();
    expect(send("order")).toBe("shuttingDown");
    intake.open();
    expect(send("order")).toBe(1);
  });

  it("gives every command the next seq and a time that never goes back", () => {
    const { intake, seen, send, sequencer, setNow } = setUp();
    intake.open();
    send("order");
    setNow(500);
    send("cancel");
    expect(seen).toEqual([1, 2]);
    expect(sequencer.lastTimestampUs).toBe(1000);
    const header = new CommandHeader();
    header.wrap(intake.view, 2 * 192);
    expect(header.timestampUs).toBe(1000);
  });

  it("refuses orders first and cancels last while a stage lags", () => {
    const { control, intake, send } = setUp();
    intake.open();
    let orders = 0;
    while (typeof send("order") === "number") orders++;
    expect(orders).toBe(SLOTS - SLOTS / 8);
    expect(intake.refusal).toBe("overloaded");
    let cancels = 0;
    while (typeof send("cancel") === "number") cancels++;
    expect(cancels).toBe(SLOTS / 8 - SLOTS / 32);
    expect(intake.claimOwn()).toBeGreaterThanOrEqual(0);
    // The slowest of the readers frees the slots.
    Atomics.store(control, ControlWord.matched, 40);
    expect(send("order")).toBe("overloaded");
    Atomics.store(control, ControlWord.journaled, 40);
    expect(send("order")).toBe(orders + cancels + 1);
  });

  it("refuses orders and lets cancels pass while the disk is low", () => {
    const { control, intake, send } = setUp();
    intake.open();
    Atomics.store(control, ControlWord.disk, DiskState.low);
    expect(send("order")).toBe("diskLow");
    expect(send("cancel")).toBe(1);
    expect(intake.refused.diskLow).toBe(1);
  });
});
