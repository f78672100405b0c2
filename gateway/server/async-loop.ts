import { Doorbell } from "../../protocol/rings/doorbell.ts";
import { Bell, type PipelineMemory } from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";

/** Longest sleep: bounds what a lost wake-up could cost. */
const MAX_SLEEP_MS = 100;
/** Rounds before the event loop gets its turn: sockets must not starve under a flood of events. */
const ROUNDS_A_TURN = 32;

/**
 * Runs the main thread's stages on its event loop: while there is work a few rounds a turn, else
 * asleep on the gateway's doorbell without blocking the sockets.
 */
export class MainLoop {
  readonly #stages: readonly Stage[];
  readonly #bell: Doorbell;
  readonly #onError: (error: Error) => void;
  #running = false;
  #turn: Promise<void> | null = null;

  constructor(memory: PipelineMemory, stages: readonly Stage[], onError: (error: Error) => void) {
    this.#stages = stages;
    this.#bell = new Doorbell(memory, Bell.gateway);
    this.#onError = onError;
  }

  start(): void {
    this.#running = true;
    this.#turn = this.#run().catch((error: unknown) => {
      this.#running = false;
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** Looks at the rings at once: after inbound messages, which often find work done meanwhile. */
  poke(): void {
    if (this.#running) this.round();
  }

  /** One round over all stages; the work done. Also for callers that wait for the rings. */
  round(): number {
    let work = 0;
    for (const stage of this.#stages) work += stage.doWork();
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
      if (work > 0) {
        await nextTurn();
        continue;
      }
      this.#bell.arm();
      if (this.round() === 0 && this.#running) await this.#bell.waitAsync(MAX_SLEEP_MS);
      this.#bell.disarm();
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
