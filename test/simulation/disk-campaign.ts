// Lives and deaths of a journal on a simulated disk. One run is a series of lives, each ended by a
// power loss, a kill, a failing call or a clean close; after each the next life must find every
// acknowledged command, in order, once, and an event log that matches.
import { DiskError, type DiskErrorCode, JournalError } from "../../engine/journal/errors.ts";
import { EventLogReader } from "../../engine/journal/event-log-reader.ts";
import { JournalReader } from "../../engine/journal/journal-reader.ts";
import { RunningHash } from "../../protocol/event-hash.ts";
import { commandBytes, writeEvent } from "../engine/journal/records.ts";
import {
  EVENTS_PER_COMMAND,
  JournalPipeline,
  type PipelineSettings,
  ROOT,
} from "./journal-pipeline.ts";
import { Random } from "./random.ts";
import { PowerLoss, SimulatedDisk } from "./simulated-disk.ts";

export interface CampaignCounts {
  lives: number;
  powerLosses: number;
  /** Of those, in a life that had not got through its recovery. */
  lossesInRecovery: number;
  kills: number;
  faults: number;
  tornTails: number;
  acknowledged: number;
  /** Commands found again that nobody had been told of. */
  unacknowledgedFound: number;
}

export function emptyCounts(): CampaignCounts {
  return {
    lives: 0,
    powerLosses: 0,
    lossesInRecovery: 0,
    kills: 0,
    faults: 0,
    tornTails: 0,
    acknowledged: 0,
    unacknowledgedFound: 0,
  };
}

const FAULTS: readonly DiskErrorCode[] = ["inputOutput", "diskFull", "shortWrite", "syncFailed"];

/**
 * `mixed`: every kind of end. `power`: each life is short and ends with a power loss, in recovery or
 * at work, which makes many of them quickly.
 */
export type CampaignMode = "mixed" | "power";

/** Of a series in mode `power`: longer ones have more to replay each time. */
export const LIVES_UNTIL_POWER_LOSS = 20;

/** One series of lives. Throws an Error that names the seed where a promise is broken. */
export function runSeries(
  seed: number,
  lives: number,
  counts: CampaignCounts,
  mode: CampaignMode = "mixed",
): void {
  const series = new Series(seed, counts);
  try {
    for (let life = 1; life <= lives; life++) {
      if (mode === "mixed") series.live(life);
      else series.liveUntilPowerLoss(life);
    }
    series.lastLook(lives + 1);
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`seed ${seed}: ${message}`, { cause: error });
  }
}

class Series {
  readonly #random: Random;
  readonly #disk: SimulatedDisk;
  readonly #settings: PipelineSettings;
  readonly #counts: CampaignCounts;
  /** The salt that each command was sent with last, by seq − 1: what may be found. */
  #sent: number[] = [];
  #acknowledged = 0;
  /** How far this life has acknowledged. */
  #told: () => number = () => 0;

  constructor(seed: number, counts: CampaignCounts) {
    this.#random = new Random(seed);
    this.#disk = new SimulatedDisk(this.#random);
    this.#counts = counts;
    const maxBlockBytes = this.#random.pick([4096, 8192, 16384]);
    this.#settings = {
      maxBlockBytes,
      segmentBytes: maxBlockBytes * (2 + this.#random.below(6)),
      overlaps: seed % 2 === 0,
    };
  }

  live(life: number): void {
    this.#counts.lives++;
    const trouble = this.#random.below(3); // in recovery, later, or none
    if (trouble === 0) this.#arm();
    let pipeline: JournalPipeline | undefined;
    try {
      pipeline = this.#start();
      if (trouble === 1) this.#arm();
      this.#check(pipeline);
      this.#use(pipeline, life);
      if (this.#random.chance(50)) pipeline.close();
    } catch (error) {
      this.#expected(error, pipeline === undefined);
    }
    // Recovery acknowledges too: a life may end before it is through, and yet have told somebody.
    this.#acknowledged = Math.max(this.#acknowledged, this.#told());
    this.#counts.acknowledged += this.#told();
    if (this.#random.chance(70)) this.#disk.restart();
    else {
      this.#counts.kills++;
      this.#disk.killProcess();
    }
  }

  liveUntilPowerLoss(life: number): void {
    this.#counts.lives++;
    const inRecovery = this.#random.chance(30);
    if (inRecovery) this.#losePowerWithin([8, 30, 60]);
    let pipeline: JournalPipeline | undefined;
    try {
      pipeline = this.#start();
      if (!inRecovery) this.#losePowerWithin([4, 15, 60]);
      this.#check(pipeline);
      const isClosing = this.#random.chance(10);
      do this.#round(pipeline, life, [2, 3, 12]);
      while (!isClosing);
      pipeline.close();
    } catch (error) {
      this.#expected(error, pipeline === undefined);
    }
    // Recovery acknowledges too: a life may end before it is through, and yet have told somebody.
    this.#acknowledged = Math.max(this.#acknowledged, this.#told());
    this.#counts.acknowledged += this.#told();
    this.#disk.restart();
  }

  #start(): JournalPipeline {
    this.#told = () => 0;
    const watch = (acknowledged: () => number) => {
      this.#told = acknowledged;
    };
    return new JournalPipeline(this.#disk, { ...this.#settings, watch });
  }

  /** Without mishaps: what is there in the end? */
  lastLook(life: number): void {
    this.#disk.failAt([]);
    const pipeline = new JournalPipeline(this.#disk, this.#settings);
    this.#check(pipeline);
    pipeline.send(3, life);
    this.#sent = [...this.#sent.slice(0, pipeline.recovered.length), life, life, life];
    pipeline.work();
    pipeline.close();
    this.#checkJournal();
    this.#checkEvents(pipeline.events.eventHash);
  }

  #arm(): void {
    const { calls } = this.#disk;
    const within = this.#random.pick([20, 60, 200]);
    if (this.#random.chance(70)) this.#disk.losePowerAfter(1 + this.#random.below(within));
    if (this.#random.chance(40)) {
      const atCall = calls + 1 + this.#random.below(within);
      this.#disk.failAt([{ atCall, code: this.#random.pick(FAULTS) }]);
    }
  }

  #losePowerWithin(calls: readonly number[]): void {
    this.#disk.losePowerAfter(1 + this.#random.below(this.#random.pick(calls)));
  }

  #use(pipeline: JournalPipeline, life: number): void {
    const rounds = this.#random.below(25);
    for (let round = 0; round < rounds; round++) this.#round(pipeline, life, [2, 8, 60]);
  }

  #round(pipeline: JournalPipeline, life: number, most: readonly number[]): void {
    const count = 1 + this.#random.below(this.#random.pick(most));
    for (let i = 1; i <= count; i++) this.#sent[pipeline.lastSeq + i - 1] = life;
    pipeline.send(count, life);
    pipeline.work();
    if (this.#random.chance(30)) pipeline.idle();
    if (this.#random.chance(10)) pipeline.writer.mark();
  }

  #expected(error: unknown, inRecovery: boolean): void {
    if (error instanceof PowerLoss) {
      this.#counts.powerLosses++;
      if (inRecovery) this.#counts.lossesInRecovery++;
      return;
    }
    const isFault = error instanceof DiskError || error instanceof JournalError;
    if (!isFault || this.#disk.faultsFired === 0) throw error;
    this.#counts.faults++;
  }

  /** What a life found against what the lives before sent and were told. */
  #check(pipeline: JournalPipeline): void {
    const found = pipeline.recovered;
    if (found.length < this.#acknowledged) {
      throw new Error(`${this.#acknowledged} acknowledged, ${found.length} found`);
    }
    for (let i = 0; i < found.length; i++) {
      if (found[i] !== this.#sent[i]) {
        throw new Error(`seq ${i + 1}: found from life ${found[i]}, sent in ${this.#sent[i]}`);
      }
    }
    this.#counts.unacknowledgedFound += found.length - this.#acknowledged;
    if (pipeline.writer.recovery.cut !== undefined) this.#counts.tornTails++;
    // Recovery acknowledges what it found: its events are sent.
    this.#acknowledged = found.length;
    this.#sent.length = found.length;
  }

  #checkJournal(): void {
    const bufferBytes = this.#settings.maxBlockBytes;
    const reader = JournalReader.open(this.#disk, `${ROOT}/journal`, { bufferBytes });
    let seq = 0;
    while (reader.next()) {
      seq++;
      const salt = this.#sent[seq - 1] as number;
      const expected = commandBytes(seq, salt);
      new DataView(expected.buffer).setUint32(40, salt, true);
      const record = reader.bytes.subarray(reader.offset, reader.offset + reader.length);
      if (Buffer.compare(record, expected) !== 0) throw new Error(`seq ${seq} has other bytes`);
    }
    if (reader.end?.state !== "closed") throw new Error(`ends ${reader.end?.state}, not closed`);
    if (seq !== this.#sent.length) throw new Error(`${seq} commands, not ${this.#sent.length}`);
    reader.close();
  }

  #checkEvents(eventHash: string): void {
    const reader = new EventLogReader(this.#disk, `${ROOT}/events`, {
      live: false,
      bufferBytes: this.#settings.maxBlockBytes,
    });
    const into = new Uint8Array(2048);
    const expected = new Uint8Array(192);
    const expectedView = new DataView(expected.buffer);
    const hash = new RunningHash();
    let seq = 1;
    let index = 0;
    for (let bytes = reader.read(into); bytes > 0; bytes = reader.read(into)) {
      for (let at = 0; at < bytes; ) {
        const length = writeEvent(expectedView, 0, seq, index, this.#sent[seq - 1]);
        const record = into.subarray(at, at + length);
        if (Buffer.compare(record, expected.subarray(0, length)) !== 0) {
          throw new Error(`event ${seq}-${index} has other bytes`);
        }
        hash.update(expectedView, 0, length);
        at += length;
        index = (index + 1) % EVENTS_PER_COMMAND;
        if (index === 0) seq++;
      }
    }
    if (seq !== this.#sent.length + 1) throw new Error(`events end before seq ${seq}`);
    if (hash.hex() !== eventHash) throw new Error("the event hash is not that of a clean replay");
    reader.close();
  }
}
