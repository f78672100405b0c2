import { MASS_CANCEL_LENGTH, MassCancel } from "../../protocol/generated/commands.ts";
import { Verdict } from "../../protocol/generated/enums.ts";
import { CommandHeader } from "../../protocol/generated/headers.ts";
import { RECORD_BYTES } from "../../protocol/rings/pipeline-memory.ts";
import { MAX_COMMAND_BYTES } from "../load/flow.ts";
import type { Workload } from "./workload.ts";

/** What places in memory are counted with. */
const MOST_BYTES = 2 ** 31 - 8;

/** Lays records side by side and gives each its seq, time and verdict. */
export class CommandBuilder {
  count = 0;
  #bytes: Buffer;
  #view: DataView;
  #end = 0;
  readonly #offsets: Uint32Array;
  readonly #sourceOffsets: Float64Array;
  readonly #accounts = new Set<number>();
  readonly #header = new CommandHeader();

  constructor(mostCommands: number) {
    this.#offsets = new Uint32Array(mostCommands);
    this.#sourceOffsets = new Float64Array(mostCommands);
    const bytes = Math.min(MOST_BYTES, (mostCommands >> 1) * MAX_COMMAND_BYTES);
    this.#bytes = Buffer.alloc(Math.max(RECORD_BYTES, bytes));
    this.#view = viewOf(this.#bytes);
  }

  /** Returns where the record is. */
  #append(encode: (view: DataView, offset: number) => number): number {
    if (this.#bytes.length - this.#end < RECORD_BYTES) {
      const more = Math.min(this.#bytes.length >> 1, MOST_BYTES - this.#bytes.length);
      if (more < RECORD_BYTES) throw new RangeError("a workload holds at most 2 GiB of commands");
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(more)]);
      this.#view = viewOf(this.#bytes);
    }
    const offset = this.#end;
    this.#end += encode(this.#view, offset);
    return offset;
  }

  add(sourceOffset: number, encode: (view: DataView, offset: number) => number): void {
    const offset = this.#append(encode);
    this.#header.wrap(this.#view, offset);
    this.#offsets[this.count] = offset;
    this.#sourceOffsets[this.count] = sourceOffset;
    this.count++;
    this.#accounts.add(this.#header.account);
    this.#header.seq = this.count;
    this.#header.timestampUs = this.count; // as `crossbook run` has it, so that events are the same
    this.#header.verdict = Verdict.passed;
  }

  build(
    name: string,
  ): Pick<Workload, "name" | "view" | "offsets" | "count" | "massCancels" | "sourceOffsets"> {
    const { count } = this;
    const massCancel = new MassCancel();
    const massCancels = [...this.#accounts].map((account) =>
      this.#append((view, offset) => {
        massCancel.wrap(view, offset);
        massCancel.clear();
        massCancel.account = account;
        massCancel.verdict = Verdict.passed;
        return MASS_CANCEL_LENGTH;
      }),
    );
    return {
      name,
      massCancels,
      view: this.#view,
      offsets: this.#offsets.subarray(0, count),
      count,
      sourceOffsets: this.#sourceOffsets.subarray(0, count),
    };
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
