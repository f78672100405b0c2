import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RiskThreads } from "../../../engine/threads/risk-threads.ts";
import { setStopWord } from "../../../engine/threads/threads.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
} from "../../../protocol/rings/pipeline-memory.ts";

const EVENT_SLOTS = 64;
const IDLE = { spins: 0, maxSleepMs: 5 };

let memory: PipelineMemory;
let threads: RiskThreads;
let deaths: string[];

beforeEach(() => {
  memory = createPipelineMemory({ commandSlots: 64, eventSlots: EVENT_SLOTS, riskWorkers: 1 });
  deaths = [];
});

afterEach(async () => {
  threads.stopping();
  setStopWord(memory);
  await threads.stopped();
});

function start(options: { dataDirectory?: string; supervised: boolean }): void {
  threads = new RiskThreads({
    memory,
    idle: IDLE,
    hangTimeoutMs: 100,
    onDeath: (role) => deaths.push(role),
    ...(options.dataDirectory === undefined ? {} : { dataDirectory: options.dataDirectory }),
  });
  if (options.supervised) threads.supervise(() => 0);
}

async function kill(): Promise<void> {
  await expect.poll(() => threads.threadOf(0)).toBeDefined();
  await threads.threadOf(0)?.terminate();
}

describe("the death of a risk worker", () => {
  it("ends the process where nothing is recorded", async () => {
    start({ supervised: true });
    await kill();
    await expect.poll(() => deaths).toEqual(["risk-0"]);
    expect(threads.restarts).toBe(0);
  });

  it("ends the process in recovery", async () => {
    start({ dataDirectory: "/nowhere", supervised: false });
    await kill();
    await expect.poll(() => deaths).toEqual(["risk-0"]);
  });

  it("ends the process when successors die too, without having been at work", async () => {
    // There is no journal, so no successor comes to anything.
    start({ dataDirectory: "/nowhere", supervised: true });
    await kill();
    await expect.poll(() => deaths, { timeout: 20_000 }).toEqual(["risk-0"]);
    expect(threads.restarts).toBe(3);
  });
});

describe("an engine on the main thread that waits for room", () => {
  it("learns that a risk worker takes no events any more", async () => {
    start({ supervised: false });
    await kill();
    Atomics.store(new Int32Array(memory.control), ControlWord.eventsPublished, EVENT_SLOTS);
    const ask = (forMs: number) => {
      const startMs = performance.now();
      while (performance.now() - startMs < forMs) threads.checkRoom();
    };
    ask(50);
    // The ring had room in between: this is another wait.
    await new Promise((resolve) => setTimeout(resolve, 300));
    ask(50);
    expect(() => ask(1000)).toThrow(/risk-0 takes no events/);
  });
});
