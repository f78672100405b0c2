import { randomUUID } from "node:crypto";
import { systemClock } from "../clock.ts";
import { type RedisAccess, RedisNodes } from "./access.ts";
import { type Anchor, type AnchorSource, anchorId } from "./anchor-queue.ts";
import { type Batch, BatchBuilder } from "./batch.ts";
import { RedisConnection } from "./connection.ts";
import {
  classify,
  InstrumentUnknown,
  PublishingHalted,
  RedisMoved,
  RedisUnavailable,
} from "./errors.ts";
import type { EventSource } from "./event-source.ts";
import { type DirectoryIdentity, type StartingPoint, takeOver } from "./position.ts";
import { compareEventIds, type EventId, formatEventId } from "./stream-id.ts";
import { Wakeup } from "./wakeup.ts";

/** Batches under way at once: one that Redis works on, and the next ones on their way to it. */
const WINDOW = 3;
/** The source is looked at this often even if nobody calls wake(), and replies are waited for this long. */
const POLL_MS = 100;
/** The same, once everything is published. */
const QUIET_POLL_MS = 1000;
const DRAIN_ATTEMPTS = 3;
/** From node to node of a cluster, without a pause; then one is made. */
const MOST_REDIRECTIONS = 5;

export interface PublisherLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface PublisherOptions {
  readonly access: RedisAccess;
  /** Must be complete: after a crash, start only when recovery has mended the event log. */
  readonly source: EventSource;
  readonly identity: DirectoryIdentity;
  readonly log: PublisherLog;
  /** Most bytes of records in one batch. */
  readonly batchBytes: number;
  /** About how many entries a stream keeps; 0: all. */
  readonly keepEntries: number;
  /** Anchors of the journal; without it none are published. */
  readonly anchors?: AnchorSource;
  readonly backOffMs?: { readonly first: number; readonly most: number };
}

export type PublisherState = "connecting" | "publishing" | "waiting" | "halted" | "stopped";

/** How publishing stands. The same object all the time; counts are those of this process. */
export interface PublisherStatus {
  state: PublisherState;
  /** Why it waits or has halted; null while all is well. */
  reason: string | null;
  /** HaltCode, or null. */
  haltCode: string | null;
  /** Last event that Redis has; 0 and 0: none, or not known yet. */
  seq: number;
  index: number;
  /** Timestamp of that event; 0: not known. */
  timestampUs: number;
  /** Everything that the source has shown is in Redis. */
  caughtUp: boolean;
  /** Events in Redis in all; null: not known. */
  publishedEvents: number | null;
  /**
   * No event that Redis lacks is older, microseconds since 1970; 0: not known. While Redis has never
   * been reached: the start of publishing.
   */
  behindSinceUs: number;
  events: number;
  trades: number;
  batches: number;
  anchors: number;
  /** Connections that were opened and taken over. */
  connections: number;
  /** Faults after which it connected again. */
  faults: number;
}

/**
 * Publishes trades and events, each exactly once and in order. It reads the event log and not the
 * engine, so a Redis that is slow or away costs nobody anything but itself. After any fault, without
 * exception, it throws the connection away, opens another and goes on after the last event that
 * Redis has.
 */
export class RedisPublisher {
  readonly status: PublisherStatus = {
    state: "stopped",
    reason: null,
    haltCode: null,
    seq: 0,
    index: 0,
    timestampUs: 0,
    caughtUp: false,
    publishedEvents: null,
    behindSinceUs: systemClock.nowUs(),
    events: 0,
    trades: 0,
    batches: 0,
    anchors: 0,
    connections: 0,
    faults: 0,
  };
  readonly #options: PublisherOptions;
  readonly #replyTimeoutMs: number;
  readonly #nodes: RedisNodes;
  readonly #wakeup = new Wakeup();
  readonly #backOffEnd = new Wakeup();
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  #draining = false;
  #instrumentsFromLog = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#replyTimeoutMs = options.access.timeoutMs ?? 10_000;
    this.#nodes = new RedisNodes(options.access);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** New events are in the source. Cheap; need not be called for every one. */
  wake(): void {
    this.#wakeup.signal();
  }

  /**
   * Publishes what the source has, for at most `drainMs`, and ends. Where Redis is away it is tried
   * twice more: what it lacks then, the next start publishes.
   */
  async stop(drainMs: number): Promise<void> {
    this.#draining = true;
    this.#wakeup.signal();
    this.#backOffEnd.signal();
    const timer = setTimeout(() => this.#end(), drainMs);
    await this.#running;
    clearTimeout(timer);
    if (this.status.state !== "halted") this.status.state = "stopped";
  }

  #end(): void {
    this.#stop.abort();
    this.#wakeup.signal();
    this.#backOffEnd.signal();
  }

  async #run(): Promise<void> {
    const { log } = this.#options;
    const backOff = this.#options.backOffMs ?? { first: 50, most: 1_000 };
    let delayMs = backOff.first;
    let attemptsToDrain = 0;
    let redirections = 0;
    while (!this.#stop.signal.aborted) {
      const publishedBefore = this.status.batches;
      try {
        this.status.state = "connecting";
        await this.#session();
        return;
      } catch (caught) {
        if (this.#stop.signal.aborted) return;
        if (caught instanceof InstrumentUnknown) this.#instrumentsFromLog = true;
        const error = classify(caught);
        this.status.reason = error.message;
        if (error instanceof PublishingHalted) {
          this.status.state = "halted";
          this.status.haltCode = error.code;
          log.error({ code: error.code }, `publishing to Redis has halted: ${error.message}`);
          return;
        }
        if (error instanceof RedisMoved && ++redirections <= MOST_REDIRECTIONS) {
          this.#nodes.sentTo(error.address);
          continue;
        }
        redirections = 0;
        this.#nodes.failed();
        this.status.state = "waiting";
        this.status.faults++;
        // One line for each outage, not one for each attempt.
        const isNew = delayMs === backOff.first || this.status.batches > publishedBefore;
        if (isNew) log.warn({ error: error.message }, "publishing to Redis waits");
        if (this.status.batches > publishedBefore) delayMs = backOff.first;
      }
      if (this.#draining && ++attemptsToDrain >= DRAIN_ATTEMPTS) return;
      await this.#backOffEnd.wait(delayMs * (0.5 + Math.random() / 2));
      delayMs = Math.min(delayMs * 2, backOff.most);
    }
  }

  /** From connecting to the first fault (throws), or to the end of publishing (returns). */
  async #session(): Promise<void> {
    const { access, source, identity, log, keepEntries, batchBytes, anchors } = this.#options;
    let isClosed = false;
    const onClosed = () => {
      isClosed = true;
      this.#wakeup.signal();
    };
    const { signal } = this.#stop;
    const connection = await RedisConnection.open(
      this.#nodes,
      access.prefix,
      this.#replyTimeoutMs,
      signal,
      onClosed,
    );
    try {
      const owner = randomUUID();
      const from = await takeOver(
        connection,
        identity,
        owner,
        source,
        this.#instrumentsFromLog,
        anchors,
      );
      this.#instrumentsFromLog = false;
      this.#publishing(from);
      log.info(
        { after: formatEventId(from.position) },
        "publishing to Redis after the last event there",
      );
      const builder = new BatchBuilder(connection.keys, from, keepEntries);
      const window = new Window(connection, owner, keepEntries, this.status, this.#wakeup);
      let { lastAnchor } = from;
      // All events of the commands up to here have been sent.
      let sentSeq = 0;
      const buffer = new Uint8Array(batchBytes);
      for (;;) {
        window.check(this.#replyTimeoutMs);
        if (isClosed) throw new RedisUnavailable("the connection was closed");
        if (this.#stop.signal.aborted) return;
        const anchor = window.underWay < WINDOW ? anchors?.take(sentSeq) : undefined;
        if (anchor !== undefined) {
          // That of the last process may come once more, when its successor opens the journal.
          if (compareEventIds(anchorId(anchor), lastAnchor) <= 0) continue;
          lastAnchor = anchorId(anchor);
          window.sendAnchor(anchor, builder.position);
          continue;
        }
        const loggedSeq = anchors?.loggedSeq ?? 0; // before the look into the source
        const canSend = window.underWay < WINDOW;
        const batch = canSend ? builder.next(source, buffer) : null;
        if (batch !== null) {
          this.#fallBehind();
          window.send(batch);
          sentSeq = batch.last.seq - 1; // the rest of that command's events may be still to come
          // Replies, and whoever shares the thread, have their turn between two batches.
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        if (canSend && sentSeq < loggedSeq) {
          sentSeq = loggedSeq;
          continue;
        }
        const isQuiet = window.underWay === 0 && anchors?.isWaiting !== true;
        if (window.underWay === 0) {
          this.status.caughtUp = true;
          if (this.#draining) return;
        }
        await this.#wakeup.wait(isQuiet ? QUIET_POLL_MS : POLL_MS);
      }
    } finally {
      this.#fallBehind();
      connection.close();
    }
  }

  #publishing({ position, timestampUs, publishedEvents }: StartingPoint): void {
    const { status } = this;
    status.state = "publishing";
    status.reason = null;
    status.connections++;
    status.seq = position.seq;
    status.index = position.index;
    status.publishedEvents = publishedEvents;
    // Where Redis has lost its latest, this goes back.
    if (status.connections === 1 || timestampUs < status.timestampUs) {
      status.behindSinceUs = timestampUs;
    }
    status.timestampUs = timestampUs;
  }

  #fallBehind(): void {
    if (!this.status.caughtUp) return;
    this.status.caughtUp = false;
    this.status.behindSinceUs = systemClock.nowUs();
  }
}

/** What was sent and not answered yet, batches and anchors. Answers come in the order of sending. */
class Window {
  underWay = 0;
  readonly #connection: RedisConnection;
  readonly #owner: string;
  readonly #keepEntries: number;
  readonly #status: PublisherStatus;
  readonly #wakeup: Wakeup;
  #failure: unknown = null;
  #lastAnswerMs = 0;

  constructor(
    connection: RedisConnection,
    owner: string,
    keepEntries: number,
    status: PublisherStatus,
    wakeup: Wakeup,
  ) {
    this.#connection = connection;
    this.#owner = owner;
    this.#keepEntries = keepEntries;
    this.#status = status;
    this.#wakeup = wakeup;
  }

  send(batch: Batch): void {
    this.#send(this.#connection.append(batch, this.#owner), () => {
      const to = this.#status;
      to.seq = batch.last.seq;
      to.index = batch.last.index;
      to.timestampUs = batch.timestampUs;
      to.behindSinceUs = Math.max(to.behindSinceUs, batch.timestampUs);
      to.publishedEvents = batch.publishedEvents;
      to.events += batch.eventCount;
      to.trades += batch.tradeCount;
      to.batches++;
    });
  }

  /** after: the last event sent. */
  sendAnchor(anchor: Anchor, after: EventId): void {
    const reply = this.#connection.appendAnchor(this.#owner, after, anchor, this.#keepEntries);
    this.#send(reply, () => this.#status.anchors++);
  }

  #send(reply: Promise<unknown>, appended: () => void): void {
    if (this.underWay === 0) this.#lastAnswerMs = performance.now();
    this.underWay++;
    reply.then(
      (answer) => this.#answered(answer as [string, string], appended),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Throws what went wrong since the last look. */
  check(timeoutMs: number): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.underWay > 0 && performance.now() - this.#lastAnswerMs > timeoutMs) {
      throw new RedisUnavailable(`a batch was not answered within ${timeoutMs} ms`);
    }
  }

  #answered([status, detail]: [string, string], appended: () => void): void {
    if (status !== "appended") {
      this.#failed(refusal(status, detail));
      return;
    }
    // A batch that follows a failed one was refused by Redis too, so nothing is counted wrongly.
    this.underWay--;
    this.#lastAnswerMs = performance.now();
    appended();
    this.#wakeup.signal();
  }

  /** The first failure counts: those after it follow from it. */
  #failed(error: unknown): void {
    this.#failure ??= error;
    this.#wakeup.signal();
  }
}

function refusal(status: string, detail: string): Error {
  switch (status) {
    case "replaced":
      return new PublishingHalted("replaced", "another process has taken over publishing");
    case "streamMissing":
      return new PublishingHalted("streamMissing", `${detail} was removed while it was written to`);
    case "foreignEntry":
      return new PublishingHalted(
        "foreignEntry",
        `${detail} holds an entry that was not published from here`,
      );
    default:
      // "moved": Redis does not stand where it should (restored from a copy, a replica took over).
      return new RedisUnavailable(`Redis stands elsewhere than expected (${status} ${detail})`);
  }
}
