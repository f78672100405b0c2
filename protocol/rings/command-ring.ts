// Hot path: no allocation here.
import { ControlWord, type PipelineMemory, RECORD_BYTES, workerWord } from "./pipeline-memory.ts";

/**
 * The ring of commands. The slot of a command is given by its seq, and the slot's seq is the
 * command's place in history. The sequencer writes a slot, the command's risk worker writes its
 * verdict into it, the journal and the engine read it; nobody copies it. Each stage publishes its
 * own cursor in the control block (ControlWord) with a release store.
 */
export class CommandRing {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly slotCount: number;
  readonly slotBytes = RECORD_BYTES;
  readonly #mask: number;
  readonly #control: Int32Array;
  readonly #riskWorkers: number;
  // The slowest of the stages that free a slot, when last looked at.
  #freedUpTo: number;

  constructor(memory: PipelineMemory) {
    this.view = new DataView(memory.commands);
    this.bytes = new Uint8Array(memory.commands);
    this.slotCount = memory.commands.byteLength / RECORD_BYTES;
    this.#mask = this.slotCount - 1;
    this.#control = new Int32Array(memory.control);
    this.#riskWorkers = memory.riskWorkers;
    // Not 0: after a restart the cursors may stand anywhere.
    this.#freedUpTo = this.#slowest(Atomics.load(this.#control, ControlWord.matched));
  }

  /** Byte offset of the slot of `seq` (only its low 32 bits count). */
  offsetOf(seq: number): number {
    return (seq & this.#mask) * RECORD_BYTES;
  }

  /**
   * Sequencer only. Slots that may be written beyond `lastSeq` without overtaking a reader; 0 means
   * full: the caller applies back-pressure and never drops.
   */
  free(lastSeq: number): number {
    const low = lastSeq | 0;
    let free = this.slotCount - ((low - this.#freedUpTo) | 0);
    // More than all: the cursors were set far ahead (recovery) since we last looked.
    if (free < this.slotCount >> 1 || free > this.slotCount) {
      // Acquire. Stale values are safe: the ring only looks fuller.
      this.#freedUpTo = this.#slowest(low);
      free = this.slotCount - ((low - this.#freedUpTo) | 0);
    }
    return free;
  }

  #slowest(low: number): number {
    let lag = (low - Atomics.load(this.#control, ControlWord.matched)) | 0;
    const journalLag = (low - Atomics.load(this.#control, ControlWord.journaled)) | 0;
    if (journalLag > lag) lag = journalLag;
    return (low - lag) | 0;
  }

  /** Sequencer only. Release: publishes all slots up to `seq`. */
  publish(seq: number): void {
    Atomics.store(this.#control, ControlWord.published, seq | 0);
  }

  /** Acquire: low 32 bits of the last seq that all risk workers have passed. */
  checked(): number {
    let slowest = Atomics.load(this.#control, ControlWord.riskChecked);
    for (let worker = 1; worker < this.#riskWorkers; worker++) {
      const cursor = Atomics.load(this.#control, workerWord(ControlWord.riskChecked, worker));
      if (((cursor - slowest) | 0) < 0) slowest = cursor;
    }
    return slowest;
  }
}
