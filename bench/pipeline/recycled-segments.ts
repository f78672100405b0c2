import fs from "node:fs";
import path from "node:path";
import type { ZeroFiller } from "../../engine/journal/block-output.ts";

const ZEROS_BYTES = 1 << 20;
/** The segment that is written, and the one before it. */
const KEPT = 2;
const READY = 2;

/**
 * Bench only: instead of laying out a new segment it gives the writer the oldest one, under the name
 * of a new one. The file is on the disk already, so writing to it costs what a file costs that was
 * laid out long ago, and a run of minutes needs no more room than one of seconds. What is left is no
 * journal that could be read: old blocks stand behind new ones.
 */
export class RecycledSegments implements ZeroFiller {
  filledBytes = 0;
  readonly #segments: string;
  readonly #ready: string[] = [];

  /** segments: the journal's directory. The first files are laid out here, before the writer opens. */
  constructor(segments: string, segmentBytes: number) {
    this.#segments = segments;
    const zeros = Buffer.alloc(ZEROS_BYTES);
    for (let i = 0; i < READY; i++) {
      const file = path.join(path.dirname(segments), `laid-out-${i}.tmp`);
      const descriptor = fs.openSync(file, "wx");
      for (let at = 0; at < segmentBytes; at += ZEROS_BYTES) {
        const written = fs.writeSync(descriptor, zeros, 0, ZEROS_BYTES, at);
        if (written !== ZEROS_BYTES) throw new Error("the disk is full"); // Node reports it as a short count
      }
      fs.fdatasyncSync(descriptor);
      fs.closeSync(descriptor);
      this.#ready.push(file);
    }
  }

  fill(file: string, bytes: number): void {
    if (this.filledBytes > 0) return;
    const from = this.#ready.shift() ?? this.#oldest();
    if (from === undefined || fs.statSync(from).size !== bytes) return;
    fs.renameSync(from, file);
    this.filledBytes = bytes;
  }

  release(): number {
    const bytes = this.filledBytes;
    this.filledBytes = 0;
    return bytes;
  }

  #oldest(): string | undefined {
    const names = fs
      .readdirSync(this.#segments)
      .filter((name) => /^\d+\./.test(name))
      .sort();
    const [oldest] = names;
    return oldest === undefined || names.length <= KEPT
      ? undefined
      : path.join(this.#segments, oldest);
  }
}
