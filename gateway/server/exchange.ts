import path from "node:path";
import type { Logger } from "pino";
import type { CheckpointStatus } from "../../engine/journal/event-log-status.ts";
import { JournalCounter } from "../../engine/journal/journal-counters.ts";
import { helpersGiveWay } from "../../engine/threads/background.ts";
import { SessionEndReason } from "../../protocol/generated/enums.ts";
import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, ControlWord, DiskState } from "../../protocol/rings/pipeline-memory.ts";
import { ANCHOR_MESSAGE } from "../../replay/anchor-file.ts";
import { systemClock } from "../clock.ts";
import { maskPassword } from "../config/print.ts";
import type { Config } from "../config/settings.ts";
import { createMetrics } from "../http/metrics.ts";
import { createPages } from "../http/pages.ts";
import type { ServerStatus } from "../http/server-status.ts";
import { PACKAGE_VERSION } from "../package-root.ts";
import { OwnedRedis } from "../redis/owned-server.ts";
import type { PublisherStatus } from "../redis/publisher.ts";
import { startTransport } from "../transport/start.ts";
import type { Transport } from "../transport/transport.ts";
import { AsyncLoop } from "./async-loop.ts";
import { demoKeyFiles, setUpDemo } from "./demo.ts";
import type { EgressLogMessage, RedisStatusMessage } from "./egress.worker.ts";
import { Gateway } from "./gateway.ts";
import { HistoryCheck } from "./history-check.ts";
import { OwnCommands } from "./own-commands.ts";
import { Pipeline, type PipelineFault } from "./pipeline.ts";
import { redisStatus } from "./redis-status.ts";
import { RingIntake } from "./ring-intake.ts";
import { SegmentCompressor } from "./segment-compressor.ts";
import { removeServeFile, writeServeFile } from "./serve-file.ts";
import { type OpenSession, OpenSessions } from "./snapshot/open-sessions.ts";
import { Snapshotter, type TakenSnapshot } from "./snapshot/snapshotter.ts";

/** How long Redis may take over what is left when the server stops; the next start publishes the rest. */
const REDIS_DRAIN_MS = 5000;
const FULL_RING_PAUSE_MS = 1;
/** Of one turn: more wait for no other. */
const COMMANDS_AT_ONCE = 16;
const CHECKPOINT_LOOK_MS = 200;
/** The last snapshot of a stop that takes longer is left out. */
const SNAPSHOT_WAIT_MS = 15_000;

/**
 * The whole server: data directory, pipeline, gateway, Redis. Started once, stopped once. A fault of
 * the pipeline ends it without a stop: what is on disk is the truth, and the next start recovers.
 */
export class Exchange {
  readonly config: Config;
  readonly #log: Logger;
  readonly #pipeline: Pipeline;
  readonly #intake: RingIntake;
  readonly #own: OwnCommands;
  readonly #gateway: Gateway;
  /** undefined until everything is recovered. */
  #running: AsyncLoop | undefined;
  readonly #startedUs = systemClock.nowUs();
  #transport: Transport | null = null;
  #redis: OwnedRedis | null = null;
  #redisStatus: PublisherStatus | null = null;
  #redisAbsent: string | null = null;
  #redisStarting: Promise<void> = Promise.resolve();
  readonly #compressor: SegmentCompressor | null;
  readonly #snapshotter: Snapshotter | null;
  #snapshotTimer: NodeJS.Timeout | null = null;
  readonly #history: HistoryCheck;
  #skipped: readonly number[] = [];
  #state: ServerStatus["state"] = "starting";

  /**
   * onFault: the process must end, with a status other than 0. Throws what keeps the data directory
   * from being opened (see Pipeline).
   */
  constructor(config: Config, log: Logger, onFault: (fault: PipelineFault) => void) {
    this.config = config;
    this.#log = log;
    this.#pipeline = new Pipeline(config, systemClock.nowUs, (fault) => {
      this.#intake.close();
      onFault(fault);
    });
    this.#pipeline.onRiskNews = ({ what, ...news }) => {
      if (what === "died") {
        log.error(
          news,
          "a risk worker died: orders of its accounts are refused until it is rebuilt",
        );
      } else log.info(news, "a risk worker is rebuilt: its accounts trade again");
    };
    const { memory, sequencer } = this.#pipeline;
    this.#intake = new RingIntake(sequencer, memory, (header) => this.#gateway.onCommand(header));
    const { capacity } = this.#pipeline;
    const dataDirectory = config.dataDir;
    this.#snapshotter =
      config.durability === "none"
        ? null
        : new Snapshotter({ dataDirectory, capacity }, log, (taken) => this.#onSnapshot(taken));
    this.#history = new HistoryCheck(log);
    const mayCompress = config.compressSegments && config.durability !== "none";
    this.#compressor = mayCompress ? new SegmentCompressor(config.dataDir, log) : null;
    this.#own = new OwnCommands(this.#intake, memory, systemClock.nowUs, config.snapshotIntervalMs);
    this.#gateway = new Gateway({
      config,
      log,
      memory,
      intake: this.#intake,
      clock: systemClock,
      eventsDirectory: this.#pipeline.eventsDirectory,
      afterInput: () => {
        if (sequencer.unannounced >= COMMANDS_AT_ONCE) this.#announce();
      },
    });
    this.#pipeline.onEgress = (message) => this.#onEgress(message);
    this.#pipeline.onAnchor = (anchor) => {
      log.info(anchor, ANCHOR_MESSAGE);
      this.#pipeline.tellEgress({ type: "anchor", anchor });
    };
  }

  /** Orders are accepted. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  get url(): string {
    const scheme = this.config.tlsCert === null ? "ws" : "wss";
    const host = this.config.host.includes(":") ? `[${this.config.host}]` : this.config.host;
    return `${scheme}://${host}:${this.#transport?.port ?? 0}`;
  }

  /** Resolves when orders are accepted. */
  async start(): Promise<void> {
    removeServeFile(this.config.dataDir); // of a server that crashed: the lock says it is gone
    this.#sayCapacity();
    const status = () => this.status();
    this.#transport = await startTransport(
      {
        host: this.config.host,
        port: this.config.port,
        ...tlsOf(this.config),
        endpoints: this.#gateway.endpoints,
        http: createPages(status, createMetrics(status)),
      },
      this.config.transport,
      (sentence) => this.#log.warn(sentence),
    );
    await this.#recover();
    await this.#setUpDemo();
    // Not waited for: a Redis that is slow or broken keeps nobody from trading.
    this.#redisStarting = this.#startRedis().catch((error: unknown) => {
      this.#redisAbsent = error instanceof Error ? error.message : String(error);
      this.#log.error({ err: error }, "Redis cannot be started: nothing is published");
    });
    this.#loop.start();
    this.#announceByTurns();
    this.#gateway.goLive();
    this.#intake.open();
    this.#own.start();
    this.#watchCheckpoints();
    this.#state = "ready";
    helpersGiveWay();
    writeServeFile(this.config.dataDir, {
      pid: process.pid,
      port: this.#transport.port,
      url: this.url,
      readySince: systemClock.nowUs(),
    });
    this.#log.info(
      { url: this.url, lastSeq: this.#intake.lastSeq, transport: this.#transport.kind },
      "ready: orders are accepted",
    );
    this.#checkHistory();
  }

  /** What the start did not read, now that nobody waits for it. */
  #checkHistory(): void {
    const { config } = this;
    const { unread, recoveredSeq: lastSeq } = this.#pipeline;
    const skips = this.#skipped;
    this.#history.begin({ ...unread, dataDirectory: config.dataDir, skips, lastSeq });
  }

  /** What all sockets had to say in one turn of the event loop wakes the other threads once. */
  #announceByTurns(): void {
    const announce = () => this.#announce();
    this.#pipeline.sequencer.announceLater(() => setImmediate(announce));
  }

  #announce(): void {
    this.#pipeline.sequencer.announce();
    this.#loop.poke();
  }

  /** Ends in order: no more intake, everything durable and out, a last snapshot, good-bye. */
  async stop(reason: string): Promise<void> {
    this.#state = "stopping";
    this.#log.info({ reason }, "stopping");
    removeServeFile(this.config.dataDir);
    this.#own.stop();
    if (this.#snapshotTimer !== null) clearInterval(this.#snapshotTimer);
    const historyEnds = this.#history.stop();
    await this.#compressor?.stop();
    this.#intake.close();
    this.#transport?.stopListening();
    const round = () => this.#loop.round();
    await this.#loop.stop();
    await this.#pipeline.drained(round);
    this.#gateway.announceShutdown();
    while (!this.#gateway.endAll()) await pause(FULL_RING_PAUSE_MS);
    await this.#pipeline.drained(round);
    while (this.#own.snapshot() < 0) await pause(FULL_RING_PAUSE_MS);
    await this.#pipeline.drained(round);
    this.#snapshotter?.want(this.#pipeline.status.read().checkpoint.seq);
    this.#gateway.stop();
    await this.#transport?.close();
    await this.#redisStarting;
    await this.#snapshotter?.stop(SNAPSHOT_WAIT_MS);
    await this.#pipeline.stop(REDIS_DRAIN_MS);
    await this.#redis?.stop();
    await historyEnds;
    const { check } = this.status();
    this.#log.info(
      {
        lastSeq: this.#intake.lastSeq,
        checkSeq: check.seq,
        stateHash: check.stateHash,
        eventHash: check.eventHash,
        events: check.events,
        trades: check.trades,
      },
      "stopped",
    );
  }

  get #loop(): AsyncLoop {
    if (this.#running === undefined) throw new Error("nothing is recovered yet");
    return this.#running;
  }

  status(): ServerStatus {
    const log = this.#pipeline.status.read();
    const counters = this.#pipeline.counters;
    const count = (index: number) => counters[index] as number;
    return {
      state: this.#state,
      version: PACKAGE_VERSION,
      startedUs: this.#startedUs,
      durability: this.config.durability,
      transport: this.#transport?.kind ?? "none",
      lastSeq: this.#intake.lastSeq,
      lags: this.#pipeline.lags(),
      log: { lastSeq: log.lastSeq, eventCount: log.eventCount },
      check: this.#check(log.checkpoint),
      history: this.#history.status,
      redis: redisStatus(
        this.#redisStatus,
        this.#redisAbsent,
        log,
        this.#startedUs,
        systemClock.nowUs(),
      ),
      journal: {
        commands: count(JournalCounter.commands),
        blocks: count(JournalCounter.blocks),
        bytes: count(JournalCounter.bytes),
        lastCommitUs: Math.round(count(JournalCounter.lastCommitNs) / 1000),
        maxCommitUs: Math.round(count(JournalCounter.maxCommitNs) / 1000),
        epoch: count(JournalCounter.epoch),
      },
      risk: this.#pipeline.riskDeaths,
      killSwitch: this.#gateway.killSwitchTimes,
      sessions: this.#gateway.sessionCounts(),
      refused: this.#intake.refused,
      diskLow:
        Atomics.load(new Int32Array(this.#pipeline.memory.control), ControlWord.disk) ===
        DiskState.low,
    };
  }

  /** A checkpoint of a large book has no state hash: the snapshot has it, a little later. */
  #check({ seq, stateHash, eventHash, eventCount, tradeCount }: CheckpointStatus) {
    if (!/^0+$/.test(stateHash)) {
      return { seq, stateHash, eventHash, events: eventCount, trades: tradeCount };
    }
    const place = this.#snapshotter?.last ?? null;
    if (place === null) {
      return { seq: 0, stateHash: null, eventHash: null, events: 0, trades: 0 };
    }
    const { events, trades } = place;
    return {
      seq: place.seq,
      stateHash: place.stateHash,
      eventHash: place.eventHash,
      events,
      trades,
    };
  }

  async #recover(): Promise<void> {
    this.#state = "recovering";
    const startedMs = systemClock.nowMs();
    let toldMs = startedMs;
    const { recovery } = this.#pipeline;
    for (const refused of recovery?.refused ?? []) {
      this.#log.warn(refused, "a snapshot is passed over");
    }
    const sessions = new OpenSessions();
    const { recovered, opened } = await this.#pipeline.recover(
      this.#gateway.stateWith(sessions),
      (done, total) => {
        if (systemClock.nowMs() - toldMs < 1000) return;
        toldMs = systemClock.nowMs();
        this.#log.info({ done, total }, "replaying the journal");
      },
    );
    if (opened?.cut) this.#log.warn(opened.cut, "a torn tail was cut and kept aside");
    if (recovered !== undefined) {
      const { skipped, eventSeq, eventIndex, snapshot } = recovered;
      this.#skipped = skipped;
      if (skipped.length > 0) {
        this.#log.warn({ seqs: skipped }, "commands are taken out of the journal");
      }
      this.#gateway.startAfter(snapshot.place.seq, eventSeq, eventIndex);
      const seconds = (systemClock.nowMs() - startedMs) / 1000;
      const { tailCommands: commands } = this.#pipeline;
      const snapshotSeq = recovery?.snapshot?.place.seq ?? 0;
      this.#log.info({ snapshotSeq, commands, seconds }, "the journal is replayed");
    }
    this.#running = new AsyncLoop(
      this.#pipeline.mainStages(this.#gateway.stage),
      new Doorbell(this.#pipeline.memory, Bell.gateway),
      (error) => this.#pipeline.fail("gateway", error),
      { spins: this.config.idle === "spin" },
    );
    await this.#endStaleSessions(sessions.all());
  }

  /** Sessions that a crash has cut off end now, with their cancels, in the journal. */
  async #endStaleSessions(sessions: Iterable<OpenSession>): Promise<void> {
    for (const session of sessions) {
      while (this.#own.endSession(session, SessionEndReason.recovery) < 0) {
        if (this.#loop.round() === 0) await pause(FULL_RING_PAUSE_MS);
      }
    }
    await this.#pipeline.drained(() => this.#loop.round());
  }

  /** A snapshot command whose checkpoint is durable: the shadow may follow up to there. */
  #watchCheckpoints(): void {
    const snapshotter = this.#snapshotter;
    if (snapshotter === null) return;
    snapshotter.prepare();
    let last = this.#pipeline.recovery?.snapshot?.place.seq ?? 0;
    this.#snapshotTimer = setInterval(() => {
      const { seq } = this.#pipeline.status.read().checkpoint;
      if (seq === last) return;
      last = seq;
      snapshotter.want(seq);
    }, CHECKPOINT_LOOK_MS);
  }

  /** What ends before the snapshots that a start may begin with is old. */
  #onSnapshot({ forRecovery }: TakenSnapshot): void {
    if (forRecovery.length > 1) this.#compressor?.cover(Math.min(...forRecovery));
  }

  #sayCapacity(): void {
    const { config } = this;
    const { capacity } = this.#pipeline;
    const isAsConfigured =
      capacity.orders === config.capacityOrders &&
      capacity.levels === config.capacityLevels &&
      capacity.instruments === config.capacityInstruments &&
      capacity.accounts === config.capacityAccounts &&
      capacity.assets === config.capacityAssets;
    if (isAsConfigured) return;
    this.#log.warn(
      { capacity },
      "the data directory keeps the capacities it was made with, not those of the configuration",
    );
  }

  async #setUpDemo(): Promise<void> {
    if (!this.config.demo) return;
    let files = demoKeyFiles(this.config.dataDir);
    if (this.#intake.lastSeq === 0) {
      files = await setUpDemo(this.config.dataDir, this.#intake, systemClock.nowUs());
      await this.#pipeline.drained(() => this.#loop.round());
    }
    for (const [name, file] of files) this.#log.info(`demonstration key of ${name}: ${file}`);
  }

  async #startRedis(): Promise<void> {
    const { config } = this;
    if (config.durability === "none" || config.redis === "off") {
      this.#redisAbsent = config.redis === "off" ? "switched off" : "durability none";
      return;
    }
    let url = config.redis;
    if (url === "own") {
      const log = this.#log.child({ part: "redis" });
      this.#redis = await OwnedRedis.start({ directory: path.join(config.dataDir, "redis"), log });
      if (this.#redis === null) {
        this.#redisAbsent = "no redis-server on the PATH";
        this.#log.warn(
          "there is no redis-server on the PATH and no URL: nothing is published to Redis, everything else works",
        );
        return;
      }
      url = this.#redis.url;
    }
    this.#pipeline.tellEgress({
      type: "publish",
      access: {
        url,
        prefix: config.redisPrefix,
        tlsCaFile: config.redisTlsCa,
        tlsCertFile: config.redisTlsCert,
        tlsKeyFile: config.redisTlsKey,
        timeoutMs: config.redisTimeoutMs,
      },
      directoryId: this.#pipeline.meta.directoryId,
      epoch: this.#pipeline.epoch as number,
      batchBytes: config.redisBatchBytes,
      keepEntries: config.redisMaxEntries,
    });
    this.#log.info({ redis: maskPassword(url) }, "publishing trades and events to Redis");
  }

  #onEgress(message: { readonly type: string }): void {
    if (message.type === "redisStatus") {
      this.#redisStatus = (message as RedisStatusMessage).status;
    } else if (message.type === "log") {
      const { level, fields, text } = message as EgressLogMessage;
      this.#log[level](fields, text);
    }
  }
}

function tlsOf(config: Config): { tls?: { certFile: string; keyFile: string } } {
  const { tlsCert, tlsKey } = config;
  return tlsCert === null || tlsKey === null ? {} : { tls: { certFile: tlsCert, keyFile: tlsKey } };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
