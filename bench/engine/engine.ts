import { Worker } from "node:worker_threads";
import { z } from "zod";
import { DEFAULT_CAPACITY, Engine } from "../../engine/engine.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { RunningHash } from "../../protocol/event-hash.ts";
import { messageLength } from "../../protocol/record-check.ts";
import { EventRingReader, EventRingWriter } from "../../protocol/rings/event-ring.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
  RECORD_BYTES,
} from "../../protocol/rings/pipeline-memory.ts";
import { nowNs } from "../clock.ts";
import {
  generateWorkload,
  readWorkload,
  WORKLOAD_FORMATS,
  type Workload,
} from "../workloads/workload.ts";
import { type BenchEngine, EmptyEngine } from "../yardsticks/empty-engine.ts";

/** Handed to a second thread: as many as a server has. */
const DRAINED_SLOTS = 1 << 16;
/** Nobody reads: what is written stays in the cache, as it would with a reader that keeps up. */
const ALONE_SLOTS = 1 << 10;
/** Commands between two publications of events, as in the server's engine stage. */
const BATCH = 16;
const PAUSE_MS = 0.05;

export const engineRunSchema = z.strictObject({
  /** null: a generated one. */
  workload: z.strictObject({ file: z.string(), format: z.enum(WORKLOAD_FORMATS) }).nullable(),
  generated: z.strictObject({
    commands: z.number().int().positive(),
    resting: z.number().int().positive(),
    seed: z.number().int(),
  }),
  /** Events are handed to a second thread, and the time ends when it has the last one. */
  drain: z.boolean(),
  /** So many commands are played first, not timed, and their orders canceled: the compiler's time. */
  warmUp: z.number().int().nonnegative(),
  /** Not timed: compares the outcome with the published one. */
  verify: z.boolean(),
  /** empty: an engine that matches nothing, as a yardstick; only without drain and verify. */
  engine: z.enum(["real", "empty"]),
});
export type EngineRunOptions = z.infer<typeof engineRunSchema>;

export interface EngineRun {
  readonly workload: string;
  /** Timed ones. */
  readonly commands: number;
  readonly events: number;
  readonly trades: number;
  /** 0 with `verify`: not timed. */
  readonly seconds: number;
  readonly commandsPerSecond: number;
  /** With `verify` and where an answer was published; null otherwise. */
  readonly isRight: boolean | null;
  /** With `verify`: over all events, as `crossbook replay` has it; "" otherwise. */
  readonly eventHash: string;
}

/** One run of the engine alone, in process: no journal, no risk, no network. */
export async function runEngine(options: EngineRunOptions): Promise<EngineRun> {
  const { generated } = options;
  const workload =
    options.workload === null
      ? generateWorkload(generated.commands, generated.resting, generated.seed)
      : readWorkload(options.workload.file, options.workload.format);
  const memory = createPipelineMemory({
    commandSlots: 64,
    eventSlots: options.drain || options.verify ? DRAINED_SLOTS : ALONE_SLOTS,
    riskWorkers: 1,
  });
  if (options.verify) return verify(workload, memory);
  return options.drain
    ? drained(workload, memory, options.warmUp)
    : alone(workload, memory, options);
}

/** Events go into the ring and are overwritten there: matching and nothing else. */
function alone(workload: Workload, memory: PipelineMemory, options: EngineRunOptions): EngineRun {
  const writer = new EventRingWriter(memory, [], () => undefined);
  const Kind = options.engine === "real" ? Engine : EmptyEngine;
  const engine: BenchEngine = new Kind(DEFAULT_CAPACITY, writer);
  warmUp(engine, writer, workload, options.warmUp);
  applyAll(engine, writer, workload, 0, workload.untimed);
  const before = { events: engine.eventCount, trades: engine.tradeCount };
  const startNs = nowNs();
  applyAll(engine, writer, workload, workload.untimed, workload.count);
  return resultOf(workload, engine, before, nowNs() - startNs);
}

async function drained(
  workload: Workload,
  memory: PipelineMemory,
  commands: number,
): Promise<EngineRun> {
  const consumer = new Worker(compiledFile("bench/engine/drain.worker.js"), { workerData: memory });
  await new Promise((resolve, reject) => {
    consumer.once("message", resolve);
    consumer.once("error", reject);
  });
  const control = new Int32Array(memory.control);
  const pause = new Int32Array(new SharedArrayBuffer(4)); // nobody notifies it: a short sleep
  const writer = new EventRingWriter(memory, [ControlWord.eventsGateway], () => {
    Atomics.wait(pause, 0, 0, PAUSE_MS);
  });
  const engine = new Engine(DEFAULT_CAPACITY, writer);
  const waitForConsumer = () => {
    const published = Atomics.load(control, ControlWord.eventsPublished);
    while (Atomics.load(control, ControlWord.eventsGateway) !== published);
  };
  warmUp(engine, writer, workload, commands);
  applyAll(engine, writer, workload, 0, workload.untimed);
  waitForConsumer();
  const before = { events: engine.eventCount, trades: engine.tradeCount };
  const startNs = nowNs();
  applyAll(engine, writer, workload, workload.untimed, workload.count);
  waitForConsumer();
  const result = resultOf(workload, engine, before, nowNs() - startNs);
  Atomics.store(control, ControlWord.stop, 1);
  await new Promise((resolve) => consumer.once("exit", resolve));
  return result;
}

function verify(workload: Workload, memory: PipelineMemory): EngineRun {
  const writer = new EventRingWriter(memory, [ControlWord.eventsGateway], () => {
    throw new Error("one command of a workload has more events than the ring holds");
  });
  const reader = new EventRingReader(memory, ControlWord.eventsGateway);
  const engine = new Engine(DEFAULT_CAPACITY, writer);
  const { report, source, sourceOffsets, expected } = workload;
  const eventHash = new RunningHash();
  for (let i = 0; i < workload.count; i++) {
    applyAll(engine, writer, workload, i, i + 1);
    const isMessage = (sourceOffsets[i] as number) >= 0;
    if (isMessage) report?.begin(source, sourceOffsets[i] as number);
    const available = reader.available();
    for (let n = 0; n < available; n++) {
      const offset = reader.offsetOf(n);
      eventHash.update(
        reader.view,
        offset,
        messageLength(reader.view, offset, offset + RECORD_BYTES),
      );
      if (isMessage) report?.onEvent(reader.view, offset);
    }
    reader.advance(available);
  }
  const found = report?.result() ?? null;
  const isRight = expected === null ? null : found === expected;
  return {
    ...resultOf(workload, engine, { events: 0, trades: 0 }, 0),
    isRight,
    eventHash: eventHash.hex(),
  };
}

function applyAll(
  engine: BenchEngine,
  writer: EventRingWriter,
  workload: Workload,
  from: number,
  to: number,
): void {
  const { view, offsets } = workload;
  for (let i = from; i < to; i++) {
    engine.apply(view, offsets[i] as number);
    if (i % BATCH === 0) writer.publish();
  }
  writer.publish();
}

/** Plays the first commands and cancels all that they leave: the book is empty again. */
function warmUp(
  engine: BenchEngine,
  writer: EventRingWriter,
  workload: Workload,
  commands: number,
): void {
  if (commands === 0) return;
  applyAll(engine, writer, workload, 0, Math.min(commands, workload.count));
  for (const offset of workload.massCancels) {
    engine.apply(workload.view, offset);
    writer.publish();
  }
}

function resultOf(
  workload: Workload,
  engine: BenchEngine,
  before: { readonly events: number; readonly trades: number },
  ns: number,
): EngineRun {
  const commands = workload.count - workload.untimed;
  const seconds = ns / 1e9;
  return {
    workload: workload.name,
    commands,
    events: engine.eventCount - before.events,
    trades: engine.tradeCount - before.trades,
    seconds,
    commandsPerSecond: ns === 0 ? 0 : Math.round(commands / seconds),
    isRight: null,
    eventHash: "",
  };
}
