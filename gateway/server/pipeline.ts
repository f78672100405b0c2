import { randomInt } from "node:crypto";
import type { EngineCapacity } from "../../engine/engine.ts";
import { EngineFault } from "../../engine/engine-fault.ts";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import type { JournalAnchor } from "../../engine/journal/anchor.ts";
import { LogKind } from "../../engine/journal/block-format.ts";
import {
  type DirectoryMeta,
  directoryIdOf,
  eventsPath,
  journalPath,
  openMeta,
} from "../../engine/journal/data-directory.ts";
import { DirectoryLock } from "../../engine/journal/directory-lock.ts";
import { JournalError } from "../../engine/journal/errors.ts";
import { EventLogStatus } from "../../engine/journal/event-log-status.ts";
import { checkEarlierHeaders, type UnreadHistory } from "../../engine/journal/history.ts";
import {
  createJournalCounters,
  type JournalCounters,
} from "../../engine/journal/journal-counters.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { inspectJournal, type JournalEnd, settleJournal } from "../../engine/journal/opening.ts";
import { Sequencer } from "../../engine/sequencer.ts";
import { sharedSnapshot } from "../../engine/snapshot/snapshot-format.ts";
import { EngineStage } from "../../engine/threads/engine-stage.ts";
import type {
  JournalAnchorMessage,
  JournalOpenedMessage,
  JournalWorkerData,
} from "../../engine/threads/journal.worker.ts";
import { type RiskNews, RiskThreads } from "../../engine/threads/risk-threads.ts";
import { DEFAULT_IDLE, type IdleStrategy, SPINNING } from "../../engine/threads/stage-loop.ts";
import { StageThread, setStopWord, startEngineThread } from "../../engine/threads/threads.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
  workerWord,
} from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import type { Config } from "../config/settings.ts";
import type { EgressRequest, EgressWorkerData } from "./egress.worker.ts";
import { type Recovered, TailRecovery } from "./recovery/tail-recovery.ts";
import type { GatewayState } from "./snapshot/view-rows.ts";

/** Why the process must end: a stage died, and with it the certainty of what is true. */
export class PipelineFault extends Error {
  readonly code = "pipelineFault";
  readonly role: string;

  constructor(role: string, cause: Error) {
    super(`${role}: ${cause.message}`, { cause });
    this.role = role;
  }
}

const DRAIN_POLL_MS = 1;

/** What runs once everything has been recovered. */
interface Threads {
  /** Where the engine runs on the main thread. */
  readonly engineStage: EngineStage | undefined;
  readonly engine: StageThread | undefined;
  readonly journal: StageThread;
  /** The journal of this run has begun. */
  readonly opened: Promise<JournalOpenedMessage>;
  readonly risk: RiskThreads;
  readonly egress: StageThread;
}

/**
 * The rings, the threads around them and the data directory. Does not know the network: whoever owns
 * the pipeline runs the gateway's own stages on the main thread.
 */
export class Pipeline {
  readonly memory: PipelineMemory;
  readonly sequencer: Sequencer;
  readonly meta: DirectoryMeta;
  /** The directory's: running out of room is a reject, so history keeps the room it began with. */
  readonly capacity: EngineCapacity;
  readonly status = new EventLogStatus();
  readonly counters: JournalCounters = createJournalCounters();
  /** Commands that the journal held at the start. */
  readonly recoveredSeq: number;
  /** undefined: the journal holds nothing. */
  readonly recovery: TailRecovery | undefined;
  /** What the start leaves unread. */
  readonly unread: UnreadHistory;
  /** undefined until the journal of this run has begun, and with durability none. */
  epoch: number | undefined;
  readonly #disk = new NodeDisk();
  readonly #lock: DirectoryLock;
  readonly #control: Int32Array;
  readonly #config: Config;
  readonly #idle: IdleStrategy;
  readonly #end: JournalEnd;
  #threads: Threads | undefined;
  /** A risk worker died, or has rebuilt its accounts. */
  onRiskNews: (news: RiskNews) => void = () => undefined;
  /** Each anchor of the journal, as it grows. */
  onAnchor: (anchor: JournalAnchor) => void = () => undefined;
  /** What the egress thread says. */
  onEgress: (message: { readonly type: string }) => void = () => undefined;
  readonly #directory: string;
  readonly #isRecording: boolean;
  #fault: PipelineFault | null = null;
  #onFault: (fault: PipelineFault) => void;

  /**
   * Opens the data directory. Throws a DirectoryBusyError, DamageError, JournalError or DiskError;
   * nothing on disk has changed then but a lock that is given back.
   */
  constructor(config: Config, nowUs: () => number, onFault: (fault: PipelineFault) => void) {
    this.#onFault = onFault;
    this.#config = config;
    this.#idle = config.idle === "spin" ? SPINNING : DEFAULT_IDLE;
    this.#directory = config.dataDir;
    this.#isRecording = config.durability !== "none";
    const wanted: EngineCapacity = {
      orders: config.capacityOrders,
      levels: config.capacityLevels,
      instruments: config.capacityInstruments,
      accounts: config.capacityAccounts,
      assets: config.capacityAssets,
    };
    this.#disk.makeDirectory(config.dataDir);
    this.#lock = DirectoryLock.acquire(config.dataDir);
    try {
      this.meta = openMeta(this.#disk, config.dataDir, { nowUs: nowUs(), capacity: wanted });
      this.capacity = this.meta.capacity ?? wanted;
      this.#end = inspectJournal(this.#disk, config.dataDir);
      if (config.durability === "none" && this.#end.state !== "new") {
        throw new JournalError(
          "badMeta",
          `${config.dataDir} holds a journal, which durability none would not go on with: choose another directory`,
        );
      }
      this.recoveredSeq = this.#end.lastSeq;
      if (this.recoveredSeq > 0) {
        this.recovery = new TailRecovery(this.#disk, config.dataDir, {
          meta: this.meta,
          capacity: this.capacity,
          end: this.#end,
          epoch: this.#nextEpoch,
          segmentBytes: config.segmentBytes,
          readAhead: true,
        });
      }
      this.unread = this.recovery?.unread ?? this.#unreadMarks();
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    this.memory = createPipelineMemory({
      commandSlots: config.commandRingSlots,
      eventSlots: config.eventRingSlots,
      riskWorkers: config.riskWorkers,
      sharesMain: config.threading === "shared",
    });
    this.#control = new Int32Array(this.memory.control);
    this.sequencer = new Sequencer(this.memory, nowUs);
  }

  /** Of a journal without commands only the last segment was read. */
  #unreadMarks(): UnreadHistory {
    const path = journalPath(this.#directory);
    const id = directoryIdOf(this.meta);
    const only = { last: this.#end.segment };
    const journal = checkEarlierHeaders(this.#disk, path, LogKind.journal, id, only);
    return { journal, events: undefined };
  }

  get #nextEpoch(): number {
    return Math.max(this.meta.epoch, this.#end.epoch) + 1;
  }

  /**
   * Brings everything to the end of the journal, starts the threads there, and begins the journal of
   * this run. gateway: has seen nothing. Rejects with a DamageError, JournalError, DiskError or
   * EngineFault, or with what kept a thread from starting; where it rejects with a DamageError nothing
   * on disk has changed, and the lock is given back.
   */
  async recover(
    gateway: GatewayState,
    onProgress: (done: number, total: number) => void,
  ): Promise<{
    /** undefined: there was nothing. */
    recovered: Recovered | undefined;
    opened: JournalOpenedMessage | null;
  }> {
    let recovered: Recovered | undefined;
    try {
      recovered = await this.recovery?.run(gateway, (done) => onProgress(done, this.tailCommands));
      if (recovered === undefined) settleJournal(this.#disk, this.#end);
    } catch (error) {
      this.#lock.release();
      if (error instanceof EngineFault) this.fail("engine", error);
      throw error;
    }
    if (recovered !== undefined) {
      const { seq, timestampUs } = recovered.snapshot.place;
      this.#setCursors(seq);
      this.sequencer.startAfter(seq, timestampUs);
    }
    const threads = this.#startThreads(recovered);
    this.#threads = threads;
    await this.#orFault(
      Promise.all([
        threads.engine?.ready,
        threads.journal.ready,
        threads.egress.ready,
        threads.risk.ready(),
      ]),
    );
    const opened = this.#isRecording ? await this.#orFault(threads.opened) : null;
    this.epoch = opened?.epoch;
    threads.risk.supervise(() => this.sequencer.lastSeq);
    return { recovered, opened };
  }

  #startThreads(recovered: Recovered | undefined): Threads {
    const { memory, capacity } = this;
    const config = this.#config;
    const idle = this.#idle;
    const shared = recovered?.snapshot.bytes.buffer as SharedArrayBuffer | undefined;
    const onDeath = (role: string, error: Error) => this.fail(role, error);
    const directoryId = directoryIdOf(this.meta);
    const { durability } = config;
    let engineStage: EngineStage | undefined;
    let engine: StageThread | undefined;
    const journalData: JournalWorkerData = {
      memory,
      dataDirectory: config.dataDir,
      directoryId,
      knownEpoch: this.meta.epoch,
      durability,
      segmentBytes: config.segmentBytes,
      diskLowBytes: config.diskLowBytes,
      recoveredSeq: this.recoveredSeq,
      counters: this.counters,
      idle,
    };
    const journal = new StageThread(
      "journal",
      compiledFile("engine/threads/journal.worker.js"),
      journalData,
      onDeath,
    );
    const opened = new Promise<JournalOpenedMessage>((resolve) => {
      journal.onMessage((message) => {
        if (message.type === "journalOpened") resolve(message as JournalOpenedMessage);
        if (message.type === "journalAnchor") {
          this.onAnchor((message as JournalAnchorMessage).anchor);
        }
      });
    });
    const risk = new RiskThreads({
      memory,
      idle,
      onDeath,
      onChange: (news) => this.onRiskNews(news),
      snapshot: shared,
      hangTimeoutMs: config.riskHangTimeoutMs,
      dataDirectory: this.#isRecording ? config.dataDir : undefined,
    });
    const egressData: EgressWorkerData = {
      memory,
      dataDirectory: config.dataDir,
      directoryId,
      epoch: this.#nextEpoch,
      journalLastSeq: this.recoveredSeq,
      journalDurability: this.#end.durability,
      isRecording: this.#isRecording,
      segmentBytes: config.segmentBytes,
      status: this.status.memory,
      from: recovered?.snapshot.place,
      checkpoint: recovered?.checkpoint,
      log: recovered?.log,
    };
    const egress = new StageThread(
      "egress",
      compiledFile("gateway/server/egress.worker.js"),
      egressData,
      onDeath,
    );
    egress.onMessage((message) => this.onEgress(message));
    // Last: where it is this thread that takes its part, the others do so meanwhile.
    if (config.threading === "shared") {
      raiseInliningBudget();
      const snapshot = sharedSnapshot(shared);
      engineStage = new EngineStage(memory, capacity, randomInt(2 ** 32), snapshot);
    } else {
      engine = startEngineThread({ memory, capacity, idle, snapshot: shared }, onDeath);
    }
    return { engineStage, engine, journal, opened, risk, egress };
  }

  /**
   * The stages of the main thread: the gateway's, and before it the engine's where that has no thread
   * of its own. What the engine throws is a fault of the pipeline. After `recover`.
   */
  mainStages(gateway: Stage): Stage[] {
    const { engineStage: engine, risk } = this.#running;
    if (engine === undefined) return [gateway];
    // The gateway reads events on the same thread: it must go on where the engine waits for room.
    engine.whenFull = () => {
      gateway.doWork();
      risk.checkRoom();
    };
    const doWork = () => {
      try {
        return engine.doWork();
      } catch (error) {
        this.fail("engine", error instanceof Error ? error : new Error(String(error)));
        throw this.#fault;
      }
    };
    return [{ name: engine.name, doWork }, gateway];
  }

  get #running(): Threads {
    if (this.#threads === undefined) throw new Error("the pipeline has not been started");
    return this.#threads;
  }

  /** Everything sequenced so far is durable, matched, logged and seen by the main thread. */
  async drained(mainRound: () => number): Promise<void> {
    for (;;) {
      this.#check();
      const last = this.sequencer.lastSeq | 0;
      const work = mainRound();
      const events = this.#word(ControlWord.eventsPublished);
      if (
        work === 0 &&
        this.#word(ControlWord.durable) === last &&
        this.#word(ControlWord.matched) === last &&
        this.#word(ControlWord.eventsLogged) === events &&
        this.#word(ControlWord.eventsGateway) === events
      ) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  /** Commands of the journal that a start has to replay. */
  get tailCommands(): number {
    return this.recovery?.tailCommands ?? 0;
  }

  /** Everything up to `seq` is behind. Before any thread starts. */
  #setCursors(seq: number): void {
    const { published, matched, journaled, durable, riskChecked } = ControlWord;
    for (const word of [published, matched, journaled, durable]) {
      Atomics.store(this.#control, word, seq | 0);
    }
    for (let worker = 0; worker < this.memory.riskWorkers; worker++) {
      Atomics.store(this.#control, workerWord(riskChecked, worker), seq | 0);
    }
  }

  tellEgress(request: EgressRequest): void {
    this.#running.egress.post(request);
  }

  /** Commands between the sequencer and each stage. */
  lags(): { risk: number; matched: number; durable: number } {
    const last = this.sequencer.lastSeq | 0;
    let risk = 0;
    for (let worker = 0; worker < this.memory.riskWorkers; worker++) {
      const checked = this.#word(workerWord(ControlWord.riskChecked, worker));
      risk = Math.max(risk, (last - checked) | 0);
    }
    return {
      risk,
      matched: (last - this.#word(ControlWord.matched)) | 0,
      durable: (last - this.#word(ControlWord.durable)) | 0,
    };
  }

  /** Risk workers that died since the start, and those that are being rebuilt. */
  get riskDeaths(): { restarts: number; rebuilding: number } {
    const risk = this.#threads?.risk;
    return { restarts: risk?.restarts ?? 0, rebuilding: risk?.rebuilding ?? 0 };
  }

  get risk(): RiskThreads {
    return this.#running.risk;
  }

  /** Ends the threads in order; everything must be drained. */
  async stop(egressDrainMs: number): Promise<void> {
    const { engine, journal, risk, egress } = this.#running;
    const egressStopped = new Promise<void>((resolve) => {
      egress.onMessage((message) => {
        if (message.type === "stopped") resolve();
      });
    });
    egress.stopping();
    egress.post({ type: "stop", drainMs: egressDrainMs } satisfies EgressRequest);
    await this.#orFault(egressStopped);
    for (const thread of [engine, journal]) thread?.stopping();
    risk.stopping();
    setStopWord(this.memory);
    await Promise.all([engine?.stopped(), journal.stopped(), risk.stopped(), egress.stopped()]);
    this.#lock.release();
  }

  /** Where the event log of this directory is. */
  get eventsDirectory(): string {
    return eventsPath(this.#directory);
  }

  #word(word: number): number {
    return Atomics.load(this.#control, word);
  }

  /** A part that belongs to the pipeline is dead: everything is. */
  fail(role: string, error: Error): void {
    if (this.#fault !== null) return;
    this.#fault = new PipelineFault(role, error);
    this.#onFault(this.#fault);
  }

  #check(): void {
    if (this.#fault !== null) throw this.#fault;
  }

  async #orFault<Value>(promise: Promise<Value>): Promise<Value> {
    const fault = new Promise<never>((_, reject) => {
      const look = setInterval(() => {
        if (this.#fault === null) return;
        clearInterval(look);
        reject(this.#fault);
      }, 50);
      look.unref();
      void promise.finally(() => clearInterval(look)).catch(() => undefined);
    });
    return Promise.race([promise, fault]);
  }
}
