import type { Doorbell } from "../../protocol/rings/doorbell.ts";
import type { Stage } from "../../protocol/stage.ts";

/** Longest sleep: bounds what a lost wake-up could cost. */
const MAX_SLEEP_MS = 100;
/** Rounds before the event loop gets its turn: sockets must not starve under a flood of events. */
const ROUNDS_A_TURN = 32;

export interface AsyncLoopOptions {
  /**
   * After work, nobody's bell is heard for so long. For a thread whose work nobody waits for: under load
   * it does more at once, and those who ring save a system call each time. 0: awake as soon as there is
   * work.
   */
  readonly lingerMs?: number;
  /** Never asleep: the event loop turns on, and nobody has to ring. */
  readonly spins?: boolean;
}

/**
 * Runs stages on a thread that has an event loop besides: while there is work a few rounds a turn,
 * else asleep on a doorbell without blocking the sockets.
 */
export class AsyncLoop {
  readonly #stages: readonly Stage[];
  readonly #bell: Doorbell;
  readonly #onError: (error: Error) => void;
  readonly #lingerMs: number;
  readonly #spins: boolean;
  #running = false;
  #isInRound = false;
  #turn: Promise<void> | null = null;

  constructor(
    stages: readonly Stage[],
    bell: Doorbell,
    onError: (error: Error) => void,
    options: AsyncLoopOptions = {},
  ) {
    this.#stages = stages;
    this.#bell = bell;
    this.#onError = onError;
    this.#lingerMs = options.lingerMs ?? 0;
    this.#spins = options.spins ?? false;
  }

  start(): void {
    this.#running = true;
    this.#turn = this.#run().catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#running = false;
    this.#onError(error instanceof Error ? error : new Error(String(error)));
  }

  /** Looks at the rings at once: where commands have come in, work is often done by now. */
  poke(): void {
    // Not from within a round: a stage that waits for another one would wait for itself.
    if (!this.#running || this.#isInRound) return;
    try {
      this.round();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** One round over all stages; the work done. Also for callers that wait for the rings. */
  round(): number {
    let work = 0;
    this.#isInRound = true;
    try {
      for (const stage of this.#stages) work += stage.doWork();
    } finally {
      this.#isInRound = false;
    }
    return work;
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#bell.ring();
    await this.#turn;
  }

  async #run(): Promise<void> {
    while (this.#running) {
      let work = 0;
      for (let i = 0; i < ROUNDS_A_TURN; i++) {
        const done = this.round();
        work += done;
        if (done === 0) break;
      }
      if (work > 0 || this.#spins) {
        await (this.#lingerMs > 0 ? pause(this.#lingerMs) : nextTurn());
        continue;
      }
      this.#bell.arm();
      if (this.round() === 0 && this.#running) await this.#bell.waitAsync(MAX_SLEEP_MS);
      this.#bell.disarm();
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
