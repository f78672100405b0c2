// Hot path: no allocation here.
import {
  ControlWord,
  type PipelineMemory,
  workerWord,
} from "../../protocol/rings/pipeline-memory.ts";

/** A risk worker has a successor and must not write any more. */
export class FencedError extends Error {
  readonly code = "fenced";
}

/**
 * Keeps a risk worker that hung, and comes to, from writing after its successor. The main thread ends
 * a thread before it starts the next one; this holds even if that should not have worked.
 */
export class Fence {
  readonly #control: Int32Array;
  readonly #word: number;
  readonly #generation: number;

  /** For the worker's present start. */
  constructor(memory: PipelineMemory, worker: number) {
    this.#control = new Int32Array(memory.control);
    this.#word = workerWord(ControlWord.riskGeneration, worker);
    this.#generation = Atomics.load(this.#control, this.#word);
  }

  /** Before anything is written. Throws a FencedError. */
  check(): void {
    if (Atomics.load(this.#control, this.#word) !== this.#generation) {
      throw new FencedError("risk: another worker has taken over");
    }
  }

  /** Release, unless somebody else has moved it. Throws a FencedError. */
  moveCursor(word: number, from: number, to: number): void {
    this.check();
    if (Atomics.compareExchange(this.#control, word, from | 0, to | 0) !== (from | 0)) {
      throw new FencedError("risk: another worker has moved the cursor");
    }
  }
}
