import type { Sequencer } from "../../engine/sequencer.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { OpenSessions } from "./snapshot/open-sessions.ts";

/** Journaled commands in order; `view` and `offset` are valid until the next call of `next`. */
export interface CommandSource {
  next(): boolean;
  readonly view: DataView;
  readonly offset: number;
  readonly length: number;
}

/** Napping costs less than spinning while the engine works through a full ring. */
const NAP_MS = 0.2;
/** How long the event loop may wait for its turn. */
const TURN_MS = 20;

/**
 * Plays the sequencer from the journal: puts the commands with their verdicts into the ring, as fast
 * as the stages take them, and keeps the main thread's own stages going meanwhile.
 */
export class RecoveryFeed {
  /** Sessions that a crash has cut off. */
  readonly openSessions: OpenSessions;
  readonly #sequencer: Sequencer;
  readonly #mainRound: () => number;
  readonly #onCommand: (header: CommandHeader) => void;
  readonly #header = new CommandHeader();
  readonly #napWord = new Int32Array(new SharedArrayBuffer(4));

  constructor(
    sequencer: Sequencer,
    mainRound: () => number,
    onCommand: (header: CommandHeader) => void,
    openSessions = new OpenSessions(),
  ) {
    this.#sequencer = sequencer;
    this.openSessions = openSessions;
    this.#mainRound = mainRound;
    this.#onCommand = onCommand;
  }

  /**
   * Feeds everything; returns the number of commands. The event loop gets its turn now and then, also
   * while the ring is full: the tasks of risk workers are handed out there, and the death of a thread
   * is heard there. onProgress comes before each turn, and may throw to end it all.
   */
  async run(source: CommandSource, onProgress: (count: number) => void): Promise<number> {
    let count = 0;
    let turnEnds = performance.now() + TURN_MS;
    const takeTurn = async () => {
      onProgress(count);
      await new Promise((resolve) => setImmediate(resolve));
      turnEnds = performance.now() + TURN_MS;
    };
    while (source.next()) {
      while (this.#sequencer.free() === 0) {
        if (this.#mainRound() === 0) Atomics.wait(this.#napWord, 0, 0, NAP_MS);
        if (performance.now() > turnEnds) await takeTurn();
      }
      this.#header.wrap(source.view, source.offset);
      this.openSessions.onCommand(source.view, source.offset);
      this.#onCommand(this.#header);
      this.#sequencer.replay(source.view, source.offset, source.length);
      count++;
      if ((count & 255) === 0) {
        this.#mainRound();
        if (performance.now() > turnEnds) await takeTurn();
      }
    }
    return count;
  }
}
