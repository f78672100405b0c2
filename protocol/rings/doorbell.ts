import { ControlWord, type PipelineMemory, WORDS_PER_LINE } from "./pipeline-memory.ts";

const AWAKE = 0;
const ASLEEP = 1;

/**
 * Wakes one sleeping thread. The sleeper arms the bell, looks once more for work, then waits; a
 * producer publishes its cursor first and rings after. Atomics are sequentially consistent, so one
 * of the two sees the other: no wake-up is lost. Every wait has a time limit all the same, since a
 * producer that dies rings nobody.
 */
export class Doorbell {
  readonly #control: Int32Array;
  readonly #word: number;

  constructor(memory: PipelineMemory, bell: number) {
    this.#control = new Int32Array(memory.control);
    this.#word = ControlWord.bells + bell * WORDS_PER_LINE;
  }

  /** Any thread, after publishing. One load while the sleeper is awake; a system call otherwise. */
  ring(): void {
    if (Atomics.load(this.#control, this.#word) !== AWAKE) {
      Atomics.store(this.#control, this.#word, AWAKE);
      Atomics.notify(this.#control, this.#word);
    }
  }

  /** Sleeper only: from now on producers ring. Look for work again before waiting. */
  arm(): void {
    Atomics.store(this.#control, this.#word, ASLEEP);
  }

  disarm(): void {
    Atomics.store(this.#control, this.#word, AWAKE);
  }

  /** Sleeper only, not on the main thread's event loop. */
  wait(timeoutMs: number): void {
    Atomics.wait(this.#control, this.#word, ASLEEP, timeoutMs);
    Atomics.store(this.#control, this.#word, AWAKE);
  }

  /** Sleeper only: as `wait`, for a thread with an event loop. Does not keep the process alive. */
  waitAsync(timeoutMs: number): Promise<unknown> | null {
    const result = Atomics.waitAsync(this.#control, this.#word, ASLEEP, timeoutMs);
    return result.async ? result.value : null;
  }
}
