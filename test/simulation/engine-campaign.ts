// Power losses under the real engine: sequencer, risk, matching, journal and event log in one thread on
// a simulated disk. Every event that any life gave out must come again in each later one, the same and
// at the same place; in the end journal, state and events are those of a run that nothing happened to.
import { DEFAULT_CAPACITY } from "../../engine/engine.ts";
import { InlinePipeline, type Recorders } from "../../engine/inline-pipeline.ts";
import { crc32c } from "../../engine/journal/checksum.ts";
import { journalPath, openMeta } from "../../engine/journal/data-directory.ts";
import { EventLogStage } from "../../engine/journal/event-log-stage.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { JournalStage } from "../../engine/journal/journal-stage.ts";
import {
  inspectJournal,
  openEventLog,
  openJournal,
  settleJournal,
} from "../../engine/journal/opening.ts";
import { InstrumentDirectory } from "../../protocol/instrument-directory.ts";
import { encodeCommand } from "../../protocol/json/encode-command.ts";
import type { PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import { replayDirectory } from "../../replay/replay.ts";
import { DIRECTORY_ID } from "../engine/journal/records.ts";
import { Random } from "./random.ts";
import { PowerLoss, SimulatedDisk } from "./simulated-disk.ts";

const ROOT = "/data";
const CAPACITY = {
  ...DEFAULT_CAPACITY,
  orders: 256,
  levels: 256,
  instruments: 4,
  accounts: 8,
  assets: 8,
};
const BLOCK_BYTES = 4096;
const SEGMENT_BYTES = 16384;
const MAY_SEND = { admin: true, accountRequired: true, internal: true };

export interface EngineCampaignCounts {
  lives: number;
  powerLosses: number;
  lossesInRecovery: number;
  /** Events given out, in all lives, and of those, such as had been given out before. */
  events: number;
  eventsAgain: number;
  trades: number;
}

export function emptyEngineCounts(): EngineCampaignCounts {
  return { lives: 0, powerLosses: 0, lossesInRecovery: 0, events: 0, eventsAgain: 0, trades: 0 };
}

interface Sent {
  readonly json: unknown;
  readonly timestampUs: number;
}

/** One series of lives. Throws an Error that names the seed where a promise is broken. */
export function runEngineSeries(seed: number, lives: number, counts: EngineCampaignCounts): void {
  const series = new EngineSeries(seed, counts);
  try {
    for (let life = 1; life <= lives; life++) series.live();
    series.lastLook();
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`seed ${seed}: ${message}`, { cause: error });
  }
}

class EngineSeries {
  readonly #random: Random;
  readonly #disk: SimulatedDisk;
  readonly #counts: EngineCampaignCounts;
  /** What was sent last under each seq. */
  readonly #sent: Sent[] = [];
  /** A checksum of each event that anybody has been told, in order. */
  readonly #told: number[] = [];

  constructor(seed: number, counts: EngineCampaignCounts) {
    this.#random = new Random(seed);
    this.#disk = new SimulatedDisk(this.#random);
    this.#counts = counts;
  }

  live(): void {
    this.#counts.lives++;
    const random = this.#random;
    const inRecovery = random.chance(30);
    const within = random.pick([6, 20, 60]);
    if (inRecovery) this.#disk.losePowerAfter(1 + random.below(within));
    let life: Life | undefined;
    try {
      life = new Life(this.#disk, this.#told, this.#counts);
      if (!inRecovery) this.#disk.losePowerAfter(1 + random.below(within));
      this.#sent.length = life.pipeline.lastSeq;
      const isClosing = random.chance(10);
      do this.#trade(life);
      while (!isClosing);
      life.close();
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
      this.#counts.powerLosses++;
      if (life === undefined) this.#counts.lossesInRecovery++;
    }
    this.#disk.restart();
  }

  lastLook(): void {
    const life = new Life(this.#disk, this.#told, this.#counts);
    this.#sent.length = life.pipeline.lastSeq;
    this.#trade(life);
    life.close();
    const clean = new Life(undefined, [...this.#told], emptyEngineCounts());
    for (const sent of this.#sent) clean.send(sent);
    if (clean.given !== this.#told.length) {
      throw new Error(`${this.#told.length} events, a clean run gives ${clean.given}`);
    }
    const { result } = replayDirectory(this.#disk, ROOT, { verify: true });
    const { stateHash, lastSeq, trades, verified } = result;
    if (lastSeq !== this.#sent.length) throw new Error(`${lastSeq} commands, not the ones sent`);
    if (life.stateHash() !== clean.stateHash()) throw new Error("another state than a clean run");
    if (stateHash !== clean.stateHash()) throw new Error("a replay comes to another state");
    if (verified?.events !== this.#told.length) throw new Error("the event log holds other events");
    this.#counts.trades += trades;
  }

  /** A few commands at once, durable together. */
  #trade(life: Life): void {
    const count = 1 + this.#random.below(6);
    for (let i = 0; i < count; i++) {
      const { lastSeq, lastTimestampUs } = life.pipeline;
      const sent = {
        json: command(this.#random, lastSeq + 1),
        timestampUs: lastTimestampUs + this.#random.below(1000),
      };
      this.#sent[lastSeq] = sent;
      life.send(sent);
    }
    life.pipeline.settle();
  }
}

/** The engine from its start to its end, on a disk or, for comparison, on none. */
class Life {
  readonly pipeline: InlinePipeline;
  /** Events given out. */
  given = 0;
  readonly #instruments = new InstrumentDirectory();
  readonly #told: number[];
  readonly #counts: EngineCampaignCounts;
  #recorders: { readonly journal: JournalStage; readonly eventLog: EventLogStage } | undefined;

  /** Recovers, and gives out all events again. `told`: what was given out before; grows. */
  constructor(disk: SimulatedDisk | undefined, told: number[], counts: EngineCampaignCounts) {
    this.#told = told;
    this.#counts = counts;
    let recoveredSeq = 0;
    let recorders: ((memory: PipelineMemory) => Recorders) | undefined;
    if (disk !== undefined) {
      openMeta(disk, ROOT, { nowUs: 0, directoryId: DIRECTORY_ID, capacity: CAPACITY });
      const end = inspectJournal(disk, ROOT);
      settleJournal(disk, end);
      recoveredSeq = end.lastSeq;
      const sizes = { maxBlockBytes: BLOCK_BYTES, segmentBytes: SEGMENT_BYTES };
      recorders = (memory) => {
        this.#recorders = {
          eventLog: new EventLogStage(memory, { writer: openEventLog(disk, ROOT, end, sizes) }),
          journal: new JournalStage(memory, {
            recoveredSeq,
            openWriter: () =>
              openJournal(disk, ROOT, end, {
                ...sizes,
                durability: "fsync",
                firstSegmentBytes: 2 * BLOCK_BYTES,
              }),
            nowNs: () => 0,
          }),
        };
        return this.#recorders;
      };
    }
    this.pipeline = new InlinePipeline({
      capacity: CAPACITY,
      commandSlots: 64,
      eventSlots: 256,
      ...(recorders === undefined ? {} : { recorders }),
      onMatched: (view, offset) => this.#instruments.onEvent(view, offset),
      onDurable: (view, offset) => this.#give(view, offset),
    });
    if (disk === undefined) return;
    if (recoveredSeq > 0) this.#replay(disk);
    if (this.given < told.length) {
      throw new Error(`${told.length} events were given out, recovery has ${this.given}`);
    }
  }

  send({ json, timestampUs }: Sent): void {
    const { pipeline } = this;
    encodeCommand(json, this.#instruments, pipeline.view, pipeline.next(), MAY_SEND);
    pipeline.commit(timestampUs);
  }

  stateHash(): string {
    const words = new Uint32Array(4);
    this.pipeline.engine.stateHash(words);
    return [...words].map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  close(): void {
    this.pipeline.settle();
    this.#recorders?.journal.close();
    this.#recorders?.eventLog.close();
  }

  #replay(disk: SimulatedDisk): void {
    const reader = JournalReader.open(disk, journalPath(ROOT), { bufferBytes: BLOCK_BYTES });
    while (reader.next()) this.pipeline.replay(reader.view, reader.offset, reader.length);
    reader.close();
    this.pipeline.settle();
  }

  /** The same as it was told before, or the next one. */
  #give(view: DataView, offset: number): void {
    const words = view.getUint16(offset, true) >> 2;
    const event = crc32c(new Int32Array(view.buffer, view.byteOffset + offset, words), 0, words, 0);
    const index = this.given++;
    this.#counts.events++;
    if (index === this.#told.length) {
      this.#told.push(event);
      return;
    }
    this.#counts.eventsAgain++;
    if (this.#told[index] !== event) throw new Error(`event ${index + 1} is another than before`);
  }
}

/** Two instruments and limits, then orders that trade, rest, are canceled, replaced and refused. */
function command(random: Random, seq: number): unknown {
  if (seq <= 2) {
    return { type: "defineInstrument", symbol: seq === 1 ? "A" : "B", tickSize: "1", lotSize: "1" };
  }
  const account = 1 + random.below(4);
  if (seq <= 6) return { type: "setAccount", account: seq - 2, maxPosition: "60" };
  const clientOrderId = 1 + random.below(40);
  const dice = random.below(100);
  if (dice < 15) return { type: "cancelOrder", account, clientOrderId };
  if (dice < 20) return { type: "replaceOrder", account, clientOrderId, quantity: "3" };
  if (dice < 22) return { type: "massCancel", account };
  if (dice < 23) return { type: "snapshot" };
  return {
    type: "newOrder",
    account,
    symbol: random.pick(["A", "B"]),
    side: random.pick(["buy", "sell"]),
    orderType: "limit",
    quantity: String(1 + random.below(20)),
    price: String(100 + random.below(6)),
    clientOrderId,
  };
}
