import {
  ControlWord,
  DiskState,
  type PipelineMemory,
} from "../../protocol/rings/pipeline-memory.ts";
import type { Stage } from "../../protocol/stage.ts";
import type { Disk } from "../journal/disk.ts";

const LOOK_EVERY_MS = 500;

/** Says when the disk is low on space: new orders are then refused, cancels pass. */
export class DiskSpaceStage implements Stage {
  readonly name = "diskSpace";
  readonly #control: Int32Array;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #lowBytes: number;
  readonly #nowMs: () => number;
  #lookAtMs = 0;

  /** lowBytes: below so many free bytes the disk is low; 0: never. */
  constructor(
    memory: PipelineMemory,
    disk: Disk,
    directory: string,
    lowBytes: number,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#control = new Int32Array(memory.control);
    this.#disk = disk;
    this.#directory = directory;
    this.#lowBytes = lowBytes;
    this.#nowMs = nowMs;
  }

  doWork(): number {
    const now = this.#nowMs();
    if (now < this.#lookAtMs || this.#lowBytes === 0) return 0;
    this.#lookAtMs = now + LOOK_EVERY_MS;
    const isLow = this.#disk.freeBytes(this.#directory) < this.#lowBytes;
    Atomics.store(this.#control, ControlWord.disk, isLow ? DiskState.low : DiskState.fine);
    return 0;
  }
}
