import type { Messenger } from "../messages/messenger.ts";
import { sayCompleted } from "./session-voice.ts";

/**
 * A session's commands that may do well without an event (a mass cancel with nothing open): once all
 * has been said about them and there was none, the client is told that they are complete.
 */
export class SilentCommands {
  /** Seq and requestId in turn, in order. */
  readonly #waiting: number[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(seq: number, requestId: number): void {
    this.#waiting.push(seq, requestId);
  }

  /** An event of a command: it speaks for it. */
  onEvent(view: DataView, offset: number): void {
    const seqLow = view.getUint32(offset + 8, true);
    for (let i = 0; i < this.#waiting.length; i += 2) {
      if ((this.#waiting[i] as number) >>> 0 !== seqLow) continue;
      this.#waiting.splice(i, 2);
      return;
    }
  }

  /** Every event up to seq has been given. True: something was said. */
  onComplete(seq: number, messenger: Messenger): boolean {
    let said = false;
    while (this.#waiting.length > 0 && (this.#waiting[0] as number) <= seq) {
      const [doneSeq, requestId] = this.#waiting.splice(0, 2) as [number, number];
      sayCompleted(messenger, doneSeq, requestId);
      said = true;
    }
    return said;
  }
}
