import {
  ADVANCE_TIME_LENGTH,
  AdvanceTime,
  SESSION_END_LENGTH,
  SessionEnd,
  SNAPSHOT_LENGTH,
  Snapshot,
} from "../../protocol/generated/commands.ts";
import type { SessionEndReason } from "../../protocol/generated/enums.ts";
import { ControlWord, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { RingIntake } from "./ring-intake.ts";
import type { OpenSession } from "./snapshot/open-sessions.ts";

const TICK_MS = 100;
/** A quiet server takes its snapshot this long after the last command. */
const QUIET_MS = 1000;

/** Whole seconds since 1970 of the earliest gtd expiry; −1 (as u32: the largest): none waits. */
export const NO_EXPIRY = -1;

/**
 * What the server itself has to say to the engine: time goes on (only while an order waits for it),
 * a snapshot is due, a session is over. Commands like all others, so that a replay repeats them
 * instead of deciding anew.
 */
export class OwnCommands {
  readonly #intake: RingIntake;
  readonly #control: Int32Array;
  readonly #nowUs: () => number;
  readonly #snapshotIntervalMs: number;
  readonly #advance = new AdvanceTime();
  readonly #snapshot = new Snapshot();
  readonly #sessionEnd = new SessionEnd();
  #timer: NodeJS.Timeout | null = null;
  #snapshotSeq = 0;
  #snapshotAtMs = performance.now();
  #seenSeq = 0;
  #seenAtMs = performance.now();

  constructor(
    intake: RingIntake,
    memory: PipelineMemory,
    nowUs: () => number,
    snapshotIntervalMs: number,
  ) {
    this.#intake = intake;
    this.#control = new Int32Array(memory.control);
    this.#nowUs = nowUs;
    this.#snapshotIntervalMs = snapshotIntervalMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Returns its seq; −1 while the ring is full. */
  snapshot(): number {
    const offset = this.#intake.claimOwn();
    if (offset < 0) return -1;
    if (!this.#snapshot.wrap(this.#intake.view, offset)) throw new RangeError(`${SNAPSHOT_LENGTH}`);
    this.#snapshot.clear();
    this.#snapshotSeq = this.#intake.commit(offset);
    this.#snapshotAtMs = performance.now();
    return this.#snapshotSeq;
  }

  /** Returns its seq; −1 while the ring is full. */
  endSession(session: OpenSession, reason: SessionEndReason): number {
    const offset = this.#intake.claimOwn();
    if (offset < 0) return -1;
    const end = this.#sessionEnd;
    if (!end.wrap(this.#intake.view, offset)) throw new RangeError(`${SESSION_END_LENGTH}`);
    end.clear();
    end.account = session.account;
    end.keyNumber = session.keyNumber;
    end.keyId = session.keyId;
    end.cancelOnDisconnect = session.cancelOnDisconnect;
    end.endReason = reason;
    return this.#intake.commit(offset);
  }

  #tick(): void {
    if (!this.#intake.accepting) return;
    this.#expire();
    const nowMs = performance.now();
    const lastSeq = this.#intake.lastSeq;
    if (lastSeq !== this.#seenSeq) {
      this.#seenSeq = lastSeq;
      this.#seenAtMs = nowMs;
    }
    if (lastSeq === this.#snapshotSeq || lastSeq === 0 || this.#snapshotIntervalMs === 0) return;
    const quiet = nowMs - this.#seenAtMs >= QUIET_MS;
    if (quiet || nowMs - this.#snapshotAtMs >= this.#snapshotIntervalMs) this.snapshot();
  }

  #expire(): void {
    const seconds = Atomics.load(this.#control, ControlWord.nextExpiry) >>> 0;
    if (seconds === NO_EXPIRY >>> 0 || this.#nowUs() < seconds * 1_000_000) return;
    const offset = this.#intake.claimOwn();
    if (offset < 0) return;
    if (!this.#advance.wrap(this.#intake.view, offset))
      throw new RangeError(`${ADVANCE_TIME_LENGTH}`);
    this.#advance.clear();
    this.#intake.commit(offset);
  }
}
