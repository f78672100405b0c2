import fs from "node:fs";
import path from "node:path";
import { encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { z } from "zod";
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { journalPath } from "../../engine/journal/data-directory.ts";
import { helpersGiveWay } from "../../engine/threads/background.ts";
import { EngineStage } from "../../engine/threads/engine-stage.ts";
import { DEFAULT_IDLE } from "../../engine/threads/stage-loop.ts";
import { StageThread, setStopWord } from "../../engine/threads/threads.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import { createPipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import { type LatencySummary, summarize } from "../latency.ts";
import { SCHEDULES } from "../load/schedule.ts";
import { NamedThreads, type ThreadCpu } from "../thread-cpu.ts";
import { CommandSource } from "./command-source.ts";
import { EmptyEngineStage } from "./empty-engine-stage.ts";
import { Feeder, PACINGS } from "./feeder.ts";
import type { StageWorkerData } from "./stage.worker.ts";

/** Commands in one round of the stream. */
const ROUND = 1 << 18;
const SEGMENT_BYTES = 64 << 20;

export const pipelineOptionsSchema = z.strictObject({
  /** Commands a second, open loop; 0: as fast as they go in. */
  ratePerSecond: z.number().min(0),
  schedule: z.enum(SCHEDULES),
  /** Of the open loop, when nothing is due. */
  pacing: z.enum(PACINGS),
  seconds: z.number().positive(),
  warmUpSeconds: z.number().min(0),
  engine: z.enum(["real", "empty"]),
  durability: z.enum(["fsync", "os", "none"]),
  /** recycled: files that are on the disk already; fresh: laid out meanwhile, as the server does. */
  segments: z.enum(["recycled", "fresh"]),
  /** shared: the engine runs on the feeder's thread, as it does on the gateway's. */
  threading: z.enum(["shared", "dedicated"]),
  riskWorkers: z.number().int().min(1),
  commandSlots: z.number().int(),
  eventSlots: z.number().int(),
  clients: z.number().int().positive(),
  resting: z.number().int().positive(),
  seed: z.number().int(),
  /** Where the data directory is made; the disk that is measured. */
  parentDirectory: z.string(),
  /** The directory stays; its place is in the result. */
  keepsDirectory: z.boolean(),
});
export type PipelineOptions = z.infer<typeof pipelineOptionsSchema>;

export interface PipelineRun {
  /** Durable and matched within the measured time. */
  readonly commands: number;
  readonly seconds: number;
  readonly commandsPerSecond: number;
  /** All that were published, warm-up and what was under way at the end included. */
  readonly published: number;
  /** All that the consumer got, and of them. */
  readonly events: number;
  readonly trades: number;
  readonly rejected: number;
  /**
   * From the scheduled moment (at full speed: from publication, with a full ring) to durable and
   * matched, as the consumer of events sees it.
   */
  readonly latency: LatencySummary;
  readonly histogram: string;
  /** Most commands that were under way at one time, of those measured. */
  readonly mostUnderWay: number;
  readonly meanRecordBytes: number;
  /** CPU of the measured time. */
  readonly threads: readonly ThreadCpu[];
  readonly directory: string | null;
}

/** One run: feeder, risk workers, engine and journal as in a server, without network. */
export async function runPipeline(options: PipelineOptions): Promise<PipelineRun> {
  const directory = fs.mkdtempSync(path.join(options.parentDirectory, "crossbook-pipeline-"));
  try {
    return await runIn(directory, options);
  } finally {
    if (!options.keepsDirectory) fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function runIn(directory: string, options: PipelineOptions): Promise<PipelineRun> {
  const { threading, riskWorkers, durability } = options;
  const source = new CommandSource(ROUND, options.clients, options.resting);
  const isShared = threading === "shared";
  const memory = createPipelineMemory({
    commandSlots: options.commandSlots,
    eventSlots: options.eventSlots,
    riskWorkers,
    sharesMain: isShared,
  });
  const risks = Array.from({ length: riskWorkers }, (_, worker) => `risk ${worker}`);
  const mainName = isShared ? "feeder, engine and consumer" : "feeder and consumer";
  const names = [mainName, "journal", ...risks, ...(isShared ? [] : ["engine"])];
  const threads = new NamedThreads(names);
  NamedThreads.tell(threads.memory, 0);
  let fault: Error | null = null;
  const started: StageThread[] = [];
  const start = (role: StageWorkerData["role"]) => {
    const place = started.length + 1;
    const data: StageWorkerData = {
      ...{ memory, role, place },
      idle: DEFAULT_IDLE,
      threads: threads.memory,
    };
    const file = compiledFile("bench/pipeline/stage.worker.js");
    started.push(
      new StageThread(role.name, file, data, (_, error) => {
        fault = error;
      }),
    );
  };
  fs.mkdirSync(journalPath(directory));
  start({
    ...{ name: "journal", directory, durability },
    segments: options.segments,
    segmentBytes: SEGMENT_BYTES,
  });
  for (let worker = 0; worker < riskWorkers; worker++) start({ name: "risk", worker });
  const engineName = options.engine === "real" ? "engine" : "emptyEngine";
  const engine = isShared ? ownEngine(memory, engineName) : null;
  if (!isShared) start({ name: engineName, capacity: DEFAULT_CAPACITY });
  await Promise.all(started.map((thread) => thread.ready));

  const feeder = new Feeder(memory, source, options, engine, () => {
    if (fault !== null) throw fault;
  });
  if (engine !== null) engine.whenFull = () => feeder.consume();
  await feeder.run(options.warmUpSeconds);
  helpersGiveWay(); // as in the server
  threads.start();
  const latency = await feeder.measure(options.seconds);
  const cpu = threads.since(feeder.measured);
  await feeder.drain();
  for (const thread of started) thread.stopping();
  setStopWord(memory);
  await Promise.all(started.map((thread) => thread.stopped()));
  return {
    commands: feeder.measured,
    seconds: feeder.measuredSeconds,
    commandsPerSecond: Math.round(feeder.measured / feeder.measuredSeconds),
    published: feeder.published,
    ...feeder.seen,
    latency: summarize(latency),
    histogram: encodeIntoCompressedBase64(latency),
    mostUnderWay: feeder.mostUnderWay,
    meanRecordBytes: Math.round(source.meanBytes),
    threads: cpu,
    directory: options.keepsDirectory ? directory : null,
  };
}

function ownEngine(
  memory: ReturnType<typeof createPipelineMemory>,
  name: "engine" | "emptyEngine",
): Stage & { whenFull: () => void } {
  return name === "engine"
    ? new EngineStage(memory, DEFAULT_CAPACITY)
    : new EmptyEngineStage(memory, DEFAULT_CAPACITY);
}
