import { expect, test } from "vitest";
import { Sequencer } from "../../../engine/sequencer.ts";
import { type CommandSource, RecoveryFeed } from "../../../gateway/server/recovery-feed.ts";
import { AdvanceTime } from "../../../protocol/generated/commands.ts";
import { Verdict } from "../../../protocol/generated/enums.ts";
import { ControlWord, createPipelineMemory } from "../../../protocol/rings/pipeline-memory.ts";

const SLOTS = 64;

/** Commands 1 to `last`, as a journal gives them. */
function journal(last: number): CommandSource {
  const view = new DataView(new ArrayBuffer(192));
  const command = new AdvanceTime();
  let seq = 0;
  return {
    view,
    offset: 0,
    length: 48,
    next: () => {
      if (seq === last) return false;
      command.wrap(view, 0);
      command.clear();
      command.seq = ++seq;
      command.verdict = Verdict.passed;
      return true;
    },
  };
}

function pipeline() {
  const memory = createPipelineMemory({ commandSlots: SLOTS, eventSlots: SLOTS, riskWorkers: 1 });
  const control = new Int32Array(memory.control);
  const takeAll = () => {
    const published = Atomics.load(control, ControlWord.published);
    Atomics.store(control, ControlWord.matched, published);
    Atomics.store(control, ControlWord.journaled, published);
  };
  const feed = new RecoveryFeed(
    new Sequencer(memory, () => 0),
    () => 0,
    () => undefined,
  );
  return { feed, takeAll };
}

test("a full ring leaves the event loop its turn, which may be what it waits for", async () => {
  const { feed, takeAll } = pipeline();
  // As a risk task is: it begins when the event loop has handed it out.
  const timer = setInterval(takeAll, 1);
  expect(await feed.run(journal(10 * SLOTS), () => undefined)).toBe(10 * SLOTS);
  clearInterval(timer);
});

test("a fault ends a feed that waits for a thread which is dead", async () => {
  const { feed } = pipeline();
  let isDead = false;
  setTimeout(() => {
    isDead = true;
  }, 1);
  const checkThreads = () => {
    if (isDead) throw new Error("the engine is dead");
  };
  await expect(feed.run(journal(2 * SLOTS), checkThreads)).rejects.toThrow("the engine is dead");
});
