import { randomInt } from "node:crypto";
import type { EngineCapacity } from "../../engine/engine.ts";
import { raiseInliningBudget } from "../../engine/inlining.ts";
import type { JournalAnchor } from "../../engine/journal/anchor.ts";
import {
  type DirectoryMeta,
  directoryIdOf,
  eventsPath,
  journalPath,
  openMeta,
} from "../../engine/journal/data-directory.ts";
import { DirectoryLock } from "../../engine/journal/directory-lock.ts";
import { DamageError, JournalError } from "../../engine/journal/errors.ts";
import { recoverEventLog } from "../../engine/journal/event-log-recovery.ts";
import { EventLogStatus } from "../../engine/journal/event-log-status.ts";
import {
  createJournalCounters,
  type JournalCounters,
} from "../../engine/journal/journal-counters.ts";
import { findSkips } from "../../engine/journal/log-search.ts";
import { NodeDisk } from "../../engine/journal/node-disk.ts";
import { inspectJournal, type JournalEnd, settleJournal } from "../../engine/journal/opening.ts";
import { Sequencer } from "../../engine/sequencer.ts";
import { openTail } from "../../engine/snapshot/journal-tail.ts";
import { type Snapshot, sharedSnapshot } from "../../engine/snapshot/snapshot-format.ts";
import {
  findSnapshot,
  listSnapshots,
  snapshotName,
  snapshotsPath,
} from "../../engine/snapshot/snapshot-store.ts";
import { EngineStage } from "../../engine/threads/engine-stage.ts";
import type {
  JournalAnchorMessage,
  JournalOpenedMessage,
  JournalWorkerData,
} from "../../engine/threads/journal.worker.ts";
import { type RiskNews, RiskThreads } from "../../engine/threads/risk-threads.ts";
import { DEFAULT_IDLE, type IdleStrategy } from "../../engine/threads/stage-loop.ts";
import { StageThread, setStopWord, startEngineThread } from "../../engine/threads/threads.ts";
import { compiledFile } from "../../protocol/compiled-file.ts";
import type { CommandHeader } from "../../protocol/generated/headers.ts";
import {
  ControlWord,
  createPipelineMemory,
  type PipelineMemory,
  workerWord,
} from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import type { Config } from "../config/settings.ts";
import type { EgressRequest, EgressWorkerData } from "./egress.worker.ts";
import { RecoveryFeed } from "./recovery-feed.ts";
import { OpenSessions } from "./snapshot/open-sessions.ts";

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
  readonly egress: StageThread;
  /** Commands that the journal held at the start. */
  readonly recoveredSeq: number;
  /** What the start begins with; undefined: with the first command. */
  readonly snapshot: Snapshot | undefined;
  /** Snapshots that were passed over, and why. */
  readonly refusedSnapshots: { readonly path: string; readonly why: string }[] = [];
  /** undefined until the journal of this run has begun, and with durability none. */
  epoch: number | undefined;
  readonly #disk = new NodeDisk();
  readonly #lock: DirectoryLock;
  readonly #control: Int32Array;
  readonly #engineStage: EngineStage | undefined;
  readonly #engine: StageThread | undefined;
  readonly #journal: StageThread;
  readonly #risk: RiskThreads;
  /** A risk worker died, or has rebuilt its accounts. */
  onRiskNews: (news: RiskNews) => void = () => undefined;
  readonly #directory: string;
  readonly #isRecording: boolean;
  readonly #journalOpened: Promise<JournalOpenedMessage>;
  #fault: PipelineFault | null = null;
  #onFault: (fault: PipelineFault) => void;

  /**
   * Opens the data directory and starts the threads. Throws a DirectoryBusyError, DamageError,
   * JournalError or DiskError; nothing on disk has changed then but a lock that is given back.
   */
  constructor(
    config: Config,
    nowUs: () => number,
    onFault: (fault: PipelineFault) => void,
    idle: IdleStrategy = DEFAULT_IDLE,
  ) {
    this.#onFault = onFault;
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
    let end: JournalEnd;
    try {
      this.meta = openMeta(this.#disk, config.dataDir, { nowUs: nowUs(), capacity: wanted });
      this.capacity = this.meta.capacity ?? wanted;
      end = inspectJournal(this.#disk, config.dataDir);
      if (config.durability === "none" && end.state !== "new") {
        throw new JournalError(
          "badMeta",
          `${config.dataDir} holds a journal, which durability none would not go on with: choose another directory`,
        );
      }
      settleJournal(this.#disk, end);
      this.recoveredSeq = end.lastSeq;
      this.snapshot = this.#findSnapshot(end);
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
    const { snapshot } = this;
    if (snapshot !== undefined) this.#setCursors(snapshot.place.seq);
    this.sequencer = new Sequencer(this.memory, nowUs);
    if (snapshot !== undefined) {
      this.sequencer.startAfter(snapshot.place.seq, snapshot.place.timestampUs);
    }
    const shared = snapshot?.bytes.buffer as SharedArrayBuffer | undefined;
    const onDeath = (role: string, error: Error) => this.fail(role, error);
    const directoryId = directoryIdOf(this.meta);
    const durability = config.durability;
    if (config.threading === "shared") {
      raiseInliningBudget();
      this.#engineStage = new EngineStage(
        this.memory,
        this.capacity,
        randomInt(2 ** 32),
        sharedSnapshot(shared),
      );
    } else {
      const data = { memory: this.memory, capacity: this.capacity, idle, snapshot: shared };
      this.#engine = startEngineThread(data, onDeath);
    }
    const journalData: JournalWorkerData = {
      memory: this.memory,
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
    this.#journal = new StageThread(
      "journal",
      compiledFile("engine/threads/journal.worker.js"),
      journalData,
      onDeath,
    );
    this.#journalOpened = new Promise((resolve) => {
      this.#journal.onMessage((message) => {
        if (message.type === "journalOpened") resolve(message as JournalOpenedMessage);
      });
    });
    this.#risk = new RiskThreads({
      memory: this.memory,
      idle,
      onDeath,
      onChange: (news) => this.onRiskNews(news),
      snapshot: shared,
      hangTimeoutMs: config.riskHangTimeoutMs,
      dataDirectory: this.#isRecording ? config.dataDir : undefined,
    });
    const egressData: EgressWorkerData = {
      memory: this.memory,
      dataDirectory: config.dataDir,
      directoryId,
      epoch: Math.max(this.meta.epoch, end.epoch) + 1,
      journalLastSeq: this.recoveredSeq,
      journalDurability: end.durability,
      isRecording: this.#isRecording,
      segmentBytes: config.segmentBytes,
      status: this.status.memory,
      from: snapshot?.place,
    };
    this.egress = new StageThread(
      "egress",
      compiledFile("gateway/server/egress.worker.js"),
      egressData,
      onDeath,
    );
  }

  /**
   * The stages of the main thread: the gateway's, and before it the engine's where that has no thread
   * of its own. What the engine throws is a fault of the pipeline.
   */
  mainStages(gateway: Stage): Stage[] {
    const engine = this.#engineStage;
    if (engine === undefined) return [gateway];
    // The gateway reads events on the same thread: it must go on where the engine waits for room.
    engine.whenFull = () => {
      gateway.doWork();
      this.#risk.checkRoom();
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

  /** All threads take part. Rejects with what kept one from starting. */
  async ready(): Promise<void> {
    await Promise.all([this.#engine?.ready, this.#journal.ready, this.egress.ready]);
  }

  /**
   * Replays the journal through the rings. mainRound: runs the main thread's stages once. Resolves
   * when everything is matched, logged and durable, and the journal of this run has begun.
   */
  async recover(
    mainRound: () => number,
    onCommand: (header: CommandHeader) => void,
    onProgress: (done: number, total: number) => void,
    openSessions = new OpenSessions(),
  ): Promise<{
    feed: RecoveryFeed;
    opened: JournalOpenedMessage | null;
    /** Commands that were taken out of the journal. */
    skipped: readonly number[];
  }> {
    let skipped: readonly number[] = [];
    const feed = new RecoveryFeed(this.sequencer, mainRound, onCommand, openSessions);
    if (this.recoveredSeq > 0) {
      const reader = openTail(this.#disk, this.#directory, this.snapshot?.place, { sync: true });
      skipped = reader.skips.map(({ seq }) => seq);
      try {
        await feed.run(reader, (count) => {
          this.#check();
          onProgress(count, this.tailCommands);
        });
      } finally {
        reader.close();
      }
    }
    const opened = this.#isRecording ? await this.#untilOpened(mainRound) : null;
    this.epoch = opened?.epoch;
    await this.drained(mainRound);
    this.#risk.supervise(() => this.sequencer.lastSeq);
    return { feed, opened, skipped };
  }

  /** The journal opens when all stages have passed what it held; some of them are the main thread's. */
  async #untilOpened(mainRound: () => number): Promise<JournalOpenedMessage> {
    let opened: JournalOpenedMessage | null = null;
    void this.#journalOpened.then((message) => {
      opened = message;
    });
    while (opened === null) {
      this.#check();
      const work = mainRound();
      await new Promise((resolve) => setTimeout(resolve, work > 0 ? 0 : DRAIN_POLL_MS));
    }
    return opened;
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
    return this.recoveredSeq - (this.snapshot?.place.seq ?? 0);
  }

  /**
   * The newest good snapshot that journal and event log both reach: events before it cannot be made
   * again. The event log is cut here as its writer would cut it.
   */
  #findSnapshot(end: JournalEnd): Snapshot | undefined {
    const newest = listSnapshots(this.#disk, this.#directory)[0];
    if (!this.#isRecording || newest === undefined) return undefined;
    if (newest > end.lastSeq && end.durability === "fsync") {
      const path = `${snapshotsPath(this.#directory)}/${snapshotName(newest)}`;
      const what = "it stands behind the end of the journal, which has lost commands";
      throw new DamageError("lostCommands", path, 0, end.lastSeq, what);
    }
    const directoryId = directoryIdOf(this.meta);
    const { recovery } = recoverEventLog(this.#disk, eventsPath(this.#directory), {
      directoryId,
      journalLastSeq: end.lastSeq,
      journalDurability: end.durability,
    });
    const found = findSnapshot(this.#disk, this.#directory, {
      atMost: Math.min(end.lastSeq, recovery.lastSeq),
      directoryId,
      skips: findSkips(this.#disk, journalPath(this.#directory)),
      onRefused: (path, why) => this.refusedSnapshots.push({ path, why }),
    });
    if (found === undefined) return undefined;
    // Each thread takes its part out of the same memory.
    const shared = new SharedArrayBuffer(found.bytes.length);
    new Uint8Array(shared).set(found.bytes);
    return sharedSnapshot(shared);
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

  /** Each anchor of the journal, as it grows. */
  onAnchor(listener: (anchor: JournalAnchor) => void): void {
    this.#journal.onMessage((message) => {
      if (message.type === "journalAnchor") listener((message as JournalAnchorMessage).anchor);
    });
  }

  tellEgress(request: EgressRequest): void {
    this.egress.post(request);
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

  get risk(): RiskThreads {
    return this.#risk;
  }

  /** Ends the threads in order; everything must be drained. */
  async stop(egressDrainMs: number): Promise<void> {
    const egressStopped = new Promise<void>((resolve) => {
      this.egress.onMessage((message) => {
        if (message.type === "stopped") resolve();
      });
    });
    this.egress.stopping();
    this.egress.post({ type: "stop", drainMs: egressDrainMs } satisfies EgressRequest);
    await this.#orFault(egressStopped);
    for (const thread of [this.#engine, this.#journal]) thread?.stopping();
    this.#risk.stopping();
    setStopWord(this.memory);
    await Promise.all([
      this.#engine?.stopped(),
      this.#journal.stopped(),
      this.#risk.stopped(),
      this.egress.stopped(),
    ]);
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
