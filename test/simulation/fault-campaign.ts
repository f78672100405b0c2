// Each of the first N file calls of a run goes wrong, in each way, one at a time; then, while the
// journal recovers from that, another call goes wrong; and then everything acknowledged must be there.
// The run is many lives long, and the disk as it was at the start of each is kept: a fault in life 30
// costs one life, not thirty.
import { DiskError, type DiskOperation, JournalError } from "../../engine/journal/errors.ts";
import { inspectJournal } from "../../engine/journal/opening.ts";
import { JournalPipeline, type PipelineSettings, ROOT } from "./journal-pipeline.ts";
import { Random } from "./random.ts";
import { type Fault, SimulatedDisk } from "./simulated-disk.ts";

export type FaultCode = Fault["code"];
export const FAULT_CODES: readonly FaultCode[] = [
  "inputOutput",
  "diskFull",
  "shortWrite",
  "syncFailed",
  "delay",
];

export interface FaultCounts {
  cases: number;
  /** Of the first faults: the code and the call it hit, as "shortWrite in write". */
  readonly fired: Map<string, number>;
  /** Of the second ones, in recovery. */
  readonly firedAgain: Map<string, number>;
  /** Lives that the first fault ended; the others could do without the call. */
  stopped: number;
  stoppedAgain: number;
  /** Looks at a disk without anything unsynced on it, in the midst of a delayed call. */
  looks: number;
  /** Commands found at the end that nobody had been told of. */
  unacknowledgedFound: number;
}

export function emptyFaultCounts(): FaultCounts {
  return {
    cases: 0,
    fired: new Map(),
    firedAgain: new Map(),
    stopped: 0,
    stoppedAgain: 0,
    looks: 0,
    unacknowledgedFound: 0,
  };
}

const ROUNDS = 60;
/** Lives in one directory: what there is to replay stays short. */
const LIVES_TOGETHER = 4;
const HOUR_NS = 3600e9;

/** What happens in one life, apart from faults: decided by its seed alone. */
interface Life {
  readonly seed: number;
  readonly number: number;
  readonly disk: SimulatedDisk;
  /** File calls of the run before this life. */
  readonly callsBefore: number;
  readonly calls: number;
  /** Salts of the commands that were acknowledged before. */
  readonly acknowledged: readonly number[];
}

export class FaultCampaign {
  readonly #settings: PipelineSettings = { maxBlockBytes: 4096, segmentBytes: 65536 };
  readonly #lives: Life[] = [];

  /** Lives through a run of at least `calls` file calls without faults. */
  constructor(seed: number, calls: number) {
    let disk = new SimulatedDisk(new Random(seed));
    let acknowledged: readonly number[] = [];
    let done = 0;
    for (let number = 1; done < calls; number++) {
      if (number % LIVES_TOGETHER === 1) {
        disk = new SimulatedDisk(new Random(seed + number));
        acknowledged = [];
      }
      const random = new Random(seed * 1000 + number);
      const before = disk.fork(random);
      const callsAtStart = disk.calls;
      const history = new History(acknowledged);
      new LifeOf(disk, this.#settingsOf(number), random, number, history).run();
      const spent = disk.calls - callsAtStart;
      this.#lives.push({
        seed: seed * 1000 + number,
        number,
        disk: before,
        callsBefore: done,
        calls: spent,
        acknowledged,
      });
      done += spent;
      acknowledged = history.acknowledged;
      if (number % 3 === 0) disk.restart();
      else disk.killProcess();
    }
  }

  get lives(): number {
    return this.#lives.length;
  }

  /** In every other life each block is in flight while the next one is filled. */
  #settingsOf(life: number): PipelineSettings {
    return { ...this.#settings, overlaps: life % 2 === 0 };
  }

  /** The run's file call number `call`, from 1, goes wrong. Throws an Error that says what broke. */
  check(call: number, code: FaultCode, counts: FaultCounts): void {
    const life = this.#lives.findLast(({ callsBefore }) => callsBefore < call) as Life;
    try {
      this.#check(life, call - life.callsBefore, code, counts);
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new Error(`${code} at call ${call}: ${message}`, { cause: error });
    }
  }

  #check(life: Life, atCall: number, code: FaultCode, counts: FaultCounts): void {
    counts.cases++;
    const random = new Random(
      life.seed * 7919 + atCall * FAULT_CODES.length + FAULT_CODES.indexOf(code),
    );
    const disk = life.disk.fork(random);
    const history = new History(life.acknowledged);
    const lifeOf = new LifeOf(disk, this.#settingsOf(life.number), random, life.number, history);
    disk.onDelay = () => {
      lifeOf.meanwhile();
      counts.looks++;
    };
    disk.failAt([{ atCall, code }]);
    if (!lifeOf.survives()) counts.stopped++;
    if (disk.faultsFired !== 1) throw new Error("the fault did not happen");
    note(counts.fired, code, disk.lastFaultIn);
    if (random.chance(50)) disk.restart();
    else disk.killProcess();

    this.#recoverWithFault(disk, random, history, counts);

    disk.failAt([]);
    const last = new JournalPipeline(disk, this.#settings);
    history.check(last.recovered);
    counts.unacknowledgedFound += last.recovered.length - history.acknowledged.length;
    last.close();
    const end = inspectJournal(disk, ROOT);
    const isWhole = end.state === "closed" && end.lastSeq === last.recovered.length;
    if (!isWhole) throw new Error(`ends ${end.state} at seq ${end.lastSeq}`);
  }

  /** A fault at one of the calls that recovery will make: a twin has noted them. */
  #recoverWithFault(
    disk: SimulatedDisk,
    random: Random,
    history: History,
    counts: FaultCounts,
  ): void {
    const twin = disk.fork(random);
    const log: DiskOperation[] = [];
    twin.callLog = log;
    new JournalPipeline(twin, this.#settings);
    // Any kind of call, then any of that kind: most are reads.
    const operation = random.pick([...new Set(log)]);
    const calls = log.flatMap((candidate, i) => (candidate === operation ? [i + 1] : []));
    const code = random.pick(FAULT_CODES);
    disk.failAt([{ atCall: disk.calls + random.pick(calls), code }]);
    const firedBefore = disk.faultsFired;
    disk.onDelay = undefined;
    try {
      const pipeline = new JournalPipeline(disk, this.#settings);
      history.check(pipeline.recovered);
      history.acknowledge(pipeline.recovered.slice(0, pipeline.acknowledged));
    } catch (error) {
      if (!isFault(error)) throw error;
      counts.stoppedAgain++;
    }
    if (disk.faultsFired !== firedBefore + 1) throw new Error("the second fault did not happen");
    note(counts.firedAgain, code, disk.lastFaultIn);
    if (random.chance(50)) disk.restart();
    else disk.killProcess();
  }
}

/** What was sent and what was acknowledged, over all lives: the salt of each command, by seq − 1. */
class History {
  readonly #acknowledged: number[];
  readonly #sent: number[];

  constructor(acknowledged: readonly number[]) {
    this.#acknowledged = [...acknowledged];
    this.#sent = [...acknowledged];
  }

  get acknowledged(): readonly number[] {
    return this.#acknowledged;
  }

  send(seq: number, salt: number): void {
    this.#sent[seq - 1] = salt;
  }

  acknowledge(salts: readonly number[]): void {
    for (let i = this.#acknowledged.length; i < salts.length; i++) {
      this.#acknowledged.push(salts[i] as number);
    }
  }

  acknowledgeTo(seq: number): void {
    this.acknowledge(this.#sent.slice(0, seq));
  }

  /** All that was acknowledged is there, once, in order; of the rest only what was sent. */
  check(found: readonly number[]): void {
    if (found.length < this.#acknowledged.length) {
      throw new Error(`${this.#acknowledged.length} acknowledged, ${found.length} found`);
    }
    for (const [i, salt] of found.entries()) {
      const expected = i < this.#acknowledged.length ? this.#acknowledged[i] : this.#sent[i];
      if (salt !== expected) {
        throw new Error(`seq ${i + 1}: found from life ${salt}, sent in ${expected}`);
      }
    }
  }
}

/** One life: recovery, rounds of commands, then a clean end or none. */
class LifeOf {
  readonly #disk: SimulatedDisk;
  readonly #settings: PipelineSettings;
  readonly #random: Random;
  readonly #number: number;
  readonly #history: History;
  #pipeline: JournalPipeline | undefined;
  #nowNs = 0;

  constructor(
    disk: SimulatedDisk,
    settings: PipelineSettings,
    random: Random,
    number: number,
    history: History,
  ) {
    this.#disk = disk;
    this.#settings = { ...settings, nowNs: () => this.#nowNs };
    this.#random = random;
    this.#number = number;
    this.#history = history;
  }

  /** False: a fault ended it. */
  survives(): boolean {
    try {
      this.run();
      return true;
    } catch (error) {
      if (isFault(error)) return false;
      throw error;
    } finally {
      this.#history.acknowledgeTo(this.#pipeline?.acknowledged ?? 0);
    }
  }

  run(): void {
    // Its own dice: the disk's are thrown by what a fault does.
    const random = new Random(this.#number);
    const pipeline = new JournalPipeline(this.#disk, this.#settings);
    this.#pipeline = pipeline;
    this.#history.check(pipeline.recovered);
    this.#history.acknowledgeTo(pipeline.acknowledged);
    for (let round = 0; round < ROUNDS; round++) {
      this.#send(1 + random.below(3));
      pipeline.work();
      if (random.chance(20)) pipeline.idle();
      if (random.chance(10)) {
        this.#nowNs += HOUR_NS;
        pipeline.rest();
      }
      this.#history.acknowledgeTo(pipeline.acknowledged);
    }
    if (this.#number % 2 === 0) pipeline.close();
  }

  /**
   * A call takes long. If the power went now, and nothing unsynced had reached the disk, what has
   * been acknowledged would be there. Commands keep coming in.
   */
  meanwhile(): void {
    const pipeline = this.#pipeline;
    const acknowledged = pipeline?.acknowledged ?? this.#history.acknowledged.length;
    const disk = this.#disk.fork(this.#random);
    disk.restartWithoutUnsynced();
    const found = new JournalPipeline(disk, this.#settings).recovered.length;
    if (found < acknowledged) throw new Error(`${acknowledged} acknowledged, ${found} are durable`);
    this.#nowNs += HOUR_NS;
    if (pipeline !== undefined) this.#send(2);
  }

  #send(count: number): void {
    const pipeline = this.#pipeline as JournalPipeline;
    for (let i = 1; i <= count; i++) this.#history.send(pipeline.lastSeq + i, this.#number);
    pipeline.send(count, this.#number);
  }
}

function isFault(error: unknown): boolean {
  return error instanceof DiskError || error instanceof JournalError;
}

function note(
  counts: Map<string, number>,
  code: FaultCode,
  operation: DiskOperation | undefined,
): void {
  const key = `${code} in ${operation}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
